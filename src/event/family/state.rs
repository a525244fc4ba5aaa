//! Shared state of a stream's graph.

use serde_json::Value;

super::payloads! {
    /// A key got a new value.
    Changed {
        /// The key.
        key: String,
        /// The previous value.
        #[serde(default)]
        old_value: Value,
        /// The new value.
        #[serde(default)]
        new_value: Value,
        /// The readers of the value: `execution`, `stream` or a name that the producer defines.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scope: Option<String>,
    }
    /// Two writers changed the same key.
    Conflict {
        /// The key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
    }
}
