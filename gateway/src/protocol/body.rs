//! Bodies and answers of commands that REST and the WebSocket share and the core has no type for.

use runbus::id::SessionId;
use runbus::session::view::PendingCall;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A command with a reason.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Reason {
    /// Why, for the record. At most 4096 bytes.
    #[schemars(length(max = 4096))]
    pub reason: Option<String>,
}

impl Reason {
    /// The reason; calls are answered with it, so there is always one.
    #[must_use]
    pub fn text(&self) -> &str {
        self.reason.as_deref().unwrap_or("by request")
    }
}

/// A command that has nothing to say but its name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Nothing {}

/// Close a session.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "CloseRequest")]
pub struct Close {
    /// Whether its children close too.
    pub cascade: bool,
    /// Why, for the record. At most 4096 bytes.
    #[schemars(length(max = 4096))]
    pub reason: Option<String>,
}

/// Cancel an execution.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "CancelRequest")]
pub struct Cancel {
    /// Why, for the record. At most 4096 bytes.
    #[schemars(length(max = 4096))]
    pub reason: Option<String>,
    /// The session that an execution which nobody has asked for yet will run in, when that is not one of its own.
    pub session_id: Option<SessionId>,
}

/// Calls that were answered.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AbortedCalls")]
pub struct Aborted {
    pub(crate) session_id: SessionId,
    pub(crate) aborted: Vec<PendingCall>,
}
