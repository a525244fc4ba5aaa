//! The `[model]` section: which model answers.

use std::sync::Arc;
use std::time::Duration;

use runbus::config::{Invalid, Secret, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{self, Images, Model, OpenAi, Script, Scripted, Structured};

/// Which model answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// `open_ai` when there is a base address or a key, else `scripted`.
    #[default]
    Auto,
    /// Any service with the OpenAI chat API.
    OpenAi,
    /// The built-in script: no credentials, no cost, the same answers every time.
    Scripted,
}

/// The language model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Which model answers: `auto`, `open_ai` or `scripted`. `auto` takes `open_ai` when `base_url` or `api_key` is set.
    pub provider: Provider,
    /// Base address of the provider, up to and with `/v1`. `OPENAI_BASE_URL` stands in; without either it is OpenAI's.
    pub base_url: Option<String>,
    /// The provider's key. `OPENAI_API_KEY` stands in.
    pub api_key: Option<Secret>,
    /// The model's name at the provider, where a definition does not say. Not set: `gpt-4o-mini` at OpenAI, elsewhere the first model
    /// that the service lists.
    pub name: Option<String>,
    /// How structured answers are asked for: `auto`, `json_schema`, `json_object` or `prompt`. `auto` begins with `json_schema` and
    /// takes the next one where the service refuses it; with the last two the schema stands in the prompt.
    pub structured_output: Structured,
    /// Whether images of tools' results are sent: `auto`, `always` or `never`. `auto` sends them until the service refuses one.
    pub images: Images,
    /// The scripted model's time for one token, in milliseconds. 0 to 10000.
    #[schemars(range(min = 0, max = 10_000))]
    pub scripted_pace_ms: u64,
    /// A script for the scripted model (YAML); without it the one of the built-in council.
    pub script: Option<std::path::PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            provider: Provider::Auto,
            base_url: None,
            api_key: None,
            name: None,
            structured_output: Structured::Auto,
            images: Images::Auto,
            scripted_pace_ms: 15,
            script: None,
        }
    }
}

impl Validate for Config {
    fn validate(&self) -> Result<(), Invalid> {
        match &self.base_url {
            Some(url) if !url.starts_with("http://") && !url.starts_with("https://") => {
                Err(Invalid::new("base_url", url, "http://HOST/v1 or https://HOST/v1"))
            }
            _ => Ok(()),
        }
    }
}

/// Why there is no model.
#[derive(Debug, thiserror::Error)]
#[error("model: {0}")]
pub struct Error(String);

impl Config {
    /// Fills in what is not set.
    pub fn fall_back(&mut self, base_url: Option<String>, api_key: Option<String>) {
        if self.base_url.is_none() {
            self.base_url = base_url;
        }
        if self.api_key.is_none() {
            self.api_key = api_key.map(Secret::new);
        }
    }

    /// Whether the built-in script answers.
    #[must_use]
    pub fn is_scripted(&self) -> bool {
        match self.provider {
            Provider::Scripted => true,
            Provider::OpenAi => false,
            Provider::Auto => self.base_url.is_none() && self.api_key.is_none(),
        }
    }

    /// The model of requests that name none; `None`: the first that the service lists.
    #[must_use]
    pub fn default_name(&self) -> Option<&str> {
        let is_openai = self.base_url.as_ref().is_none_or(|url| url.contains("://api.openai.com"));
        self.name.as_deref().or_else(|| is_openai.then_some("gpt-4o-mini"))
    }

    /// The model.
    ///
    /// # Errors
    /// The script cannot be read, or the client cannot be built.
    pub fn build(&self) -> Result<Arc<dyn Model>, Error> {
        if self.is_scripted() {
            let script = match &self.script {
                Some(path) => {
                    let text = std::fs::read_to_string(path)
                        .map_err(|error| Error(format!("{}: {error}", path.display())))?;
                    Script::parse(&text).map_err(|fault| Error(format!("{}: {fault}", path.display())))?
                }
                None => Script::built_in(),
            };
            return Ok(Arc::new(
                Scripted::new(script).with_pace(Duration::from_millis(self.scripted_pace_ms)),
            ));
        }
        runbus::tls::install();
        let base_url = self.base_url.as_deref().unwrap_or("https://api.openai.com/v1");
        let api_key = self.api_key.as_ref().map(|key| key.reveal().to_string());
        let config = model::Config {
            api_key,
            model: self.default_name().map(str::to_owned),
            structured: self.structured_output,
            images: self.images,
            ..model::Config::new(base_url, "")
        };
        Ok(Arc::new(OpenAi::new(config).map_err(|fault| Error(fault.to_string()))?))
    }
}
