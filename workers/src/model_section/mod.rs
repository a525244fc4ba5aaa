//! The `[model]` section: which models answer.

mod provider;
mod replay;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use runbus::config::{Invalid, Secret, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::limits::{MAX_PROVIDER_NAME_BYTES, MAX_PROVIDERS};
use crate::model::recorded::Recorder;
use crate::model::{Images, Kind, Providers, Script, Scripted, Setup, Structured, presets};

pub use provider::Section;

/// The provider of the short way.
const OPENAI: &str = "openai";

/// The scripted model's name.
const SCRIPTED: &str = "scripted";

/// The name of recordings in place of providers.
const REPLAY: &str = "replay";

/// Presets that a key in the environment makes available, without a section.
const SHORT: [&str; 3] = [OPENAI, "anthropic", "gemini"];

/// The language models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Which provider answers where a definition names none: `auto`, `open_ai`, `scripted`, `replay` (recordings answer in place of every
    /// provider), or a name of `providers`. `auto` takes
    /// `open_ai` when `base_url` or `api_key` is set; else the provider that `name` begins with; else one whose key is in the environment
    /// (`ANTHROPIC_API_KEY`, `GEMINI_API_KEY`); else the only one of `providers`; else `scripted`.
    pub provider: String,
    /// Base address of `open_ai`, up to and with `/v1`. `OPENAI_BASE_URL` stands in; without either it is OpenAI's.
    pub base_url: Option<String>,
    /// The key of `open_ai`. `OPENAI_API_KEY` stands in.
    pub api_key: Option<Secret>,
    /// The model's name at the provider, or `PROVIDER/MODEL`, where a definition does not say. Not set: the provider's `model`; of
    /// `open_ai` it is `gpt-4o-mini` at OpenAI, elsewhere the first model that the service lists.
    pub name: Option<String>,
    /// How structured answers are asked for by `open_ai`: `auto`, `json_schema`, `json_object`, `tool` or `prompt`. `auto` begins with
    /// `json_schema` and takes the next one where the service refuses it; with `json_object` and `prompt` the schema stands in the prompt.
    pub structured_output: Structured,
    /// Whether images are sent by `open_ai`: `auto`, `always` or `never`. `auto` sends them until the service refuses one.
    pub images: Images,
    /// The scripted model's time for one token, in milliseconds. 0 to 10000.
    #[schemars(range(min = 0, max = 10_000))]
    pub scripted_pace_ms: u64,
    /// A file with the answers of the scripted model (YAML or JSON, docs/scripted-model.md). Not set: the answers for the
    /// definitions that come with the binary.
    pub script: Option<PathBuf>,
    /// A folder into which every call of a provider is written: the request, the answer as it came, no keys. Not set: nothing is written.
    pub record: Option<PathBuf>,
    /// The folder of recordings that answer when `provider` is `replay`. Not set: that of `record`.
    pub replay: Option<PathBuf>,
    /// Providers by name, each a table `[model.providers.NAME]`: definitions and `name` choose one with `NAME/MODEL`. At most 64.
    // Headers and queries are secrets, so a refusal never quotes the whole table.
    #[schemars(extend("writeOnly" = true))]
    pub providers: BTreeMap<String, Section>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            provider: "auto".into(),
            base_url: None,
            api_key: None,
            name: None,
            structured_output: Structured::Auto,
            images: Images::Auto,
            scripted_pace_ms: 15,
            script: None,
            record: None,
            replay: None,
            providers: BTreeMap::new(),
        }
    }
}

impl Validate for Config {
    fn validate(&self) -> Result<(), Invalid> {
        if let Some(url) = &self.base_url
            && !url.starts_with("http://")
            && !url.starts_with("https://")
        {
            return Err(Invalid::new("base_url", url, "http://HOST/v1 or https://HOST/v1"));
        }
        if self.providers.len() > MAX_PROVIDERS {
            let expected = format!("at most {MAX_PROVIDERS} providers");
            return Err(Invalid::new("providers", self.providers.len(), expected));
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        for (name, section) in &self.providers {
            let fits = (1..=MAX_PROVIDER_NAME_BYTES).contains(&name.len()) && name.bytes().all(plain);
            if !fits || name == "auto" || name == "open_ai" {
                let expected = format!(
                    "a name of 1 to {MAX_PROVIDER_NAME_BYTES} of a-z, A-Z, 0-9, _ and -, and none of `auto`, `open_ai`"
                );
                return Err(Invalid::new("providers", name, expected));
            }
            section.validate(name).map_err(|invalid| invalid.within(name).within("providers"))?;
        }
        let provider = self.provider.as_str();
        if self.is_replay() && self.recordings().is_none() {
            let expected = "a folder of recordings, when provider is `replay`";
            return Err(Invalid::new("replay", "not set", expected));
        }
        let is_known = matches!(provider, "auto" | "open_ai" | OPENAI | SCRIPTED)
            || self.is_replay()
            || self.providers.contains_key(provider)
            || presets::find(provider).is_some_and(|preset| preset.base_url.is_some());
        if !is_known {
            let names: Vec<&str> = self.providers.keys().map(String::as_str).collect();
            let expected = format!(
                "auto, open_ai, scripted, replay, a preset, or a name of model.providers: {}",
                names.join(", ")
            );
            return Err(Invalid::new("provider", provider, expected));
        }
        Ok(())
    }
}

/// Why there is no model.
#[derive(Debug, thiserror::Error)]
#[error("model: {0}")]
pub struct Error(String);

/// The provider that answers where a definition names none.
struct Standard {
    name: String,
    section: Section,
}

impl Config {
    /// Fills in unset values from the environment.
    pub fn fall_back(&mut self, variable: impl Fn(&str) -> Option<String>) {
        if self.base_url.is_none() {
            self.base_url = variable("OPENAI_BASE_URL");
        }
        if self.api_key.is_none() {
            self.api_key = variable("OPENAI_API_KEY").map(Secret::new);
        }
        for (name, section) in &mut self.providers {
            section.fall_back(name, &variable);
        }
        let named = [self.provider.as_str()].into_iter().chain(SHORT);
        let absent: Vec<&str> = named.filter(|name| !self.providers.contains_key(*name)).collect();
        let mut found = Vec::new();
        for name in absent.into_iter().filter(|name| presets::find(name).is_some()) {
            let mut section = Section::default();
            section.fall_back(name, &variable);
            // A key of another service is not sent to OpenAI.
            let is_elsewhere = name == OPENAI && self.base_url.is_some();
            if section.api_key.is_some() && !is_elsewhere {
                found.push((name.to_owned(), section));
            }
        }
        self.providers.extend(found);
    }

    /// The provider that answers where a definition names none.
    fn standard(&self) -> Standard {
        let of = |name: &str| Standard {
            name: name.to_owned(),
            section: self.providers.get(name).cloned().unwrap_or_default(),
        };
        match self.provider.as_str() {
            "auto" => {}
            SCRIPTED => return Standard { name: SCRIPTED.into(), section: scripted() },
            "open_ai" | OPENAI => return self.openai(),
            name => return of(name),
        }
        if self.base_url.is_some() || self.api_key.is_some() {
            return self.openai();
        }
        if let Some((name, _)) = self.named() {
            return of(name);
        }
        if let Some(name) = SHORT.into_iter().find(|name| self.providers.contains_key(*name)) {
            return of(name);
        }
        match (self.providers.keys().next(), self.providers.len()) {
            (Some(name), 1) => of(name),
            _ => Standard { name: SCRIPTED.into(), section: scripted() },
        }
    }

    /// The provider and the model in `name`.
    fn named(&self) -> Option<(&str, &str)> {
        let (provider, model) = self.name.as_deref()?.split_once('/')?;
        (self.providers.contains_key(provider) && !model.is_empty()).then_some((provider, model))
    }

    /// The short way: the keys of `[model]` itself.
    fn openai(&self) -> Standard {
        let mut section = self.providers.get(OPENAI).cloned().unwrap_or_default();
        if let Some(url) = &self.base_url {
            let is_openai = url.contains("://api.openai.com");
            section.base_url = Some(url.clone());
            if !is_openai && section.preset.is_none() {
                // Of another service nothing is known: a preset without a name.
                section.preset = Some(String::new());
            }
        }
        if let Some(key) = &self.api_key {
            section.api_key = Some(key.clone());
        }
        let quirks = crate::model::quirks::Quirks {
            structured_output: self.structured_output,
            images: self.images,
            ..Default::default()
        };
        section.quirks = quirks.or(section.quirks);
        Standard { name: OPENAI.into(), section }
    }

    /// Whether recordings answer in place of the providers.
    #[must_use]
    pub fn is_replay(&self) -> bool {
        self.provider == REPLAY && !self.providers.contains_key(REPLAY)
    }

    /// The folder of the recordings that answer.
    #[must_use]
    pub fn recordings(&self) -> Option<&Path> {
        self.replay.as_deref().or(self.record.as_deref()).filter(|_| self.is_replay())
    }

    /// Whether the built-in script answers where a definition names nobody.
    #[must_use]
    pub fn is_scripted(&self) -> bool {
        let Standard { name, section } = self.standard();
        section.kind(&name) == Kind::Scripted
    }

    /// The model of requests that name none; `None`: the first that the service lists.
    #[must_use]
    pub fn default_name(&self) -> Option<String> {
        let Standard { name, section } = self.standard();
        match self.named() {
            Some((provider, model)) if provider == name => Some(model.to_owned()),
            _ => self.name.clone().or_else(|| section.model(&name).map(str::to_owned)),
        }
    }

    /// The name of the provider that answers where a definition names nobody.
    #[must_use]
    pub fn default_provider(&self) -> String {
        self.standard().name
    }

    /// The models.
    ///
    /// # Errors
    /// The script or a key cannot be read, or a client cannot be built.
    pub fn build(&self) -> Result<Arc<Providers>, Error> {
        runbus::tls::install();
        if let Some(folder) = self.recordings() {
            return self.played(folder).map(Arc::new);
        }
        let recorder = self.record.clone().map(Recorder::new);
        let recorder = recorder.as_ref();
        let setup =
            || -> Result<Setup, Error> { Ok(Setup { scripted: self.scripted()?, ..Setup::default() }) };
        let Standard { name, mut section } = self.standard();
        section.model = self.default_name();
        let mut providers = Providers::new(name.clone(), section.build(&name, setup()?, recorder, true)?);
        for (other, section) in self.providers.iter().filter(|(other, _)| **other != name) {
            providers = providers.with(other.clone(), section.build(other, setup()?, recorder, false)?);
        }
        Ok(Arc::new(providers))
    }

    fn scripted(&self) -> Result<Scripted, Error> {
        let script = match &self.script {
            Some(path) => {
                let of = |error: &dyn std::fmt::Display| Error(format!("{}: {error}", path.display()));
                let text = std::fs::read_to_string(path).map_err(|error| of(&error))?;
                Script::parse(&text).map_err(|fault| of(&fault))?
            }
            None => Script::built_in(),
        };
        Ok(Scripted::new(script).with_pace(Duration::from_millis(self.scripted_pace_ms)))
    }
}

fn scripted() -> Section {
    Section { kind: Some(Kind::Scripted), ..Section::default() }
}

#[cfg(test)]
mod tests;
