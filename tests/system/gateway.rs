//! The gateway: joining, resuming on another one, slow readers, bad input, REST, drain.

use std::time::Duration;

use runbus::event::family::custom::Custom;
use runbus::event::family::model::TextDelta;
use runbus::event::{Event, Source};
use runbus::id::{ExecutionId, StreamId};
use runbus::time::Clock;
use runbus_gateway::Config;
use serde_json::{Value, json};

use crate::backends;
use crate::client::{Client, config, follow, gateway};

fn delta(execution: &str, n: usize) -> Event {
    let source =
        Source::execution(StreamId::new("s").unwrap(), ExecutionId::new(execution).unwrap(), Clock::System);
    source.llm_text_delta(TextDelta { content: n.to_string(), snapshot: None })
}

fn contents(events: &[Value]) -> Vec<usize> {
    events.iter().map(|event| event["data"]["content"].as_str().unwrap().parse().unwrap()).collect()
}

/// Clients join while events are published, with small rings and buffers so that they fall out of them, and hop between
/// two gateways: each sees everything once, in order.
#[tokio::test(flavor = "multi_thread")]
async fn clients_that_join_anywhere_and_hop_miss_nothing() {
    const EVENTS: usize = 3000;
    const LAST: &str = "2999";
    for backend in backends::all().await {
        let small = Config { hub_buffer_bytes: 65_536, client_buffer_bytes: 16_384, ..config() };
        let (one, two) = (gateway(&backend, small.clone()).await, gateway(&backend, small).await);
        let publisher = {
            let bus = backend.bus();
            tokio::spawn(async move {
                for n in 0..EVENTS {
                    bus.publish(delta("e", n)).await.unwrap();
                }
            })
        };
        let mut clients = Vec::new();
        for n in 0..8 {
            let gateways = if n % 2 == 0 { [one.address, two.address] } else { [two.address, one.address] };
            let filter = match n % 3 {
                0 => json!({ "execution_id": "e" }),
                1 => json!({ "stream_id": "s" }),
                _ => json!({ "types": ["llm_text_delta"] }),
            };
            clients.push(tokio::spawn(async move {
                let (mut all, mut since) = (Vec::new(), json!("all"));
                while all.len() < EVENTS {
                    let mut left = (n + 1) * 97;
                    let events = follow(&gateways, &filter, since.clone(), |event| {
                        left -= 1;
                        left == 0 || event["data"]["content"].as_str() == Some(LAST)
                    })
                    .await;
                    since = json!({ "cursor": events.last().unwrap()["cursor"] });
                    all.extend(contents(&events));
                }
                let wrong = all.iter().zip(0..).find(|(found, wanted)| **found != *wanted);
                assert_eq!((wrong, all.len()), (None, EVENTS), "client {n}");
            }));
        }
        publisher.await.unwrap();
        for client in clients {
            client.await.unwrap();
        }
        for served in [one, two] {
            served.drain.cancel();
            served.task.await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_messages_get_typed_errors_and_the_connection_stays() {
    let backend = backends::embedded();
    let served = gateway(&backend, Config { max_subscriptions: 2, ..config() }).await;
    let mut client = Client::connect(served.address).await;
    for (text, code, path) in [
        ("{", "invalid_json", None),
        (r#"{"type":"fly"}"#, "unknown_command", None),
        (
            r#"{"type":"subscribe","id":"a","filter":{"node_id":7}}"#,
            "invalid_argument",
            Some("filter.node_id"),
        ),
        (
            r#"{"type":"subscribe","id":"a","since":{"cursor":"AAAA"}}"#,
            "invalid_argument",
            Some("since.cursor"),
        ),
        (r#"{"type":"unsubscribe","id":"a"}"#, "not_found", Some("id")),
    ] {
        client.say_text(text).await;
        let answer = client.message().await.unwrap();
        assert_eq!(
            (answer["type"].as_str(), answer["code"].as_str()),
            (Some("error"), Some(code)),
            "{answer}"
        );
        assert_eq!(answer["path"].as_str(), path, "{answer}");
    }
    client.say(&json!({ "type": "ping", "nonce": "7" })).await;
    assert_eq!(client.message().await.unwrap(), json!({ "type": "pong", "nonce": "7" }));

    for id in ["a", "b", "a", "c"] {
        client.say(&json!({ "type": "subscribe", "id": id, "filter": { "execution_id": "nobody" } })).await;
    }
    let mut codes = Vec::new();
    while codes.len() < 4 {
        let answer = client.message().await.unwrap();
        if answer["type"] != "caught_up" {
            codes.push(answer["code"].as_str().unwrap_or("subscribed").to_owned());
        }
    }
    assert_eq!(codes, ["subscribed", "subscribed", "conflict", "limit_exceeded"]);
    client.say_text(&"x".repeat(70_000)).await;
    assert_eq!(client.closed().await, Some(4500));
    served.drain.cancel();
    served.task.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_another_log_gets_a_gap_and_goes_on() {
    let backend = backends::embedded();
    let other = backends::embedded();
    for n in 0..3 {
        backend.bus().publish(delta("e", n)).await.unwrap();
        other.bus().publish(delta("e", n)).await.unwrap();
    }
    let (here, there) = (gateway(&backend, config()).await, gateway(&other, config()).await);
    let filter = json!({ "execution_id": "e" });
    let mut left = 2;
    let events = follow(&[there.address], &filter, json!("all"), |_| {
        left -= 1;
        left == 0
    })
    .await;
    let mut client = Client::connect(here.address).await;
    client.subscribe(filter, json!({ "cursor": events[1]["cursor"] })).await;
    let gap = client.message().await.unwrap();
    assert_eq!((gap["type"].as_str(), gap["reason"].as_str()), (Some("gap"), Some("recreated")), "{gap}");
    assert!(gap["requested"].is_string() && gap["first_available"].is_string());
    // In one message, or as the log gave them.
    let mut found = Vec::new();
    while found.len() < 3 {
        let message = client.message().await.unwrap();
        found.extend(contents(message["events"].as_array().unwrap()));
    }
    assert_eq!(found, [0, 1, 2]);
}

/// A client that does not read holds up nobody, and gets everything once it reads.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_client_costs_the_others_nothing_and_loses_nothing() {
    const EVENTS: usize = 1500;
    const LAST: &str = "1499";
    let backend = backends::embedded();
    let small = Config {
        hub_buffer_bytes: 65_536,
        client_buffer_bytes: 16_384,
        write_timeout_ms: 120_000,
        ..config()
    };
    let served = gateway(&backend, small).await;
    let filter = json!({ "execution_id": "e" });
    let mut slow = Client::connect(served.address).await;
    slow.subscribe(filter.clone(), json!("all")).await;
    let source =
        Source::execution(StreamId::new("s").unwrap(), ExecutionId::new("e").unwrap(), Clock::System);
    // More than sockets, buffers and ring can hold together.
    let pad = "x".repeat(8_000);
    let bus = backend.bus();
    let events: Vec<Event> = (0..EVENTS)
        .map(|n| source.llm_text_delta(TextDelta { content: n.to_string(), snapshot: Some(pad.clone()) }))
        .collect();
    for answer in bus.publish_batch(events).await.unwrap() {
        answer.unwrap();
    }
    let last = |event: &Value| event["data"]["content"].as_str() == Some(LAST);
    let fast = follow(&[served.address], &filter, json!("all"), last).await;
    assert_eq!(contents(&fast), (0..EVENTS).collect::<Vec<_>>());
    let mut seen = Vec::new();
    while seen.len() < EVENTS {
        let message = slow.message().await.expect("the slow client is kept");
        if message["type"] == "events" {
            seen.extend(contents(message["events"].as_array().unwrap()));
        }
    }
    assert_eq!(seen, (0..EVENTS).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn rest_answers_with_codes_and_shapes() {
    let backend = backends::embedded();
    let served = gateway(&backend, config()).await;
    runbus::tls::install();
    let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap();
    let url = |path: &str| format!("http://{}{path}", served.address);
    let get = async |path: &str| {
        let answer = http.get(url(path)).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    assert_eq!(get("/healthz").await.0, 200);
    assert_eq!(
        get("/readyz").await,
        (200, json!({ "status": "ready", "checks": { "log": "ok", "queue": "ok", "store": "ok" } }))
    );
    let start = async |body: &str| {
        let answer = http
            .post(url("/v1/executions"))
            .header("content-type", "application/json")
            .body(body.to_owned())
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let body = r#"{"definition":"council","execution_id":"a b/ü","input":{"topic":"x"}}"#;
    let (status, started) = start(body).await;
    assert_eq!((status, &started["created"], &started["session_id"]), (201, &json!(true), &json!("a b/ü")));
    assert_eq!(start(body).await.0, 200);
    let (status, known) = get("/v1/executions/a%20b%2F%C3%BC").await;
    assert_eq!((status, &known["status"]), (200, &json!("queued")));
    for (answer, status, code) in [
        (get("/v1/executions/nobody").await, 404, "not_found"),
        (get("/v1/nothing").await, 404, "not_found"),
        (get("/v1/events?limit=0").await, 400, "invalid_argument"),
        (get("/v1/events?colour=red").await, 400, "invalid_argument"),
        (start("{").await, 400, "invalid_argument"),
        (start(r#"{"definition":""}"#).await, 400, "invalid_argument"),
        (start(r#"{"definition":"x","execution_id":""}"#).await, 400, "invalid_argument"),
        (start(r#"{"definition":"x","colour":1}"#).await, 400, "invalid_argument"),
    ] {
        assert_eq!((answer.0, answer.1["error"]["code"].as_str()), (status, Some(code)), "{answer:?}");
    }
    let page = http.get(url("/v1/stats")).header("origin", "https://evil.example").send().await.unwrap();
    assert_eq!(page.status().as_u16(), 403);
    backend.bus().publish(delta("h", 7)).await.unwrap();
    let source =
        Source::execution(StreamId::new("s").unwrap(), ExecutionId::new("h").unwrap(), Clock::System);
    backend.bus().publish(source.custom(Custom::default())).await.unwrap();
    let (_, page) = get("/v1/events?execution_id=h&order=oldest&limit=1").await;
    assert_eq!(contents(page["events"].as_array().unwrap()), [7]);
    let (_, page) =
        get(&format!("/v1/events?execution_id=h&order=oldest&cursor={}", page["next"].as_str().unwrap()))
            .await;
    assert_eq!((page["events"][0]["type"].as_str(), &page["next"]), (Some("custom"), &Value::Null));
    let (_, stats) = get("/v1/stats").await;
    assert_eq!(stats["events"], 3);

    // Draining: clients are asked to come back elsewhere.
    let mut client = Client::connect(served.address).await;
    served.drain.cancel();
    assert_eq!(client.closed().await, Some(4000));
    served.task.await.unwrap();
}

#[tokio::test]
async fn bad_configuration_binds_nothing() {
    let backend = backends::embedded();
    for wrong in [
        Config { listen: "0.0.0.0:0".parse().unwrap(), ..config() },
        Config { max_subscriptions: 0, ..config() },
        Config { idle_timeout_ms: 1000, ping_interval_ms: 2000, ..config() },
    ] {
        let error = runbus_gateway::Gateway::bind(wrong, backend.control()).await.unwrap_err().to_string();
        assert!(error.starts_with("gateway."), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undecodable_line_is_delivered_as_such_and_the_reader_goes_on() {
    use runbus::id::EventId;
    use runbus::log::{Expect, Frame};
    for backend in backends::all().await {
        let event = delta("e", 1);
        let topic = runbus::subject::Topic::Events {
            stream: event.stream_id.clone(),
            node: None,
            execution: event.execution_id.clone(),
        };
        let frame = Frame::open(&[bytes::Bytes::from_static(b"no json \xff")]);
        backend.log.append(&topic, &frame, Expect::Open(EventId::generate())).await.unwrap();
        backend.bus().publish(event).await.unwrap();
        let served = gateway(&backend, config()).await;
        let mut client = Client::connect(served.address).await;
        client.subscribe(json!({ "execution_id": "e" }), json!("all")).await;
        let message = client.message().await.unwrap();
        assert_eq!(message["type"], "undecodable", "{} {message}", backend.name);
        assert!(message["cursor"].is_string() && message["reason"].is_string());
        assert!(message["line"].as_str().unwrap().starts_with("no json"));
        let message = client.message().await.unwrap();
        assert_eq!(contents(message["events"].as_array().unwrap()), [1]);
        assert_eq!(backend.bus().stats().await.unwrap().undecodable, 1);
    }
}

/// The store goes away: degraded, and it says so; the bus goes on. The broker goes away: not ready.
#[tokio::test(flavor = "multi_thread")]
async fn readiness_names_the_missing_part() {
    use runbus::adapters::{nats, redis};
    let mut broker = nats::testing::Server::start();
    let mut store = redis::testing::Server::start();
    let nats = nats::Nats::connect(broker.config()).await.unwrap();
    crate::backends::ready(&nats).await;
    let redis = redis::Redis::new(&store.config()).unwrap();
    let bus = runbus::bus::Bus::new(nats.log(), std::sync::Arc::new(redis));
    let control = runbus::control::Control::new(bus.clone(), nats.queue(), Clock::System);
    let served = runbus_gateway::Gateway::bind(config(), control).await.unwrap();
    let url = format!("http://{}/readyz", served.address());
    let stop = tokio_util::sync::CancellationToken::new();
    tokio::spawn(served.run(stop.clone(), stop.clone()));
    runbus::tls::install();
    let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap();
    let until = async |wanted: &dyn Fn(u16, &Value) -> bool| {
        let deadline = tokio::time::Instant::now() + crate::client::PATIENCE;
        loop {
            let answer = http.get(&url).send().await.unwrap();
            let status = answer.status().as_u16();
            let body: Value = answer.json().await.unwrap();
            if wanted(status, &body) {
                return;
            }
            assert!(tokio::time::Instant::now() < deadline, "{status} {body}");
        }
    };
    until(&|status, _| status == 200).await;
    store.kill();
    until(&|status, body| {
        status == 200
            && body["status"] == "degraded"
            && body["checks"]["store"] != "ok"
            && body["checks"]["log"] == "ok"
    })
    .await;
    bus.publish(delta("e", 1)).await.unwrap();
    store.restart();
    until(&|_, body| body["status"] == "ready").await;
    broker.kill();
    until(&|status, body| status == 503 && body["checks"]["log"] != "ok" && body["checks"]["store"] == "ok")
        .await;
    broker.restart();
    until(&|status, _| status == 200).await;
    stop.cancel();
}
