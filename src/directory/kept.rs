//! The documents of executions and sessions in the index: as much as the fold of the next event needs. Approvals and questions are kept
//! as they are shown.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::beginning::{self, Beginning};
use super::entry::{EntryError, ExecutionEntry, ParentEntry, SessionEntry};
use crate::event::family::model::Usage;
use crate::event::{Event, Payload};
use crate::execution::{Execution, Status};
use crate::id::{CorrelationId, ExecutionId, NodeId, SessionId, StreamId};
use crate::labels::Labels;
use crate::limits;
use crate::session::above::Above;
use crate::session::view::SessionStatus;
use crate::time::Timestamp;

/// An execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct KeptExecution {
    /// The fold, without its output.
    #[serde(rename = "x")]
    pub(super) known: Execution,
    #[serde(rename = "c")]
    pub(super) created_at: Timestamp,
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub(super) input: Option<Beginning>,
    #[serde(rename = "n", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) nodes: Vec<NodeId>,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<EntryError>,
    /// It started sub-agents.
    #[serde(rename = "b", default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) has_below: bool,
}

impl KeptExecution {
    pub(super) const fn new(known: Execution, created_at: Timestamp) -> Self {
        Self { known, created_at, input: None, nodes: Vec::new(), error: None, has_below: false }
    }

    /// Takes what the fold leaves out, and leaves out what the list does not show.
    pub(super) fn take(&mut self, event: &Event, payload: &Payload) {
        match payload {
            Payload::ExecutionStarted(started) => {
                self.input = Beginning::of_value(&started.input, limits::ENTRY_INPUT_BYTES);
            }
            Payload::NodeLoopStarted(_) | Payload::NodeLoopIteration(_) => self.enter(event.node_id.as_ref()),
            Payload::NodeLoopCompleted(_) => {
                self.nodes.retain(|node| Some(node) != event.node_id.as_ref());
            }
            Payload::AttemptSuperseded(_) => self.nodes.clear(),
            Payload::SubagentStarted(_) => self.has_below = true,
            _ => {}
        }
        if self.known.status.is_terminal() {
            self.nodes.clear();
        }
        self.known.output = None;
        if let Some(error) = self.known.error.take() {
            self.error = Some(beginning::error(&error));
        }
        if let Some(definition) = self.known.definition.take() {
            self.known.definition = Some(beginning::name(&definition));
        }
        if let Some(waits_for) = self.known.waits_for.take() {
            self.known.waits_for = Some(Beginning::of(&waits_for, limits::ENTRY_ERROR_BYTES).text);
        }
        while self.known.waiting.len() > limits::ENTRY_WAITING {
            self.known.waiting.pop_last();
        }
    }

    fn enter(&mut self, node: Option<&NodeId>) {
        if let Some(node) = node
            && self.nodes.len() < limits::ENTRY_NODES
            && !self.nodes.contains(node)
        {
            self.nodes.push(node.clone());
        }
    }

    /// The session that it is an execution of. Others' words do not make one.
    pub(super) fn session(&self) -> Option<&SessionId> {
        self.known.session_id.as_ref().filter(|_| !self.known.external)
    }

    pub(super) fn updated_at(&self) -> Timestamp {
        self.known.updated_at.unwrap_or(self.created_at)
    }

    fn waiting(&self, for_what: Status) -> usize {
        self.known.waiting.values().filter(|waiting| waiting.status == for_what).count()
    }

    pub(super) fn root(&self) -> Option<&ExecutionId> {
        self.known.parent.as_ref().map(Above::top)
    }

    pub(super) fn view(self) -> ExecutionEntry {
        let (approvals, questions) =
            (self.waiting(Status::WaitingForApproval), self.waiting(Status::WaitingForInput));
        let (root, updated_at) = (self.root().cloned(), self.updated_at());
        let input_cut = self.input.as_ref().is_some_and(|input| input.is_cut);
        let known = self.known;
        ExecutionEntry {
            execution_id: known.execution_id,
            stream_id: known.stream_id,
            session_id: known.session_id,
            definition: known.definition,
            status: known.status,
            external: known.external,
            parent: known.parent.as_ref().map(parent),
            root,
            correlation_id: known.correlation_id,
            labels: known.labels,
            nodes: self.nodes,
            iteration: known.iteration,
            attempt: known.attempt,
            rounds: known.rounds,
            progress: known.progress.filter(|progress| progress.is_finite()),
            input: self.input.map(|input| input.text),
            input_cut,
            usage: known.usage,
            approvals,
            questions,
            waits_for: known.waits_for,
            error: self.error,
            created_at: self.created_at,
            started_at: known.started_at,
            updated_at,
            ended_at: known.ended_at,
        }
    }
}

fn parent(above: &Above) -> ParentEntry {
    ParentEntry { execution_id: above.execution_id.clone(), session_id: above.session_id.clone() }
}

/// A session's summary of an execution that has not ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Active {
    #[serde(rename = "s")]
    pub(super) status: Status,
    #[serde(rename = "a", default)]
    approvals: usize,
    #[serde(rename = "q", default)]
    questions: usize,
    #[serde(rename = "u", default)]
    usage: Usage,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct KeptSession {
    #[serde(rename = "s")]
    pub(super) session_id: SessionId,
    /// That of its latest execution.
    #[serde(rename = "o")]
    stream_id: StreamId,
    /// Its lines of work, as many as are kept.
    #[serde(rename = "t")]
    pub(super) streams: Vec<StreamId>,
    /// It had more lines of work than are kept.
    #[serde(rename = "m", default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) has_more_streams: bool,
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub(super) definition: Option<String>,
    /// Its latest execution, and when that was first seen.
    #[serde(rename = "x")]
    latest: (ExecutionId, Timestamp),
    /// 0: only its end is known. Shards of the log are read one after the other, and the end is in another one than its executions.
    #[serde(rename = "n")]
    pub(super) executions: u64,
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub(super) parent: Option<Above>,
    #[serde(rename = "l", default, skip_serializing_if = "Labels::is_empty")]
    pub(super) labels: Labels,
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub(super) correlation: Option<CorrelationId>,
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub(super) input: Option<Beginning>,
    #[serde(rename = "a", default, skip_serializing_if = "BTreeMap::is_empty")]
    active: BTreeMap<ExecutionId, Active>,
    /// Of executions that have ended.
    #[serde(rename = "u", default)]
    usage: Usage,
    #[serde(rename = "c")]
    pub(super) created_at: Timestamp,
    #[serde(rename = "w")]
    pub(super) updated_at: Timestamp,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    closed_at: Option<Timestamp>,
}

impl KeptSession {
    /// One whose first execution this is.
    pub(super) fn new(session_id: SessionId, first: &KeptExecution) -> Self {
        let known = &first.known;
        Self::begin(session_id, known.stream_id.clone(), known.execution_id.clone(), first.created_at)
    }

    /// One of which only the end is known; it is not listed. `None`: there is none with such an id.
    pub(super) fn ended(session_id: SessionId, stream_id: StreamId) -> Option<Self> {
        let nothing = ExecutionId::new(session_id.as_str()).ok()?;
        Some(Self::begin(session_id, stream_id, nothing, Timestamp::default()))
    }

    fn begin(session_id: SessionId, stream_id: StreamId, first: ExecutionId, at: Timestamp) -> Self {
        Self {
            session_id,
            stream_id,
            streams: Vec::new(),
            has_more_streams: false,
            definition: None,
            latest: (first, at),
            executions: 0,
            parent: None,
            labels: Labels::default(),
            correlation: None,
            input: None,
            active: BTreeMap::new(),
            usage: Usage::default(),
            created_at: at,
            updated_at: at,
            closed_at: None,
        }
    }

    /// Takes what has become of one of its executions. `is_new`: it was not one of them before.
    pub(super) fn take(&mut self, run: &KeptExecution, is_new: bool, was_over: bool) {
        let id = &run.known.execution_id;
        // Executions are not always seen in the order in which they came.
        if self.executions == 0 || run.created_at <= self.created_at {
            self.created_at = run.created_at;
            self.parent.clone_from(&run.known.parent);
        }
        if is_new {
            self.executions = self.executions.saturating_add(1);
        }
        // A reader that sees the session may see all of its streams, not only the latest one.
        self.enter(&run.known.stream_id);
        if run.created_at >= self.latest.1 || self.latest.0 == *id {
            self.latest = (id.clone(), run.created_at);
            self.definition.clone_from(&run.known.definition);
            self.labels = run.known.labels.clone();
            self.correlation.clone_from(&run.known.correlation_id);
            if run.input.is_some() {
                self.input.clone_from(&run.input);
            }
            self.stream_id.clone_from(&run.known.stream_id);
        }
        self.updated_at = self.updated_at.max(run.updated_at());
        if run.known.status.is_terminal() {
            self.active.remove(id);
            if !was_over && let Some(usage) = &run.known.usage {
                self.usage.add(usage);
            }
            return;
        }
        let active = Active {
            status: run.known.status,
            approvals: run.waiting(Status::WaitingForApproval),
            questions: run.waiting(Status::WaitingForInput),
            usage: run.known.usage.clone().unwrap_or_default(),
        };
        self.active.insert(id.clone(), active);
        while self.active.len() > limits::ENTRY_ACTIVE {
            // A queued execution goes before one at work.
            let queued = self.active.iter().rfind(|(_, run)| run.status == Status::Queued);
            let Some(id) = queued.or_else(|| self.active.last_key_value()).map(|(id, _)| id.clone()) else {
                return;
            };
            self.active.remove(&id);
        }
    }

    fn enter(&mut self, stream: &StreamId) {
        self.streams.retain(|known| known != stream);
        if self.streams.len() >= limits::ENTRY_STREAMS {
            self.streams.remove(0);
            self.has_more_streams = true;
        }
        self.streams.push(stream.clone());
    }

    /// It is another session's.
    pub(super) fn forget(&mut self, id: &ExecutionId) {
        self.active.remove(id);
    }

    pub(super) fn close(&mut self, at: Timestamp) {
        self.closed_at.get_or_insert(at);
        self.updated_at = self.updated_at.max(at);
    }

    pub(super) fn status(&self) -> SessionStatus {
        let has = |status| self.active.values().any(|run| run.status == status);
        match () {
            () if has(Status::Paused) => SessionStatus::Paused,
            () if has(Status::WaitingForInput) => SessionStatus::WaitingForInput,
            () if has(Status::WaitingForApproval) => SessionStatus::WaitingForApproval,
            () if !self.active.is_empty() => SessionStatus::Running,
            () if self.closed_at.is_some() => SessionStatus::Closed,
            () => SessionStatus::Idle,
        }
    }

    pub(super) fn view(self) -> SessionEntry {
        let status = self.status();
        let mut usage = self.usage;
        self.active.values().for_each(|run| usage.add(&run.usage));
        SessionEntry {
            stream_id: self.stream_id,
            definition: self.definition,
            status,
            execution_id: self.latest.0,
            executions: self.executions,
            parent: self.parent.as_ref().map(parent),
            labels: self.labels,
            correlation_id: self.correlation,
            input_cut: self.input.as_ref().is_some_and(|input| input.is_cut),
            input: self.input.map(|input| input.text),
            approvals: self.active.values().map(|run| run.approvals).sum(),
            questions: self.active.values().map(|run| run.questions).sum(),
            usage,
            created_at: self.created_at,
            updated_at: self.updated_at,
            closed_at: self.closed_at,
            session_id: self.session_id,
        }
    }
}

/// A value that is short enough to be listed, and whether it was cut.
pub(super) fn short(value: &Value) -> (Value, bool) {
    let shown = crate::monitor::short(value.clone());
    let is_cut = shown != *value;
    (shown, is_cut)
}
