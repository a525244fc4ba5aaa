//! The APIs that models are reached by. Another one is a folder beside this file, a word here and a line in [`Kind::build`].

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::anthropic::Anthropic;
use super::gemini::Gemini;
use super::http::Endpoint;
use super::presets::Auth;
use super::quirks::Quirks;
use super::responses::Responses;
use super::{Config, Fault, Model, OpenAi, Scripted};

/// The API of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// OpenAI's chat completions, which most services speak.
    Openai,
    /// OpenAI's Responses.
    OpenaiResponses,
    /// Anthropic's Messages.
    Anthropic,
    /// Google's Gemini (`streamGenerateContent`).
    Gemini,
    /// The built-in script: no credentials, no cost, the same answers every time.
    Scripted,
}

/// The parts that any of them is built from.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// The provider's name.
    pub provider: String,
    /// Where it is.
    pub endpoint: Endpoint,
    /// The model of requests that name none.
    pub model: Option<String>,
    /// Its quirks.
    pub quirks: Quirks,
    /// Fields of every request.
    pub extra_body: Map<String, Value>,
    /// The scripted model.
    pub scripted: Scripted,
}

impl Kind {
    /// The model.
    ///
    /// # Errors
    /// [`Fault::Unsendable`]: an address or a header is none.
    pub fn build(self, setup: Setup) -> Result<Arc<dyn Model>, Fault> {
        Ok(match self {
            Self::Openai => Arc::new(OpenAi::new(Config::of(setup))?),
            Self::OpenaiResponses => Arc::new(Responses::new(setup)?),
            Self::Anthropic => Arc::new(Anthropic::new(setup)?),
            Self::Gemini => Arc::new(Gemini::new(setup)?),
            Self::Scripted => Arc::new(setup.scripted),
        })
    }

    /// Its name in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::OpenaiResponses => "openai_responses",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Scripted => "scripted",
        }
    }

    /// Whether there is a service that must have an address.
    #[must_use]
    pub const fn has_address(self) -> bool {
        !matches!(self, Self::Scripted)
    }

    /// How a service of this API takes its key, where nothing else is known.
    #[must_use]
    pub const fn auth(self) -> Auth {
        match self {
            Self::Anthropic => Auth::Header("x-api-key"),
            Self::Gemini => Auth::Header("x-goog-api-key"),
            Self::Openai | Self::OpenaiResponses | Self::Scripted => Auth::Bearer,
        }
    }
}
