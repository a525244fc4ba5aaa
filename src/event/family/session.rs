//! Sessions and their children.

use serde_json::Value;

use crate::id::SessionId;

super::payloads! {
    /// A tool spawned a session of its own.
    SubagentStarted {
        /// The child.
        session_id: SessionId,
        /// The agent that it runs.
        name: String,
        /// The call that spawned it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tool_use_id: Option<String>,
    }
    /// A child ended well.
    SubagentCompleted {
        /// The child.
        session_id: SessionId,
        /// Its result.
        #[serde(default)]
        output: Value,
    }
    /// A child ended badly.
    SubagentFailed {
        /// The child.
        session_id: SessionId,
        /// What went wrong.
        #[serde(default)]
        error: Value,
    }
    /// A session takes no more input.
    Closed {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    }
}
