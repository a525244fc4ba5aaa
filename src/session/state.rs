//! A session's state: a pure fold of its journal.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::approval::Approval;
use super::below::{Report, Used};
use super::command::{Budget, Parent, Start};
use super::entry::{Outcome, Question};
use super::run::{OpenCall, Phase, Run, Visit};
use super::seen::Seen;
use super::transcript::Transcript;
use crate::event::family::model::Usage;
use crate::id::{EventId, ExecutionId, NodeId, SessionId, StreamId, WorkerId};
use crate::log::Sequence;
use crate::time::Timestamp;

/// The fold of a session's journal. A checkpoint holds it: a field that is added, removed or means something else makes a new
/// [`super::checkpoint::FORMAT`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The session.
    pub(super) own: SessionId,
    /// Entries so far.
    pub entries: u64,
    /// The number of the last claim.
    pub epoch: u64,
    /// The owner of the session; `None` without one.
    pub owner: Option<WorkerId>,
    /// Claims that took over from a dead owner since the last step forward.
    pub fruitless: u32,
    /// The entry of the last claim that ended another owner's attempt.
    pub(super) superseded: Option<u64>,
    /// When a wake-up is set for, since the last release.
    pub armed: Option<Timestamp>,
    /// The place in the inbox up to which commands were taken.
    pub inbox: Sequence,
    /// Executions that wait.
    pub queue: VecDeque<Start>,
    /// The execution that runs, or the last one that ran.
    pub run: Option<Run>,
    /// The conversation: the messages of agents over all executions.
    pub transcript: Transcript,
    /// Calls that an execution left unresolved when it ended.
    pub dangling: Vec<OpenCall>,
    /// Approvals by id: all that wait, and the last ones that do not.
    #[serde(with = "super::approval::kept")]
    pub approvals: BTreeMap<String, Approval>,
    /// The order in which approvals were asked for.
    pub(super) asked: VecDeque<String>,
    /// Questions that wait, by id, with their node.
    pub questions: BTreeMap<String, (NodeId, Question)>,
    /// Questions that do not wait any more, oldest first, with the command that answered.
    pub answered: VecDeque<(String, Option<EventId>)>,
    /// Executions of children.
    pub children: BTreeMap<ExecutionId, Child>,
    /// Requests of executions below that wait for a person: by id, with the child that they are below.
    pub below: BTreeMap<String, (ExecutionId, Report)>,
    /// Whether it takes no more input.
    pub closed: Option<Closed>,
    /// Notices that are still to be sent.
    pub notices: VecDeque<Notice>,
    /// Executions that were cancelled before anybody asked for them.
    pub(super) latched: VecDeque<(ExecutionId, Option<String>)>,
    /// Executions that were asked for: the same id again is no new one.
    pub(super) seen: Seen,
    /// Tokens of all executions.
    pub usage: Usage,
}

/// An execution of a child session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Child {
    /// The session.
    pub session_id: SessionId,
    /// The definition that it runs.
    pub definition: String,
    /// It closes when its execution has ended.
    pub ephemeral: bool,
    /// Whether its execution has ended.
    pub ended: bool,
    /// The number of entries when it began: tells which are older.
    pub(super) begun: u64,
    /// The limits.
    pub budget: Budget,
    /// The usage that it has reported, with all below it.
    pub used: Used,
}

/// A session that takes no more input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closed {
    /// Since when.
    pub at: Timestamp,
    /// Why.
    pub reason: Option<String>,
}

/// A notice to another session or reader: sent at least once, idempotent by its key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Notice {
    /// An execution that never began has ended.
    Dropped {
        /// The start request.
        start: Box<Start>,
        /// How it ended.
        outcome: Outcome,
    },
    /// A child is to begin.
    StartChild {
        /// The child.
        session_id: SessionId,
        /// Its execution.
        execution_id: ExecutionId,
        /// The definition to run.
        definition: String,
        /// The input.
        input: Value,
        /// The line of work: that of its parent, so that those who watch it see the child too.
        stream_id: StreamId,
        /// The limits.
        budget: Budget,
        /// The parent that waits for it.
        parent: Parent,
    },
    /// Notifies the parent execution of an event here, or below.
    Below {
        /// The execution above.
        parent: Parent,
        /// The execution here.
        child: ExecutionId,
        /// The number of the report.
        number: String,
        /// The message.
        report: Box<Report>,
    },
    /// A child's execution is to stop.
    CancelChild {
        /// The child.
        session_id: SessionId,
        /// Its execution.
        execution_id: ExecutionId,
    },
    /// A child is to close.
    CloseChild {
        /// The child.
        session_id: SessionId,
    },
    /// A parent waits for this session's execution.
    NotifyParent {
        /// The parent.
        parent: Parent,
        /// The execution that ended.
        execution_id: ExecutionId,
        /// How.
        outcome: Outcome,
        /// The usage, with all below it.
        used: Used,
    },
    /// Notifies readers of the session's stream that it closed.
    Closed,
    /// No worker could finish an execution.
    DeadLetter {
        /// Which.
        start: Box<Start>,
        /// The reason of the failure.
        reason: String,
        /// How many workers tried.
        attempts: u32,
    },
}

impl Notice {
    /// Names it in the journal.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Dropped { start, .. } => format!("dropped {}", start.execution_id),
            Self::StartChild { execution_id, .. } => format!("start {execution_id}"),
            Self::Below { number, .. } => format!("below {number}"),
            Self::CancelChild { execution_id, .. } => format!("cancel {execution_id}"),
            Self::CloseChild { session_id } => format!("close {session_id}"),
            Self::NotifyParent { execution_id, .. } => format!("parent {execution_id}"),
            Self::Closed => "closed".into(),
            Self::DeadLetter { start, .. } => format!("dead {}", start.execution_id),
        }
    }
}

/// A change that an entry causes beyond its own content: the effect of a command.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A claim ended another worker's attempt.
    Superseded,
    /// The running execution is to be cancelled.
    CancelDelivered {
        /// Why.
        reason: Option<String>,
    },
    /// The running execution begins no further step.
    Paused {
        /// Why.
        reason: Option<String>,
    },
    /// The running execution goes on.
    Resumed {
        /// Why.
        reason: String,
    },
    /// An approval was decided.
    Decided(Box<Approval>),
    /// An approval's time was up.
    Expired(Box<Approval>),
    /// A question was answered.
    Answered {
        /// Of which node.
        node: NodeId,
        /// The question.
        request_id: String,
        /// The answer.
        input: Value,
        /// The person who answered.
        by: Option<String>,
    },
    /// A child ended.
    ChildEnded {
        /// The node of the call.
        node: NodeId,
        /// The child.
        session_id: SessionId,
        /// Whether it ended well.
        completed: bool,
        /// Its result, or what went wrong.
        output: Value,
    },
    /// Something happened below a child.
    Below {
        /// The node whose call waits for the child.
        node: NodeId,
        /// The child's session.
        through: SessionId,
        /// The message.
        report: Box<Report>,
    },
}

impl State {
    /// Before the first entry.
    #[must_use]
    pub fn new(session: SessionId) -> Self {
        Self {
            own: session,
            entries: 0,
            epoch: 0,
            owner: None,
            fruitless: 0,
            superseded: None,
            armed: None,
            inbox: Sequence::default(),
            queue: VecDeque::new(),
            run: None,
            transcript: Transcript::default(),
            dangling: Vec::new(),
            approvals: BTreeMap::new(),
            asked: VecDeque::new(),
            questions: BTreeMap::new(),
            answered: VecDeque::new(),
            children: BTreeMap::new(),
            below: BTreeMap::new(),
            closed: None,
            notices: VecDeque::new(),
            latched: VecDeque::new(),
            seen: Seen::default(),
            usage: Usage::default(),
        }
    }

    /// The execution that runs.
    #[must_use]
    pub fn running(&self) -> Option<&Run> {
        self.run.as_ref().filter(|run| run.outcome.is_none())
    }

    pub(super) fn running_mut(&mut self) -> Option<&mut Run> {
        self.run.as_mut().filter(|run| run.outcome.is_none())
    }

    /// Whether an execution was asked for already.
    #[must_use]
    pub fn knows(&self, id: &ExecutionId) -> bool {
        let is_in_hand = |start: &Start| start.execution_id == *id;
        self.seen.contains(id)
            || self.queue.iter().any(is_in_hand)
            || self.run.as_ref().is_some_and(|run| is_in_hand(&run.start))
    }

    /// Whether the entry of this index is the last claim that ended another owner's attempt.
    #[must_use]
    pub fn is_superseding(&self, index: u64) -> bool {
        self.superseded == Some(index)
    }

    /// Calls that have no answer yet: of the running execution, or left by the last one.
    pub fn pending(&self) -> impl Iterator<Item = &OpenCall> {
        let running = self.running().into_iter().flat_map(|run| run.visits.values().flat_map(|v| &v.calls));
        running.chain(&self.dangling)
    }

    /// Unresolved calls that only a command resolves: those that the last execution left, and those of unknown outcome
    /// when nothing else is at work.
    #[must_use]
    pub fn unresolved(&self) -> Vec<&OpenCall> {
        let unknown = self.running().is_some_and(|run| run.visits.values().any(has_unknown));
        if unknown { self.pending().collect() } else { self.dangling.iter().collect() }
    }

    /// The messages of a node: its own, or the conversation that it continues.
    #[must_use]
    pub fn said<'a>(&'a self, visit: &'a Visit) -> &'a Transcript {
        if visit.converses { &self.transcript } else { &visit.said }
    }
}

fn has_unknown(visit: &Visit) -> bool {
    visit.calls.iter().any(|open| open.phase == Phase::Unknown)
}
