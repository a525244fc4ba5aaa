//! Calls of tools.

use serde::{Deserialize, Serialize};

use super::bounded::Excerpt;
use crate::id::NodeId;

/// How far a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// The model asked for it.
    Requested,
    /// It waits for a decision.
    AwaitingApproval,
    /// It may run.
    Approved,
    /// It may not, or nobody said in time.
    Refused,
    /// It runs.
    Running,
    /// It ended well.
    Completed,
    /// It ended badly, or was answered without running.
    Failed,
}

impl CallState {
    /// Whether it has its answer.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Call {
    /// Its id, as the model gave it.
    pub tool_use_id: String,
    /// The tool.
    pub tool_name: String,
    /// The node that called it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_id: Option<NodeId>,
    /// How far it is.
    pub state: CallState,
    /// Its arguments: as the model wrote them (a text) until it waits or runs. [`crate::limits::SNAPSHOT_VALUE_BYTES`] at
    /// most.
    pub arguments: Excerpt,
    /// The result that the model reads, [`crate::limits::SNAPSHOT_VALUE_BYTES`] at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Excerpt>,
}
