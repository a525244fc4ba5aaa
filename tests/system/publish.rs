//! Publishing through gateways: other readers get each acknowledged event once; a forbidden event refuses the whole
//! request.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use runbus::bus::history::Query;
use runbus::config::Secret;
use runbus::control::StartRequest;
use runbus::event::Kind;
use runbus::execution::Status;
use runbus::id::{EventId, ExecutionId};
use runbus::log::{AppendError, Bounds, Expect, Frame, Log, Page, Read, ReadError, Sequence, Stored, Tail};
use runbus::subject::{Key, Lane, Layout, Scope, Shard, Topic};
use runbus_gateway::auth::config::{Limits, Mode};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::api::Bench;
use crate::auth::{auth, end, key, post};
use crate::authority::own;
use crate::backends::{self, Backend};
use crate::client::{Client, config, gateway, secured};
use crate::sse::http;
use crate::wire::Binary;

const EVENTS: &str = "/v1/events";

async fn publish(address: SocketAddr, events: Value) -> (u16, Value) {
    let request = http().post(format!("http://{address}{EVENTS}")).json(&json!({ "events": events }));
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn code(answer: &Value) -> (&str, &str) {
    let text = |name: &str| answer["error"][name].as_str().unwrap_or_default();
    (text("code"), text("path"))
}

async fn told(client: &mut Client, id: &str) -> Value {
    loop {
        let message = client.message().await.expect("the connection stays");
        if message["id"] == id {
            return message;
        }
    }
}

async fn stored(backend: &Backend) -> usize {
    backend.bus().history(&Query::default()).await.unwrap().events.len()
}

fn event(n: usize) -> Value {
    json!({ "id": EventId::generate(), "type": "custom", "stream_id": "s", "data": { "n": n } })
}

/// Over a WebSocket in JSON and in CBOR and over REST, each through its own gateway; a reader at another one sees each once, as
/// it was written, also when the publisher repeats itself at another gateway because it lost the answer.
#[tokio::test(flavor = "multi_thread")]
async fn published_events_are_read_by_others_once() {
    for backend in backends::all().await {
        let (here, there) = (gateway(&backend, config()).await, gateway(&backend, config()).await);
        let mut reader = Client::connect(there.address).await;
        reader.subscribe(json!({ "stream_id": "s" }), json!("all")).await;

        let mut text = Client::connect(here.address).await;
        let exact = r#"{ "large": 12345678901234567890123, "float": 1.50e2 }"#;
        let raw = format!(
            r#"{{"type":"publish","id":"a","events":[{{"type":"custom","stream_id":"s","data":{exact}}},{},{}]}}"#,
            event(1),
            event(2)
        );
        text.say_text(&raw).await;
        let first = told(&mut text, "a").await;
        assert_eq!(first["type"], "ok", "{first}");
        let mut answers = first["events"].as_array().unwrap().clone();

        let mut binary = Binary::connect(here.address, "runbus.v1.cbor").await;
        binary.receive().await.unwrap();
        binary.say(&json!({ "type": "publish", "id": "b", "events": [event(3)] })).await;
        let second = binary.receive().await.unwrap();
        assert_eq!((&second["type"], &second["id"]), (&json!("ok"), &json!("b")), "{second}");
        answers.extend(second["events"].as_array().unwrap().clone());

        let mut run = event(4);
        run["execution_id"] = "foreign".into();
        run["node_id"] = "n".into();
        run["timestamp"] = "2026-01-02T03:04:05Z".into();
        let batch = json!([event(5), run]);
        let (status, third) = publish(here.address, batch.clone()).await;
        assert_eq!(status, 200, "{third}");
        answers.extend(third["events"].as_array().unwrap().clone());
        // The answer was lost; somebody else is asked.
        let (status, again) = publish(there.address, batch).await;
        assert_eq!((status, &again), (200, &third), "{}", backend.name);
        let (_, last) = publish(there.address, json!([event(6)])).await;
        answers.extend(last["events"].as_array().unwrap().clone());

        let mut seen = Vec::new();
        while seen.len() < answers.len() {
            let message = reader.message().await.unwrap();
            seen.extend(message["events"].as_array().into_iter().flatten().cloned());
        }
        let facts = |events: &[Value]| -> HashSet<(String, u64)> {
            let fact =
                |event: &Value| (event["id"].as_str().unwrap().to_owned(), event["seq"].as_u64().unwrap());
            events.iter().map(fact).collect()
        };
        assert_eq!((seen.len(), facts(&seen)), (7, facts(&answers)), "{}", backend.name);
        let timed = seen.iter().find(|event| event["execution_id"] == "foreign").unwrap();
        assert_eq!(timed["timestamp"], "2026-01-02T03:04:05.000000Z");
        let page = http().get(format!("http://{}{EVENTS}?stream_id=s&limit=100", there.address));
        let page = page.send().await.unwrap().text().await.unwrap();
        assert!(page.contains(exact), "{page}");
        end(here).await;
        end(there).await;
    }
}

/// One wrong event, and none is stored; the answer says which.
#[tokio::test(flavor = "multi_thread")]
async fn one_wrong_event_and_nothing_is_stored() {
    let backend = backends::embedded();
    let served = gateway(&backend, config()).await;
    let mut client = Client::connect(served.address).await;
    let with = |name: &str, value: Value| {
        let mut event = event(0);
        event[name] = value;
        event
    };
    let derived = EventId::derived("run/queued");
    let mut own = with("id", json!(derived));
    own["execution_id"] = "run".into();
    let large = with("data", json!({ "text": "x".repeat(300 * 1024) }));
    for (wrong, word, field) in [
        (with("stream_id", json!("")), "invalid_argument", ".stream_id"),
        (with("stream_id", json!("x".repeat(200))), "invalid_argument", ".stream_id"),
        (with("stream_id", json!("runbus.dead-letters")), "invalid_argument", ".stream_id"),
        (with("execution_id", json!("a\nb")), "invalid_argument", ".execution_id"),
        (with("execution_id", json!("runbus/x")), "invalid_argument", ".execution_id"),
        (with("session_id", json!("runbus/auth/revocations")), "invalid_argument", ".session_id"),
        (with("type", json!("Not A Type")), "invalid_argument", ".type"),
        (with("type", json!("closed")), "invalid_argument", ".type"),
        (with("type", json!("session_dead_lettered")), "invalid_argument", ".type"),
        (with("type", json!("llm_text_delta")), "invalid_argument", ".data"),
        (with("type", json!("goal_progress")), "invalid_argument", ".data"),
        (with("data", json!([])), "invalid_argument", ".data"),
        (with("id", json!("7")), "invalid_argument", ".id"),
        (with("timestamp", json!("yesterday")), "invalid_argument", ".timestamp"),
        (with("colour", json!("red")), "invalid_argument", ".colour"),
        (json!("event"), "invalid_argument", ""),
        (own, "invalid_argument", ".id"),
        (large, "too_large", ""),
    ] {
        let events = json!([event(1), wrong]);
        let (status, refused) = publish(served.address, events.clone()).await;
        let path = format!("events[1]{field}");
        assert_eq!(code(&refused), (word, path.as_str()), "{refused}");
        assert_eq!(status, if word == "too_large" { 413 } else { 400 });
        if word != "too_large" {
            client.say(&json!({ "type": "publish", "id": "w", "events": events })).await;
            let refused = told(&mut client, "w").await;
            assert_eq!((&refused["code"], &refused["path"]), (&json!(word), &json!(path)), "{refused}");
        }
    }
    for (events, path) in
        [(json!([]), "events"), (json!(vec![event(1); 1001]), "events"), (json!({}), "events")]
    {
        let (status, refused) = publish(served.address, events).await;
        assert_eq!((status, code(&refused)), (400, ("invalid_argument", path)), "{refused}");
    }
    let body = json!([with("data", json!({ "text": "x".repeat(600 * 1024) }))]);
    assert_eq!(publish(served.address, body).await.0, 413);
    client.say(&json!({ "type": "publish", "events": [event(1)] })).await;
    assert_eq!(client.message().await.unwrap()["path"], "id");
    client.say(&json!({ "type": "publish", "id": "w" })).await;
    assert_eq!(told(&mut client, "w").await["code"], "invalid_argument");
    assert_eq!(stored(&backend).await, 0);
    end(served).await;
}

/// Only Runbus reports on an execution that it runs: external events about it are stored and delivered, marked as external, and
/// do not change its state. External producers report on their own executions.
#[tokio::test(flavor = "multi_thread")]
async fn external_events_do_not_change_executions_of_runbus() {
    for backend in backends::all().await {
        let bench = Bench::new(backend);
        let name = bench.backend.name;
        let served = gateway(&bench.backend, config()).await;
        let address = served.address;
        let id = ExecutionId::new("run").unwrap();
        let control = bench.backend.control();
        let start = StartRequest { execution_id: Some(id.clone()), ..StartRequest::new("talker", "go") };
        let of = |execution: &str, kind: &str, data: Value| json!({ "type": kind, "stream_id": "talker", "execution_id": execution, "session_id": "another", "attempt": 9, "data": data });
        let forged = json!([
            of("run", "execution_started", json!({ "input": 1 })),
            of("run", "execution_completed", json!({ "output": "forged" })),
        ]);
        assert_eq!(publish(address, forged.clone()).await.0, 200, "{name}: before it was asked for");
        assert!(control.start(start).await.unwrap().created, "{name}");
        assert_eq!(publish(address, forged.clone()).await.0, 200, "{name}: no worker has seen it yet");
        let known = control.status(&id).await.unwrap().unwrap();
        assert_eq!((known.status, known.external), (Status::Queued, false), "{name}");
        let running = bench.worker();
        own(&bench.backend.bus(), "run", &[Kind::ExecutionCompleted]).await;
        assert_eq!(publish(address, forged).await.0, 200, "{name}: it has ended");
        let known = control.status(&id).await.unwrap().unwrap();
        assert_eq!((known.status, known.session_id.unwrap().as_str()), (Status::Completed, "run"), "{name}");
        assert_ne!(known.output, Some(json!("forged")), "{name}");
        assert_eq!(known.attempt, Some(1), "{name}");
        // Readers get it, marked as external.
        let page = http().get(format!("http://{address}/v1/executions/run/events?limit=1000&order=oldest"));
        let page: Value = page.send().await.unwrap().json().await.unwrap();
        let events = page["events"].as_array().unwrap();
        let others: Vec<_> = events.iter().filter(|event| event["external"] == true).collect();
        assert_eq!(others.len(), 6, "{name}: {page}");
        assert!(others.iter().all(|event| event["session_id"] == "another"), "{name}");
        assert!(events.iter().all(|event| event["external"].is_null() || event["session_id"] == "another"));

        let told = [
            of("foreign", "execution_started", json!({ "input": "hi" })),
            of("foreign", "llm_text_delta", json!({ "content": "hello" })),
            of("foreign", "execution_completed", json!({ "output": "hello" })),
        ];
        for event in told {
            assert_eq!(publish(address, json!([event])).await.0, 200, "{name}");
        }
        let status = http().get(format!("http://{address}/v1/executions/foreign")).send().await.unwrap();
        let status: Value = status.json().await.unwrap();
        assert_eq!((&status["status"], &status["output"]), (&json!("completed"), &json!("hello")), "{name}");
        assert_eq!(status["external"], true, "{name}");
        running.drain.cancel();
        running.task.await.unwrap();
        end(served).await;
    }
}

/// Every event is covered by a `publish` scope, or none is stored.
#[tokio::test(flavor = "multi_thread")]
async fn scopes_decide_where_a_client_may_publish() {
    let bench = Bench::new(backends::embedded());
    let control = bench.backend.control();
    let start = |id: &str| StartRequest {
        execution_id: Some(ExecutionId::new(id).unwrap()),
        ..StartRequest::new("talker", "go")
    };
    control.start(start("theirs")).await.unwrap();
    let before = stored(&bench.backend).await;
    let (mut auth, root) = auth();
    let mut give = |name: &str, scopes: &[&str]| {
        let (secret, entry) = key(scopes);
        auth.api_keys.insert(name.into(), entry);
        secret
    };
    let mine = give("mine", &["publish:mine-*", "read"]);
    let node = give("node", &["publish:mine-1/n/mine"]);
    let reader = give("reader", &["read,start,decide,cancel"]);
    let served = secured(&bench.backend, config(), auth).await;
    let address = served.address;
    let at = |stream: &str, node: Value, execution: Value| json!({ "type": "custom", "stream_id": stream, "node_id": node, "execution_id": execution, "data": {} });
    let good = at("mine-1", json!("n"), json!("mine"));
    for (who, wrong, path) in [
        (&mine, at("theirs", Value::Null, Value::Null), "events[1].stream_id"),
        (&node, at("mine-1", Value::Null, json!("mine")), "events[1].stream_id"),
        (&node, at("mine-1", json!("n"), Value::Null), "events[1].stream_id"),
        (&node, at("mine-2", json!("n"), json!("mine")), "events[1].stream_id"),
        (&reader, good.clone(), "events[0].stream_id"),
    ] {
        let events = json!([good, wrong]);
        let (status, refused) =
            post(address, EVENTS, &who.reveal(), json!({ "events": events.clone() })).await;
        let wanted = (403, ("forbidden", path));
        // The body of a caller who may publish nowhere is not parsed.
        let named = if who.reveal() == reader.reveal() { "" } else { path };
        assert_eq!((status, code(&refused)), (403, ("forbidden", named)), "{refused}");
        let bearer = format!("Bearer {}", &*who.reveal());
        let (mut client, _) = Client::handshake(address, "", &[("authorization", &bearer)]).await.unwrap();
        client.say(&json!({ "type": "publish", "id": "w", "events": events })).await;
        let refused = told(&mut client, "w").await;
        assert_eq!((&refused["code"], &refused["path"]), (&json!(wanted.1.0), &json!(wanted.1.1)));
    }
    assert_eq!(stored(&bench.backend).await, before);
    for who in [&mine, &node, &root] {
        let (status, taken) = post(address, EVENTS, &who.reveal(), json!({ "events": [good] })).await;
        assert_eq!(status, 200, "{taken}");
    }
    end(served).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn publishers_are_bounded() {
    let backend = backends::embedded();
    let (mut auth, _) = auth();
    let (secret, entry) = key(&["publish"]);
    auth.api_keys.insert("busy".into(), entry);
    auth.limits = Limits { messages_per_s: 1, burst_messages: 4, ..Limits::default() };
    assert_eq!(auth.mode, Mode::Required);
    let served = secured(&backend, config(), auth).await;
    let bearer = |secret: &Secret| format!("Bearer {}", &*secret.reveal());
    let headers = bearer(&secret);
    let (mut client, _) =
        Client::handshake(served.address, "", &[("authorization", &headers)]).await.unwrap();
    let (mut taken, mut refused) = (0, 0);
    for n in 0..8 {
        let body = json!({ "events": [event(n)] });
        let (status, answer) = post(served.address, EVENTS, &secret.reveal(), body).await;
        match status {
            200 => taken += 1,
            _ => {
                assert_eq!((status, code(&answer).0), (429, "rate_limited"), "{answer}");
                refused += 1;
            }
        }
    }
    assert!(taken >= 1 && refused >= 1);
    client.say(&json!({ "type": "publish", "id": "w", "events": [event(9)] })).await;
    client.say(&json!({ "type": "publish", "id": "w", "events": [event(9)] })).await;
    let mut words = Vec::new();
    while words.len() < 2 {
        let message = client.message().await.unwrap();
        words.push(message["code"].as_str().unwrap_or("ok").to_owned());
    }
    assert!(words.contains(&"rate_limited".to_owned()), "{words:?}");
    end(served).await;
}

/// A log that refuses frames of the nodes `stuck` and `full`, and delays those of the node `slow`.
#[derive(Debug)]
struct Choosy(Arc<dyn Log>, watch::Receiver<bool>);

impl Choosy {
    /// A log before `log`; its slow calls wait for the signal.
    fn before(log: Arc<dyn Log>) -> (Arc<Self>, watch::Sender<bool>) {
        let (word, heard) = watch::channel(false);
        (Arc::new(Self(log, heard)), word)
    }
}

#[async_trait]
impl Log for Choosy {
    fn layout(&self) -> std::sync::Arc<Layout> {
        self.0.layout()
    }
    async fn append(&self, topic: &Topic, frame: &Frame, expect: Expect) -> Result<Sequence, AppendError> {
        match topic {
            Topic::Events { node: Some(node), .. } if node.as_str() == "stuck" => {
                Err(AppendError::Unresolved("no answer in time".into()))
            }
            Topic::Events { node: Some(node), .. } if node.as_str() == "full" => {
                Err(AppendError::Refused("no permission".into()))
            }
            Topic::Events { node: Some(node), .. } if node.as_str() == "slow" => {
                let _ = self.1.clone().wait_for(|go_on| *go_on).await;
                self.0.append(topic, frame, expect).await
            }
            _ => self.0.append(topic, frame, expect).await,
        }
    }
    async fn read(&self, read: &Read) -> Result<Page, ReadError> {
        self.0.read(read).await
    }
    async fn last(&self, key: &Key) -> Result<Option<Stored>, ReadError> {
        self.0.last(key).await
    }
    async fn tail(&self, scope: &Scope) -> Result<Tail, ReadError> {
        self.0.tail(scope).await
    }
    async fn bounds(&self, lane: Lane, shard: Shard) -> Result<Bounds, ReadError> {
        self.0.bounds(lane, shard).await
    }
    async fn ready(&self) -> Result<(), ReadError> {
        self.0.ready().await
    }
}

/// A partly stored request names the stored and the refused events.
#[tokio::test(flavor = "multi_thread")]
async fn a_partly_stored_request_names_the_stored_events() {
    let mut backend = backends::embedded();
    let good = backend.log.clone();
    backend.log = Choosy::before(good.clone()).0;
    let served = gateway(&backend, config()).await;
    backend.log = good;
    let healthy = gateway(&backend, config()).await;
    let mut client = Client::connect(served.address).await;
    for (node, word, wanted) in [("stuck", "unavailable", 503), ("full", "internal", 500)] {
        let mut stuck = event(2);
        stuck["node_id"] = node.into();
        let events = json!([event(1), stuck, event(3)]);
        let (status, partly) = publish(served.address, events.clone()).await;
        assert_eq!((status, code(&partly).0), (wanted, word), "{partly}");
        let answers = partly["error"]["details"]["events"].as_array().unwrap();
        for n in 0..3 {
            assert_eq!(answers[n]["id"], events[n]["id"], "{partly}");
            assert_eq!(answers[n]["seq"].is_u64(), n != 1, "{partly}");
        }
        assert_eq!(answers[1]["error"]["code"], word, "{partly}");
        client.say(&json!({ "type": "publish", "id": "p", "events": events })).await;
        let partly = told(&mut client, "p").await;
        assert_eq!((&partly["code"], &partly["details"]["events"][2]), (&json!(word), &answers[2]));
        // The same request again, when the log answers: stored events are not stored twice.
        let (status, all) = publish(healthy.address, events).await;
        assert_eq!((status, &all["events"][2]), (200, &answers[2]));
    }
    assert_eq!(stored(&backend).await, 6);
    end(served).await;
    end(healthy).await;
}

/// While the log takes its time, so much waits for it and no more.
#[tokio::test(flavor = "multi_thread")]
async fn requests_that_wait_for_the_log_are_bounded() {
    const REQUESTS: usize = 70;
    let mut backend = backends::embedded();
    let (slow, word) = Choosy::before(backend.log.clone());
    backend.log = slow;
    let served = gateway(&backend, config()).await;
    let large = || {
        let data = json!({ "text": "x".repeat(250 * 1024) });
        json!({ "type": "custom", "stream_id": "s", "node_id": "slow", "data": data })
    };
    let mut asked: FuturesUnordered<_> =
        (0..REQUESTS).map(|_| publish(served.address, json!([large(), large()]))).collect();
    let (status, full) = asked.next().await.unwrap();
    assert_eq!((status, code(&full).0), (503, "unavailable"), "{full}");
    assert!(full["error"]["message"].as_str().unwrap().contains("on its way"), "{full}");
    word.send_replace(true);
    let mut taken = 0;
    while let Some((status, answer)) = asked.next().await {
        assert!(status == 200 || (status, code(&answer).0) == (503, "unavailable"), "{answer}");
        taken += usize::from(status == 200);
    }
    assert!((50..REQUESTS).contains(&taken), "{taken}");
    assert_eq!(publish(served.address, json!([event(1)])).await.0, 200);
    end(served).await;
}
