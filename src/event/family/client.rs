//! Output for clients, and their input.

use serde_json::Value;

use crate::event::tree::Below;
use crate::time::Timestamp;

super::payloads! {
    /// A piece of output of a client-facing node.
    OutputDelta {
        /// The piece.
        content: String,
        /// The text so far, when the producer sends it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        snapshot: Option<String>,
    }
    /// A node asks a human.
    InputRequested {
        /// The question.
        #[serde(default)]
        prompt: String,
        /// The id of the request, which an answer names.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request_id: Option<String>,
        /// The answers to choose from; empty: any.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        choices: Vec<String>,
        /// When it is no longer waited for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_at: Option<Timestamp>,
        /// The call that asks, when it is a tool's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tool_use_id: Option<String>,
        /// Where it happened, when that is below the execution that tells it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        below: Option<Below>,
    }
    /// A human answered.
    InputReceived {
        /// The request's id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request_id: Option<String>,
        /// The answer.
        #[serde(default)]
        input: Value,
        /// The person who answered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answered_by: Option<String>,
        /// Where it happened, when that is below the execution that tells it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        below: Option<Below>,
    }
}
