//! A scenario: the executions that it starts, and the reactions of people to events.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use runbus::bus::{Delivered, Delivery, Filter};
use runbus::control::{AnswerRequest, Control, DecideRequest, SendRequest, StartRequest};
use runbus::event::{Kind, Payload};
use runbus::id::{ExecutionId, SessionId};
use runbus::log::Since;
use runbus::session::checkpoint::Rule;
use runbus::session::view::CallStatus;
use runbus_workers::tool::Registry;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::world::World;

/// Something that a person does.
#[derive(Debug, Clone)]
pub enum Deed {
    Start(StartRequest),
    Send(SendRequest),
    Cancel(&'static str),
    /// A session and its children.
    Close(&'static str),
    /// The first worker shuts down.
    Drain,
}

/// When a person does something: the first event of this type, of this node or (when the node is empty) this execution.
#[derive(Debug, Clone)]
pub struct When {
    pub kind: Kind,
    pub node: &'static str,
    pub execution: &'static str,
    pub deed: Deed,
}

pub struct Scenario {
    pub name: &'static str,
    pub definitions: Vec<Value>,
    /// The model's script; empty: the council's.
    pub script: &'static str,
    pub tools: fn(&Arc<World>) -> Registry,
    pub begins: Vec<Deed>,
    pub whens: Vec<When>,
    /// The executions that must end before the scenario is over.
    pub ends: Vec<&'static str>,
    /// Wake-ups that may be left: those that are set for the time at which nobody will be asked any more.
    pub timers: u64,
    /// Milliseconds between two tokens.
    pub pace_ms: u64,
    /// Nodes are at work beside each other: the order of events counts within each of them only.
    pub branches: bool,
    /// When the worker writes checkpoints.
    pub checkpoints: Rule,
}

/// A person's decision about calls of unknown outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Resume,
    Abort,
}

/// The person.
pub struct Person {
    pub control: Control,
    pub world: Arc<World>,
    pub verdict: Verdict,
    pub drain: CancellationToken,
}

impl Person {
    /// Does what the scenario says, until all of its executions have ended.
    pub async fn play(self, scenario: Arc<Scenario>) {
        let mut reader = self.control.bus().read(Filter::all(), Since::All).await.unwrap();
        for deed in &scenario.begins {
            self.does(deed).await;
        }
        let mut open: BTreeSet<&str> = scenario.ends.iter().copied().collect();
        let mut whens = scenario.whens.clone();
        let mut seen: HashMap<String, u64> = HashMap::new();
        while !open.is_empty() {
            let Delivery::Event(found) = reader.next().await.unwrap() else { continue };
            let event = &found.event;
            assert!(seen.insert(event.id.to_string(), found.seq).is_none(), "twice: {event:?}");
            self.sees(&found).await;
            let (node, execution) = (
                event.node_id.as_ref().map(ToString::to_string).unwrap_or_default(),
                event.execution_id.as_ref().map(ToString::to_string).unwrap_or_default(),
            );
            let fits = |when: &When| {
                when.kind == event.kind
                    && (when.node.is_empty() || when.node == node)
                    && (when.execution.is_empty() || when.execution == execution)
            };
            while let Some(at) = whens.iter().position(fits) {
                let when = whens.remove(at);
                self.does(&when.deed).await;
            }
            if event.kind.is_terminal() {
                open.remove(execution.as_str());
            }
        }
    }

    async fn does(&self, deed: &Deed) {
        match deed {
            Deed::Start(request) => drop(self.control.start(request.clone()).await.unwrap()),
            Deed::Send(request) => drop(self.control.send(request.clone(), None).await.unwrap()),
            Deed::Cancel(id) => {
                let id = ExecutionId::new(*id).unwrap();
                self.control.cancel(&id, None, Some("enough".into()), None).await.unwrap();
            }
            Deed::Close(id) => {
                let id = SessionId::new(*id).unwrap();
                self.control.close_session(&id, true, Some("good night".into()), None).await.unwrap();
            }
            Deed::Drain => self.drain.cancel(),
        }
    }

    /// The reaction of every person who sees such an event.
    async fn sees(&self, found: &Delivered) {
        match found.event.payload().unwrap() {
            Payload::ToolApprovalRequested(asked) => {
                let yes = DecideRequest { approved: true, ..DecideRequest::default() };
                self.control.decide(&asked.approval_id, yes.clone(), Some("ann".into())).await.unwrap();
                let again = self.control.decide(&asked.approval_id, yes, Some("bob".into())).await;
                assert_eq!(again.unwrap_err().code(), "conflict");
            }
            Payload::ClientInputRequested(asked) => {
                let answer = AnswerRequest { input: "blue".into(), ..AnswerRequest::default() };
                self.control.answer(&asked.request_id.unwrap(), answer, None).await.unwrap();
            }
            Payload::ExecutionPaused(_) => self.judges(found.event.session_id.as_ref().unwrap()).await,
            _ => {}
        }
    }

    /// Calls whose outcome nobody knows: no effect happened twice, and somebody decides.
    async fn judges(&self, session: &SessionId) {
        let pending = self.control.pending(session).await.unwrap();
        let unknown = pending.iter().filter(|call| call.status == CallStatus::Unknown).count();
        assert!(unknown > 0, "paused for nothing: {pending:?}");
        for (key, times) in self.world.done() {
            assert!(!key.starts_with("unsafe") || times <= 1, "{key} was done {times} times");
        }
        match self.verdict {
            Verdict::Resume => drop(self.control.resume(session, None).await.unwrap()),
            Verdict::Abort => {
                let aborted = self.control.abort_pending(session, "nobody knows", None).await.unwrap();
                assert!(aborted.len() >= unknown, "{aborted:?}");
            }
        }
    }
}
