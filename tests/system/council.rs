//! The main job: the council runs, on one worker, on several, and when a worker dies in the middle.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use runbus::bus::{Delivered, Delivery, Filter};
use runbus::control::StartRequest;
use runbus::event::family::{client, model};
use runbus::event::{Kind, Payload};
use runbus::execution::Status;
use runbus::id::ExecutionId;
use runbus::log::Since;
use runbus::time::Clock;
use runbus_workers::config::Config;
use runbus_workers::definition::Definitions;
use runbus_workers::graph::Definition;
use runbus_workers::model::{Script, Scripted};
use runbus_workers::pool::Worker;
use runbus_workers::session::actor::Dependencies;
use runbus_workers::tool::{Error, Invocation, Registry, Spec, Tool};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::backends::{self, Backend};

pub struct Running {
    pub drain: CancellationToken,
    pub cut: CancellationToken,
    pub task: tokio::task::JoinHandle<()>,
}

pub fn worker(backend: &Backend, pace: Duration) -> Running {
    let config = Config { lease_ttl_ms: 1000, takeover_grace_ms: 300, ..Config::default() };
    let built_in = runbus_workers::tools_section::Config::default();
    let registry = built_in.add_to(Registry::new(), || Clock::System.now().to_string()).unwrap();
    let dependencies = Dependencies {
        log: backend.log.clone(),
        store: backend.store.clone(),
        clock: Clock::System,
        definitions: Arc::new(Definitions::builtin().unwrap()),
        model: Arc::new(Scripted::new(Script::built_in()).with_pace(pace)),
        registry: Arc::new(registry),
        worker: Worker::id(&config),
    };
    let (drain, cut) = (CancellationToken::new(), CancellationToken::new());
    let worker = Worker::new(config, backend.queue.clone(), dependencies);
    let task = tokio::spawn(worker.run(drain.clone(), cut.clone()));
    Running { drain, cut, task }
}

pub fn council(id: &str) -> StartRequest {
    StartRequest {
        execution_id: Some(ExecutionId::new(id).unwrap()),
        ..StartRequest::new("council", "Why do agents need a log?")
    }
}

/// Every event of an execution up to its end; fails when one is missing, doubled or out of order.
pub async fn watch(backend: &Backend, id: &str) -> Vec<Delivered> {
    let mut reader =
        backend.bus().read(Filter::execution(ExecutionId::new(id).unwrap()), Since::All).await.unwrap();
    let mut events: Vec<Delivered> = Vec::new();
    let mut next = 0;
    loop {
        let delivery = tokio::time::timeout(Duration::from_secs(60), reader.next()).await;
        match delivery.unwrap_or_else(|_| panic!("nothing comes after {:#?}", events.last())).unwrap() {
            Delivery::Event(found) => {
                if found.event.kind != Kind::ExecutionQueued {
                    assert_eq!(found.seq, next, "a hole or a double");
                    next += 1;
                }
                let end = found.event.kind.is_terminal();
                events.push(*found);
                if end {
                    return events;
                }
            }
            Delivery::CaughtUp => {}
            other => panic!("{other:?}"),
        }
    }
}

/// The text of each turn as a reader puts it together: deltas up to `llm_turn_completed`, void ones left out.
pub fn texts(events: &[Delivered]) -> Vec<(String, String)> {
    let mut turns = Vec::new();
    let mut open: BTreeMap<String, (u64, String)> = BTreeMap::new();
    for found in events {
        let node = || found.event.node_id.as_ref().unwrap().to_string();
        match found.event.payload().unwrap() {
            Payload::LlmTextDelta(model::TextDelta { content, .. })
            | Payload::ClientOutputDelta(client::OutputDelta { content, .. }) => {
                let (last, text) = open.entry(node()).or_default();
                *last = found.seq;
                text.push_str(&content);
            }
            Payload::LlmTurnCompleted(turn) => {
                let text = open.remove(&node()).map(|(_, text)| text).unwrap_or_default();
                assert_eq!(Some(&text), turn.content.as_ref());
                turns.push((node(), text));
            }
            Payload::LlmRetry(_) => _ = open.remove(&node()),
            Payload::AttemptSuperseded(superseded) => {
                open.retain(|_, (last, _)| superseded.void_from.is_none_or(|from| *last < from));
            }
            _ => {}
        }
    }
    assert!(open.is_empty());
    turns
}

pub fn output(events: &[Delivered]) -> Value {
    let last = events.last().unwrap();
    assert_eq!(last.event.kind, Kind::ExecutionCompleted, "{:?}", last.event);
    let data: Value = serde_json::from_str(last.event.data.get()).unwrap();
    data["output"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_council_runs_and_is_started_once() {
    for backend in backends::all().await {
        let running = worker(&backend, Duration::ZERO);
        let control = backend.control();
        let started = control.start(council("run 1")).await.unwrap();
        assert!(started.created);
        assert!(!control.start(council("run 1")).await.unwrap().created);
        let events = watch(&backend, "run 1").await;
        let output = output(&events);
        assert_eq!(output["node"], "writer_agent", "{}", backend.name);
        assert_eq!(output["iterations"], 2);
        let nodes: Vec<String> = texts(&events).into_iter().map(|(node, _)| node).collect();
        assert_eq!(nodes, ["master_agent", "critic_agent", "master_agent", "critic_agent", "writer_agent"]);
        let status = control.status(&started.execution_id).await.unwrap().unwrap();
        assert_eq!((status.status, status.rounds), (Status::Completed, 5));
        assert_eq!(status.output, Some(output));
        assert!(!control.start(council("run 1")).await.unwrap().created);
        running.drain.cancel();
        running.task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_workers_session_is_taken_over_and_ends_the_same() {
    for backend in backends::all().await {
        let quiet = worker(&backend, Duration::ZERO);
        backend.control().start(council("undisturbed")).await.unwrap();
        let undisturbed = watch(&backend, "undisturbed").await;
        quiet.drain.cancel();
        quiet.task.await.unwrap();

        // Slow enough to be ended in the middle, also by a test that is late.
        let first = worker(&backend, Duration::from_millis(10));
        backend.control().start(council("disturbed")).await.unwrap();
        // Die in the middle of the second draft's tokens.
        let filter = Filter::execution(ExecutionId::new("disturbed").unwrap()).types([Kind::LlmTextDelta]);
        let mut reader = backend.bus().read(filter, Since::All).await.unwrap();
        let mut deltas = 0;
        while deltas < 60 {
            if let Delivery::Event(_) = reader.next().await.unwrap() {
                deltas += 1;
            }
        }
        first.cut.cancel();
        first.task.abort();
        let second = worker(&backend, Duration::ZERO);
        let disturbed = watch(&backend, "disturbed").await;
        assert_eq!(output(&disturbed), output(&undisturbed), "{}", backend.name);
        assert_eq!(texts(&disturbed), texts(&undisturbed));
        let superseded = disturbed.iter().filter(|found| found.event.kind == Kind::AttemptSuperseded).count();
        assert_eq!(superseded, 1);
        second.drain.cancel();
        second.task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draining_worker_hands_over() {
    for backend in backends::all().await {
        let first = worker(&backend, Duration::from_millis(2));
        let control = backend.control();
        control.start(council("handed over")).await.unwrap();
        let mut reader = backend
            .bus()
            .read(
                Filter::execution(ExecutionId::new("handed over").unwrap()).types([Kind::NodeLoopStarted]),
                Since::All,
            )
            .await
            .unwrap();
        while !matches!(reader.next().await.unwrap(), Delivery::Event(_)) {}
        first.drain.cancel();
        first.task.await.unwrap();
        let second = worker(&backend, Duration::ZERO);
        let events = watch(&backend, "handed over").await;
        assert_eq!(output(&events)["node"], "writer_agent", "{}", backend.name);
        assert!(!events.iter().any(|found| found.event.kind == Kind::AttemptSuperseded), "no worker died");
        second.drain.cancel();
        second.task.await.unwrap();
    }
}

/// Large inputs are refused at the edge; large answers end in an event that fits, and the whole stays in the journal.
#[tokio::test(flavor = "multi_thread")]
async fn large_inputs_and_answers_end_clearly() {
    for backend in backends::all().await {
        let control = backend.control();
        let request = StartRequest { input: "x".repeat(200_000).into(), ..council("too large") };
        assert_eq!(control.start(request).await.unwrap_err().code(), "too_large", "{}", backend.name);
        let part = serde_json::json!([{"type": "text", "text": "?"}, {"type": "image", "url": "file:///etc/passwd"}]);
        let refused = control.start(StartRequest { input: part, ..council("no part") }).await.unwrap_err();
        assert_eq!(refused.code(), "invalid_argument", "{}", backend.name);
        assert!(refused.to_string().contains("input[1] is no part"), "{refused}");
        let running = worker(&backend, Duration::ZERO);
        // The assistant is not in the script: it echoes its input.
        let request = StartRequest {
            definition: "assistant".into(),
            input: "\u{1}".repeat(20_000).into(),
            ..council("large")
        };
        control.start(request).await.unwrap();
        let events = watch(&backend, "large").await;
        assert_eq!(events.last().unwrap().event.kind, Kind::ExecutionCompleted, "{}", backend.name);
        running.drain.cancel();
        running.task.await.unwrap();
    }
}

/// A tool that acts on the world: it counts its calls, says that one began, and never ends.
#[derive(Debug)]
struct Launch {
    spec: Spec,
    safe: bool,
    calls: Arc<AtomicUsize>,
    began: tokio::sync::mpsc::Sender<String>,
}

#[async_trait]
impl Tool for Launch {
    fn spec(&self) -> &Spec {
        &self.spec
    }
    fn safe_to_repeat(&self) -> bool {
        self.safe
    }
    async fn call(&self, invocation: Invocation) -> Result<String, Error> {
        let nth = self.calls.fetch_add(1, Ordering::SeqCst);
        self.began.send(invocation.idempotency_key).await.unwrap();
        if nth == 0 {
            std::future::pending::<()>().await;
        }
        Ok("launched".into())
    }
}

/// The worker dies while a tool runs. A call that is not safe to repeat is left to somebody's decision; a safe one runs
/// again, with the same idempotency key.
#[tokio::test(flavor = "multi_thread")]
async fn a_tool_of_unknown_outcome_is_never_silently_run_twice() {
    for (backend, safe) in backends::all()
        .await
        .into_iter()
        .zip([false, true])
        .chain(backends::all().await.into_iter().zip([true, false]))
    {
        let script = "answers:\n- {node: pilot, round: 1, tool_calls: [{name: launch, arguments: {}}]}\n\
                      - {node: pilot, round: 2, text: away}\n";
        let agent = serde_json::json!({ "kind": "agent", "name": "pilot", "tools": ["launch"] });
        let mut definitions = Definitions::default();
        definitions.add(Definition::parse("pilot", &agent.to_string()).unwrap()).unwrap();
        let (began, mut begins) = tokio::sync::mpsc::channel(8);
        let calls = Arc::new(AtomicUsize::new(0));
        let parameters = serde_json::json!({ "type": "object" });
        let spec = Spec { name: "launch".into(), description: String::new(), parameters };
        let launch = Launch { spec, safe, calls: calls.clone(), began };
        let registry = Arc::new(Registry::new().with(launch).unwrap());
        let start = |_| {
            let config = Config { lease_ttl_ms: 1000, takeover_grace_ms: 300, ..Config::default() };
            let dependencies = Dependencies {
                log: backend.log.clone(),
                store: backend.store.clone(),
                clock: Clock::System,
                definitions: Arc::new(definitions.clone()),
                model: Arc::new(Scripted::new(Script::parse(script).unwrap()).with_pace(Duration::ZERO)),
                registry: registry.clone(),
                worker: Worker::id(&config),
            };
            let (drain, cut) = (CancellationToken::new(), CancellationToken::new());
            let worker = Worker::new(config, backend.queue.clone(), dependencies);
            let task = tokio::spawn(worker.run(drain.clone(), cut.clone()));
            Running { drain, cut, task }
        };
        let first = start(1);
        backend
            .control()
            .start(StartRequest { definition: "pilot".into(), ..council("flight") })
            .await
            .unwrap();
        let key = begins.recv().await.unwrap();
        first.cut.cancel();
        first.task.abort();
        let second = start(2);
        let filter = Filter::execution(ExecutionId::new("flight").unwrap());
        let ends = [Kind::ExecutionPaused, Kind::ExecutionCompleted, Kind::ExecutionFailed];
        let end =
            backend.bus().wait_for(filter.types(ends), Since::All, Duration::from_secs(60)).await.unwrap();
        let kind = end.expect("it pauses or ends").event.kind;
        if safe {
            assert_eq!(
                (kind, calls.load(Ordering::SeqCst)),
                (Kind::ExecutionCompleted, 2),
                "{}",
                backend.name
            );
            assert_eq!(begins.recv().await.unwrap(), key);
        } else {
            assert_eq!((kind, calls.load(Ordering::SeqCst)), (Kind::ExecutionPaused, 1), "{}", backend.name);
            let status =
                backend.control().status(&ExecutionId::new("flight").unwrap()).await.unwrap().unwrap();
            assert_eq!(status.status, Status::Paused);
        }
        second.drain.cancel();
        second.task.await.unwrap();
    }
}
