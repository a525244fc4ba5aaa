//! The entries that lists show.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::family::model::Usage;
use crate::execution::Status;
use crate::id::{CorrelationId, ExecutionId, NodeId, SessionId, StreamId};
use crate::labels::Labels;
use crate::session::view::SessionStatus;
use crate::time::Timestamp;

/// The execution that started another one as a sub-agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ParentEntry")]
pub struct ParentEntry {
    /// The execution.
    pub execution_id: ExecutionId,
    /// Its session.
    pub session_id: SessionId,
}

/// The error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "EntryError")]
pub struct EntryError {
    /// A stable code; absent where the producer gave none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// In words; its beginning.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// An execution in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExecutionEntry {
    /// The run.
    pub execution_id: ExecutionId,
    /// Its line of work.
    pub stream_id: StreamId,
    /// Its conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The agent or graph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// Runbus does not run it: others tell it.
    pub external: bool,
    /// The execution that started it as a sub-agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<ParentEntry>,
    /// The execution at the top of its tree; absent: itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<ExecutionId>,
    /// It ties executions together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<CorrelationId>,
    /// Labels, as the start gave them.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// The nodes at work; 16 at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NodeId>,
    /// Which pass of the graph's cycle, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iteration: Option<u32>,
    /// The worker's try, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Calls of models so far.
    pub rounds: u32,
    /// How far its goal has come, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<f64>,
    /// The beginning of its input: text as it is, other JSON as JSON text; at most 256 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// Whether the input has more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub input_cut: bool,
    /// Tokens so far, those of sub-agents included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Approvals that wait, those of sub-agents included.
    pub approvals: usize,
    /// Questions that wait, those of sub-agents included.
    pub questions: usize,
    /// No worker that is there can run it: what it waits for, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
    /// The error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<EntryError>,
    /// When the log stored its first event.
    pub created_at: Timestamp,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When something happened last.
    pub updated_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
}

/// A session in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionEntry {
    /// The conversation.
    pub session_id: SessionId,
    /// The line of work of its latest execution.
    pub stream_id: StreamId,
    /// The agent or graph of its latest execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    /// Where it stands.
    pub status: SessionStatus,
    /// Its latest execution.
    pub execution_id: ExecutionId,
    /// How many executions it had.
    pub executions: u64,
    /// The execution that began it as a sub-agent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<ParentEntry>,
    /// Labels of its latest execution.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// The correlation id of its latest execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<CorrelationId>,
    /// The beginning of its latest input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// Whether that input has more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub input_cut: bool,
    /// Approvals that wait.
    pub approvals: usize,
    /// Questions that wait.
    pub questions: usize,
    /// Tokens of its executions.
    pub usage: Usage,
    /// When the log stored the first event of its first execution.
    pub created_at: Timestamp,
    /// When something happened last.
    pub updated_at: Timestamp,
    /// Since when it takes no more input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
}

/// Where an approval of a list stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ApprovalEntryStatus")]
pub enum ApprovalStatus {
    /// It waits for a decision.
    Pending,
    /// The call may run.
    Approved,
    /// The call may not run.
    Rejected,
    /// Nobody decided in time.
    Expired,
    /// Nobody needs a decision any more: the call was answered otherwise, or its execution has ended.
    Cancelled,
}

/// An approval in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ApprovalEntry {
    /// Names it.
    pub approval_id: String,
    /// Where it stands.
    pub status: ApprovalStatus,
    /// The execution whose call waits.
    pub execution_id: ExecutionId,
    /// The execution at the top of its tree; absent: that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<ExecutionId>,
    /// The line of work.
    pub stream_id: StreamId,
    /// The conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The agent or graph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    /// The step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_id: Option<NodeId>,
    /// The call.
    pub tool_use_id: String,
    /// The tool.
    pub tool_name: String,
    /// The call's arguments; of more than 2 KiB `{cut, bytes, begins}`.
    #[serde(default)]
    pub tool_input: Value,
    /// Whether the arguments have more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tool_input_cut: bool,
    /// SHA-256 of the canonical arguments: what a decision is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments_digest: Option<String>,
    /// Others run the execution.
    #[serde(default)]
    pub external: bool,
    /// Since when it waits.
    pub requested_at: Timestamp,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When it was settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Timestamp>,
    /// The decider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    /// The decider's note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Where a question of a list stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "QuestionEntryStatus")]
pub enum QuestionStatus {
    /// It waits for an answer.
    Pending,
    /// It was answered.
    Answered,
    /// Nobody answered in time.
    Expired,
    /// Nobody needs an answer any more.
    Cancelled,
}

/// A question in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QuestionEntry {
    /// Names it.
    pub request_id: String,
    /// Where it stands.
    pub status: QuestionStatus,
    /// The execution that asks.
    pub execution_id: ExecutionId,
    /// The execution at the top of its tree; absent: that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<ExecutionId>,
    /// The line of work.
    pub stream_id: StreamId,
    /// The conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The agent or graph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    /// The step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_id: Option<NodeId>,
    /// The question; at most 2 KiB.
    pub prompt: String,
    /// Whether the text has more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub prompt_cut: bool,
    /// The answers to choose from, the first 32; empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// Others run the execution.
    #[serde(default)]
    pub external: bool,
    /// Since when it waits.
    pub requested_at: Timestamp,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When it was settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<Timestamp>,
    /// The person who answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<String>,
}
