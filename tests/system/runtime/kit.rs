//! The shared kit of the cases: a backend with its control, a crew of workers, and waiting for events.

use std::sync::Arc;
use std::time::Duration;

use runbus::bus::{Bus, Delivery, Filter};
use runbus::control::{Control, Error, SendRequest, StartRequest, Started};
use runbus::event::{Event, Kind, Payload};
use runbus::execution::Status;
use runbus::id::{ExecutionId, SessionId};
use runbus::log::Since;
use runbus::session::Message;
use runbus::time::Clock;
use runbus_workers::config::Config;
use runbus_workers::definition::Definitions;
use runbus_workers::graph::Definition;
use runbus_workers::model::Model;
use runbus_workers::pool::Worker;
use runbus_workers::session::actor::Dependencies;
use runbus_workers::tool::{Registry, Tool};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::model::Obedient;
use crate::backends::{self, Backend};

/// The longest wait for something that must happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// Awaits what must happen.
#[track_caller]
pub fn within<T>(future: impl Future<Output = T>) -> impl Future<Output = T> {
    let at = std::panic::Location::caller();
    async move {
        let outcome = tokio::time::timeout(PATIENCE, future).await;
        outcome.unwrap_or_else(|_| panic!("it did not happen within {PATIENCE:?}: {at}"))
    }
}

pub fn execution(id: &str) -> ExecutionId {
    ExecutionId::new(id).unwrap()
}

pub fn session(id: &str) -> SessionId {
    SessionId::new(id).unwrap()
}

/// A backend, and control over it.
pub struct Stage {
    pub name: &'static str,
    pub control: Control,
    pub bus: Bus,
    pub backend: Backend,
}

impl From<Backend> for Stage {
    fn from(backend: Backend) -> Self {
        Self { name: backend.name, control: backend.control(), bus: backend.bus(), backend }
    }
}

/// Says something in the test's output, which is shown when it fails.
#[expect(clippy::print_stdout, reason = "a test's output")]
pub fn show(text: &str) {
    println!("{text}");
}

/// Runs a case on every backend.
pub async fn on_each(case: impl AsyncFn(Stage)) {
    for backend in backends::all().await {
        show(&format!("on {}", backend.name));
        case(backend.into()).await;
    }
}

impl Stage {
    /// Starts `agent` with an execution of this id, in a session of its own.
    pub async fn start(&self, agent: &str, id: &str, input: impl Into<Value>) -> Started {
        let request = StartRequest { execution_id: Some(execution(id)), ..StartRequest::new(agent, input) };
        self.control.start(request).await.unwrap()
    }

    /// Says something to a session.
    pub async fn send(&self, to: &str, id: &str, input: impl Into<Value>) -> Result<Started, Error> {
        self.control.send(say(to, id, input), None).await
    }

    /// The first event of a type of an execution.
    pub async fn wait(&self, id: &str, kind: Kind) -> Payload {
        self.nth(id, kind, 1).await
    }

    /// The n-th event of a type of an execution.
    pub async fn nth(&self, id: &str, kind: Kind, n: usize) -> Payload {
        let filter = Filter::execution(execution(id)).types([kind.clone()]);
        let mut reader = self.bus.read(filter, Since::All).await.unwrap();
        let found = async {
            let mut count = 0;
            loop {
                if let Delivery::Event(found) = reader.next().await.unwrap() {
                    count += 1;
                    if count == n {
                        return found.event.payload().unwrap();
                    }
                }
            }
        };
        let found = tokio::time::timeout(PATIENCE, found).await;
        let Ok(found) = found else {
            panic!("{id}: no {n} {kind}; there is {:?}", self.kinds(id).await);
        };
        found
    }

    /// All events of an execution up to its end; fails when one of its owner's is missing, doubled or out of order.
    pub async fn story(&self, id: &str) -> Vec<Event> {
        let mut reader = self.bus.read(Filter::execution(execution(id)), Since::All).await.unwrap();
        let mut events: Vec<Event> = Vec::new();
        let mut next = 0;
        loop {
            let delivery = tokio::time::timeout(PATIENCE, reader.next()).await;
            let Ok(delivery) = delivery else {
                let state = self.control.state(&session(id)).await;
                panic!("{id} does not end: {:?}; {state:#?}", kinds(&events));
            };
            match delivery.unwrap() {
                Delivery::Event(found) => {
                    if found.event.attempt.is_some() {
                        assert_eq!(found.seq, next, "a hole or a double");
                        next += 1;
                    }
                    let end = found.event.kind.is_terminal();
                    events.push(found.event);
                    if end {
                        return events;
                    }
                }
                Delivery::CaughtUp => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// How an execution ends.
    pub async fn end(&self, id: &str) -> Payload {
        self.story(id).await.last().unwrap().payload().unwrap()
    }

    /// The result of an agent's execution.
    pub async fn output(&self, id: &str) -> String {
        match self.end(id).await {
            Payload::ExecutionCompleted(completed) => completed.output["output"].as_str().unwrap().to_owned(),
            other => panic!("{id}: {other:?}"),
        }
    }

    /// The error code with which an execution fails.
    pub async fn failure(&self, id: &str) -> String {
        match self.end(id).await {
            Payload::ExecutionFailed(failed) => failed.error["code"].as_str().unwrap().to_owned(),
            other => panic!("{id}: {other:?}"),
        }
    }

    /// The types of the events so far.
    pub async fn kinds(&self, id: &str) -> Vec<Kind> {
        let mut reader = self.bus.read(Filter::execution(execution(id)), Since::All).await.unwrap();
        let mut events = Vec::new();
        loop {
            match reader.next().await.unwrap() {
                Delivery::Event(found) => events.push(found.event),
                Delivery::CaughtUp => return kinds(&events),
                other => panic!("{other:?}"),
            }
        }
    }

    /// The event that a session has closed.
    pub async fn closed(&self, id: &SessionId) {
        let filter = Filter::all().types([Kind::SessionClosed]);
        let mut reader = self.bus.read(filter, Since::All).await.unwrap();
        within(async {
            loop {
                if let Delivery::Event(found) = reader.next().await.unwrap()
                    && found.event.session_id.as_ref() == Some(id)
                {
                    return;
                }
            }
        })
        .await;
    }

    pub async fn status(&self, id: &str) -> Status {
        self.control.status(&execution(id)).await.unwrap().unwrap().status
    }

    /// The ids of the approvals that wait in a session, by the argument `n` of their calls.
    pub async fn approvals(&self, of: &str) -> Vec<String> {
        let mut waiting = self.control.session(&session(of)).await.unwrap().approvals;
        waiting.sort_by_key(|approval| approval.tool_input["n"].as_i64());
        waiting.into_iter().map(|approval| approval.approval_id).collect()
    }

    /// The messages in short form: `user: hi`, `assistant: hello`, `calls: a b`, `tool: result`.
    pub async fn said(&self, of: &str) -> Vec<String> {
        let messages = self.control.messages(&session(of), false).await.unwrap();
        let messages: Vec<Message> = messages.into_iter().map(|said| said.message).collect();
        assert_valid(&messages);
        messages.iter().map(short).collect()
    }
}

/// Input for a session.
pub fn say(to: &str, id: &str, input: impl Into<Value>) -> SendRequest {
    SendRequest {
        session_id: Some(session(to)),
        execution_id: Some(execution(id)),
        input: input.into(),
        ..SendRequest::default()
    }
}

pub fn kinds(events: &[Event]) -> Vec<Kind> {
    events.iter().map(|event| event.kind.clone()).collect()
}

pub fn short(message: &Message) -> String {
    match message {
        Message::System { content } => format!("system: {content}"),
        Message::User { content } => format!("user: {}", content.described()),
        Message::Tool { content, .. } => format!("tool: {}", content.text()),
        Message::Assistant { content, tool_calls, .. } if tool_calls.is_empty() => {
            format!("assistant: {}", content.as_deref().unwrap_or_default())
        }
        Message::Assistant { tool_calls, .. } => {
            let names: Vec<&str> = tool_calls.iter().map(|call| call.name.as_str()).collect();
            format!("calls: {}", names.join(" "))
        }
    }
}

/// A provider refuses a conversation in which a call has no answer, or more than one, before the next word.
#[track_caller]
pub fn assert_valid(messages: &[Message]) {
    let mut open: Vec<&str> = Vec::new();
    for message in messages {
        match message {
            Message::Tool { tool_call_id, .. } => {
                let at = open.iter().position(|id| id == tool_call_id);
                open.remove(at.unwrap_or_else(|| panic!("an answer to no call: {messages:#?}")));
            }
            Message::Assistant { tool_calls, .. } => {
                assert!(open.is_empty(), "calls without an answer: {messages:#?}");
                open = tool_calls.iter().map(|call| call.id.as_str()).collect();
            }
            _ => assert!(open.is_empty(), "calls without an answer: {messages:#?}"),
        }
    }
}

/// The shared state of a case's workers.
#[derive(Clone)]
pub struct Crew {
    pub obedient: Arc<Obedient>,
    model: Arc<dyn Model>,
    definitions: Definitions,
    registry: Registry,
    config: Config,
}

impl Crew {
    /// Workers with an obedient model.
    pub fn new() -> Self {
        let obedient = Arc::new(Obedient::default());
        Self {
            model: obedient.clone(),
            obedient,
            definitions: Definitions::default(),
            registry: Registry::new(),
            config: Config { lease_ttl_ms: 1000, takeover_grace_ms: 300, ..Config::default() },
        }
    }

    pub fn agent(self, name: &str, tools: &[&str]) -> Self {
        self.define(&json!({ "kind": "agent", "name": name, "tools": tools }))
    }

    pub fn define(mut self, definition: &Value) -> Self {
        let name = definition["name"].as_str().unwrap();
        self.definitions.add(Definition::parse(name, &definition.to_string()).unwrap()).unwrap();
        self
    }

    /// Adds a definition as it stands in a file.
    pub fn file(mut self, name: &str, text: &str) -> Self {
        self.definitions.add(Definition::parse(name, text).unwrap()).unwrap();
        self
    }

    pub fn tool(self, tool: impl Tool + 'static) -> Self {
        Self { registry: self.registry.with(tool).unwrap(), ..self }
    }

    pub fn model(self, model: impl Model + 'static) -> Self {
        Self { model: Arc::new(model), ..self }
    }

    pub fn shared_model(self, model: Arc<dyn Model>) -> Self {
        Self { model, ..self }
    }

    pub fn config(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Starts a worker.
    pub fn hire(&self, stage: &Stage) -> Hired {
        let dependencies = Dependencies {
            log: stage.backend.log.clone(),
            store: stage.backend.store.clone(),
            clock: Clock::System,
            definitions: Arc::new(self.definitions.clone()),
            model: self.model.clone(),
            registry: Arc::new(self.registry.clone()),
            worker: Worker::id(&self.config),
        };
        let (drain, cut) = (CancellationToken::new(), CancellationToken::new());
        let worker = Worker::new(self.config.clone(), stage.backend.queue.clone(), dependencies);
        let task = tokio::spawn(worker.run(drain.clone(), cut.clone()));
        Hired { drain, cut, task }
    }
}

/// A worker at work.
pub struct Hired {
    drain: CancellationToken,
    cut: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Hired {
    /// It ends as at a shutdown: the running executions end, or are handed over.
    pub async fn leave(self) {
        self.drain.cancel();
        within(self.task).await.unwrap();
    }

    /// It ends as at a power failure.
    pub async fn die(self) {
        self.cut.cancel();
        self.task.abort();
        let _ = self.task.await;
    }
}
