//! Shared state of a stream's graph.

use serde_json::Value;

super::payloads! {
    /// A key got a new value.
    Changed {
        /// The key.
        key: String,
        /// What it was.
        #[serde(default)]
        old_value: Value,
        /// What it is.
        #[serde(default)]
        new_value: Value,
        /// Who sees it: `execution`, `stream` or what the producer defines.
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
