//! Calls of language models.

use serde_json::Value;

use crate::event::tree::Used;

super::payloads! {
    /// A piece of the model's answer.
    TextDelta {
        /// The piece.
        content: String,
        /// The text so far, when the producer sends it. Runbus's workers do not: it makes a stream's size quadratic.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        snapshot: Option<String>,
    }
    /// A piece of the model's reasoning.
    ReasoningDelta {
        /// The piece.
        content: String,
    }
    /// A call of the model ended well and is recorded.
    #[derive(Default)]
    TurnCompleted {
        /// Names the message of this turn, the same in every event of it and among the session's messages.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message_id: Option<String>,
        /// Tokens.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        usage: Option<Usage>,
        /// `stop`, `tool_calls`, `length`, ... as the provider says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        finish_reason: Option<String>,
        /// The model that answered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<String>,
        /// The provider that answered, by the name of its section in the worker's configuration.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provider: Option<String>,
        /// The provider's id of the request, for its support.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request_id: Option<String>,
        /// The whole reasoning of the turn, where the provider discloses it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reasoning: Option<String>,
        /// The whole text of the turn.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content: Option<String>,
        /// Calls that the model asks for.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<ToolCall>,
    }
    /// A tool call as the model wrote it.
    ToolCall {
        /// The call's id.
        tool_use_id: String,
        /// The tool's name.
        tool_name: String,
        /// The arguments as the model wrote them: JSON text, not always valid.
        arguments: String,
    }
    /// Tokens of one or more calls.
    #[derive(Default)]
    Usage {
        /// Tokens read.
        #[serde(default)]
        prompt_tokens: u64,
        /// Tokens written.
        #[serde(default)]
        completion_tokens: u64,
        /// Both.
        #[serde(default)]
        total_tokens: u64,
        /// Tokens written as reasoning, part of `completion_tokens`, where the provider says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reasoning_tokens: Option<u64>,
        /// Tokens read from the provider's cache, part of `prompt_tokens`, where the provider says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cached_tokens: Option<u64>,
        /// Whether a provider did not count: then these tokens, or a part of them, are estimated from the length of the texts.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        estimated: bool,
        /// The price, where the providers state one, in their currency.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cost: Option<f64>,
    }
    /// A call of the model failed and is tried again. Output streamed before in this turn is void.
    #[derive(Default)]
    Retry {
        /// The error: `{code, message, status, ...}`.
        #[serde(default)]
        error: Value,
        /// Which try comes next, from 2.
        #[serde(default)]
        next_try: u32,
        /// The wait before it, in milliseconds.
        #[serde(default)]
        delay_ms: u64,
        /// Names the message that is void.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message_id: Option<String>,
        /// The model that is asked next, when it is another one: a fallback of the definition.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<String>,
    }
    /// The usage of the execution so far.
    UsageUpdated {
        /// Tokens of all calls of the execution and of all executions below it.
        usage: Usage,
        /// Calls so far, of all of them.
        #[serde(default)]
        rounds: u32,
        /// The part of it that the executions below used.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        below: Option<Used>,
    }
    /// A range of messages was folded into one note.
    ContextCompacted {
        /// Tokens before.
        #[serde(default)]
        tokens_before: u64,
        /// Tokens after.
        #[serde(default)]
        tokens_after: u64,
        /// Messages that were folded.
        #[serde(default)]
        messages: u64,
    }
}

impl Usage {
    /// Adds what another call, or another execution, used.
    pub fn add(&mut self, more: &Self) {
        let sum = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (None, None) => None,
            (a, b) => Some(a.unwrap_or(0).saturating_add(b.unwrap_or(0))),
        };
        self.prompt_tokens = self.prompt_tokens.saturating_add(more.prompt_tokens);
        self.completion_tokens = self.completion_tokens.saturating_add(more.completion_tokens);
        self.total_tokens = self.total_tokens.saturating_add(more.total_tokens);
        self.reasoning_tokens = sum(self.reasoning_tokens, more.reasoning_tokens);
        self.cached_tokens = sum(self.cached_tokens, more.cached_tokens);
        self.estimated |= more.estimated;
        self.cost = match (self.cost, more.cost) {
            (None, None) => None,
            (a, b) => Some(a.unwrap_or(0.0) + b.unwrap_or(0.0)),
        };
    }

    /// The usage without a part of it.
    #[must_use]
    pub fn without(&self, part: &Self) -> Self {
        let less = |a: Option<u64>, b: Option<u64>| a.map(|a| a.saturating_sub(b.unwrap_or(0)));
        Self {
            prompt_tokens: self.prompt_tokens.saturating_sub(part.prompt_tokens),
            completion_tokens: self.completion_tokens.saturating_sub(part.completion_tokens),
            total_tokens: self.total_tokens.saturating_sub(part.total_tokens),
            reasoning_tokens: less(self.reasoning_tokens, part.reasoning_tokens),
            cached_tokens: less(self.cached_tokens, part.cached_tokens),
            estimated: self.estimated,
            cost: self.cost.map(|cost| (cost - part.cost.unwrap_or(0.0)).max(0.0)),
        }
    }
}
