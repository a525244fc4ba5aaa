//! Monitors: the views of an agent at two gateways, one over WebSocket and one as an event stream, patch by patch; the view after
//! the store forgets; bounds, costs and permissions.

use std::time::Duration;

use runbus::control::workers;
use runbus::event::family::{execution, model, state};
use runbus::event::{Event, Kind, Source};
use runbus::id::{ExecutionId, NodeId, StreamId};
use runbus::monitor::Price;
use runbus::time::Clock;
use runbus_gateway::auth::config::{ApiKey, Mode};
use runbus_gateway::auth::{self, api_key};
use runbus_gateway::ledger::{Ledger, TableUsage};
use runbus_gateway::monitor::Monitors;
use runbus_gateway::{Config, monitor};
use serde_json::{Value, json};

use super::approvals::{approve, cashier};
use super::kit::{Stage, on_each, show, within};
use crate::backends::{self, Lasting};
use crate::client::{Client, Served, config, gateway, secured};
use crate::sse::{Stream, http};

/// The document of a client that applies the patches that it receives, and nothing else.
#[derive(Default)]
struct Mirror {
    document: Value,
    revision: u64,
    patches: usize,
}

impl Mirror {
    fn take(&mut self, message: &Value) {
        match message["type"].as_str().unwrap() {
            "monitor_snapshot" => self.document = message["monitor"].clone(),
            "monitor_patch" => {
                assert_eq!(message["base"], self.revision, "no patch is lost: {message}");
                let patch: json_patch::Patch = serde_json::from_value(message["patch"].clone()).unwrap();
                json_patch::patch(&mut self.document, &patch).unwrap();
                self.patches += 1;
            }
            other => panic!("{other}: {message}"),
        }
        let revision = message["revision"].as_u64().unwrap();
        assert!(revision > self.revision, "{message}");
        self.revision = revision;
    }
}

struct Socket(Client, Mirror);

impl Socket {
    async fn watch(served: &Served, stream: Option<&str>) -> Self {
        let mut client = Client::connect(served.address).await;
        let mut ask = json!({ "type": "monitor", "id": "m" });
        if let Some(stream) = stream {
            ask["stream_id"] = stream.into();
        }
        client.say(&ask).await;
        assert_eq!(client.message().await.unwrap(), json!({ "type": "subscribed", "sub": "m" }));
        Self(client, Mirror::default())
    }

    async fn until(&mut self, what: &str, is_so: impl Fn(&Value) -> bool) -> &Value {
        while !is_so(&self.1.document) {
            let message = within(self.0.message()).await;
            let message = message.unwrap_or_else(|| panic!("{what}: {}", self.1.document));
            assert_eq!(message["sub"], "m", "{message}");
            self.1.take(&message);
        }
        &self.1.document
    }
}

struct Sse(Stream, Mirror);

impl Sse {
    async fn watch(served: &Served, path: &str) -> Self {
        Self(Stream::open(served.address, path, None).await, Mirror::default())
    }

    async fn until(&mut self, what: &str, is_so: impl Fn(&Value) -> bool) -> &Value {
        while !is_so(&self.1.document) {
            let frame = within(self.0.message()).await;
            let frame = frame.unwrap_or_else(|| panic!("{what}: {}", self.1.document));
            assert_eq!(frame.event, frame.json()["type"].as_str().unwrap());
            self.1.take(&frame.json());
        }
        &self.1.document
    }
}

async fn get(served: &Served, path: &str) -> Value {
    let answer = http().get(format!("http://{}{path}", served.address)).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}

fn prices() -> Config {
    let price = Price { prompt_per_million: 1.0, completion_per_million: 4.0, cached_per_million: None };
    let monitor =
        monitor::Config { prices: [("gpt-x".to_owned(), price)].into(), ..monitor::Config::default() };
    Config { monitor, ..config() }
}

fn source(stream: &str, id: &str) -> Source {
    Source::execution(StreamId::new(stream).unwrap(), ExecutionId::new(id).unwrap(), Clock::System)
}

fn turn(source: &Source, content: &str, tokens: u64) -> Event {
    let usage = model::Usage { prompt_tokens: tokens, total_tokens: tokens, ..model::Usage::default() };
    source.clone().node(NodeId::new("n").unwrap()).llm_turn_completed(model::TurnCompleted {
        usage: Some(usage),
        model: Some("gpt-x-1".into()),
        content: Some(content.into()),
        ..model::TurnCompleted::default()
    })
}

fn started(source: &Source) -> Event {
    source.execution_started(execution::Started { input: json!("hi"), definition: None })
}

/// A run with an approval, from its start to its end: every client, on whichever gateway, in whichever way, holds the same, and a
/// fresh look shows the same.
#[tokio::test(flavor = "multi_thread")]
async fn everybody_sees_the_same_of_an_agent() {
    on_each(async |stage| {
        let (one, two) = (gateway(&stage.backend, prices()).await, gateway(&stage.backend, prices()).await);
        let mut socket = Socket::watch(&one, Some("cashier")).await;
        let mut all = Socket::watch(&two, None).await;
        let mut sse = Sse::watch(&two, "/v1/monitor/cashier/stream").await;
        let nothing = socket.until("a first look", |document| !document.is_null()).await;
        assert_eq!(*nothing, json!({ "stream_id": "cashier", "complete": true }));
        let (crew, _paid) = cashier();
        let worker = crew.hire(&stage);
        stage.start("cashier", "s", json!([["pay", { "n": 1 }]])).await;
        stage.wait("s", Kind::ToolApprovalRequested).await;
        let waits = |document: &Value| document["approvals"]["count"] == 1;
        let seen = socket.until("a call waits", waits).await;
        let id = stage.approvals("s").await.remove(0);
        assert_eq!(seen["approvals"]["pending"][&id]["tool_input"], json!({ "n": 1 }));
        assert_eq!(seen["graph"]["executions"]["s"]["status"], "waiting_for_approval");
        sse.until("a call waits", waits).await;
        all.until("a call waits", waits).await;
        // Another stream is seen by those who watch all.
        stage.bus.publish(started(&source("other", "o"))).await.unwrap();

        stage.control.decide(&id, approve(), None).await.unwrap();
        stage.output("s").await;
        let done = |document: &Value| document["graph"]["executions"]["s"]["status"] == "completed";
        let reported =
            |document: &Value| done(document) && !document["context"]["agents"]["cashier"].is_null();
        let seen = socket.until("it is done, and the worker has said what it is", reported).await.clone();
        assert_eq!(seen["approvals"], json!({ "count": 0, "pending": {} }));
        assert_eq!(seen["context"]["agents"]["cashier"]["nodes"]["cashier"]["tools"], json!(["pay"]));
        assert_eq!(seen["context"]["tools"]["pay"], json!({ "calls": 1, "errors": 0 }));
        let messages = seen["context"]["conversations"]["s"]["messages"].as_array().unwrap();
        let roles: Vec<&str> = messages.iter().map(|message| message["role"].as_str().unwrap()).collect();
        assert_eq!(roles, ["user", "assistant", "tool", "assistant"]);
        assert_eq!(seen["usage"]["tokens"]["total_tokens"], 200);
        assert!(seen["usage"]["cost"].is_null(), "this model has no price");
        assert!(seen["mcp"].is_null() && seen["code_execution"].is_null(), "no producer contributed");
        let node = &seen["graph"]["executions"]["s"]["nodes"]["cashier"];
        assert_eq!(
            (&node["passes"], &node["at_work"], &node["tool_calls"]),
            (&json!(1), &json!(false), &json!(1))
        );
        assert!(socket.1.patches > 0);

        assert_eq!(*sse.until("the same", reported).await, seen);
        let both = |document: &Value| reported(document) && !document["graph"]["executions"]["o"].is_null();
        assert_eq!(all.until("all of it", both).await["graph"]["active"], 1);
        // A later client, also at a gateway that has just begun, gets it at once.
        let three = gateway(&stage.backend, prices()).await;
        for served in [&one, &two, &three] {
            let mut found = get(served, "/v1/monitor/cashier").await;
            assert_eq!(found["monitor"].take(), seen);
        }
        let found = get(&three, "/v1/monitor?stream_id=cashier").await;
        assert_eq!(found["monitor"], seen);
        worker.leave().await;
    })
    .await;
}

/// Sections made of events: costs, MCP servers, code execution; and bounds.
#[tokio::test(flavor = "multi_thread")]
async fn sections_come_from_events_and_are_bounded() {
    on_each(async |stage| {
        let served = gateway(&stage.backend, prices()).await;
        let run = source("s", "e");
        stage.bus.publish(started(&run)).await.unwrap();
        let mut socket = Socket::watch(&served, Some("s")).await;
        stage.bus.publish(turn(&run, "hello", 2_000_000)).await.unwrap();
        let seen = socket.until("tokens", |document| !document["usage"].is_null()).await;
        assert_eq!(seen["usage"]["cost"], json!({ "amount": 2.0, "currency": "USD", "unpriced_tokens": 0 }));
        assert_eq!(seen["usage"]["by_model"]["gpt-x-1"]["prompt_tokens"], 2_000_000);
        for (key, value) in [("code_execution", json!({ "state": "ready" })), ("mcp/search", json!("up"))] {
            let said = state::Changed {
                key: key.into(),
                old_value: Value::Null,
                new_value: value,
                scope: Some("monitor".into()),
            };
            stage.bus.publish(run.state_changed(said)).await.unwrap();
        }
        let seen = socket.until("both", |document| !document["mcp"].is_null()).await;
        assert_eq!(seen["code_execution"], json!({ "stream/s": { "state": "ready" } }));
        assert_eq!(seen["mcp"], json!({ "search": { "stream/s": "up" } }));

        // More than there is room for: it says so, and keeps within its bytes.
        for n in 0..60 {
            let run = source("s", &format!("e{n}"));
            let turns = (0..12).map(|_| turn(&run, &"x".repeat(1900), 1));
            let events: Vec<Event> = [started(&run)].into_iter().chain(turns).collect();
            for outcome in stage.bus.publish_batch(events).await.unwrap() {
                outcome.unwrap();
            }
        }
        let small = monitor::Config { max_bytes: 65_536, history_events: 100, ..monitor::Config::default() };
        let small = gateway(&stage.backend, Config { monitor: small, ..config() }).await;
        let found = get(&small, "/v1/monitor/s").await;
        assert!(found.to_string().len() < 66_000, "{}", found.to_string().len());
        assert_eq!(
            (&found["monitor"]["reduced"], &found["monitor"]["complete"]),
            (&json!(true), &json!(false))
        );
        // The one that was there from the start has counted all.
        let all = |document: &Value| document["usage"]["rounds"] == 721;
        let seen = socket.until("every round", all).await;
        assert_eq!((&seen["complete"], &seen["usage"]["executions"]), (&json!(true), &json!(61)));
    })
    .await;
}

/// The store forgets everything: sections of events stay, workers' sections reappear with the next report.
#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_store_heals() {
    for lasting in Lasting::all() {
        let stage: Stage = lasting.open().await.into();
        show(&format!("on {}", stage.name));
        let served = gateway(&stage.backend, config()).await;
        let (crew, _paid) = cashier();
        let worker = crew.hire(&stage);
        stage.bus.publish(started(&source("cashier", "e"))).await.unwrap();
        let known =
            |document: &Value| !document["context"]["agents"].is_null() && !document["graph"].is_null();
        let mut socket = Socket::watch(&served, Some("cashier")).await;
        let before = socket.until("a worker's word", known).await.clone();
        lasting.forget_store();
        if stage.name != "embedded" {
            let gone = |document: &Value| document["context"]["agents"].is_null();
            // It may also be back before anybody looked.
            let seen =
                tokio::time::timeout(Duration::from_secs(8), socket.until("no report mentions it", gone))
                    .await;
            if let Ok(seen) = seen {
                assert_eq!(seen["graph"], before["graph"], "events are not in the store");
            }
        }
        within(async {
            while stage.control.workers().await.unwrap().is_empty() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
        .await;
        assert_eq!(*socket.until("the worker's next word", known).await, before);
        let fresh = gateway(&stage.backend, config()).await;
        assert_eq!(get(&fresh, "/v1/monitor/cashier").await["monitor"], before);
        assert!(workers::STANDS >= Duration::from_secs(10));
        worker.leave().await;
    }
}

/// The library's way in: shared, latest only, freed when nobody watches.
#[tokio::test(flavor = "multi_thread")]
async fn a_watch_is_shared_and_freed() {
    let backend = backends::embedded();
    let config = monitor::Config { max_streams: 1, ..monitor::Config::default() };
    let pause = u128::from(config.interval_ms);
    let monitors = Monitors::new(config, backend.control(), Ledger::new(|_| 1, 4));
    let usage = TableUsage::of_everyone();
    let stream: StreamId = "s".parse().unwrap();
    let mut watch = monitors.watch(Some(stream.clone()), &usage).unwrap();
    let mut other = monitors.watch(Some(stream.clone()), &usage).unwrap();
    let mut all = monitors.watch(None, &usage).unwrap();
    assert_eq!(monitors.len(), 2);
    monitors.watch(Some("t".parse().unwrap()), &usage).unwrap_err();
    let first = within(watch.next()).await.unwrap();
    assert_eq!((first.revision, first.monitor.stream_id.as_ref()), (1, Some(&stream)));
    let run = source("s", "e");
    backend.bus().publish(started(&run)).await.unwrap();
    let second = within(watch.next()).await.unwrap();
    assert_eq!(second.monitor.graph.as_ref().unwrap().active, 1);
    within(async { while within(all.next()).await.unwrap().monitor.graph.is_none() {} }).await;
    // A later reader gets the latest revision at once.
    assert_eq!(within(other.next()).await.unwrap().revision, second.revision);
    drop((watch, other, all));
    within(async {
        while !monitors.is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    // A burst comes in few revisions.
    let mut watch = monitors.watch(Some(stream), &usage).unwrap();
    let first = within(watch.next()).await.unwrap();
    let begun = std::time::Instant::now();
    for n in 0..200 {
        backend.bus().publish(turn(&run, &n.to_string(), 1)).await.unwrap();
    }
    let rounds = |found: &runbus::monitor::Monitor| found.usage.as_ref().map_or(0, |used| used.rounds);
    let last = loop {
        let found = within(watch.next()).await.unwrap();
        if rounds(&found.monitor) == 200 {
            break found;
        }
    };
    // One for each pause, however long a busy machine takes.
    let (revisions, pauses) = (last.revision - first.revision, begun.elapsed().as_millis() / pause);
    assert!(u128::from(revisions) <= 2 * (pauses + 1), "{revisions} revisions in {pauses} pauses");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_are_refused_and_scopes_hold() {
    let backend = backends::embedded();
    let key = api_key::generate().unwrap();
    let entry = ApiKey {
        sha256: api_key::hash(&key.reveal()),
        scopes: vec!["read:orders-*".parse().unwrap()],
        expires_at: None,
    };
    let auth = auth::Config {
        mode: Mode::Required,
        api_keys: [("k".to_owned(), entry)].into(),
        ..auth::Config::default()
    };
    let served = secured(&backend, config(), auth).await;
    let bearer = format!("Bearer {}", &*key.reveal());
    for (path, status) in [
        ("/v1/monitor/orders-1", 200),
        ("/v1/monitor?stream_id=orders-1", 200),
        ("/v1/monitor/orders-1/stream", 200),
        ("/v1/monitor/other", 403),
        ("/v1/monitor", 403),
        ("/v1/monitor/stream", 403),
        ("/v1/monitor/other/stream", 403),
        ("/v1/monitor?execution_id=e", 400),
        ("/v1/monitor/%07", 400),
        ("/v1/executions/e/presence", 403),
    ] {
        let url = format!("http://{}{path}", served.address);
        let answer = http().get(&url).header("authorization", &bearer).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        let answer = http().get(url).send().await.unwrap();
        assert_eq!(answer.status(), 401, "{path}");
    }
    let (mut client, _) = Client::handshake(served.address, "", &[("authorization", &bearer)]).await.unwrap();
    for (ask, code) in [
        (json!({ "type": "monitor", "id": "a", "stream_id": "orders-1" }), None),
        (json!({ "type": "monitor", "id": "a", "stream_id": "orders-2" }), Some("conflict")),
        (json!({ "type": "monitor", "id": "b", "stream_id": "other" }), Some("forbidden")),
        (json!({ "type": "monitor", "id": "b" }), Some("forbidden")),
        (json!({ "type": "unsubscribe", "id": "a" }), None),
        (
            json!({ "type": "subscribe", "id": "a", "filter": { "stream_id": "orders-1" }, "presence": true }),
            Some("invalid_argument"),
        ),
        // Another stream may have an execution of this id.
        (
            json!({ "type": "subscribe", "id": "a", "filter": { "stream_id": "orders-1", "execution_id": "e" }, "presence": true }),
            Some("forbidden"),
        ),
    ] {
        client.say(&ask).await;
        let answer = loop {
            let answer = client.message().await.unwrap();
            if answer["type"] != "monitor_snapshot" {
                break answer;
            }
        };
        assert_eq!(answer["code"].as_str(), code, "{ask}: {answer}");
    }
}
