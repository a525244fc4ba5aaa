//! Texts and values that do not grow without end, and say what they lack.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::is_zero;
use crate::limits;

/// A text that is being written: its end, [`limits::SNAPSHOT_TURN_BYTES`] at most.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Text {
    /// The text, or its end.
    pub content: String,
    /// Bytes of UTF-8 that are missing before it; absent: none, the text is whole.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub truncated_bytes: u64,
}

impl Text {
    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.content.is_empty() && self.truncated_bytes == 0
    }

    /// Appends a piece. However a text is cut into pieces, the outcome is the same.
    pub(super) fn push(&mut self, piece: &str) {
        self.content.push_str(piece);
        self.trim();
    }

    /// Puts another text in its place.
    pub(super) fn set(&mut self, text: &str) {
        self.content.clear();
        self.truncated_bytes = 0;
        self.push(text);
    }

    fn trim(&mut self) {
        let Some(over) = self.content.len().checked_sub(limits::SNAPSHOT_TURN_BYTES).filter(|n| *n > 0)
        else {
            return;
        };
        let cut = (over..=self.content.len()).find(|at| self.content.is_char_boundary(*at)).unwrap_or(over);
        self.content.drain(..cut);
        self.truncated_bytes += cut as u64;
    }
}

/// A value, or the beginning of its JSON text.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Excerpt {
    /// The value; when bytes are missing, a text: the beginning of the value's JSON, or of the text that it was.
    pub value: Value,
    /// Bytes that are missing behind it; absent: none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub truncated_bytes: u64,
}

impl Excerpt {
    /// Of a value: at most `limit` bytes of its JSON.
    pub(super) fn of(value: Value, limit: usize) -> Self {
        let text = match &value {
            Value::Null | Value::Bool(_) | Value::Number(_) => return Self { value, truncated_bytes: 0 },
            Value::String(text) if text.len() <= limit => return Self { value, truncated_bytes: 0 },
            Value::String(text) => text.clone(),
            Value::Array(_) | Value::Object(_) => value.to_string(),
        };
        if text.len() <= limit {
            return Self { value, truncated_bytes: 0 };
        }
        let kept = head(&text, limit);
        Self { value: Value::String(kept.into()), truncated_bytes: (text.len() - kept.len()) as u64 }
    }
}

/// The beginning of a text, `limit` bytes at most.
pub(super) fn head(text: &str, limit: usize) -> &str {
    let end = (0..=limit.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}

/// A name within its limit: external names may have any length.
pub(super) fn name(text: String) -> String {
    if text.len() <= limits::SNAPSHOT_NAME_BYTES {
        text
    } else {
        head(&text, limits::SNAPSHOT_NAME_BYTES).into()
    }
}
