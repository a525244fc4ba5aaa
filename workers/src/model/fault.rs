//! Why a turn failed, and what the caller may do about it.

use std::time::Duration;

use super::ProviderError;

/// Why a turn failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The provider refused the request.
    #[error("the provider refused the request: {0}")]
    Refused(Box<ProviderError>),
    /// The provider broke off in the middle of its answer: the streamed deltas are void.
    #[error("the provider aborted the stream: {0}")]
    MidStream(Box<ProviderError>),
    /// The provider has too many requests of this caller.
    #[error("the provider limits the rate of requests: {0}")]
    RateLimited(Box<ProviderError>),
    /// The model wrote a tool call that its provider did not let through (Groq's `tool_use_failed`), reported
    /// as HTTP 400 or in mid-stream. Telling the model what was wrong usually helps.
    #[error("the model wrote an invalid tool call: {0}")]
    InvalidToolCall(Box<ProviderError>),
    /// The provider could not be reached, or the connection broke.
    #[error("connection to the provider failed: {message}")]
    Connection {
        /// The message of the transport.
        message: String,
    },
    /// The provider sent nothing for too long.
    #[error("the provider sent nothing for {limit_ms} ms")]
    Stalled {
        /// The limit in milliseconds.
        limit_ms: u64,
    },
    /// The provider sent what is not an answer of this API.
    #[error("the provider sent what cannot be decoded: {message}")]
    Garbage {
        /// The fault, with a sample.
        message: String,
    },
    /// The answer passed a limit of this client.
    #[error("the provider's answer is too large: {what} exceeds {limit}")]
    TooLarge {
        /// The part that is too large.
        what: &'static str,
        /// The limit, in the unit that `what` names.
        limit: usize,
    },
    /// The provider's filter stopped the answer.
    #[error("the provider's filter stopped the answer ({reason}) behind: {text:?}")]
    Filtered {
        /// The provider's reason.
        reason: String,
        /// The text before it.
        text: String,
    },
    /// The model declined to answer.
    #[error("the model declines: {refusal}")]
    Declined {
        /// The model's words.
        refusal: String,
    },
    /// The answer has neither text nor calls.
    #[error("the model's answer is empty (finish reason {reason}): it has neither text nor calls")]
    Empty {
        /// The provider's reason.
        reason: String,
    },
    /// The answer ended before the model said that it was done.
    #[error("the provider's answer ended early")]
    ClosedEarly,
    /// The model cannot take a part of the question.
    #[error("part {index} ({part}) cannot be sent to this model: {why}")]
    UnsupportedPart {
        /// Its place in the message, from 0.
        index: usize,
        /// Its kind, as on the wire.
        kind: &'static str,
        /// Its label.
        part: String,
        /// Why.
        why: &'static str,
    },
    /// The request cannot be sent: a wrong address or header, or no answer in the script.
    #[error("the request cannot be sent: {message}")]
    Unsendable {
        /// The fault.
        message: String,
    },
}

impl Fault {
    /// Sorts an error response by the caller's options.
    pub(crate) fn from_response(error: ProviderError) -> Self {
        if error.is_invalid_tool_call() {
            return Self::InvalidToolCall(Box::new(error));
        }
        if error.status == Some(429) {
            Self::RateLimited(Box::new(error))
        } else {
            Self::Refused(Box::new(error))
        }
    }

    /// Sorts an error that came inside a stream.
    pub(crate) fn from_stream(error: ProviderError) -> Self {
        if error.is_invalid_tool_call() {
            Self::InvalidToolCall(Box::new(error))
        } else {
            Self::MidStream(Box::new(error))
        }
    }

    /// Whether sending the same request again may succeed.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Refused(error) | Self::MidStream(error) | Self::RateLimited(error) => error.is_transient(),
            Self::Connection { .. }
            | Self::Stalled { .. }
            | Self::Garbage { .. }
            | Self::Empty { .. }
            | Self::ClosedEarly => true,
            Self::InvalidToolCall(_)
            | Self::TooLarge { .. }
            | Self::Filtered { .. }
            | Self::Declined { .. }
            | Self::UnsupportedPart { .. }
            | Self::Unsendable { .. } => false,
        }
    }

    /// Whether the model can do better with a correction.
    pub fn is_recoverable_by_model(&self) -> bool {
        matches!(self, Self::InvalidToolCall(_))
    }

    /// How long the provider asks to wait before the next try.
    pub fn retry_after(&self) -> Option<Duration> {
        self.provider_error().and_then(|error| error.retry_after)
    }

    /// The provider's error, when the provider reported the fault.
    pub fn provider_error(&self) -> Option<&ProviderError> {
        match self {
            Self::Refused(error)
            | Self::MidStream(error)
            | Self::RateLimited(error)
            | Self::InvalidToolCall(error) => Some(error),
            _ => None,
        }
    }

    /// A stable code for events and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(_) => "provider_refused",
            Self::MidStream(_) => "provider_mid_stream",
            Self::RateLimited(_) => "rate_limited",
            Self::InvalidToolCall(_) => "invalid_tool_call",
            Self::Connection { .. } => "connection",
            Self::Stalled { .. } => "stalled",
            Self::Garbage { .. } => "garbage",
            Self::TooLarge { .. } => "too_large",
            Self::Filtered { .. } => "content_filter",
            Self::Declined { .. } => "refusal",
            Self::Empty { .. } => "empty_answer",
            Self::ClosedEarly => "closed_early",
            Self::UnsupportedPart { .. } => "unsupported_part",
            Self::Unsendable { .. } => "unsendable",
        }
    }
}
