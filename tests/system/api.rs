//! Sessions, approvals, questions and control over REST and WebSocket, with gateways and workers that come and go.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use runbus::bus::Filter;
use runbus::event::Kind;
use runbus::event::family::session::DeadLettered;
use runbus::id::{ExecutionId, SessionId};
use runbus::log::Since;
use runbus::time::Clock;
use runbus_workers::config::Config;
use runbus_workers::definition::Definitions;
use runbus_workers::graph::Definition;
use runbus_workers::model::{Script, Scripted};
use runbus_workers::pool::Worker;
use runbus_workers::session::actor::Dependencies;
use runbus_workers::tool::{Error, Function, Registry, ask_human};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::backends::{self, Backend};
use crate::client::{Client, Served, config, gateway};
use crate::council::Running;

const SCRIPT: &str = "answers:
- {node: cleaner, round: 1, tool_calls: [{name: delete, arguments: {path: /tmp/a}}]}
- {node: cleaner, text: cleaned}
- {node: asker, round: 1, tool_calls: [{name: ask_human, arguments: {prompt: Which one?, choices: [red, blue]}}]}
- {node: asker, text: thanks}
- {node: pilot, round: 1, tool_calls: [{name: launch, arguments: {}}]}
- {node: pilot, text: away}
- {node: talker, text: hello}
";

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Delete {
    path: String,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Launch {}

/// Agents, their tools, and what the tools did.
pub struct Bench {
    pub backend: Backend,
    definitions: Definitions,
    registry: Arc<Registry>,
    deleted: Arc<Mutex<Vec<String>>>,
    launches: mpsc::Receiver<()>,
}

impl Bench {
    pub fn new(backend: Backend) -> Self {
        let mut definitions = Definitions::default();
        for (name, tools) in [
            ("cleaner", vec!["delete"]),
            ("asker", vec!["ask_human"]),
            ("pilot", vec!["launch"]),
            ("talker", vec![]),
        ] {
            let agent = json!({ "kind": "agent", "name": name, "tools": tools }).to_string();
            definitions.add(Definition::parse(name, &agent).unwrap()).unwrap();
        }
        let deleted: Arc<Mutex<Vec<String>>> = Arc::default();
        let paths = deleted.clone();
        let delete = Function::new("delete", "deletes", move |asked: Delete| {
            paths.lock().unwrap().push(asked.path);
            std::future::ready(Ok::<_, Error>("gone"))
        });
        let (began, launches) = mpsc::channel(8);
        let launch = Function::new("launch", "never lands", move |Launch {}| {
            let began = began.clone();
            async move {
                began.send(()).await.unwrap();
                std::future::pending::<()>().await;
                Ok::<_, Error>("landed")
            }
        });
        let registry = Registry::new().with(delete.requires_approval()).unwrap();
        let registry = registry.with(ask_human()).unwrap().with(launch).unwrap();
        Self { backend, definitions, registry: Arc::new(registry), deleted, launches }
    }

    pub async fn all() -> Vec<Self> {
        backends::all().await.into_iter().map(Self::new).collect()
    }

    pub fn worker(&self) -> Running {
        let config = Config { lease_ttl_ms: 1000, takeover_grace_ms: 300, ..Config::default() };
        let dependencies = Dependencies {
            log: self.backend.log.clone(),
            store: self.backend.store.clone(),
            clock: Clock::System,
            definitions: Arc::new(self.definitions.clone()),
            model: Arc::new(Scripted::new(Script::parse(SCRIPT).unwrap()).with_pace(Duration::ZERO)),
            registry: self.registry.clone(),
            worker: Worker::id(&config),
        };
        let (drain, cut) = (CancellationToken::new(), CancellationToken::new());
        let worker = Worker::new(config, self.backend.queue.clone(), dependencies);
        let task = tokio::spawn(worker.run(drain.clone(), cut.clone()));
        Running { drain, cut, task }
    }

    async fn gateway(&self) -> (Served, Rest) {
        let served = gateway(&self.backend, config()).await;
        let rest = Rest::new(served.address);
        (served, rest)
    }

    /// The data of the first event of one of these kinds.
    pub async fn event(&self, execution: &str, kinds: impl IntoIterator<Item = Kind>) -> (Kind, Value) {
        let filter = Filter::execution(ExecutionId::new(execution).unwrap()).types(kinds);
        let found = self.backend.bus().wait_for(filter, Since::All, Duration::from_secs(60)).await.unwrap();
        let found = found.unwrap_or_else(|| panic!("{execution} on {}: it does not come", self.backend.name));
        (found.event.kind, serde_json::from_str(found.event.data.get()).unwrap())
    }

    pub async fn ends(&self, execution: &str) -> Kind {
        let ends = [Kind::ExecutionCompleted, Kind::ExecutionFailed, Kind::ExecutionCancelled];
        self.event(execution, ends).await.0
    }
}

/// A gateway's REST.
struct Rest {
    url: String,
    http: reqwest::Client,
}

impl Rest {
    fn new(address: SocketAddr) -> Self {
        runbus::tls::install();
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().unwrap();
        Self { url: format!("http://{address}/v1/"), http }
    }

    async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        Self::answer(self.http.get(format!("{}{path}", self.url))).await
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        Self::answer(self.http.post(format!("{}{path}", self.url)).json(&body)).await
    }

    /// Without any body.
    async fn post_empty(&self, path: &str) -> (u16, Value) {
        Self::answer(self.http.post(format!("{}{path}", self.url))).await
    }
}

/// An id in a path.
fn quoted(id: &str) -> String {
    id.replace('%', "%25").replace('@', "%40").replace(' ', "%20")
}

async fn end(running: Running) {
    running.drain.cancel();
    running.task.await.unwrap();
}

/// The worker that asked is gone, and so is the gateway over which it was started: another gateway takes the decision, another
/// worker runs the call with the arguments that the decider wrote.
#[tokio::test(flavor = "multi_thread")]
async fn an_approval_outlives_the_worker_that_asked() {
    for bench in Bench::all().await {
        let first = bench.worker();
        let (served, rest) = bench.gateway().await;
        let body = json!({ "definition": "cleaner", "input": "clean up", "execution_id": "run 1" });
        let (status, started) = rest.post("sessions", body.clone()).await;
        assert_eq!((status, &started["session_id"]), (201, &json!("run 1")), "{started}");
        assert_eq!(rest.post("sessions", body).await.0, 200);
        bench.event("run 1", [Kind::ToolApprovalRequested]).await;
        served.drain.cancel();
        end(first).await;

        let (_served, rest) = bench.gateway().await;
        let (status, waiting) = rest.get("executions/run%201/approvals").await;
        let asked = &waiting["approvals"][0];
        assert_eq!((status, &asked["tool_input"]), (200, &json!({ "path": "/tmp/a" })), "{waiting}");
        let id = quoted(asked["approval_id"].as_str().unwrap());
        let path = format!("approvals/{id}/decision");
        assert_eq!(rest.get("sessions/run%201").await.1["status"], "waiting_for_approval");

        let (status, unsaid) = rest.post_empty(&path).await;
        assert_eq!((status, &unsaid["error"]["code"]), (400, &json!("invalid_argument")), "{unsaid}");
        let stale = json!({ "approved": true, "arguments_digest": "sha256:0" });
        let (status, refused) = rest.post(&path, stale).await;
        assert_eq!((status, &refused["error"]["code"]), (409, &json!("conflict")), "{refused}");
        assert_eq!(refused["error"]["details"]["standing"]["arguments_digest"], asked["arguments_digest"]);
        let (status, wrong) = rest.post(&path, json!({ "approved": false, "arguments": {} })).await;
        assert_eq!((status, &wrong["error"]["path"]), (400, &json!("arguments")), "{wrong}");

        let decision = json!({
            "approved": true,
            "arguments": { "path": "/tmp/b" },
            "arguments_digest": asked["arguments_digest"],
            "note": "only b",
            "decision_id": "01890a5d-ac96-774b-bcce-b302099a8057",
        });
        let (status, decided) = rest.post(&path, decision.clone()).await;
        assert_eq!((status, &decided["approval"]["status"]), (200, &json!("approved")), "{decided}");
        assert_eq!(rest.post(&path, decision).await.0, 200, "the same decision again");
        let (status, late) = rest.post(&path, json!({ "approved": false })).await;
        assert_eq!((status, &late["error"]["code"]), (409, &json!("conflict")));
        let standing = &late["error"]["details"]["standing"];
        assert_eq!((&standing["approved"], &standing["note"]), (&json!(true), &json!("only b")), "{late}");

        let second = bench.worker();
        assert_eq!(bench.ends("run 1").await, Kind::ExecutionCompleted, "{}", bench.backend.name);
        assert_eq!(*bench.deleted.lock().unwrap(), ["/tmp/b"]);
        assert_eq!(rest.get(&format!("approvals/{id}")).await.1["status"], "consumed");
        assert_eq!(rest.get("executions/run%201/approvals").await.1, json!({ "approvals": [] }));
        let (_, said) = rest.get("sessions/run%201/messages").await;
        let roles: Vec<&str> =
            said["messages"].as_array().unwrap().iter().map(|m| m["role"].as_str().unwrap()).collect();
        assert!(roles.ends_with(&["user", "assistant", "tool", "assistant"]), "{said}");
        end(second).await;
    }
}

/// One connection: requests are answered by their ids, and a subscription goes on beside them.
#[tokio::test(flavor = "multi_thread")]
async fn commands_over_websocket_are_answered_by_their_ids() {
    for mut bench in Bench::all().await {
        let running = bench.worker();
        let (served, _) = bench.gateway().await;
        let mut client = Client::connect(served.address).await;
        client
            .say(&json!({ "type": "start", "id": "1", "definition": "asker", "execution_id": "ask" }))
            .await;
        let started = answer(&mut client, "1").await;
        assert_eq!((&started["type"], &started["created"]), (&json!("ok"), &json!(true)), "{started}");
        client.subscribe(json!({ "execution_id": "ask" }), json!("all")).await;
        let asked = loop {
            let message = client.message().await.unwrap();
            let events = message["events"].as_array().cloned().unwrap_or_default();
            if let Some(asked) = events.into_iter().find(|event| event["type"] == "client_input_requested") {
                break asked["data"]["request_id"].clone();
            }
        };
        client.say(&json!({ "type": "answer", "id": "2", "request_id": asked, "input": "green" })).await;
        let refused = answer(&mut client, "2").await;
        assert_eq!((&refused["code"], &refused["path"]), (&json!("invalid_argument"), &json!("input")));
        client.say(&json!({ "type": "answer", "id": "3", "request_id": asked, "input": "blue" })).await;
        assert_eq!(answer(&mut client, "3").await["session_id"], "ask");
        assert_eq!(bench.ends("ask").await, Kind::ExecutionCompleted);
        client.say(&json!({ "type": "answer", "id": "4", "request_id": asked, "input": "red" })).await;
        assert_eq!(answer(&mut client, "4").await["code"], "conflict");

        // A tool that runs is stopped.
        client
            .say(&json!({ "type": "start", "id": "5", "definition": "pilot", "execution_id": "fly" }))
            .await;
        answer(&mut client, "5").await;
        bench.launches.recv().await.unwrap();
        client.say(&json!({ "type": "cancel", "id": "6", "execution_id": "fly", "reason": "fog" })).await;
        assert_eq!(answer(&mut client, "6").await["cancel"], "requested");
        assert_eq!(bench.ends("fly").await, Kind::ExecutionCancelled, "{}", bench.backend.name);
        client.say(&json!({ "type": "cancel", "id": "7", "execution_id": "later" })).await;
        assert_eq!(answer(&mut client, "7").await["cancel"], "latched");
        client
            .say(&json!({ "type": "start", "id": "8", "definition": "talker", "execution_id": "later" }))
            .await;
        answer(&mut client, "8").await;
        assert_eq!(bench.ends("later").await, Kind::ExecutionCancelled);

        // Many at once: each is done or refused, by its id.
        for n in 0..40 {
            let start = json!({ "type": "start", "id": format!("m{n}"), "definition": "talker" });
            client.say(&start).await;
        }
        let mut answers = std::collections::BTreeMap::new();
        while answers.len() < 40 {
            let message = client.message().await.unwrap();
            if let Some(id) = message["id"].as_str() {
                let word = message["code"].as_str().or(message["type"].as_str()).unwrap().to_owned();
                assert!(["ok", "limit_exceeded"].contains(&word.as_str()), "{message}");
                answers.insert(id.to_owned(), word);
            }
        }
        assert!(answers.values().filter(|word| *word == "ok").count() >= 16, "{answers:?}");
        for (id, say, code) in [
            ("a", json!({ "type": "resume", "id": "a", "session_id": "nobody" }), "not_found"),
            ("b", json!({ "type": "pause", "id": "b", "execution_id": "nobody" }), "not_found"),
            ("c", json!({ "type": "decide", "id": "c", "approval_id": "x", "approved": true }), "not_found"),
            ("d", json!({ "type": "close", "id": "d" }), "invalid_argument"),
            ("e", json!({ "type": "fly", "id": "e" }), "unknown_command"),
        ] {
            client.say(&say).await;
            assert_eq!(answer(&mut client, id).await["code"], code, "{say}");
        }
        end(running).await;
    }
}

async fn answer(client: &mut Client, id: &str) -> Value {
    loop {
        let message = client.message().await.expect("the connection stays");
        if message["id"] == id {
            return message;
        }
    }
}

/// The worker died while a call ran: nobody can speak to the session until somebody decides what that call came to.
#[tokio::test(flavor = "multi_thread")]
async fn unresolved_calls_stand_in_the_way_until_they_are_aborted() {
    for mut bench in Bench::all().await {
        let first = bench.worker();
        let (_served, rest) = bench.gateway().await;
        let start = json!({ "definition": "pilot", "input": "go", "execution_id": "flight" });
        assert_eq!(rest.post("executions", start).await.0, 201);
        bench.launches.recv().await.unwrap();
        let (status, busy) =
            rest.post("sessions/flight/messages", json!({ "input": "now", "multitask": "reject" })).await;
        assert_eq!((status, &busy["error"]["code"]), (409, &json!("session_busy")), "{busy}");
        assert_eq!(busy["error"]["details"]["execution_id"], "flight");
        first.cut.cancel();
        first.task.abort();
        let second = bench.worker();
        bench.event("flight", [Kind::ExecutionPaused]).await;
        let (status, pending) = rest.post("sessions/flight/messages", json!({ "input": "and then?" })).await;
        assert_eq!((status, &pending["error"]["code"]), (409, &json!("session_pending")), "{pending}");
        let calls = &pending["error"]["details"]["pending"];
        assert_eq!((&calls[0]["tool_name"], &calls[0]["status"]), (&json!("launch"), &json!("unknown")));
        assert_eq!(rest.get("sessions/flight/pending").await.1["pending"], *calls);
        let (status, aborted) =
            rest.post("sessions/flight/abort_pending", json!({ "reason": "the pad burned" })).await;
        assert_eq!((status, &aborted["aborted"]), (200, calls), "{aborted}");
        assert_eq!(bench.ends("flight").await, Kind::ExecutionCompleted, "{}", bench.backend.name);
        let (_, said) = rest.get("sessions/flight/messages?include_compacted=true").await;
        let text = said.to_string();
        assert!(text.contains("<aborted: the pad burned>"), "{text}");

        // It can be spoken to again, until it is closed.
        let talk = json!({ "input": "and then?", "definition": "talker", "execution_id": "talk" });
        assert_eq!(rest.post("sessions/flight/messages", talk).await.0, 201);
        assert_eq!(bench.ends("talk").await, Kind::ExecutionCompleted);
        let (status, closed) = rest.post_empty("sessions/flight/close").await;
        assert_eq!((status, &closed["status"]), (200, &json!("closed")), "{closed}");
        let (status, refused) = rest.post("sessions/flight/messages", json!({ "input": "?" })).await;
        assert_eq!((status, &refused["error"]["code"]), (409, &json!("session_closed")), "{refused}");
        end(second).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_ids_and_invalid_values_get_clear_errors() {
    for bench in Bench::all().await {
        let (_served, rest) = bench.gateway().await;
        for path in [
            "sessions/nobody",
            "sessions/nobody/messages",
            "sessions/nobody/pending",
            "executions/nobody/approvals",
            "executions/nobody/questions",
            "approvals/nothing",
            "approvals/0123456789abcdef%40nobody",
            "dead-letters/nobody",
        ] {
            let (status, error) = rest.get(path).await;
            assert_eq!((status, &error["error"]["code"]), (404, &json!("not_found")), "{path}: {error}");
        }
        for (path, body) in [
            ("sessions/nobody/messages", json!({ "input": "?" })),
            ("sessions/nobody/resume", json!({})),
            ("sessions/nobody/abort_pending", json!({ "reason": "r" })),
            ("sessions/nobody/close", json!({ "cascade": true })),
            ("executions/nobody/pause", json!({})),
            ("executions/nobody/resume", json!({})),
            ("approvals/0123456789abcdef%40nobody/decision", json!({ "approved": true })),
            ("questions/0123456789abcdef%40nobody/answer", json!({ "input": 1 })),
            ("dead-letters/nobody/retry", json!({})),
        ] {
            let (status, error) = rest.post(path, body).await;
            assert_eq!((status, &error["error"]["code"]), (404, &json!("not_found")), "{path}: {error}");
        }
        let long = "x".repeat(5000);
        for (path, body, wrong) in [
            ("sessions", json!({ "input": 1 }), "definition"),
            ("sessions", json!({ "definition": "x", "session_id": "s" }), "session_id"),
            ("sessions", json!({ "definition": "x", "colour": 1 }), "colour"),
            ("sessions", json!({ "definition": "x", "budget": { "rounds": "many" } }), "budget.rounds"),
            ("sessions/s/messages", json!({ "session_id": "t" }), "session_id"),
            ("sessions/s/close", json!({ "cascade": 1 }), "cascade"),
            ("executions/e/cancel", json!({ "reason": long }), "reason"),
            ("executions/e/cancel", json!({ "session_id": "" }), "session_id"),
            ("questions/q/answer", json!({}), "."),
        ] {
            let (status, error) = rest.post(path, body).await;
            assert_eq!((status, error["error"]["path"].as_str()), (400, Some(wrong)), "{path}: {error}");
        }
        for path in
            ["dead-letters?limit=0", "dead-letters?colour=1", "sessions/s/messages?include_compacted=1"]
        {
            assert_eq!(rest.get(path).await.0, 400, "{path}");
        }
        // A cancel of an unknown execution is kept for it.
        let (status, kept) = rest.post_empty("executions/nobody/cancel").await;
        assert_eq!((status, &kept["cancel"]), (202, &json!("latched")), "{kept}");
        assert_eq!(rest.get("").await.0, 404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_listed_and_tried_again() {
    for bench in Bench::all().await {
        let (_served, rest) = bench.gateway().await;
        let running = bench.worker();
        let start = json!({ "definition": "talker", "input": "hello?", "execution_id": "lost" });
        assert_eq!(rest.post("executions", start).await.0, 201);
        bench.ends("lost").await;
        assert_eq!(rest.get("dead-letters").await.1, json!({ "dead_letters": [] }));
        let letter = DeadLettered {
            session_id: SessionId::new("lost").unwrap(),
            execution_id: ExecutionId::new("lost").unwrap(),
            definition: "talker".into(),
            reason: "nobody could".into(),
            attempts: 5,
        };
        bench.backend.control().dead_letter(letter).await.unwrap();
        let (_, list) = rest.get("dead-letters?limit=10").await;
        assert_eq!(list["dead_letters"][0]["reason"], "nobody could", "{list}");
        let (status, again) = rest.post_empty("dead-letters/lost/retry").await;
        assert_eq!((status, &again["execution_id"]), (201, &json!("lost-again")), "{again}");
        assert_eq!(bench.ends("lost-again").await, Kind::ExecutionCompleted);
        let (status, twice) = rest.post_empty("dead-letters/lost/retry").await;
        assert_eq!((status, &twice["error"]["details"]["standing"]), (409, &json!("lost-again")), "{twice}");
        assert_eq!(rest.get("dead-letters/lost").await.1["retried_as"], "lost-again");
        end(running).await;
    }
}
