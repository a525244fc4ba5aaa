//! Requests that wait for a person.

use serde::{Deserialize, Serialize};

use super::bounded::{Excerpt, Text};
use crate::id::NodeId;
use crate::session::below::Below;
use crate::time::Timestamp;

/// A call that waits for a decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Approval {
    /// The id that a decision names.
    pub approval_id: String,
    /// The call.
    pub tool_use_id: String,
    /// The tool.
    pub tool_name: String,
    /// The node that called it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_id: Option<NodeId>,
    /// The arguments, [`crate::limits::SNAPSHOT_VALUE_BYTES`] at most.
    pub arguments: Excerpt,
    /// The digest that a decision is bound to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments_digest: Option<String>,
    /// When it expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Where it waits, when that is below the execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<Below>,
}

/// A question that waits for an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Question {
    /// The id that an answer names; empty when its producer gave none.
    pub request_id: String,
    /// The question; its end when it is too long.
    pub prompt: Text,
    /// The node that asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_id: Option<NodeId>,
    /// The answers to choose from, [`crate::limits::SNAPSHOT_CHOICES`] at most; empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// When it is no longer waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The call that asks, when it is a tool's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_use_id: Option<String>,
    /// Where it waits, when that is below the execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<Below>,
}
