//! An error as a provider reported it, whatever the shape in which it did.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::limits::MAX_ERROR_TEXT_BYTES;

/// What a provider said about a request that it refused or broke off.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProviderError {
    /// The HTTP status; in mid-stream the one that the error object states, if any.
    pub status: Option<u16>,
    /// The provider's code (`model_not_found`, `tool_use_failed`, ...).
    pub code: Option<String>,
    /// The provider's class of error (`invalid_request_error`, ...).
    pub kind: Option<String>,
    /// The message for people.
    pub message: String,
    /// What the model had written when the provider rejected it (Groq).
    pub failed_generation: Option<String>,
    /// How long the provider asks to wait before the next try.
    pub retry_after: Option<Duration>,
}

impl ProviderError {
    /// Reads the body of a response whose status is `status`.
    pub(crate) fn from_body(status: u16, body: &[u8], retry_after: Option<Duration>) -> Self {
        let mut error = match runbus::json::from_slice::<Value>(body) {
            Ok(value) => Self::from_value(&value),
            Err(_not_json) => Self { message: clip(String::from_utf8_lossy(body)), ..Self::default() },
        };
        error.status = Some(status);
        error.retry_after = retry_after;
        error
    }

    /// Reads an error object: `{"error": {...}}`, `{"error": "text"}`, or the inner object itself.
    pub(crate) fn from_value(value: &Value) -> Self {
        let inner = value.get("error").filter(|error| !error.is_null()).unwrap_or(value);
        let word = |name: &str| {
            inner.get(name).and_then(|field| match field {
                Value::String(text) if !text.is_empty() => Some(clip(text)),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            })
        };
        let code = word("code");
        let status = [word("status_code"), code.clone(), word("status")]
            .into_iter()
            .flatten()
            .find_map(|text| text.parse::<u16>().ok().filter(|status| (400..600).contains(status)));
        let message = word("message")
            .or_else(|| word("detail"))
            .or_else(|| inner.as_str().map(clip))
            .unwrap_or_else(|| clip(inner.to_string()));
        let failed_generation = word("failed_generation");
        Self { status, code, kind: word("type"), message, failed_generation, retry_after: None }
    }

    /// Whether the model wrote a tool call that its provider did not let through.
    pub(crate) fn is_invalid_tool_call(&self) -> bool {
        self.code.as_deref() == Some("tool_use_failed")
    }

    /// Whether trying the same request again may succeed.
    pub(crate) fn is_transient(&self) -> bool {
        if self.code.as_deref() == Some("insufficient_quota") {
            return false;
        }
        match self.status {
            Some(status) => matches!(status, 408 | 409 | 425 | 429 | 500..=599),
            None => self.kind.as_deref() != Some("invalid_request_error"),
        }
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        let status = self.status.map(|status| format!("status {status}"));
        let code = self.code.as_ref().map(|code| format!("code {code}"));
        let known: Vec<String> = status.into_iter().chain(code).collect();
        if known.is_empty() { Ok(()) } else { write!(f, " ({})", known.join(", ")) }
    }
}

/// Cuts a provider's text to what an event may carry.
fn clip(text: impl AsRef<str>) -> String {
    let text = text.as_ref().trim();
    let end = text.floor_char_boundary(MAX_ERROR_TEXT_BYTES);
    if end == text.len() { text.to_owned() } else { format!("{} [cut]", &text[..end]) }
}
