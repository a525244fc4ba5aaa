//! The `[telemetry]` section.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

use crate::config::{Invalid, Validate};

/// How a line of diagnostics looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for programs.
    Json,
}

/// The settings of logs and traces, and their destinations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Which diagnostics are written to stderr and which spans are exported, in the syntax of `tracing`'s `EnvFilter`: a
    /// level, or `target=level` pairs separated by commas.
    pub filter: String,
    /// How lines on stderr look: `text` for people, `json` for programs.
    pub format: Format,
    /// Base address of an OpenTelemetry collector that takes OTLP over HTTP, for example `http://127.0.0.1:4318`. Not
    /// set: no traces.
    pub otlp_endpoint: Option<String>,
    /// Longest time for one export of spans, in milliseconds; also how long the end of the process waits for it.
    #[schemars(range(min = 100, max = 60_000))]
    pub otlp_timeout_ms: u64,
    /// Of a thousand traces that begin in this process, how many are exported. A trace that came from a caller is
    /// exported if the caller says so.
    #[schemars(range(max = 1000))]
    pub otlp_sampled_per_mille: u16,
    /// Whether spans hold the inputs and outputs of models and tools. Such content is private to the users of
    /// agents, and large; without it spans have names, times, sizes and outcomes.
    pub capture_content: bool,
    /// Where this process answers `GET /metrics` to anybody, without a credential. Not set: nowhere; gateways have it on
    /// their own address too, where it needs a permission.
    pub metrics_listen: Option<SocketAddr>,
    /// Hosts that `metrics_listen` answers to, as `gateway.hosts`: beside `localhost`, loopback addresses and the address that a request
    /// comes to, which is how Prometheus asks when it finds processes by DNS.
    #[schemars(length(max = 256))]
    pub metrics_hosts: Vec<String>,
    /// The `service.name` of exported spans.
    #[schemars(length(min = 1, max = 128))]
    pub service_name: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            filter: "info".into(),
            format: Format::Text,
            otlp_endpoint: None,
            otlp_timeout_ms: 5000,
            otlp_sampled_per_mille: 1000,
            capture_content: false,
            metrics_listen: None,
            metrics_hosts: Vec::new(),
            service_name: "runbus".into(),
        }
    }
}

/// Reads a filter.
pub(super) fn filter(text: &str) -> Result<EnvFilter, Invalid> {
    EnvFilter::try_new(text)
        .map_err(|error| Invalid::new("filter", text, format!("a level or target=level pairs ({error})")))
}

impl Validate for Config {
    fn validate(&self) -> Result<(), Invalid> {
        filter(&self.filter)?;
        if let Some(endpoint) = &self.otlp_endpoint {
            let rest = endpoint.strip_prefix("http://").or_else(|| endpoint.strip_prefix("https://"));
            if rest.is_none_or(|rest| rest.is_empty() || rest.starts_with('/')) {
                return Err(Invalid::new("otlp_endpoint", endpoint, "http://HOST:PORT or https://HOST:PORT"));
            }
        }
        Ok(())
    }
}
