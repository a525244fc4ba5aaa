//! Where an execution stands in its tree: what is above it, and where something happened below it.

use serde::{Deserialize, Serialize};

use super::family::model::Usage;
use crate::id::{ExecutionId, NodeId, SessionId};

/// The execution that started another one as a sub-agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(rename = "ParentExecution")]
pub struct Above {
    /// The execution.
    pub execution_id: ExecutionId,
    /// Its session.
    pub session_id: SessionId,
    /// The execution at the top of the tree; absent: this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<ExecutionId>,
}

impl Above {
    /// The execution at the top.
    #[must_use]
    pub fn top(&self) -> &ExecutionId {
        self.root.as_ref().unwrap_or(&self.execution_id)
    }
}

/// Where something happened that an execution above tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Below {
    /// The execution.
    pub execution_id: ExecutionId,
    /// Its session.
    pub session_id: SessionId,
    /// Its node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_id: Option<NodeId>,
    /// The session of the child of the execution that tells it, on the way there.
    pub through: SessionId,
}

/// The usage of an execution, with all below it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Used {
    /// Tokens.
    pub usage: Usage,
    /// Calls of the model.
    pub rounds: u32,
}
