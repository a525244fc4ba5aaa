//! Known providers, a row each. A section `[model.providers.NAME]` of one of these names needs no more than a key.

use super::abilities::{Images, Structured};
use super::kind::Kind;
use super::quirks::{Asked, MaxTokens, Quirks, ReasoningBack, ToolIds};

/// The header that carries a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// `authorization: Bearer KEY`.
    Bearer,
    /// The key alone, in this header.
    Header(&'static str),
}

impl Auth {
    /// The name and the value of the header that shows a key.
    pub(super) fn header(self, key: &str) -> (&'static str, String) {
        match self {
            Self::Bearer => ("authorization", format!("Bearer {key}")),
            Self::Header(name) => (name, key.to_owned()),
        }
    }
}

/// A known provider.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// Its API.
    pub kind: Kind,
    /// Its address; `None`: each account has one of its own.
    pub base_url: Option<&'static str>,
    /// The environment variable that holds its key; `None`: it needs none.
    pub key: Option<&'static str>,
    /// How it takes its key.
    pub auth: Auth,
    /// The model of requests that name none; `None`: the first that it lists.
    pub model: Option<&'static str>,
    /// Its quirks.
    pub quirks: Quirks,
}

/// The preset of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

const NONE: Quirks = Quirks::unknown();

const fn cloud(name: &'static str, base_url: &'static str, key: &'static str, quirks: Quirks) -> Preset {
    Preset {
        name,
        kind: Kind::Openai,
        base_url: Some(base_url),
        key: Some(key),
        auth: Auth::Bearer,
        model: None,
        quirks,
    }
}

const fn local(name: &'static str, base_url: &'static str, quirks: Quirks) -> Preset {
    Preset {
        name,
        kind: Kind::Openai,
        base_url: Some(base_url),
        key: None,
        auth: Auth::Bearer,
        model: None,
        quirks,
    }
}

const OPENAI: Quirks = Quirks {
    max_tokens: MaxTokens::MaxCompletionTokens,
    reasoning: ReasoningBack::Never,
    short_descriptions: Asked::Always,
    ..NONE
};

/// Images are taken, neither audio nor files.
const IMAGES: Quirks = Quirks { audio: Asked::Never, files: Asked::Never, ..NONE };

/// Images are taken as data alone: the server asks no address.
const LOCAL: Quirks = Quirks { part_urls: Asked::Never, ..IMAGES };

/// Text alone is taken.
const TEXT: Quirks = Quirks { images: Images::Never, ..IMAGES };

/// Reasoning is refused in the conversation.
const NO_REASONING: Quirks = Quirks { reasoning: ReasoningBack::Never, ..IMAGES };

/// Reasoning is demanded between the calls of one answer.
const REASONING: Quirks = Quirks { reasoning: ReasoningBack::Rounds, ..IMAGES };

const MISTRAL: Quirks = Quirks { stream_options: Asked::Never, tool_ids: ToolIds::Nine, ..NO_REASONING };

/// Every provider that is known.
pub const PRESETS: &[Preset] = &[
    Preset {
        model: Some("gpt-4o-mini"),
        ..cloud("openai", "https://api.openai.com/v1", "OPENAI_API_KEY", OPENAI)
    },
    Preset {
        base_url: None,
        auth: Auth::Header("api-key"),
        ..cloud("azure", "", "AZURE_OPENAI_API_KEY", OPENAI)
    },
    Preset {
        kind: Kind::Anthropic,
        auth: Auth::Header("x-api-key"),
        model: Some("claude-haiku-4-5"),
        ..cloud("anthropic", "https://api.anthropic.com", "ANTHROPIC_API_KEY", NONE)
    },
    Preset {
        kind: Kind::Gemini,
        auth: Auth::Header("x-goog-api-key"),
        model: Some("gemini-2.5-flash"),
        ..cloud("gemini", "https://generativelanguage.googleapis.com", "GEMINI_API_KEY", NONE)
    },
    cloud(
        "groq",
        "https://api.groq.com/openai/v1",
        "GROQ_API_KEY",
        Quirks { max_tokens: MaxTokens::MaxCompletionTokens, ..NO_REASONING },
    ),
    cloud("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY", MISTRAL),
    cloud(
        "deepseek",
        "https://api.deepseek.com/v1",
        "DEEPSEEK_API_KEY",
        Quirks { structured_output: Structured::JsonObject, reasoning: ReasoningBack::Rounds, ..TEXT },
    ),
    cloud("xai", "https://api.x.ai/v1", "XAI_API_KEY", NO_REASONING),
    cloud(
        "openrouter",
        "https://openrouter.ai/api/v1",
        "OPENROUTER_API_KEY",
        // Files are also taken by address.
        Quirks { reasoning: ReasoningBack::Rounds, files: Asked::Always, ..NONE },
    ),
    cloud("together", "https://api.together.xyz/v1", "TOGETHER_API_KEY", IMAGES),
    cloud("fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY", IMAGES),
    cloud(
        "cerebras",
        "https://api.cerebras.ai/v1",
        "CEREBRAS_API_KEY",
        Quirks { max_tokens: MaxTokens::MaxCompletionTokens, reasoning: ReasoningBack::Never, ..TEXT },
    ),
    cloud(
        "moonshot",
        "https://api.moonshot.ai/v1",
        "MOONSHOT_API_KEY",
        Quirks { part_urls: Asked::Never, ..REASONING },
    ),
    cloud("zai", "https://api.z.ai/api/paas/v4", "ZAI_API_KEY", REASONING),
    cloud("perplexity", "https://api.perplexity.ai", "PERPLEXITY_API_KEY", NO_REASONING),
    local("ollama", "http://127.0.0.1:11434/v1", LOCAL),
    local("vllm", "http://127.0.0.1:8000/v1", NONE),
    local("llamacpp", "http://127.0.0.1:8080/v1", NONE),
    local("lmstudio", "http://127.0.0.1:1234/v1", LOCAL),
    Preset { key: Some("LITELLM_API_KEY"), ..local("litellm", "http://127.0.0.1:4000/v1", NONE) },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn presets_have_names_of_their_own_and_addresses() {
        let names: BTreeSet<&str> = PRESETS.iter().map(|preset| preset.name).collect();
        assert_eq!(names.len(), PRESETS.len());
        for preset in PRESETS.iter().filter(|preset| preset.name != "azure") {
            let url = reqwest::Url::parse(preset.base_url.unwrap()).unwrap();
            assert!(url.host_str().is_some() && find(preset.name).is_some(), "{}", preset.name);
            assert!(url.scheme() == "https" || preset.key.is_none() || preset.name == "litellm");
        }
    }
}
