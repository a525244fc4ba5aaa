//! A model's answer in one turn.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Message, ToolCall};

/// A model's complete answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// Names the message that this turn adds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The text; empty when the model only called tools.
    #[serde(default)]
    pub text: String,
    /// The reasoning that the provider disclosed; usually empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reasoning: String,
    /// The calls to run before the next turn, in the order of their index.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// The usage of the turn, when the provider reported it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Why the model stopped, in the provider's words (`stop`, `length`, `tool_calls`, `content_filter`, ...).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    /// The provider that answered, by the name of its section in the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The provider's id of the request, for its support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The model that answered: often more precise than the one that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Other parts of the answer, unchanged: `annotations`, `reasoning_details`, `refusal`. Lists are
    /// concatenated.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

impl Turn {
    /// The message that this turn adds to its conversation.
    pub fn message(&self) -> Message {
        Message::Assistant {
            content: (!self.text.is_empty() || self.tool_calls.is_empty()).then(|| self.text.clone()),
            reasoning: self.reasoning.clone(),
            tool_calls: self.tool_calls.clone(),
            provider: self.provider.clone(),
            extra: self.extra.clone(),
        }
    }

    /// Whether the answer was cut off by a token limit: its text or last tool call may be incomplete.
    pub fn is_cut_off(&self) -> bool {
        let reason = self.finish_reason.as_deref().unwrap_or_default();
        ["length", "max_tokens", "model_context_window_exceeded"]
            .iter()
            .any(|limit| reason.eq_ignore_ascii_case(limit))
    }
}

/// The tokens that a turn used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the conversation that was sent, cached ones included.
    pub prompt_tokens: u64,
    /// Tokens of the answer, reasoning included.
    pub completion_tokens: u64,
    /// Both together, as the provider counts them.
    pub total_tokens: u64,
    /// How many of the completion tokens were reasoning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_tokens: Option<u64>,
    /// How many of the prompt tokens came from the provider's cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_tokens: Option<u64>,
    /// Whether the provider did not count, and the tokens are estimated from the length of the texts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
    /// The price in the provider's currency, where it states one (OpenRouter: US dollars).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
}
