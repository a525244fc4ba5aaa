//! All sections together: what `runbus.toml` holds.

use runbus::adapters::{embedded, nats, redis};
use runbus::config::{self, Invalid, LogSection, Sources, StoreSection, Validate};
use runbus::telemetry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::args::Global;
use crate::exit::Error;

/// The configuration of every command.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Configuration {
    /// What carries the log and the queue.
    pub log: LogSection,
    /// What carries the store.
    pub store: StoreSection,
    /// The embedded backend.
    pub embedded: embedded::Config,
    /// NATS JetStream.
    pub nats: nats::Config,
    /// Redis or Valkey.
    pub redis: redis::Config,
    /// The gateway.
    pub gateway: runbus_gateway::Config,
    /// Who may use the gateway.
    pub auth: runbus_gateway::auth::Config,
    /// The worker.
    pub worker: runbus_workers::config::Config,
    /// The language model.
    pub model: runbus_workers::model_section::Config,
    /// The built-in tools.
    pub tools: runbus_workers::tools_section::Config,
    /// MCP servers.
    pub mcp: runbus_workers::mcp::Config,
    /// Webhooks: events sent to HTTP endpoints.
    pub webhooks: runbus_workers::webhook::Config,
    /// Logs and traces.
    pub telemetry: telemetry::Config,
}

impl Validate for Configuration {
    fn validate(&self) -> Result<(), Invalid> {
        self.embedded.validate().map_err(|invalid| invalid.within("embedded"))?;
        self.nats.validate().map_err(|invalid| invalid.within("nats"))?;
        self.redis.validate().map_err(|invalid| invalid.within("redis"))?;
        self.gateway.validate().map_err(|invalid| invalid.within("gateway"))?;
        self.auth.validate().map_err(|invalid| invalid.within("auth"))?;
        self.gateway.check_exposure(&self.auth).map_err(|invalid| invalid.within("gateway"))?;
        self.worker.validate().map_err(|invalid| invalid.within("worker"))?;
        self.model.validate().map_err(|invalid| invalid.within("model"))?;
        self.tools.validate().map_err(|invalid| invalid.within("tools"))?;
        self.mcp.validate().map_err(|invalid| invalid.within("mcp"))?;
        self.webhooks.validate().map_err(|invalid| invalid.within("webhooks"))?;
        self.telemetry.validate().map_err(|invalid| invalid.within("telemetry"))
    }
}

/// Loads it: defaults < file < environment < flags. `OPENAI_BASE_URL` and `OPENAI_API_KEY` stand in for what `[model]`
/// does not say.
///
/// # Errors
/// [`Error::Usage`], with every value that is refused.
pub(crate) fn load(
    global: &Global,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<Configuration, Error> {
    let environment: Vec<(String, String)> = environment.collect();
    let sources = Sources { file: global.config.as_deref(), sets: &global.set };
    let mut configuration: Configuration = config::load(sources, environment.iter().cloned())
        .map_err(|error| Error::Usage(error.to_string()))?;
    let variable = |name: &str| {
        environment
            .iter()
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.clone())
    };
    configuration.model.fall_back(variable("OPENAI_BASE_URL"), variable("OPENAI_API_KEY"));
    configuration.model.validate().map_err(|invalid| Error::Usage(invalid.within("model").to_string()))?;
    Ok(configuration)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn global() -> Global {
        Global { config: None, set: Vec::new(), json: false }
    }

    #[test]
    fn the_reference_page_is_what_the_code_says() {
        let page = config::reference::<Configuration>();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
        if std::env::vars().any(|(key, _)| key == "RUNBUS_BLESS") {
            std::fs::write(path, &page).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(committed == page, "docs/configuration.md differs from the code: run `make docs`");
    }

    #[test]
    fn endpoints_are_a_table_by_name_and_their_secrets_are_not_shown() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let mut flags = global();
        let table = |url: &str| format!(r#"{{"billing": {{"url": "{url}", "secret": "{secret}"}}}}"#);
        flags.set.push(("webhooks.endpoints".into(), table("https://example.com/in")));
        let loaded = load(&flags, std::iter::empty()).unwrap();
        assert_eq!(loaded.webhooks.endpoints["billing"].max_attempts, 12);
        for (value, wanted) in [
            (table("http://example.com"), "webhooks.endpoints.billing.url"),
            (table("https://example.com/in") + ",", "webhooks.endpoints"),
            (
                table("https://a.b\", \"events\": [\"Bad\"], \"url\": \"https://a.b"),
                "webhooks.endpoints.billing.events",
            ),
        ] {
            flags.set.clear();
            flags.set.push(("webhooks.endpoints".into(), value));
            let error = load(&flags, std::iter::empty()).unwrap_err().to_string();
            assert!(error.contains(wanted) && !error.contains("MfKQ"), "{error}");
        }
    }

    #[test]
    fn defaults_are_valid_and_unknown_keys_are_not() {
        load(&global(), std::iter::empty()).unwrap();
        let mut wrong = global();
        wrong.set.push(("gateway.listne".into(), "x".into()));
        assert!(load(&wrong, std::iter::empty()).unwrap_err().to_string().contains("gateway.listne"));
        let variable = ("RUNBUS_WORKER__CONCURRENCY".to_owned(), "0".to_owned());
        let error = load(&global(), std::iter::once(variable)).unwrap_err().to_string();
        assert!(error.contains("worker.concurrency") && error.contains("1"), "{error}");
    }
}
