//! Where an execution stands in its tree: what is above it.

use serde::{Deserialize, Serialize};

use crate::id::{ExecutionId, SessionId};

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
