//! The public view of a session: a document made of its state.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::approval::{Approval, Decision, Standing};
use super::below::{Report, ReportContent};
use super::message::Message;
use super::run::{OpenCall, Phase};
use super::state::State;
use crate::event::family::model::Usage;
use crate::id::{ExecutionId, NodeId, SessionId, WorkerId};
use crate::time::Timestamp;

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    /// Nothing to do.
    Idle,
    /// An execution is at work, or waits for a worker.
    Running,
    /// A call waits for a decision.
    WaitingForApproval,
    /// A question waits for an answer.
    WaitingForInput,
    /// Paused by command.
    Paused,
    /// Calls are unresolved: `resume` or `abort_pending` decides.
    Pending,
    /// It takes no more input.
    Closed,
}

impl SessionStatus {
    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Running => "running",
            Self::WaitingForApproval => "waiting_for_approval",
            Self::WaitingForInput => "waiting_for_input",
            Self::Paused => "paused",
            Self::Pending => "pending",
            Self::Closed => "closed",
        }
    }
}

/// A session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// Which.
    pub session_id: SessionId,
    /// Where it stands.
    pub status: SessionStatus,
    /// The execution at work, or the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_id: Option<ExecutionId>,
    /// The agent or graph that it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    /// Executions that wait for their turn.
    #[serde(default)]
    pub queued: Vec<ExecutionId>,
    /// Calls that have no answer yet.
    #[serde(default)]
    pub pending: Vec<PendingCall>,
    /// Approvals that wait for a decision.
    #[serde(default)]
    pub approvals: Vec<PendingApproval>,
    /// Questions that wait for an answer.
    #[serde(default)]
    pub questions: Vec<PendingQuestion>,
    /// Its children.
    #[serde(default)]
    pub children: Vec<Child>,
    /// Messages of the conversation that the model still reads.
    pub messages: usize,
    /// Tokens of all its executions.
    #[serde(default)]
    pub usage: Usage,
    /// Why it takes no more input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    /// The worker that owns it now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<WorkerId>,
    /// Entries of its journal that this reflects.
    pub version: u64,
}

/// A call without an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PendingCall {
    /// Its id.
    pub tool_use_id: String,
    /// The tool.
    pub tool_name: String,
    /// Its arguments, as the model wrote them.
    pub arguments: String,
    /// Where it stands.
    pub status: CallStatus,
}

/// Where a call without an answer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallStatus {
    /// It has not begun.
    Waiting,
    /// It waits for a decision.
    WaitingForApproval,
    /// It waits for a person's answer.
    WaitingForInput,
    /// It waits for a child session.
    WaitingForChild,
    /// It runs.
    Running,
    /// It began, and nobody knows how it ended.
    Unknown,
}

/// An approval, as those who decide see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PendingApproval {
    /// Names it.
    pub approval_id: String,
    /// Of which execution.
    pub execution_id: ExecutionId,
    /// Of which node.
    pub node_id: NodeId,
    /// The call.
    pub tool_use_id: String,
    /// The tool.
    pub tool_name: String,
    /// The call's arguments.
    pub tool_input: Value,
    /// SHA-256 of the canonical arguments.
    pub arguments_digest: String,
    /// Where it stands.
    pub status: Standing,
    /// Since when.
    pub requested_at: Timestamp,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Whether the call may run, once it is decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<bool>,
    /// The person who decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    /// When it was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Timestamp>,
    /// The decider's note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl From<&Approval> for PendingApproval {
    fn from(approval: &Approval) -> Self {
        let asked = &approval.requested;
        let decision = approval.decision.as_ref();
        Self {
            approval_id: asked.approval_id.clone(),
            execution_id: approval.execution_id.clone(),
            node_id: approval.node_id.clone(),
            tool_use_id: asked.call_id.clone(),
            tool_name: asked.tool_name.clone(),
            tool_input: asked.arguments.clone(),
            arguments_digest: asked.arguments_digest.clone(),
            status: approval.status,
            requested_at: approval.requested_at,
            expires_at: asked.expires_at,
            approved: decision.map(|decision| decision.approved),
            decided_by: decision.and_then(|decision: &Decision| decision.decided_by.clone()),
            decided_at: decision.map(|decision| decision.decided_at),
            note: decision.and_then(|decision| decision.note.clone()),
        }
    }
}

/// A question, as those who answer see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PendingQuestion {
    /// Names it.
    pub request_id: String,
    /// Of which node.
    pub node_id: NodeId,
    /// The question.
    pub prompt: String,
    /// The answers to choose from; empty: any.
    #[serde(default)]
    pub choices: Vec<String>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The execution that asks, when it is below this session's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_id: Option<ExecutionId>,
}

impl PendingApproval {
    /// Of an execution below.
    fn below(report: &Report) -> Option<Self> {
        let ReportContent::ApprovalRequested(asked) = &report.what else { return None };
        Some(Self {
            approval_id: asked.approval_id.clone(),
            execution_id: report.execution_id.clone(),
            node_id: report.node_id.clone()?,
            tool_use_id: asked.tool_use_id.clone(),
            tool_name: asked.tool_name.clone(),
            tool_input: asked.tool_input.clone(),
            arguments_digest: asked.arguments_digest.clone().unwrap_or_default(),
            status: Standing::Pending,
            requested_at: report.at,
            expires_at: asked.expires_at,
            approved: None,
            decided_by: None,
            decided_at: None,
            note: None,
        })
    }
}

impl PendingQuestion {
    /// Of an execution below.
    fn below(report: &Report) -> Option<Self> {
        let ReportContent::InputRequested(asked) = &report.what else { return None };
        Some(Self {
            request_id: asked.request_id.clone()?,
            node_id: report.node_id.clone()?,
            prompt: asked.prompt.clone(),
            choices: asked.choices.clone(),
            expires_at: asked.expires_at,
            execution_id: Some(report.execution_id.clone()),
        })
    }
}

/// A child session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Child {
    /// The session.
    pub session_id: SessionId,
    /// Its execution.
    pub execution_id: ExecutionId,
    /// The definition that it runs.
    pub definition: String,
    /// It closes when its execution has ended.
    pub ephemeral: bool,
    /// Whether its execution has ended.
    pub ended: bool,
}

/// A message of a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SaidMessage {
    /// Names it: of a model's message the `message_id` of its events.
    pub message_id: String,
    /// The message.
    #[serde(flatten)]
    pub message: Message,
    /// It was folded into a note: the model does not read it any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub compacted: bool,
}

impl From<&OpenCall> for PendingCall {
    fn from(open: &OpenCall) -> Self {
        let status = match open.phase {
            Phase::New | Phase::Ready | Phase::Settled { .. } => CallStatus::Waiting,
            Phase::Approval(_) => CallStatus::WaitingForApproval,
            Phase::Question(_) => CallStatus::WaitingForInput,
            Phase::Child(_) => CallStatus::WaitingForChild,
            Phase::Running(_) => CallStatus::Running,
            Phase::Unknown => CallStatus::Unknown,
        };
        Self {
            tool_use_id: open.call.id.clone(),
            tool_name: open.call.name.clone(),
            arguments: open.call.arguments.clone(),
            status,
        }
    }
}

impl Session {
    /// The document of a state.
    #[must_use]
    pub fn of(session_id: &SessionId, state: &State) -> Self {
        let run = state.run.as_ref();
        Self {
            session_id: session_id.clone(),
            status: status(state),
            execution_id: run.map(|run| run.start.execution_id.clone()),
            definition: run.map(|run| run.start.definition.clone()),
            queued: state.queue.iter().map(|start| start.execution_id.clone()).collect(),
            pending: state.pending().map(PendingCall::from).collect(),
            approvals: state
                .approvals
                .values()
                .filter(|approval| approval.status == Standing::Pending)
                .map(PendingApproval::from)
                .chain(state.below.values().filter_map(|(_, report)| PendingApproval::below(report)))
                .collect(),
            questions: state
                .questions
                .values()
                .map(|(node, question)| PendingQuestion {
                    request_id: question.request_id.clone(),
                    node_id: node.clone(),
                    prompt: question.prompt.clone(),
                    choices: question.choices.clone(),
                    expires_at: question.expires_at,
                    execution_id: None,
                })
                .chain(state.below.values().filter_map(|(_, report)| PendingQuestion::below(report)))
                .collect(),
            children: state
                .children
                .iter()
                .map(|(execution_id, child)| Child {
                    session_id: child.session_id.clone(),
                    execution_id: execution_id.clone(),
                    definition: child.definition.clone(),
                    ephemeral: child.ephemeral,
                    ended: child.ended,
                })
                .collect(),
            messages: state.transcript.live_count(),
            usage: state.usage.clone(),
            closed_at: state.closed.as_ref().map(|closed| closed.at),
            owner: state.owner.clone(),
            version: state.entries,
        }
    }
}

fn status(state: &State) -> SessionStatus {
    let Some(run) = state.running() else {
        return match () {
            () if state.closed.is_some() => SessionStatus::Closed,
            () if state.queue.front().is_some_and(|start| start.resumes || state.dangling.is_empty()) => {
                SessionStatus::Running
            }
            () if !state.dangling.is_empty() => SessionStatus::Pending,
            () => SessionStatus::Idle,
        };
    };
    let waits = |phase: fn(&Phase) -> bool| {
        run.visits.values().flat_map(|visit| &visit.calls).any(|open| phase(&open.phase))
    };
    let below = |is: fn(&ReportContent) -> bool| state.below.values().any(|(_, report)| is(&report.what));
    if run.paused {
        SessionStatus::Paused
    } else if waits(|phase| *phase == Phase::Unknown) {
        SessionStatus::Pending
    } else if !state.questions.is_empty()
        || below(|content| matches!(content, ReportContent::InputRequested(_)))
    {
        SessionStatus::WaitingForInput
    } else if waits(|phase| matches!(phase, Phase::Approval(_)))
        || below(|content| matches!(content, ReportContent::ApprovalRequested(_)))
    {
        SessionStatus::WaitingForApproval
    } else {
        SessionStatus::Running
    }
}
