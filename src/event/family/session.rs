//! Sessions and their children.

use serde_json::Value;

use crate::event::tree::Below;
use crate::id::{ExecutionId, SessionId};

super::payloads! {
    /// A tool spawned a session of its own.
    SubagentStarted {
        /// The child.
        session_id: SessionId,
        /// Its execution.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        execution_id: Option<ExecutionId>,
        /// The agent that it runs.
        name: String,
        /// The call that spawned it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tool_use_id: Option<String>,
        /// Where it happened, when that is below the execution that tells it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        below: Option<Below>,
    }
    /// No worker could finish an execution.
    DeadLettered {
        /// The session.
        session_id: SessionId,
        /// The execution.
        execution_id: ExecutionId,
        /// The agent or graph.
        definition: String,
        /// The reason of the failure.
        reason: String,
        /// How many workers tried.
        attempts: u32,
    }
    /// A dead execution is tried again.
    DeadLetterRetried {
        /// The dead execution.
        execution_id: ExecutionId,
        /// The execution that tries again.
        retried_as: ExecutionId,
    }
    /// A child ended well.
    SubagentCompleted {
        /// The child.
        session_id: SessionId,
        /// Its result.
        #[serde(default)]
        output: Value,
        /// Where it happened, when that is below the execution that tells it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        below: Option<Below>,
    }
    /// A child ended badly.
    SubagentFailed {
        /// The child.
        session_id: SessionId,
        /// The error.
        #[serde(default)]
        error: Value,
        /// Where it happened, when that is below the execution that tells it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        below: Option<Below>,
    }
    /// A session takes no more input.
    Closed {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
}
