//! The wire form of an answer, streamed or whole, as OpenAI-compatible providers send it.
//!
//! Unknown fields are ignored and `null` counts as absent, since every provider adds its own.

use serde::Deserialize;
use serde_json::Value;

use super::Usage;

/// One chunk of a stream, or a whole answer: they differ in the name of the choice's message only.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Chunk {
    pub(super) model: Option<String>,
    pub(super) choices: Option<Vec<Choice>>,
    pub(super) usage: Option<WireUsage>,
    pub(super) x_groq: Option<GroqExtension>,
    pub(super) error: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Choice {
    #[serde(default)]
    pub(super) index: u32,
    /// `message` in an answer that is not streamed.
    #[serde(alias = "message")]
    pub(super) delta: Option<Piece>,
    pub(super) finish_reason: Option<String>,
    /// OpenRouter reports an upstream provider's error here.
    pub(super) error: Option<Value>,
}

/// What a chunk adds to the answer.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Piece {
    pub(super) content: Option<Content>,
    /// DeepSeek, vLLM.
    pub(super) reasoning_content: Option<String>,
    /// Groq, OpenRouter; some servers send both names with the same text.
    pub(super) reasoning: Option<String>,
    pub(super) tool_calls: Option<Vec<CallPiece>>,
    pub(super) refusal: Option<String>,
    pub(super) annotations: Option<Vec<Value>>,
    pub(super) reasoning_details: Option<Vec<Value>>,
}

impl Piece {
    /// The reasoning, under whichever name it came.
    pub(super) fn take_reasoning(&mut self) -> Option<String> {
        let names = [self.reasoning_content.take(), self.reasoning.take()];
        names.into_iter().flatten().find(|text| !text.is_empty())
    }
}

/// Text, plain or in typed parts.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Content {
    Text(String),
    Parts(Vec<ContentPart>),
}

#[derive(Debug, Deserialize)]
pub(super) struct ContentPart {
    pub(super) text: Option<String>,
}

impl Content {
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Parts(parts) => parts.into_iter().filter_map(|part| part.text).collect(),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct CallPiece {
    pub(super) index: Option<u32>,
    pub(super) id: Option<String>,
    pub(super) function: Option<FunctionPiece>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct FunctionPiece {
    pub(super) name: Option<String>,
    /// A string; some servers send the object itself.
    pub(super) arguments: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct GroqExtension {
    pub(super) usage: Option<WireUsage>,
    pub(super) error: Option<Value>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct WireUsage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    total_tokens: Option<u64>,
    prompt_tokens_details: Option<PromptDetails>,
    completion_tokens_details: Option<CompletionDetails>,
    /// DeepSeek's own name for cached tokens.
    prompt_cache_hit_tokens: Option<u64>,
    cost: Option<f64>,
}

#[derive(Debug, Clone, Deserialize)]
struct PromptDetails {
    cached_tokens: Option<u64>,
}

#[derive(Debug, Clone, Deserialize)]
struct CompletionDetails {
    reasoning_tokens: Option<u64>,
}

impl From<WireUsage> for Usage {
    fn from(wire: WireUsage) -> Self {
        let prompt_tokens = wire.prompt_tokens.unwrap_or(0);
        let completion_tokens = wire.completion_tokens.unwrap_or(0);
        let cached = wire.prompt_tokens_details.and_then(|details| details.cached_tokens);
        Self {
            prompt_tokens,
            completion_tokens,
            total_tokens: wire
                .total_tokens
                .unwrap_or_else(|| prompt_tokens.saturating_add(completion_tokens)),
            reasoning_tokens: wire.completion_tokens_details.and_then(|details| details.reasoning_tokens),
            cached_tokens: cached.or(wire.prompt_cache_hit_tokens),
            cost: wire.cost,
        }
    }
}
