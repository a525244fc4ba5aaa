//! The beginnings of what may be long.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::entry::EntryError;
use crate::limits;
use crate::session::part::{self, Content};

/// The beginning of a text, and whether it has more.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Beginning {
    #[serde(rename = "t")]
    pub(super) text: String,
    #[serde(rename = "c", default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_cut: bool,
}

impl Beginning {
    pub(super) fn of(text: &str, bytes: usize) -> Self {
        let end = text.floor_char_boundary(bytes.min(text.len()));
        Self { text: text[..end].to_owned(), is_cut: end < text.len() }
    }

    /// Of a value: text as it is, parts as texts and labels, other JSON as JSON text; `None` of nothing.
    pub(super) fn of_value(value: &Value, bytes: usize) -> Option<Self> {
        match value {
            Value::Null => None,
            Value::String(text) => Some(Self::of(text, bytes)),
            other => Some(match part::of_input(other) {
                Some(parts) => Self::of(&Content::Parts(parts).described(), bytes),
                None => Self::of(&other.to_string(), bytes),
            }),
        }
    }
}

/// A text without control characters that may name something.
pub(super) fn name(text: &str) -> String {
    let text = Beginning::of(text, limits::ID_BYTES).text;
    if text.contains(char::is_control) { text.replace(char::is_control, "\u{fffd}") } else { text }
}

/// The error, as far as a list shows it.
pub(super) fn error(value: &Value) -> EntryError {
    let text = |key| value.get(key).and_then(Value::as_str);
    let message = text("message").map_or_else(
        || Beginning::of_value(value, limits::ENTRY_ERROR_BYTES),
        |message| Some(Beginning::of(message, limits::ENTRY_ERROR_BYTES)),
    );
    EntryError {
        code: text("code").map(name),
        message: message.map(|message| message.text).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    proptest! {
        #[test]
        fn a_beginning_is_short_and_a_beginning(text in "\\PC{0,20}", bytes in 0usize..30) {
            let found = Beginning::of(&text, bytes);
            prop_assert!(found.text.len() <= bytes && text.starts_with(&found.text));
            prop_assert_eq!(found.is_cut, found.text != text);
        }
    }

    #[test]
    fn errors_of_others_are_texts() {
        let known = error(&json!({ "code": "model_refused", "message": "no" }));
        assert_eq!((known.code.as_deref(), known.message.as_str()), (Some("model_refused"), "no"));
        assert_eq!(error(&json!("it broke")), EntryError { code: None, message: "it broke".into() });
        assert_eq!(error(&json!([1])).message, "[1]");
    }
}
