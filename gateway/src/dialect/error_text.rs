//! How other servers put what Runbus says more exactly.

use serde_json::Value;

/// The error as one text: Runbus's workers send `{code, message, ...}`, other producers a text.
#[must_use]
pub(super) fn reason(error: Option<&Value>) -> String {
    match error {
        Some(Value::String(text)) => text.clone(),
        Some(value) => match value.get("message") {
            Some(Value::String(text)) => text.clone(),
            _ => value.to_string(),
        },
        None => "unknown".into(),
    }
}
