//! The sections `[model.providers.NAME]`: one provider each.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use runbus::config::{Invalid, Secret};
use runbus::monitor::{Price, Prices};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Error;
use crate::model::presets::{self, Preset};
use crate::model::quirks::Quirks;
use crate::model::recorded::{Client, Recorder, Transport};
use crate::model::{Endpoint, Entry, Kind, Model, Retry, Setup, Timeouts};

/// The headers that hold a key.
const KEY_HEADERS: [&str; 4] = ["authorization", "api-key", "x-api-key", "x-goog-api-key"];

/// One provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Section {
    /// The preset that describes the provider (models.md has the list). Not set: the section's own name, if it is one.
    pub preset: Option<String>,
    /// The provider's API. Not set: the preset's, else `openai`.
    pub kind: Option<Kind>,
    /// The address in front of the API's paths, for OpenAI's API up to and with `/v1`. Not set: the preset's.
    pub base_url: Option<String>,
    /// The key.
    pub api_key: Option<Secret>,
    /// The environment variable that holds the key. Not set: the preset's.
    pub api_key_env: Option<String>,
    /// The model of requests that name none. Not set: the preset's, else the first that the service lists.
    pub model: Option<String>,
    /// Headers of every request.
    pub headers: BTreeMap<String, Secret>,
    /// The query of every request, such as `api-version` for Azure.
    pub query: BTreeMap<String, Secret>,
    /// How long connecting may take, in milliseconds. 1 to 600000.
    #[schemars(range(min = 1, max = 600_000))]
    pub connect_timeout_ms: u64,
    /// How long the service may send nothing, also before its first byte, in milliseconds. 1 to 3600000.
    #[schemars(range(min = 1, max = 3_600_000))]
    pub idle_timeout_ms: u64,
    /// How long a whole answer may take, in milliseconds. 1 to 86400000.
    #[schemars(range(min = 1, max = 86_400_000))]
    pub total_timeout_ms: u64,
    /// Tries of one call where the definition does not say, with the first. 1 to 20.
    #[schemars(range(min = 1, max = 20))]
    pub tries: u32,
    /// The first wait between two tries, in milliseconds; it doubles each time. 1 to 600000.
    #[schemars(range(min = 1, max = 600_000))]
    pub backoff_min_ms: u64,
    /// The longest wait between two tries, in milliseconds. 1 to 600000.
    #[schemars(range(min = 1, max = 600_000))]
    pub backoff_max_ms: u64,
    /// The longest wait that the service may ask for, in milliseconds. 0 to 86400000.
    #[schemars(range(min = 0, max = 86_400_000))]
    pub retry_after_max_ms: u64,
    /// Fields that are added to every request as they are.
    pub extra_body: Map<String, Value>,
    /// The quirks of the service.
    pub quirks: Quirks,
    /// The prices of its models, by name, or by the beginning of the name.
    pub prices: BTreeMap<String, Price>,
}

impl Default for Section {
    fn default() -> Self {
        let (timeouts, retry) = (Timeouts::default(), Retry::default());
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            preset: None,
            kind: None,
            base_url: None,
            api_key: None,
            api_key_env: None,
            model: None,
            headers: BTreeMap::new(),
            query: BTreeMap::new(),
            connect_timeout_ms: ms(timeouts.connect),
            idle_timeout_ms: ms(timeouts.idle),
            total_timeout_ms: ms(timeouts.total),
            tries: retry.tries,
            backoff_min_ms: ms(retry.min),
            backoff_max_ms: ms(retry.max),
            retry_after_max_ms: ms(timeouts.retry_after),
            extra_body: Map::new(),
            quirks: Quirks::default(),
            prices: BTreeMap::new(),
        }
    }
}

impl Section {
    /// The preset that it builds on.
    pub(super) fn preset(&self, name: &str) -> Option<&'static Preset> {
        presets::find(self.preset.as_deref().unwrap_or(name))
    }

    pub(super) fn kind(&self, name: &str) -> Kind {
        self.kind.or_else(|| Some(self.preset(name)?.kind)).unwrap_or(Kind::Openai)
    }

    /// The model of requests that name none.
    pub(super) fn model(&self, name: &str) -> Option<&str> {
        self.model.as_deref().or_else(|| self.preset(name)?.model)
    }

    /// Takes its key from the environment, unless it has one.
    pub(super) fn fall_back(&mut self, name: &str, variable: &dyn Fn(&str) -> Option<String>) {
        let named = self.api_key_env.clone().or_else(|| self.preset(name)?.key.map(str::to_owned));
        if let Some(named) = named.filter(|_| self.api_key.is_none()) {
            self.api_key = variable(&named).map(Secret::new);
        }
    }

    /// Rules beyond a key's type and range.
    ///
    /// # Errors
    /// The first value that is refused.
    pub(super) fn validate(&self, name: &str) -> Result<(), Invalid> {
        if let Some(preset) = self.preset.as_ref().filter(|preset| presets::find(preset).is_none()) {
            let known: Vec<&str> = presets::PRESETS.iter().map(|preset| preset.name).collect();
            return Err(Invalid::new("preset", preset, format!("one of {}", known.join(", "))));
        }
        let address = self.base_url.as_deref().or_else(|| self.preset(name)?.base_url);
        match address {
            Some(url) if !url.starts_with("http://") && !url.starts_with("https://") => {
                return Err(Invalid::new("base_url", url, "http://HOST/v1 or https://HOST/v1"));
            }
            None if self.kind(name).has_address() => {
                let expected = "the service's address: no preset of this name has one";
                return Err(Invalid::new("base_url", "not set", expected));
            }
            _ => {}
        }
        let carries = |header: &&String| KEY_HEADERS.iter().any(|known| header.eq_ignore_ascii_case(known));
        if let Some(header) = self.headers.keys().find(carries).filter(|_| self.api_key.is_some()) {
            return Err(Invalid::new(
                "headers",
                header,
                "nothing that carries a key beside the provider's key",
            ));
        }
        if self.backoff_min_ms > self.backoff_max_ms {
            let expected = format!("at most backoff_max_ms, {}", self.backoff_max_ms);
            return Err(Invalid::new("backoff_min_ms", self.backoff_min_ms, expected));
        }
        let own =
            ["model", "messages", "stream"].into_iter().find(|field| self.extra_body.contains_key(*field));
        match own {
            Some(field) => Err(Invalid::new("extra_body", field, "no field that Runbus writes itself")),
            None => Ok(()),
        }
    }

    /// The provider. Its traffic is written down by `recorder`; `is_default`: it answers where a definition names nobody.
    ///
    /// # Errors
    /// A key's file cannot be read, or the client cannot be built.
    pub(super) fn build(
        &self,
        name: &str,
        setup: Setup,
        recorder: Option<&Arc<Recorder>>,
        is_default: bool,
    ) -> Result<Entry, Error> {
        let of = |what: String| Error(format!("providers.{name}: {what}"));
        let preset = self.preset(name);
        let kind = self.kind(name);
        let revealed = |map: &BTreeMap<String, Secret>| {
            map.iter().map(|(key, value)| (key.clone(), value.reveal().to_string())).collect()
        };
        let auth = preset.map_or(kind.auth(), |preset| preset.auth);
        let base_url = self.base_url.as_deref().or_else(|| preset?.base_url).unwrap_or_default();
        let quirks = self.quirks.or(preset.map_or_else(Quirks::default, |preset| preset.quirks));
        let model = self.model(name).map(str::to_owned);
        let transport = recorder.map_or(Transport::Live, |recorder| {
            let client = Client {
                provider: name.to_owned(),
                api: kind,
                default: is_default,
                model: model.clone(),
                quirks: quirks.at(base_url),
                extra_body: self.extra_body.clone(),
            };
            Transport::Recorded(Arc::clone(recorder), Arc::new(client))
        });
        let endpoint = Endpoint {
            base_url: base_url.to_owned(),
            headers: revealed(&self.headers),
            key: self.api_key.clone().map(|key| (auth, key)),
            query: revealed(&self.query),
            timeouts: self.timeouts(),
            transport,
        };
        let setup = Setup {
            provider: name.to_owned(),
            endpoint,
            model,
            quirks,
            extra_body: self.extra_body.clone(),
            ..setup
        };
        Ok(self.entry(kind.build(setup).map_err(|fault| of(fault.to_string()))?))
    }

    /// A model with the prices and the tries of this provider.
    pub(super) fn entry(&self, model: Arc<dyn Model>) -> Entry {
        let prices = Prices { models: self.prices.clone(), ..Prices::default() };
        Entry { model, prices, retry: self.retry() }
    }

    const fn timeouts(&self) -> Timeouts {
        Timeouts {
            connect: Duration::from_millis(self.connect_timeout_ms),
            idle: Duration::from_millis(self.idle_timeout_ms),
            total: Duration::from_millis(self.total_timeout_ms),
            retry_after: Duration::from_millis(self.retry_after_max_ms),
        }
    }

    const fn retry(&self) -> Retry {
        Retry {
            tries: self.tries,
            min: Duration::from_millis(self.backoff_min_ms),
            max: Duration::from_millis(self.backoff_max_ms),
        }
    }
}
