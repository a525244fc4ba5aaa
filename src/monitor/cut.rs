//! Values that are short enough to be shown.

use serde_json::{Value, json};

use crate::limits::MONITOR_VALUE_BYTES;

/// The beginning of a text, `bytes` at most, at a character's border.
pub(super) fn beginning(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A text, or its beginning.
pub(super) fn text(text: &str) -> String {
    beginning(text, MONITOR_VALUE_BYTES).to_owned()
}

/// A value, or `{cut, bytes, begins}` of one that is longer than [`MONITOR_VALUE_BYTES`].
pub(crate) fn value(value: Value) -> Value {
    let long = match &value {
        Value::String(text) if text.len() > MONITOR_VALUE_BYTES => text.clone(),
        Value::Array(_) | Value::Object(_) => {
            let text = value.to_string();
            if text.len() <= MONITOR_VALUE_BYTES {
                return value;
            }
            text
        }
        _ => return value,
    };
    json!({ "cut": true, "bytes": long.len(), "begins": beginning(&long, MONITOR_VALUE_BYTES / 2) })
}
