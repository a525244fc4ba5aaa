//! The quirks of a service: as a preset knows them, as the configuration says, else as its answers show.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::abilities::{Images, Structured};
use super::think::ThinkTags;

/// The quirks of a service. `auto`: as the preset knows, else Runbus finds out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Quirks {
    /// The name of the limit of an answer's tokens: `auto`, `max_tokens` or `max_completion_tokens`.
    pub max_tokens: MaxTokens,
    /// The role that gives the instructions: `auto`, `system`, `developer` or `user`.
    pub system_role: SystemRole,
    /// Whether a stream is asked to count its tokens (`stream_options`): `auto`, `always` or `never`.
    pub stream_options: Asked,
    /// Whether the model's reasoning goes back to it: `auto`, `never`, `rounds` (between the calls of one answer) or `always`.
    pub reasoning: ReasoningBack,
    /// The form of the ids of tool calls: `auto` (those that the service made stay), `word` (letters, digits, `_`, `-`) or `nine` (nine
    /// letters and digits, as Mistral wants them).
    pub tool_ids: ToolIds,
    /// How structured answers are asked for: `auto`, `json_schema`, `json_object`, `tool` or `prompt`.
    pub structured_output: Structured,
    /// Whether images are sent: `auto`, `always` or `never`.
    pub images: Images,
    /// Whether audio is sent: `auto` (until the service refuses it), `always` (of any type) or `never`.
    pub audio: Asked,
    /// Whether files are sent: `auto` (until the service refuses one), `always` (also by address where the API has no such form) or `never`.
    pub files: Asked,
    /// Whether addresses of images and files are passed on, for the service to ask: `auto`, `always` or `never`.
    pub part_urls: Asked,
    /// Whether `<think>...</think>` in front of an answer is its reasoning: `auto`, `open` (the answer begins inside) or `never`.
    pub think_tags: ThinkTags,
    /// The content of a message that only calls tools: `auto`, `text` (an empty one) or `null`.
    pub empty_content: EmptyContent,
    /// Whether schemas of tools and answers are held strictly, with `additionalProperties: false`: `auto`, `always` or `never`.
    pub strict_schemas: Asked,
    /// Whether descriptions of tools are cut at 1,024 bytes: `auto`, `always` or `never`.
    pub short_descriptions: Asked,
    /// Whether the conversation is marked for the provider's cache (Anthropic): `auto`, `always` or `never`.
    pub prompt_cache: Asked,
}

/// The name of the limit of an answer's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MaxTokens {
    /// `max_tokens`, until the service refuses it.
    #[default]
    Auto,
    /// `max_tokens`.
    MaxTokens,
    /// `max_completion_tokens`: OpenAI's newer models refuse the old name.
    MaxCompletionTokens,
}

/// The role that gives the instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SystemRole {
    /// `system`, until the service refuses it.
    #[default]
    Auto,
    /// `system`.
    System,
    /// `developer`.
    Developer,
    /// `user`: they stand in front of the first question.
    User,
}

/// Whether something is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// As is best for most services.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Whether reasoning goes back to its model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReasoningBack {
    /// As `rounds`, until the service refuses it.
    #[default]
    Auto,
    /// Never.
    Never,
    /// With the messages behind the last question: between the calls of one answer.
    Rounds,
    /// With every message.
    Always,
}

/// The form of the ids of tool calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ToolIds {
    /// Those that the service itself made stay; others are words.
    #[default]
    Auto,
    /// 1 to 64 of letters, digits, `_` and `-`.
    Word,
    /// Nine letters and digits.
    Nine,
}

/// The content of a message that only calls tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EmptyContent {
    /// As `text`.
    #[default]
    Auto,
    /// An empty text.
    Text,
    /// `null`.
    Null,
}

impl Quirks {
    /// These, and where they leave something open those of `preset`.
    #[must_use]
    pub fn or(self, preset: Self) -> Self {
        fn either<T: Default + PartialEq>(own: T, preset: T) -> T {
            if own == T::default() { preset } else { own }
        }
        Self {
            max_tokens: either(self.max_tokens, preset.max_tokens),
            system_role: either(self.system_role, preset.system_role),
            stream_options: either(self.stream_options, preset.stream_options),
            reasoning: either(self.reasoning, preset.reasoning),
            tool_ids: either(self.tool_ids, preset.tool_ids),
            structured_output: either(self.structured_output, preset.structured_output),
            images: either(self.images, preset.images),
            audio: either(self.audio, preset.audio),
            files: either(self.files, preset.files),
            part_urls: either(self.part_urls, preset.part_urls),
            think_tags: either(self.think_tags, preset.think_tags),
            empty_content: either(self.empty_content, preset.empty_content),
            strict_schemas: either(self.strict_schemas, preset.strict_schemas),
            short_descriptions: either(self.short_descriptions, preset.short_descriptions),
            prompt_cache: either(self.prompt_cache, preset.prompt_cache),
        }
    }

    /// These, and what is known of the service at an address.
    #[must_use]
    pub fn at(self, base_url: &str) -> Self {
        if self.max_tokens == MaxTokens::Auto && base_url.contains("://api.openai.com/") {
            // OpenAI's newer models refuse the old name; most others know no other.
            return Self { max_tokens: MaxTokens::MaxCompletionTokens, ..self };
        }
        self
    }

    /// Nothing is known.
    #[must_use]
    pub const fn unknown() -> Self {
        Self {
            max_tokens: MaxTokens::Auto,
            system_role: SystemRole::Auto,
            stream_options: Asked::Auto,
            reasoning: ReasoningBack::Auto,
            tool_ids: ToolIds::Auto,
            structured_output: Structured::Auto,
            images: Images::Auto,
            audio: Asked::Auto,
            files: Asked::Auto,
            part_urls: Asked::Auto,
            think_tags: ThinkTags::Auto,
            empty_content: EmptyContent::Auto,
            strict_schemas: Asked::Auto,
            short_descriptions: Asked::Auto,
            prompt_cache: Asked::Auto,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_counts_before_the_preset() {
        let preset = Quirks { tool_ids: ToolIds::Nine, stream_options: Asked::Never, ..Quirks::unknown() };
        let own = Quirks { stream_options: Asked::Always, ..Quirks::default() };
        let both = own.or(preset);
        assert_eq!((both.tool_ids, both.stream_options), (ToolIds::Nine, Asked::Always));
    }
}
