//! All sections together: the content of `runbus.toml`.

use runbus::adapters::{embedded, nats, redis};
use runbus::config::{self, Invalid, LogSection, Sources, StoreSection, Validate};
use runbus::telemetry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exit::Error;
use crate::global::Global;

/// The configuration of every command.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Configuration {
    /// The backend of the log and the queue.
    pub log: LogSection,
    /// The backend of the store.
    pub store: StoreSection,
    /// The embedded backend.
    pub embedded: embedded::Config,
    /// NATS JetStream.
    pub nats: nats::Config,
    /// Redis or Valkey.
    pub redis: redis::Config,
    /// The gateway.
    pub gateway: runbus_gateway::Config,
    /// Authentication and authorisation at the gateway.
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

/// Loads it: defaults < file < environment < flags. `OPENAI_BASE_URL` and the keys of providers (`OPENAI_API_KEY`, ...) stand in for
/// unset keys of `[model]`.
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
    configuration.model.fall_back(variable);
    configuration.model.validate().map_err(|invalid| Error::Usage(invalid.within("model").to_string()))?;
    Ok(configuration)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn global() -> Global {
        Global { config: None, set: Vec::new(), json: false, gateway: None, token: None }
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

    /// Without the rules between keys: each key is set alone.
    #[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
    #[serde(transparent)]
    struct Unruled(Configuration);

    impl Validate for Unruled {
        fn validate(&self) -> Result<(), Invalid> {
            Ok(())
        }
    }

    /// The keys that a named table must have beside the key that is set.
    const BESIDE: &str = r#"
        [webhooks.endpoints.name]
        url = "https://example.com/in"
        secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        [auth.api_keys.name]
        sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        scopes = ["*"]
        [mcp.servers.name]
        command = "true"
        [model.providers.name]
        kind = "openai"
        [model.providers.name.prices.name]
        prompt_per_million = 1.0
        completion_per_million = 1.0
        [gateway.monitor.prices.name]
        prompt_per_million = 1.0
        completion_per_million = 1.0
    "#;

    /// Keys whose texts must be of a form that no other key's have.
    const TEXTS: &[(&str, &str)] = &[
        ("gateway.listen", "127.0.0.1:9"),
        ("telemetry.metrics_listen", "127.0.0.1:9"),
        (
            "auth.api_keys",
            r#"{"name": {"sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "scopes": ["*"]}}"#,
        ),
        (
            "webhooks.endpoints",
            r#"{"name": {"url": "https://example.com/in", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}}"#,
        ),
        ("mcp.servers", r#"{"name": {"command": "true"}}"#),
        ("auth.jwt.algorithms", "HS256"),
        ("gateway.monitor.prices", r#"{"name": {"prompt_per_million": 2.0, "completion_per_million": 2.0}}"#),
        ("mcp.servers.name.require_approval", "all"),
        (
            "model.providers",
            r#"{"name": {"kind": "openai", "prices": {"name": {"prompt_per_million": 1.0, "completion_per_million": 1.0}}}}"#,
        ),
        (
            "model.providers.name.prices",
            r#"{"name": {"prompt_per_million": 2.0, "completion_per_million": 2.0}}"#,
        ),
    ];

    /// The secret that a key names a file of. Its value is shown in place of the file.
    fn of_file<'k>(key: &'k str, kind: &str) -> Option<&'k str> {
        // Sections that declare such keys themselves show them.
        if key.starts_with("nats.") || key.contains(".tls_") {
            return None;
        }
        let stems = ["_file", "_files"].map(|end| key.strip_suffix(end));
        let names = ["password", "api_key", "secret", "previous_secret", "hs256_secret", "sentinel_password"];
        let is_known = |stem: &&str| {
            let name = stem.rsplit('.').next().unwrap_or_default();
            names.contains(&name) || kind == "table"
        };
        stems.into_iter().flatten().find(is_known)
    }

    /// The values that a key takes: a row of the reference page.
    fn samples(key: &str, kind: &str, default: &str, range: &str) -> Vec<String> {
        if of_file(key, kind).is_some() {
            let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
            return vec![if kind == "table" { format!(r#"{{"A": "{file}"}}"#) } else { file.into() }];
        }
        if let Some((_, text)) = TEXTS.iter().find(|(known, _)| *known == key) {
            return vec![(*text).into()];
        }
        let numbers: Vec<String> =
            range.split(' ').filter(|word| word.parse::<f64>().is_ok()).map(str::to_owned).collect();
        let words =
            range.trim_start_matches("one of ").split(", ").map(|word| word.trim_matches('"').to_owned());
        let texts =
            ["7", "true", "false", "text", "*", "10.0.0.0/8", "https://example.com", "2030-01-01T00:00:00Z"]
                .map(str::to_owned);
        let table = r#"{"A": "b"}"#.to_owned();
        let found: Vec<String> = match kind.split([' ', ',']).next().unwrap_or_default() {
            "choice" => words.chain(texts).collect(),
            "boolean" => vec![(default != "`true`").to_string()],
            "integer" | "number" => numbers.into_iter().chain(texts).collect(),
            "table" => vec![table, "{}".into()],
            _ => texts.into_iter().chain(words).chain([table]).collect(),
        };
        found.into_iter().filter(|text| !text.is_empty() && format!("`{text}`") != default).collect()
    }

    /// A text of a variable or a flag as TOML.
    fn toml(kind: &str, text: &str) -> String {
        match serde_json::from_str::<serde_json::Value>(text) {
            Ok(serde_json::Value::Object(fields)) => toml_table(&fields),
            _ if kind.starts_with("list") => format!("[{}]", toml(&kind[8..], text)),
            Ok(serde_json::Value::Number(_) | serde_json::Value::Bool(_)) if !kind.contains("string") => {
                text.into()
            }
            _ => format!("{text:?}"),
        }
    }

    fn toml_table(fields: &serde_json::Map<String, serde_json::Value>) -> String {
        let value = |value: &serde_json::Value| match value {
            serde_json::Value::Object(fields) => toml_table(fields),
            value => value.to_string(),
        };
        let fields: Vec<String> =
            fields.iter().map(|(name, field)| format!("{name:?} = {}", value(field))).collect();
        format!("{{{}}}", fields.join(", "))
    }

    fn layered(
        file: &str,
        environment: &[(String, String)],
        sets: &[(String, String)],
    ) -> Result<serde_json::Value, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runbus.toml");
        std::fs::write(&path, format!("{file}\n")).unwrap();
        let sources = Sources { file: Some(&path), sets };
        let loaded = config::load::<Unruled>(sources, environment.iter().cloned());
        loaded.map(|loaded| serde_json::to_value(loaded).unwrap()).map_err(|error| error.to_string())
    }

    /// The keys of the reference page: their whole path and the columns that follow.
    fn rows() -> Vec<(String, Vec<String>)> {
        let page = config::reference::<Configuration>().replace("\\|", "\u{1}");
        let mut section = String::new();
        let mut found = Vec::new();
        for line in page.lines() {
            if let Some(heading) = line.strip_prefix("## `[").and_then(|rest| rest.strip_suffix("]`")) {
                section = heading.replace(".NAME", ".name");
            } else if let Some(row) = line.strip_prefix("| `") {
                let mut columns = row.split(" | ").map(|column| column.trim_end_matches(" |").to_owned());
                let name = columns.next().unwrap().trim_end_matches('`').to_owned();
                found.push((format!("{section}.{name}"), columns.collect()));
            }
        }
        found
    }

    #[test]
    fn every_key_of_the_reference_page_can_be_set_in_every_layer() {
        let rows = rows();
        assert!(rows.len() > 150, "{}", rows.len());
        let mut failures = Vec::new();
        for (key, columns) in rows {
            let [kind, default, range, ..] = &columns[..] else { panic!("{key}: {columns:?}") };
            let shown = of_file(&key, kind).unwrap_or(&key);
            let path = format!("/{}", shown.replace('.', "/"));
            let beside = match key.ends_with("endpoints.name.secret_file") {
                true => BESIDE.replace("secret = ", "previous_secret = "),
                false => BESIDE.to_owned(),
            };
            let (section, name) = key.rsplit_once('.').unwrap();
            let mut refusals = Vec::new();
            let accepted = samples(&key, kind, default, range).into_iter().find_map(|text| {
                let flag = [(key.clone(), text.clone())];
                match layered(&beside, &[], &flag) {
                    Ok(found) => Some((text, found.pointer(&path)?.clone())),
                    Err(error) => {
                        refusals.push(error);
                        None
                    }
                }
            });
            let Some((text, by_flag)) = accepted else {
                failures.push(format!("{key} cannot be set by a flag: {refusals:?}"));
                continue;
            };
            let mut compare = |layer: &str, found: Result<serde_json::Value, String>| match found {
                Ok(found) if !by_flag.is_null() && found.pointer(&path) == Some(&by_flag) => {}
                Ok(found) => failures
                    .push(format!("{key} = {text} by {layer}: {:?}, not {by_flag}", found.pointer(&path))),
                Err(error) => failures.push(format!("{key} = {text} by {layer}: {error}")),
            };
            let variable = format!("RUNBUS_{}", key.to_uppercase().replace('.', "__"));
            compare(&variable, layered(&beside, &[(variable.clone(), text.clone())], &[]));
            let line = format!("{name} = {}", toml(kind, &text));
            compare(&line, layered(&with_line(&beside, section, name, &line), &[], &[]));
        }
        assert!(failures.is_empty(), "{failures:#?}");
    }

    /// [`BESIDE`] with a line in a section, in place of the one that is there.
    fn with_line(beside: &str, section: &str, name: &str, line: &str) -> String {
        let heading = format!("[{section}]");
        let table = format!("[{section}.{name}.");
        let (mut file, mut inside, mut is_done) = (String::new(), "", false);
        for old in beside.lines().map(str::trim) {
            if old.starts_with('[') {
                inside = old;
            }
            // The values of the table that is set whole, and of the key itself.
            if inside.starts_with(&table) || (inside == heading && old.starts_with(&format!("{name} ="))) {
                continue;
            }
            file.push_str(old);
            file.push('\n');
            if old == heading {
                file.push_str(line);
                file.push('\n');
                is_done = true;
            }
        }
        if is_done { file } else { format!("{file}{heading}\n{line}\n") }
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
