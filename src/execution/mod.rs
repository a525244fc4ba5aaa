//! Executions: a pure fold of events into the state of a run.
//!
//! [`fold_event`] is the only way to fold: it decides which producer counts for an execution. For an execution that Runbus runs,
//! only Runbus's events count from the first on; external events about it fold into nothing. For other executions, the
//! events of their producers count.

mod fold;
mod producer;

pub use producer::{Folded, fold_event};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::family::model::Usage;
use crate::id::{CorrelationId, ExecutionId, NodeId, SessionId, StreamId};
use crate::labels::Labels;
use crate::session::above::Above;
use crate::session::below::Below;
use crate::time::Timestamp;

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ExecutionStatus")]
pub enum Status {
    /// Asked for; no worker has begun.
    #[default]
    Queued,
    /// A worker works on it.
    Running,
    /// A tool call waits for a decision.
    WaitingForApproval,
    /// A node waits for a human's answer.
    WaitingForInput,
    /// Paused by command.
    Paused,
    /// Ended well.
    Completed,
    /// Ended badly.
    Failed,
    /// Stopped.
    Cancelled,
}

impl Status {
    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::WaitingForApproval => "waiting_for_approval",
            Self::WaitingForInput => "waiting_for_input",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing follows.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// Something that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Waiting {
    /// For what: [`Status::WaitingForApproval`] or [`Status::WaitingForInput`].
    pub status: Status,
    /// The call that waits, when it is one of this execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_use_id: Option<String>,
    /// Where it waits, when that is below this execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<Below>,
}

/// Why events of a run are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ExecutionGap")]
pub enum Gap {
    /// Retention removed them.
    Expired,
}

/// The state of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Execution {
    /// The run.
    pub execution_id: ExecutionId,
    /// Its line of work.
    pub stream_id: StreamId,
    /// Runbus does not run it: others tell it.
    #[serde(default)]
    pub external: bool,
    /// Its conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The id that ties the execution to others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<CorrelationId>,
    /// The agent or graph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    /// `sha256:` and the hexadecimal SHA-256 of what was asked for, `[definition, input]` as canonical JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_digest: Option<String>,
    /// Labels, as the start gave them.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// The execution that started it as a sub-agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Above>,
    /// Where it stands.
    pub status: Status,
    /// The missing capability, in words, when no present worker can run it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
    /// Approvals and questions that wait for a person, by id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub waiting: BTreeMap<String, Waiting>,
    /// The node that is at work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_node: Option<NodeId>,
    /// Which pass of the graph's cycle, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iteration: Option<u32>,
    /// The worker's try, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// How far its goal has come, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<f64>,
    /// Calls of models so far.
    #[serde(default)]
    pub rounds: u32,
    /// Tokens so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// When it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued_at: Option<Timestamp>,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When something happened last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Its result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// The error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
    /// Events so far.
    pub events: u64,
    /// Events before the first one read are missing. Absent: no event is known to be
    /// missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<Gap>,
}
