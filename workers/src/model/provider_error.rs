//! An error as a provider reported it, in any of the known shapes.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::limits::{MAX_ERROR_TEXT_BYTES, MAX_PAGE_BYTES, MAX_RETRY_AFTER_SECONDS};

/// A provider's message about a request that it refused or broke off.
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
    /// The text that the model had written when the provider rejected it (Groq).
    pub failed_generation: Option<String>,
    /// How long the provider asks to wait before the next try.
    pub retry_after: Option<Duration>,
    /// The provider's id of the request, for its support.
    pub request_id: Option<String>,
    /// The address that was asked, where it may be the fault.
    pub asked: Option<String>,
}

impl ProviderError {
    /// Reads the body of a response whose status is `status`.
    pub(crate) fn from_body(status: u16, body: &[u8], retry_after: Option<Duration>) -> Self {
        let mut error = match runbus::json::from_slice::<Value>(body) {
            Ok(value) => Self::from_value(&value),
            Err(_not_json) => Self { message: clip(page(&String::from_utf8_lossy(body))), ..Self::default() },
        };
        error.status = Some(status);
        error.retry_after = retry_after.or(error.retry_after);
        error
    }

    /// Reads an error object: `{"error": {...}}`, `{"error": "text"}`, or the inner object itself.
    pub(crate) fn from_value(value: &Value) -> Self {
        let value =
            value.as_array().and_then(|items| items.iter().find(|item| item.is_object())).unwrap_or(value);
        let inner =
            ["error", "base_resp"].iter().filter_map(|name| value.get(*name)).find(|error| !error.is_null());
        let inner = inner.unwrap_or(value);
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
            .or_else(|| word("status_msg"))
            .or_else(|| word("detail"))
            .or_else(|| detail(inner.get("detail")?))
            .or_else(|| inner.as_str().map(clip))
            .unwrap_or_else(|| clip(inner.to_string()));
        // OpenRouter wraps the error of the provider behind it.
        let raw = inner.get("metadata").and_then(|metadata| metadata.get("raw"));
        let raw = raw.map(|raw| clip(raw.as_str().map_or_else(|| raw.to_string(), str::to_owned)));
        let message = match raw {
            Some(raw) if !message.contains(&raw) => clip(format!("{message}: {raw}")),
            _ => message,
        };
        let failed_generation = word("failed_generation");
        let code = code.or_else(|| word("status_code"));
        Self {
            status,
            code,
            kind: word("type"),
            message,
            failed_generation,
            retry_after: retry_delay(inner),
            request_id: None,
            asked: None,
        }
    }

    /// Whether the model wrote a tool call that its provider did not let through.
    pub(crate) fn is_invalid_tool_call(&self) -> bool {
        self.code.as_deref() == Some("tool_use_failed")
    }

    /// Whether trying the same request again may succeed.
    pub(crate) fn is_transient(&self) -> bool {
        if self.is_about_money() {
            return false;
        }
        match self.status {
            // 498: Groq has no capacity.
            Some(status) => matches!(status, 408 | 409 | 425 | 429 | 498 | 500..=599),
            None => self.kind.as_deref() != Some("invalid_request_error"),
        }
    }

    /// Whether the account has no money or no quota left: waiting does not change that.
    fn is_about_money(&self) -> bool {
        let words = [self.code.as_deref(), self.kind.as_deref()].into_iter().flatten();
        let named = words.map(str::to_ascii_lowercase).any(|word| {
            ["insufficient_quota", "insufficient_balance", "exceeded_current_quota", "billing", "payment"]
                .iter()
                .any(|known| word.contains(known))
        });
        let message = self.message.to_ascii_lowercase();
        let said = [
            "insufficient balance",
            "insufficient_quota",
            "billing details",
            "credit balance",
            "account is suspended",
        ];
        named || self.status == Some(402) || said.iter().any(|known| message.contains(known))
    }
}

/// The title of an HTML page; other text as it is.
fn page(text: &str) -> String {
    let trimmed = text.trim_start();
    if !trimmed.starts_with('<') {
        return text.to_owned();
    }
    let lower = trimmed.to_ascii_lowercase();
    let title = lower.find("<title").and_then(|at| {
        let from = at + lower[at..].find('>')? + 1;
        Some(trimmed[from..from + lower[from..].find("</title")?].trim().to_owned())
    });
    let title = title.filter(|title| !title.is_empty());
    format!("a web page instead of an answer: {}", title.unwrap_or_else(|| words(trimmed)))
}

/// The first words of a page without a title.
fn words(page: &str) -> String {
    let mut words = String::new();
    let mut is_tag = false;
    for c in page.chars() {
        match c {
            '<' => is_tag = true,
            '>' => {
                is_tag = false;
                words.push(' ');
            }
            _ if !is_tag => words.push(c),
            _ => {}
        }
        if words.len() >= MAX_PAGE_BYTES {
            break;
        }
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The messages of a list of mistakes (FastAPI).
fn detail(detail: &Value) -> Option<String> {
    let items = detail.as_array()?;
    let texts: Vec<&str> = items.iter().filter_map(|item| item.get("msg")?.as_str()).collect();
    (!texts.is_empty()).then(|| clip(texts.join("; ")))
}

/// How long Google's services ask to wait: `{"details": [{"retryDelay": "12s"}]}`.
fn retry_delay(error: &Value) -> Option<Duration> {
    let details = error.get("details")?.as_array()?;
    let text = details.iter().find_map(|detail| detail.get("retryDelay")?.as_str())?;
    let seconds = text.trim().strip_suffix('s')?.parse::<f64>().ok()?;
    #[expect(clippy::cast_precision_loss, reason = "the limit is small")]
    let limit = MAX_RETRY_AFTER_SECONDS as f64;
    Duration::try_from_secs_f64(seconds.clamp(0.0, limit)).ok()
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        let status = self.status.map(|status| format!("status {status}"));
        let code = self.code.as_ref().map(|code| format!("code {code}"));
        let request = self.request_id.as_ref().map(|id| format!("request {id}"));
        let known: Vec<String> = status.into_iter().chain(code).chain(request).collect();
        if !known.is_empty() {
            write!(f, " ({})", known.join(", "))?;
        }
        self.asked.as_ref().map_or(Ok(()), |asked| write!(f, " {asked}"))
    }
}

/// Cuts a provider's text to the limit of an event.
fn clip(text: impl AsRef<str>) -> String {
    let text = text.as_ref().trim();
    let end = text.floor_char_boundary(MAX_ERROR_TEXT_BYTES);
    if end == text.len() { text.to_owned() } else { format!("{} [cut]", &text[..end]) }
}
