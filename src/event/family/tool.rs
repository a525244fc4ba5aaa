//! Tool calls and their approvals.

use serde_json::Value;

use crate::event::tree::Below;
use crate::time::Timestamp;

super::payloads! {
    /// A piece of a call that the model writes. The call counts when its turn is completed; void as the text of the turn is.
    CallDelta {
        /// The call's number in its turn, from 0, in the order in which calls begin.
        index: u32,
        /// The call's id, as the model gave it.
        tool_use_id: String,
        /// The tool's name.
        tool_name: String,
        /// The next piece of the arguments' JSON text.
        arguments: String,
    }
    /// A tool is about to run: its intent is journalled.
    CallStarted {
        /// The call's id, as the model gave it.
        tool_use_id: String,
        /// The tool's name.
        tool_name: String,
        /// Its arguments.
        #[serde(default)]
        tool_input: Value,
    }
    /// A tool says how far its call has come. Words that come faster than readers can use are left out.
    CallProgress {
        /// The call's id.
        tool_use_id: String,
        /// The tool's name.
        tool_name: String,
        /// A number that grows.
        progress: f64,
        /// The number at its end, when the tool knows it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        total: Option<f64>,
        /// The tool's progress, in words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    }
    /// A tool ended, or its call was answered without running it.
    CallCompleted {
        /// The call's id.
        tool_use_id: String,
        /// The tool's name.
        tool_name: String,
        /// The result that the model reads.
        #[serde(default)]
        result: Value,
        /// Whether it failed.
        #[serde(default)]
        is_error: bool,
    }
    /// A call waits for a decision.
    ApprovalRequested {
        /// The approval's id.
        approval_id: String,
        /// The call's id.
        tool_use_id: String,
        /// The tool's name.
        tool_name: String,
        /// Its arguments.
        #[serde(default)]
        tool_input: Value,
        /// SHA-256 of the canonical arguments; a decision is bound to it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        arguments_digest: Option<String>,
        /// When it expires.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_at: Option<Timestamp>,
        /// Where it happened, when that is below the execution that tells it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        below: Option<Below>,
    }
    /// A call was decided.
    ApprovalDecided {
        /// The approval's id.
        approval_id: String,
        /// The call's id.
        tool_use_id: String,
        /// Whether it may run.
        approved: bool,
        /// The arguments that the decider put in place of the call's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        arguments: Option<Value>,
        /// The decider's note.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        /// The person who decided.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        decided_by: Option<String>,
        /// Where it happened, when that is below the execution that tells it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        below: Option<Below>,
    }
    /// Nobody decided in time.
    ApprovalExpired {
        /// The approval's id.
        approval_id: String,
        /// The call's id.
        tool_use_id: String,
        /// Where it happened, when that is below the execution that tells it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        below: Option<Below>,
    }
}
