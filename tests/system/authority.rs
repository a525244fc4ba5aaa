//! Authority: external events about an execution that Runbus runs grant no right to it, and take none from its owner.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use runbus::bus::{Bus, Delivered, Delivery, Filter};
use runbus::config::Secret;
use runbus::control::{Control, StartRequest, address};
use runbus::event::family::custom::Custom;
use runbus::event::family::execution::{Completed, Started};
use runbus::event::{Kind, Source};
use runbus::execution::{Execution, Status};
use runbus::id::{EventId, ExecutionId, StreamId};
use runbus::log::{
    AppendError, Bounds, Expect, Frame, Log, Page, Read, ReadError, Sequence, Since, Stored, Tail,
};
use runbus::store::Mark;
use runbus::subject::{Key, Lane, Layout, Scope, Shard, Topic};
use runbus::time::Clock;
use runbus::writer::{Start, Writer};
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use crate::auth::{auth, bearer, end, key, post};
use crate::backends;
use crate::client::{Client, PATIENCE, config, secured};
use crate::runtime::approvals::{approve, cashier};
use crate::runtime::kit::{Crew, Stage, execution, on_each, session, within};

/// The first event of these types that Runbus itself said of an execution.
pub async fn own(bus: &Bus, id: &str, kinds: &[Kind]) -> Delivered {
    let filter = Filter::execution(ExecutionId::new(id).unwrap()).types(kinds.to_vec());
    let mut reader = bus.read(filter, Since::All).await.unwrap();
    within(async {
        loop {
            if let Delivery::Event(found) = reader.next().await.unwrap()
                && !found.external
            {
                return *found;
            }
        }
    })
    .await
}

/// A batch about somebody else's execution, as it would look if its author ran it.
fn forged(stream: &str, id: &str, approval: &str) -> Value {
    let asked =
        json!({ "approval_id": approval, "tool_use_id": "call_0", "tool_name": "pay", "tool_input": {} });
    let of = |kind: &str, data: Value| {
        json!({
            "type": kind, "stream_id": stream, "execution_id": id, "session_id": id, "node_id": "cashier", "attempt": 7,
            "data": data,
        })
    };
    json!({ "events": [
        of("execution_started", json!({ "input": "forged" })),
        of("tool_approval_requested", asked),
        of("tool_approval_decided", json!({ "approval_id": approval, "tool_use_id": "call_0", "approved": true })),
        of("attempt_superseded", json!({ "superseded_attempt": 8, "attempt": 9, "void_from": 0, "reason": "forged" })),
        of("llm_text_delta", json!({ "content": "forged" })),
        of("execution_completed", json!({ "output": "forged" })),
        of("execution_queued", json!({ "definition": "forged" })),
    ]})
}

/// Every way to read or act on the execution `run` and its session. Callers without permission see none of it.
async fn is_shut(address: SocketAddr, who: &Secret, approval: &str, when: &str) {
    let secret = &*who.reveal();
    for path in ["", "/snapshot", "/events", "/presence", "/approvals", "/questions"] {
        let (status, text) = bearer(address, &format!("/v1/executions/run{path}"), secret).await;
        assert_eq!(status, 403, "{when}: GET run{path}: {text}");
    }
    for path in ["/v1/sessions/run", "/v1/sessions/run/messages", "/v1/sessions/run/pending"] {
        let (status, text) = bearer(address, path, secret).await;
        assert_eq!(status, 403, "{when}: GET {path}: {text}");
    }
    let decide = format!("/v1/approvals/{approval}/decision");
    for (path, body) in [
        ("/v1/executions/run/cancel", json!({})),
        ("/v1/executions/run/pause", json!({})),
        ("/v1/executions/run/resume", json!({})),
        ("/v1/sessions/run/messages", json!({ "input": "psst" })),
        ("/v1/sessions/run/close", json!({})),
        (decide.as_str(), json!({ "approved": true })),
        ("/v1/executions", json!({ "definition": "mine", "execution_id": "run", "input": "psst" })),
    ] {
        let (status, answer) = post(address, path, secret, body).await;
        assert_eq!(status, 403, "{when}: POST {path}: {answer}");
    }
    let said = task(address, secret, "mine").await;
    assert!(said.contains("not allowed") || said.contains("does not allow"), "{when}: {said}");
    let headers = format!("Bearer {secret}");
    let (mut client, _) = Client::handshake(address, "", &[("authorization", &headers)]).await.unwrap();
    for command in [
        json!({ "type": "cancel", "id": "c", "execution_id": "run" }),
        json!({ "type": "decide", "id": "c", "approval_id": approval, "approved": true }),
        json!({ "type": "subscribe", "id": "c", "filter": { "execution_id": "run" } }),
        json!({ "type": "subscribe", "id": "c", "filter": { "execution_id": "run", "stream_id": "mine" }, "presence": true }),
    ] {
        client.say(&command).await;
        let answer = loop {
            let message = client.message().await.unwrap();
            if message["id"] == "c" || message["sub"] == "c" {
                break message;
            }
        };
        assert_eq!(answer["code"], "forbidden", "{when}: {command}: {answer}");
    }
}

/// The frames that the endpoint for tasks sends about `run`, up to its end or its first frame after the greeting.
async fn task(address: SocketAddr, secret: &str, agent: &str) -> String {
    let url = format!("ws://{address}/ws/tasks/run?api_key={secret}&agent={agent}");
    let (mut socket, _) = connect_async(url).await.unwrap();
    let mut said = String::new();
    let all = async {
        while let Some(Ok(Message::Text(text))) = socket.next().await {
            said.push_str(&text);
            if text.contains("\"result\"") || text.contains("\"error\"") {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, all).await.expect("it is answered");
    let _ = socket.close(None).await;
    said
}

/// Before the victim starts it, between the start and the worker's claim, while it waits for an approval, and after its end.
#[tokio::test(flavor = "multi_thread")]
async fn external_events_about_an_execution_grant_no_right_to_it() {
    on_each(async |stage| {
        let (mut auth, root) = auth();
        let mut give = |name: &str, scopes: &[&str]| {
            let (secret, entry) = key(scopes);
            auth.api_keys.insert(name.into(), entry);
            secret
        };
        let victim = give("victim", &["read,start,decide,cancel:cashier"]);
        let attacker = give("attacker", &["publish,read,start,decide,cancel:mine"]);
        // May say something in the victim's own stream, and no more.
        let neighbour = give("neighbour", &["publish:cashier"]);
        let served = secured(&stage.backend, config(), auth).await;
        let at = served.address;
        let approval = address(&session("run"), "guess");
        let publish = async |when: &str| {
            for (who, stream) in [(&attacker, "mine"), (&neighbour, "cashier"), (&root, "elsewhere")] {
                let body = forged(stream, "run", &approval);
                let (status, answer) = post(at, "/v1/events", &who.reveal(), body).await;
                assert_eq!(status, 200, "{when}: {stream}: {answer}");
            }
        };
        publish("before").await;
        let first = stage.control.status(&execution("run")).await.unwrap().unwrap();
        assert!(first.external && first.stream_id.as_str() == "mine", "{first:?}");
        // A cancel of an external execution is accepted; it has no effect on an execution of that id started here later.
        let (status, asked) = post(at, "/v1/executions/run/cancel", &attacker.reveal(), json!({})).await;
        assert_eq!(status, 409, "it said that it has ended: {asked}");

        let input = json!([["pay", { "n": 1 }]]);
        let body = json!({ "definition": "cashier", "execution_id": "run", "input": input });
        let (status, started) = post(at, "/v1/executions", &victim.reveal(), body.clone()).await;
        assert_eq!((status, &started["created"]), (201, &json!(true)), "{started}");
        publish("queued").await;
        is_shut(at, &attacker, &approval, "queued").await;
        let known = stage.control.status(&execution("run")).await.unwrap().unwrap();
        assert_eq!(
            (known.status, known.external, known.stream_id.as_str()),
            (Status::Queued, false, "cashier")
        );
        assert_eq!((known.attempt, &known.waiting.len(), known.events), (None, &0, 1));

        let (crew, paid) = cashier();
        let worker = crew.hire(&stage);
        own(&stage.bus, "run", &[Kind::ToolApprovalRequested]).await;
        publish("waiting").await;
        let waiting = stage.approvals("run").await.remove(0);
        is_shut(at, &attacker, &waiting, "waiting").await;
        let (status, text) = bearer(at, "/v1/executions/run", &victim.reveal()).await;
        let shown: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((status, &shown["status"]), (200, &json!("waiting_for_approval")), "{text}");
        assert_eq!(shown["waiting"].as_object().unwrap().keys().collect::<Vec<_>>(), [&waiting], "{text}");
        let (status, text) = bearer(at, "/v1/executions/run/snapshot", &victim.reveal()).await;
        assert!(status == 200 && !text.contains("forged"), "{text}");
        let (status, text) = bearer(at, "/v1/executions/run/approvals", &victim.reveal()).await;
        assert!(status == 200 && text.contains(&waiting) && !text.contains(&approval), "{text}");
        assert!(paid.all().is_empty(), "no approval was given");
        let path = format!("/v1/approvals/{waiting}/decision");
        let (status, decided) = post(at, &path, &victim.reveal(), json!({ "approved": true })).await;
        assert_eq!(status, 200, "{decided}");
        own(&stage.bus, "run", &[Kind::ExecutionCompleted]).await;

        publish("ended").await;
        is_shut(at, &attacker, &waiting, "ended").await;
        // With any content of the store, and with an empty one.
        let empty = backends::embedded();
        let forgetful = Control::new(
            Bus::new(stage.backend.log.clone(), empty.store.clone()),
            stage.backend.queue.clone(),
            Clock::System,
        );
        for control in [&stage.control, &forgetful] {
            let known = control.status(&execution("run")).await.unwrap().unwrap();
            assert_eq!((known.status, known.stream_id.as_str()), (Status::Completed, "cashier"));
            assert_eq!(known.session_id, Some(session("run")));
            assert!(!known.external && known.output != Some(json!("forged")), "{known:?}");
        }
        let said = task(at, &victim.reveal(), "cashier").await;
        assert!(said.contains("\"result\"") && !said.contains("forged"), "{said}");
        // A reader of the stream sees the events in it, and their authors.
        let query = "/v1/events?stream_id=cashier&execution_id=run&limit=1000&order=oldest";
        let (status, text) = bearer(at, query, &victim.reveal()).await;
        let page: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(status, 200, "{text}");
        for event in page["events"].as_array().unwrap() {
            assert_eq!(
                event["external"] == true,
                event["data"].to_string().contains("forged") || event["attempt"] == 7,
                "{event}"
            );
        }
        // A stream that ends with the execution ends where it ended.
        let query = "/v1/events/stream?stream_id=cashier&execution_id=run&since=all&until=terminal";
        let (status, text) = bearer(at, query, &victim.reveal()).await;
        assert_eq!(status, 200, "{text}");
        let ends: Vec<bool> = text
            .lines()
            .filter(|line| line.starts_with("data:") && line.contains("\"type\":\"execution_completed\""))
            .map(|line| line.contains("\"external\":true"))
            .collect();
        assert_eq!(ends, [true, true, true, false], "earlier external events did not end it");
        worker.leave().await;
        end(served).await;
    })
    .await;
}

/// External producers report their own executions, clients watch them, and can ask them to stop.
#[tokio::test(flavor = "multi_thread")]
async fn external_executions_are_reported_by_their_producers() {
    on_each(async |stage| {
        let (mut auth, _) = auth();
        let (secret, entry) = key(&["publish,read,cancel:mine"]);
        auth.api_keys.insert("mine".into(), entry);
        let served = secured(&stage.backend, config(), auth).await;
        let at = served.address;
        let say = async |kind: &str, stream: &str, data: Value| {
            let event = json!({ "type": kind, "stream_id": stream, "execution_id": "theirs", "data": data });
            post(at, "/v1/events", &secret.reveal(), json!({ "events": [event] })).await.0
        };
        assert_eq!(say("execution_started", "mine", json!({ "input": "hi" })).await, 200);
        let status = async || {
            let (status, text) = bearer(at, "/v1/executions/theirs", &secret.reveal()).await;
            assert_eq!(status, 200, "{text}");
            serde_json::from_str::<Value>(&text).unwrap()
        };
        assert_eq!(
            (&status().await["status"], &status().await["external"]),
            (&json!("running"), &json!(true))
        );
        let (code, asked) = post(at, "/v1/executions/theirs/cancel", &secret.reveal(), json!({})).await;
        assert_eq!((code, &asked["cancel"]), (202, &json!("requested")), "{asked}");
        let filter = Filter::execution(execution("theirs")).types([Kind::ExecutionCancelRequested]);
        let heard = stage.bus.wait_for(filter, Since::All, PATIENCE).await.unwrap().unwrap();
        assert!(heard.external, "it is no word of Runbus's: the execution stays theirs");
        assert_eq!(say("execution_cancelled", "mine", json!({})).await, 200);
        assert_eq!(status().await["status"], "cancelled");
        // Nothing of this is heard when somebody starts the same id here.
        let worker = Crew::new().agent("assistant", &[]).hire(&stage);
        let started = stage.start("assistant", "theirs", "hello").await;
        assert!(started.created);
        own(&stage.bus, "theirs", &[Kind::ExecutionCompleted]).await;
        worker.leave().await;
        end(served).await;
    })
    .await;
}

/// Copies of earlier versions do not name the producer: only an owner's events in them count.
#[tokio::test(flavor = "multi_thread")]
async fn copies_of_earlier_versions_are_believed_where_an_owner_wrote() {
    on_each(async |stage| {
        for (id, epoch, is_believed) in [("forged", 0, false), ("owned", 3, true)] {
            let document = json!({
                "execution_id": id, "stream_id": "mine", "status": "completed", "rounds": 0, "events": 1,
            });
            let _: Execution = serde_json::from_value(document.clone()).unwrap();
            let mark = Mark { epoch, from: None, to: 1 << 40 };
            let name = runbus::control::status::projection(&execution(id));
            let document = Bytes::from(document.to_string());
            stage.backend.store.apply(&name, mark, document, Some(Duration::from_secs(600))).await.unwrap();
            let known = stage.control.status(&execution(id)).await.unwrap();
            assert_eq!(known.is_some(), is_believed, "{id}: {known:?}");
            assert_eq!(stage.start("assistant", id, "hello").await.created, !is_believed, "{id}");
        }
        // A copy of external events ends nothing.
        let id = execution("told");
        let source = Source::execution(StreamId::new("mine").unwrap(), id.clone(), Clock::System);
        stage.bus.publish(source.execution_completed(Completed { output: json!(1) })).await.unwrap();
        assert_eq!(stage.status("told").await, Status::Completed);
        assert!(stage.start("assistant", "told", "hello").await.created);
        assert_eq!(stage.status("told").await, Status::Queued);
    })
    .await;
}

/// A frame with an owner's number of its own, on a server that lets anybody write it: nobody can go on, and nobody tries for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_fenced_without_a_claim_becomes_a_dead_letter() {
    on_each(async |stage| {
        stage.start("assistant", "run", "hello").await;
        let topic = Topic::Events {
            stream: StreamId::new("assistant").unwrap(),
            node: None,
            execution: Some(execution("run")),
        };
        let last = stage.backend.log.last(&topic.key().unwrap()).await.unwrap().map(|stored| stored.sequence);
        let source = Source::execution(StreamId::new("assistant").unwrap(), execution("run"), Clock::System);
        let line = source.custom(Custom::default()).encode().unwrap();
        for (index, last) in [(u64::MAX, last)] {
            let frame = Frame::owned(1 << 63, index, u64::MAX, std::slice::from_ref(&line));
            stage.backend.log.append(&topic, &frame, Expect::Last(last)).await.unwrap();
        }
        let worker =
            Crew::new().agent("assistant", &[]).config(|config| config.max_attempts = 2).hire(&stage);
        let found = own(&stage.bus, "run", &[Kind::ExecutionFailed]).await;
        assert!(found.event.data.get().contains("no other owner has claimed"), "{found:?}");
        let filter = Filter::all().types([Kind::SessionDeadLettered]);
        stage.bus.wait_for(filter, Since::All, PATIENCE).await.unwrap().expect("a dead letter");
        let letter = stage.control.dead_letter_of(&execution("run")).await.unwrap();
        assert!(letter.reason.contains("no other owner has claimed") && letter.attempts == 2, "{letter:?}");
        // Readers of all kinds read on.
        let page = stage.bus.history(&Default::default()).await.unwrap();
        assert!(page.events.len() >= 4, "{page:?}");
        worker.leave().await;
    })
    .await;
}

/// A log in which somebody publishes into the execution before each frame of its owner.
#[derive(Debug)]
struct Flooded(Arc<dyn Log>);

#[async_trait]
impl Log for Flooded {
    fn layout(&self) -> std::sync::Arc<Layout> {
        self.0.layout()
    }
    async fn append(&self, topic: &Topic, frame: &Frame, expect: Expect) -> Result<Sequence, AppendError> {
        if frame.epoch().is_some() {
            let flood = Frame::external(&[Bytes::from_static(b"{}")]);
            self.0.append(topic, &flood, Expect::Open(EventId::generate())).await?;
        }
        self.0.append(topic, frame, expect).await
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

/// However much others publish about an execution, its owner goes on writing, and readers get all of it in order.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_does_not_keep_an_owner_from_writing() {
    on_each(async |stage| {
        let (stream, id) = (StreamId::new("s").unwrap(), execution("e"));
        let source = Source::execution(stream.clone(), id.clone(), Clock::System);
        let log: Arc<dyn Log> = Arc::new(Flooded(stage.backend.log.clone()));
        let mut reader =
            stage.bus.read(Filter::execution_of(stream.clone(), id.clone()), Since::All).await.unwrap();
        let start = Start { epoch: 1, ..Start::default() };
        let writer = Writer::open(log, stream, id, start, CancellationToken::new());
        for n in 0..20_u32 {
            let event = source.execution_started(Started { input: json!(n), definition: None });
            let ticket = writer.append(None, vec![event.encode().unwrap()], None).await.unwrap();
            within(ticket.durable()).await.unwrap();
        }
        let (mut next, mut flood) = (0, 0);
        while next < 20 {
            match within(reader.next()).await.unwrap() {
                Delivery::Event(found) => {
                    assert_eq!(found.seq, next, "in order, without a hole");
                    next += 1;
                }
                Delivery::Undecodable(_) => flood += 1,
                other => assert!(matches!(other, Delivery::CaughtUp), "{other:?}"),
            }
        }
        assert!(flood >= 20, "readers get what others published too: {flood}");
    })
    .await;
}

/// A start that is repeated keeps its stream and its session.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_again_moves_nothing() {
    on_each(async |stage| {
        stage.start("assistant", "run", "hello").await;
        let elsewhere = StartRequest {
            execution_id: Some(execution("run")),
            stream_id: Some(StreamId::new("elsewhere").unwrap()),
            session_id: Some(session("other")),
            ..StartRequest::new("assistant", "hello")
        };
        let again = stage.control.start(elsewhere).await.unwrap();
        assert_eq!((again.created, again.stream_id.as_str()), (false, "assistant"));
        assert_eq!(again.session_id, session("run"));
        assert_eq!(stage.kinds("run").await, [Kind::ExecutionQueued]);
    })
    .await;
}

/// The streams of a broker that serves one deployment: their names and last messages.
async fn streams(admin: &async_nats::Client) -> BTreeMap<String, u64> {
    let ask = async |verb: String| {
        let answer = admin.request(format!("$JS.API.{verb}"), "".into()).await.unwrap();
        serde_json::from_slice::<Value>(&answer.payload).unwrap()
    };
    let names = ask("STREAM.NAMES".into()).await["streams"].clone();
    let mut found = BTreeMap::new();
    for name in names.as_array().unwrap() {
        let name = name.as_str().unwrap();
        let info = ask(format!("STREAM.INFO.{name}")).await;
        found.insert(name.to_owned(), info["state"]["last_seq"].as_u64().unwrap());
    }
    found
}

/// The subject of an external event in another shard than `run`.
fn elsewhere(prefix: &str) -> String {
    let shard = |token: &str| Layout::new(vec![4]).unwrap().home(token);
    assert_ne!(shard("e"), shard("run"));
    format!("{prefix}.ext.{}.s._.e", shard("e"))
}

/// Publishes external events whose acknowledgements are to go to subjects of Runbus's that are about the execution `run`: each of them
/// so often.
async fn misdirect(client: &async_nats::Client, prefix: &str, times: usize) {
    let own = Layout::new(vec![4]).unwrap().home("run");
    let replies = [
        format!("{prefix}.se.{own}.run"),
        format!("{prefix}.in.{own}.run"),
        format!("{prefix}.ev.{own}.cashier._.run"),
        format!("{prefix}.job.sessions"),
        format!("{prefix}.job.timers"),
        format!("{prefix}.layout"),
    ];
    for reply in std::iter::repeat_n(replies, times).flatten() {
        client.publish_with_reply(elsewhere(prefix), reply, "{}".into()).await.unwrap();
    }
    client.flush().await.unwrap();
}

/// A plain publisher names subjects of Runbus's for the broker's acknowledgements. From the publishers' account nothing arrives there.
/// From Runbus's own account, as on a server with one account, it arrives, and is skipped: the owner goes on, and so do readers.
#[tokio::test(flavor = "multi_thread")]
async fn acknowledgements_of_publishers_neither_reach_nor_stop_an_execution() {
    for (user, arrives) in [("publisher", false), ("admin", true)] {
        let (backend, broker) = backends::on_a_broker().await;
        let stage = Stage::from(backend);
        let (admin, client) = (broker.client("admin").await, broker.client(user).await);
        let names = streams(&admin).await;
        let prefix = names.keys().find_map(|name| name.strip_suffix("_LAYOUT")).unwrap().to_lowercase();
        // Without the stream that takes the external events, and the scratch of readiness.
        let others = [format!("_EV_{}", Layout::new(vec![4]).unwrap().home("e")), "_CHECK".into()];
        let sum = |found: BTreeMap<String, u64>| -> u64 {
            let counts = |name: &str| !others.iter().any(|other| name.ends_with(other));
            found.into_iter().filter(|(name, _)| counts(name)).map(|(_, last)| last).sum()
        };
        // Before anything of it is there, while its owner has it, and while nobody does.
        misdirect(&client, &prefix, 1).await;
        let (crew, paid) = cashier();
        let worker = crew.hire(&stage);
        stage.start("cashier", "run", json!([["pay", { "n": 1 }]])).await;
        own(&stage.bus, "run", &[Kind::ToolApprovalRequested]).await;
        worker.leave().await;
        let before = sum(streams(&admin).await);
        misdirect(&client, &prefix, 3).await;
        within(async {
            while arrives && sum(streams(&admin).await) < before + 18 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        if !arrives {
            // The acknowledgement of a later message stands behind all of them.
            client.request(elsewhere(&prefix), "{}".into()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(200)).await;
            assert_eq!(sum(streams(&admin).await), before, "nothing arrives");
        }
        let worker = crew.hire(&stage);
        let waiting = stage.approvals("run").await.remove(0);
        misdirect(&client, &prefix, 1).await;
        stage.control.decide(&waiting, approve(), None).await.unwrap();
        own(&stage.bus, "run", &[Kind::ExecutionCompleted]).await;
        assert_eq!(paid.count(), 1, "{user}");
        // The session can be read, and takes another message.
        misdirect(&client, &prefix, 1).await;
        stage.said("run").await;
        let again = stage.send("run", "next", json!([])).await.unwrap();
        own(&stage.bus, again.execution_id.as_str(), &[Kind::ExecutionCompleted]).await;
        assert!(stage.control.dead_letters(10).await.unwrap().is_empty(), "{user}");
        worker.leave().await;
    }
}
