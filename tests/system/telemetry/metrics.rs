//! Metrics of a process that serves, and after everybody has gone.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use runbus::config::Secret;
use runbus_gateway::auth::config::ApiKey;
use runbus_gateway::auth::{self, api_key};
use serde_json::json;

use super::process::{Process, free, http, ready};
use crate::backends;
use crate::client::{self, Client, PATIENCE, config, secured};

/// Samples by name and labels.
type Samples = BTreeMap<String, f64>;

async fn scrape(address: SocketAddr) -> (Samples, Vec<String>) {
    let answer = http().get(format!("http://{address}/metrics")).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], runbus::metrics::CONTENT_TYPE);
    let text = answer.text().await.unwrap();
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let samples = samples.map(|line| line.rsplit_once(' ').unwrap());
    let samples = samples.map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect();
    let gauges = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" gauge"));
    (samples, gauges.map(str::to_owned).collect())
}

/// The held resources: gauges that are not zero, without those that last as long as the process.
async fn held(address: SocketAddr) -> Samples {
    let standing = [
        "process_",
        "runbus_worker_concurrency",
        "runbus_gateway_max_connections",
        "runbus_nats_connections",
        "runbus_log_followers",
    ];
    let (samples, gauges) = scrape(address).await;
    let is_gauge = |name: &str| gauges.iter().any(|gauge| name.split('{').next() == Some(gauge));
    samples
        .into_iter()
        .filter(|(name, value)| {
            *value != 0.0 && is_gauge(name) && !standing.iter().any(|known| name.starts_with(known))
        })
        .collect()
}

async fn start(address: SocketAddr, id: &str) {
    let body = json!({ "definition": "council", "execution_id": id, "input": "Explain a log." }).to_string();
    let answer = http()
        .post(format!("http://{address}/v1/executions"))
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await
        .unwrap();
    assert!(answer.status().is_success());
}

async fn keeps_lists(address: SocketAddr) -> bool {
    let answer = http().get(format!("http://{address}/v1/executions")).send().await.unwrap();
    answer.json::<serde_json::Value>().await.unwrap()["complete"] == true
}

#[tokio::test(flavor = "multi_thread")]
async fn gauges_settle_to_zero_after_churn() {
    let dir = tempfile::tempdir().unwrap();
    let (gateway, metrics) = (free(), free());
    let settings = [
        ("gateway.listen", gateway.to_string()),
        ("telemetry.metrics_listen", metrics.to_string()),
        ("model.provider", "scripted".into()),
        ("model.scripted_pace_ms", "200".into()),
    ];
    let mut process = Process::start(dir.path(), &["dev", "--idle"], &settings);
    ready(&http(), &format!("http://{gateway}/readyz")).await;
    ready(&http(), &format!("http://{metrics}/metrics")).await;
    // The one that keeps the lists reads the log from now on.
    client::until("the lists are kept", async || keeps_lists(gateway).await).await;
    let before = scrape(metrics).await.0["runbus_log_followers"];

    for round in 0..3 {
        let ids: Vec<String> = (0..4).map(|n| format!("churn-{round}-{n}")).collect();
        let mut clients = Vec::new();
        for id in &ids {
            start(gateway, id).await;
            for _ in 0..5 {
                let mut client = Client::connect(gateway).await;
                for (name, filter) in [("one", json!({ "execution_id": id })), ("all", json!({}))] {
                    let ask = json!({ "type": "subscribe", "id": name, "filter": filter, "since": "all" });
                    client.say(&ask).await;
                }
                clients.push(client);
            }
        }
        let mut streams = Vec::new();
        for id in &ids {
            let url = format!("http://{gateway}/v1/executions/{id}/events/stream?since=all");
            let mut body = http().get(url).send().await.unwrap().bytes_stream();
            body.next().await.unwrap().unwrap();
            streams.push(body);
        }
        // Monitors, over both transports.
        for path in ["monitor/stream".to_owned(), format!("monitor/{}/stream", ids[0])] {
            let answer = http().get(format!("http://{gateway}/v1/{path}")).send().await.unwrap();
            let mut body = answer.bytes_stream();
            body.next().await.unwrap().unwrap();
            streams.push(body);
        }
        for client in &mut clients[..3] {
            client.say(&json!({ "type": "monitor", "id": "monitor" })).await;
        }
        let url = format!("http://{gateway}/v1/executions/{}/events?since=new&wait_ms=50000", ids[0]);
        let waiting = tokio::spawn(async move { http().get(url).send().await });
        // Everything is at work.
        until(metrics, |held| {
            held.get("runbus_gateway_connections{transport=\"ws\"}") == Some(&20.0)
                && held.get("runbus_gateway_connections{transport=\"sse\"}") == Some(&6.0)
                && held.get("runbus_gateway_monitors") == Some(&5.0)
                && held.contains_key("runbus_gateway_hubs")
                && held.contains_key("runbus_gateway_ring_bytes")
                && held.get("runbus_gateway_subscriptions").is_some_and(|n| *n >= 40.0)
                && held.get("runbus_worker_sessions") == Some(&4.0)
                && held.contains_key("runbus_worker_model_calls_running")
        })
        .await;
        // Some go in order, most are cut off in the middle.
        for (n, mut client) in clients.into_iter().enumerate() {
            if n % 4 == 0 {
                client.say(&json!({ "type": "unsubscribe", "id": "one" })).await;
            }
            drop(client);
        }
        drop(streams);
        waiting.abort();
        for id in &ids {
            let url = format!("http://{gateway}/v1/executions/{id}/cancel");
            assert!(
                http()
                    .post(url)
                    .header("content-type", "application/json")
                    .body("{}")
                    .send()
                    .await
                    .unwrap()
                    .status()
                    .is_success()
            );
        }
    }
    until(metrics, Samples::is_empty).await;
    let left = async || scrape(metrics).await.0["runbus_log_followers"] > before;
    client::until("no reader of the log is left", async || !left().await).await;

    let (samples, _) = scrape(metrics).await;
    let at_least = |name: &str, least: f64| assert!(samples[name] >= least, "{name}: {}", samples[name]);
    at_least("runbus_gateway_deliveries_total{transport=\"ws\"}", 40.0);
    at_least("runbus_gateway_delivered_bytes_total{transport=\"sse\"}", 400.0);
    at_least("runbus_gateway_delivery_latency_seconds_count{transport=\"ws\"}", 1.0);
    at_least("runbus_log_appended_lines_total{lane=\"journal\"}", 24.0);
    at_least("runbus_log_append_latency_seconds_count{lane=\"events\"}", 24.0);
    at_least("runbus_worker_claims_total{outcome=\"ok\"}", 12.0);
    at_least("runbus_worker_executions_ended_total{outcome=\"error\"}", 12.0);
    at_least("runbus_worker_model_calls_total{outcome=\"dropped\"}", 1.0);
    at_least("process_resident_memory_bytes", 1e6);
    // The same on the gateway's own address: nobody is asked who they are here.
    assert_eq!(scrape(gateway).await.0["runbus_worker_executions_started_total"], 12.0);
    process.end().await;
}

/// Waits until what is held is as wanted.
async fn until(address: SocketAddr, wanted: impl Fn(&Samples) -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let held = held(address).await;
        if wanted(&held) {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "held: {held:#?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn key(scope: &str) -> (Secret, ApiKey) {
    let key = api_key::generate().unwrap();
    let sha256 = api_key::hash(&key.reveal());
    (key, ApiKey { sha256, scopes: vec![scope.parse().unwrap()], expires_at: None })
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_need_a_permission_of_their_own() {
    let ((reader, all), (prometheus, metrics)) = (key("*"), key("metrics"));
    let api_keys = [("reader".into(), all), ("prometheus".into(), metrics)].into();
    let auth = auth::Config { mode: auth::config::Mode::Required, api_keys, ..auth::Config::default() };
    let backend = backends::embedded();
    let served = secured(&backend, config(), auth).await;
    let ask = async |path: &str, key: &str| {
        let asking = http().get(format!("http://{}{path}", served.address));
        asking.bearer_auth(key).send().await.unwrap().status().as_u16()
    };
    let open = http().get(format!("http://{}/metrics", served.address)).send().await.unwrap();
    assert_eq!(open.status(), 401);
    assert_eq!(ask("/metrics", "wrong").await, 401);
    assert_eq!(ask("/metrics", &*reader.reveal()).await, 403);
    assert_eq!(ask("/metrics", &*prometheus.reveal()).await, 200);
    assert_eq!(ask("/v1/events", &*prometheus.reveal()).await, 403);
}
