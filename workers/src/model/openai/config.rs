//! How a service that speaks OpenAI's chat API is reached and asked.

use std::fmt;
use std::time::Duration;

use runbus::config::Secret;
use serde_json::{Map, Value};

use crate::model::abilities::{Images, Structured};
use crate::model::http::{Endpoint, Timeouts};
use crate::model::kind::Setup;
use crate::model::presets::Auth;
use crate::model::quirks::Quirks;

/// Where the service is and how it is asked.
#[derive(Clone)]
pub struct Config {
    /// The provider's name in events and in the conversation.
    pub provider: String,
    /// The address in front of `/chat/completions`, such as `https://api.openai.com/v1`.
    pub base_url: String,
    /// The bearer token; local servers often need none.
    pub api_key: Option<String>,
    /// The model of requests that name none; `None`: the first that the service lists.
    pub model: Option<String>,
    /// How structured answers are asked for; `auto`: as `quirks` say.
    pub structured: Structured,
    /// Whether images are sent; `auto`: as `quirks` say.
    pub images: Images,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long the service may send nothing, also before its first byte.
    pub idle_timeout: Duration,
    /// Its other limits of time, its headers and its query.
    pub endpoint: Endpoint,
    /// Its quirks.
    pub quirks: Quirks,
    /// Fields of every request.
    pub extra_body: Map<String, Value>,
}

impl Config {
    /// A configuration with the default time-outs and without a key.
    pub fn new(base_url: impl Into<String>, model: impl Into<String>) -> Self {
        let timeouts = Timeouts::default();
        Self {
            provider: "openai".to_owned(),
            base_url: base_url.into(),
            api_key: None,
            model: Some(model.into()),
            structured: Structured::Auto,
            images: Images::Auto,
            connect_timeout: timeouts.connect,
            idle_timeout: timeouts.idle,
            endpoint: Endpoint::default(),
            quirks: Quirks::default(),
            extra_body: Map::new(),
        }
    }

    /// From what every provider is built from.
    pub(in crate::model) fn of(setup: Setup) -> Self {
        let Setup { provider, endpoint, model, quirks, extra_body, .. } = setup;
        Self {
            provider,
            model,
            connect_timeout: endpoint.timeouts.connect,
            idle_timeout: endpoint.timeouts.idle,
            base_url: endpoint.base_url.clone(),
            endpoint,
            quirks,
            extra_body,
            ..Self::new("", "")
        }
    }

    /// All that a client of it needs.
    pub(super) fn endpoint(&self) -> Endpoint {
        let mut endpoint = self.endpoint.clone();
        endpoint.base_url.clone_from(&self.base_url);
        endpoint.timeouts.connect = self.connect_timeout;
        endpoint.timeouts.idle = self.idle_timeout;
        if let Some(key) = &self.api_key {
            endpoint.key = Some((Auth::Bearer, Secret::new(key.as_str())));
        }
        endpoint
    }

    /// Its quirks, with the two keys of its own.
    pub(super) fn quirks(&self) -> Quirks {
        let own = Quirks { structured_output: self.structured, images: self.images, ..Quirks::default() };
        own.or(self.quirks)
    }
}

impl fmt::Debug for Config {
    /// Leaves the key out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("provider", &self.provider)
            .field("base_url", &runbus::config::without_credentials(&self.base_url))
            .field("api_key", &self.api_key.as_ref().map(|_| "..."))
            .field("model", &self.model)
            .field("endpoint", &self.endpoint)
            .field("quirks", &self.quirks)
            .finish_non_exhaustive()
    }
}
