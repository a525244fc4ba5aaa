//! One execution over NATS, through a gateway and a worker, is one trace; and nobody waits for a collector.

use std::time::Duration;

use runbus::adapters::{nats, redis};
use serde_json::json;

use super::collector::{Collector, Span};
use super::process::{Process, free, http, ready};
use crate::client::{Client, PATIENCE};

const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

// Numbers of OTLP.
const INTERNAL: i32 = 1;
const SERVER: i32 = 2;
const CLIENT: i32 = 3;
const PRODUCER: i32 = 4;
const CONSUMER: i32 = 5;

fn one<'a>(spans: &'a [Span], name: &str, service: &str) -> &'a Span {
    let mut found = spans.iter().filter(|span| span.name == name && span.service == service);
    let span = found.next().unwrap_or_else(|| panic!("no {name} of {service} in {spans:#?}"));
    assert!(found.next().is_none(), "more than one {name} of {service}: {spans:#?}");
    span
}

struct Deployment {
    _dir: tempfile::TempDir,
    gateway: std::net::SocketAddr,
    processes: Vec<Process>,
    _servers: (nats::testing::Server, redis::testing::Server),
}

impl Deployment {
    async fn up(endpoint: &str, content: bool) -> Self {
        let servers = (nats::testing::Server::start(), redis::testing::Server::start());
        let dir = tempfile::tempdir().unwrap();
        let gateway = free();
        let settings = |service: &str| -> Vec<(&'static str, String)> {
            let mut settings = vec![
                ("log.backend", "nats".into()),
                ("store.backend", "redis".into()),
                ("nats.servers", servers.0.url()),
                ("nats.user", service.into()),
                ("nats.password", service.into()),
                ("nats.inbox_prefix", format!("rb.inbox.{service}")),
                ("redis.url", servers.1.url()),
                ("redis.user", redis::USER.into()),
                ("redis.password", redis::USER.into()),
                ("telemetry.otlp_endpoint", endpoint.into()),
                ("telemetry.otlp_timeout_ms", "1000".into()),
                ("telemetry.service_name", service.into()),
                ("model.provider", "scripted".into()),
                ("model.scripted_pace_ms", "0".into()),
                ("gateway.drain_window_ms", "50".into()),
                ("gateway.listen", gateway.to_string()),
            ];
            settings.push(("telemetry.capture_content", content.to_string()));
            settings
        };
        let agent = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/assistant.yaml");
        let mut worker = settings("worker");
        worker.push(("worker.definitions", agent.into()));
        let processes = vec![
            Process::start(dir.path(), &["gateway"], &settings("gateway")),
            Process::start(dir.path(), &["worker"], &worker),
        ];
        ready(&http(), &format!("http://{gateway}/readyz")).await;
        Self { _dir: dir, gateway, processes, _servers: servers }
    }

    /// Starts an execution in the caller's trace, reads its events to the end; the text of the stream.
    async fn run(&self, id: &str) -> String {
        let http = http();
        let body = json!({ "definition": "assistant", "execution_id": id, "input": "what time is it?" });
        let url = format!("http://{}/v1/executions", self.gateway);
        let request = http
            .post(url)
            .header("content-type", "application/json")
            .header("traceparent", CALLER)
            .header("tracestate", "a=b");
        let answer = request.body(body.to_string()).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
        let url =
            format!("http://{}/v1/executions/{id}/events/stream?since=all&until=terminal", self.gateway);
        http.get(url).send().await.unwrap().text().await.unwrap()
    }

    async fn down(&mut self) {
        for process in &mut self.processes {
            process.end().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_execution_is_one_trace_from_publisher_to_delivery() {
    let (collector, address) = Collector::start().await;
    let mut deployment = Deployment::up(&format!("http://{address}"), false).await;
    let events = deployment.run("traced").await;
    assert!(events.contains("execution_completed"), "{events}");
    // Ending sends what is buffered.
    deployment.down().await;
    let spans = collector.spans();
    let at = |name: &str, service: &str| one(&spans, name, service).clone();

    let start = at("POST /v1/executions", "gateway");
    assert_eq!((start.trace.as_str(), start.parent.as_str(), start.kind), (TRACE, &CALLER[36..52], SERVER));
    let publish = at("publish", "gateway");
    assert_eq!((&publish.parent, publish.kind), (&start.id, PRODUCER));
    assert_eq!(publish.attributes["runbus.command"], "start");
    let session = at("session", "worker");
    assert_eq!((&session.parent, session.kind), (&publish.id, CONSUMER));
    let invoke = at("invoke_agent assistant", "worker");
    assert_eq!((&invoke.parent, invoke.kind), (&publish.id, INTERNAL));
    assert_eq!(invoke.attributes["gen_ai.operation.name"], "invoke_agent");
    assert_eq!(invoke.attributes["gen_ai.agent.name"], "assistant");
    assert_eq!(invoke.attributes["gen_ai.conversation.id"], "traced");
    let chats: Vec<&Span> = spans.iter().filter(|span| span.name.starts_with("chat ")).collect();
    assert_eq!(chats.len(), 2, "{spans:#?}");
    for chat in &chats {
        assert_eq!((&chat.parent, chat.kind), (&invoke.id, CLIENT));
        for (name, value) in [
            ("gen_ai.operation.name", json!("chat")),
            ("gen_ai.provider.name", json!("runbus.scripted")),
            ("gen_ai.response.model", json!("scripted")),
        ] {
            assert_eq!(chat.attributes[name], value);
        }
        assert!(chat.attributes["gen_ai.usage.input_tokens"].as_i64() > Some(0));
        assert!(chat.attributes["gen_ai.usage.output_tokens"].as_i64() > Some(0));
        assert_eq!(chat.name, format!("chat {}", chat.attributes["gen_ai.request.model"].as_str().unwrap()));
    }
    let mut reasons: Vec<String> =
        chats.iter().map(|chat| chat.attributes["gen_ai.response.finish_reasons"].to_string()).collect();
    reasons.sort();
    assert_eq!(reasons, [r#"["stop"]"#, r#"["tool_calls"]"#]);
    let tool = at("execute_tool clock", "worker");
    assert_eq!((&tool.parent, tool.kind), (&invoke.id, INTERNAL));
    assert_eq!(tool.attributes["gen_ai.tool.name"], "clock");
    assert!(tool.attributes["gen_ai.tool.call.id"].is_string());
    // The delivery belongs to the trace of the delivered event; the reader's own request is a link.
    let deliver = at("deliver", "gateway");
    assert_eq!((deliver.trace.as_str(), deliver.kind), (TRACE, CONSUMER));
    assert_eq!(deliver.attributes["runbus.execution_id"], "traced");
    let reading = at("GET /v1/executions/{execution_id}/events/stream", "gateway");
    assert_ne!(reading.trace, TRACE);
    assert_eq!(deliver.links, [reading.trace]);
    for span in [&publish, &session, &invoke, chats[0], chats[1], &tool] {
        assert_eq!(span.trace, TRACE, "{span:?}");
        assert!(!span.failed, "{span:?}");
    }
    // No content, and nothing for each event.
    let private = ["gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.tool.call.arguments"];
    assert!(spans.iter().all(|span| private.iter().all(|name| !span.attributes.contains_key(*name))));
    assert!(spans.len() < 20, "{spans:#?}");
}

/// The trace that a WebSocket command names wins over the handshake's.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_in_the_trace_that_it_names() {
    const OTHER: &str = "00-11111111111111111111111111111111-2222222222222222-01";
    let (collector, address) = Collector::start().await;
    let mut deployment = Deployment::up(&format!("http://{address}"), false).await;
    let (mut client, _) =
        Client::handshake(deployment.gateway, "", &[("traceparent", CALLER)]).await.unwrap();
    for (id, parent) in [("own", Some(OTHER)), ("handshake", None), ("malformed", Some("00-x"))] {
        let mut start = json!({ "type": "start", "id": id, "definition": "assistant", "execution_id": id,
            "input": "hello" });
        parent.into_iter().for_each(|parent| start["traceparent"] = parent.into());
        client.say(&start).await;
        let answer = client.message().await.unwrap();
        assert_eq!((&answer["type"], &answer["id"]), (&json!("ok"), &json!(id)), "{answer}");
        let url = format!("http://{}/v1/executions/{id}/events/stream", deployment.gateway);
        let events = http().get(format!("{url}?since=all&until=terminal")).send().await.unwrap();
        assert!(events.text().await.unwrap().contains("execution_completed"));
    }
    drop(client);
    deployment.down().await;
    let spans = collector.spans();
    let of = |session: &str| {
        let mut found = spans.iter().filter(|span| {
            span.name == "invoke_agent assistant" && span.attributes["gen_ai.conversation.id"] == session
        });
        found.next().unwrap().trace.as_str()
    };
    assert_eq!((of("own"), of("handshake"), of("malformed")), (&OTHER[3..35], TRACE, TRACE));
    let commands: Vec<&Span> = spans.iter().filter(|span| span.name == "command").collect();
    assert_eq!(commands.len(), 3);
    assert!(commands.iter().any(|span| span.trace == OTHER[3..35] && span.parent == OTHER[36..52]));
}

#[tokio::test(flavor = "multi_thread")]
async fn content_is_traced_when_it_is_asked_for() {
    let (collector, address) = Collector::start().await;
    let mut deployment = Deployment::up(&format!("http://{address}"), true).await;
    deployment.run("spoken").await;
    deployment.down().await;
    let spans = collector.spans();
    let chat = spans.iter().find(|span| span.name.starts_with("chat ")).unwrap();
    let given = chat.attributes["gen_ai.input.messages"].as_str().unwrap();
    let given: serde_json::Value = serde_json::from_str(given).unwrap();
    assert_eq!(given[1]["role"], "user");
    assert_eq!(given[1]["parts"][0], json!({ "type": "text", "content": "what time is it?" }));
    let tool = one(&spans, "execute_tool clock", "worker");
    assert!(tool.attributes["gen_ai.tool.call.result"].is_string(), "{tool:?}");
}

/// A collector that takes connections and never answers, and one that is not there.
#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_does_not_answer_blocks_no_work() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    for endpoint in [silent.local_addr().unwrap(), free()] {
        let mut deployment = Deployment::up(&format!("http://{endpoint}"), false).await;
        for n in 0..3 {
            let events = deployment.run(&format!("alone-{n}")).await;
            assert!(events.contains("execution_completed"), "{events}");
        }
        let begun = std::time::Instant::now();
        deployment.down().await;
        assert!(begun.elapsed() < PATIENCE.min(Duration::from_secs(20)), "{:?}", begun.elapsed());
    }
}
