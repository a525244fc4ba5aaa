//! The `[tools.http_fetch]` section.

use runbus::config::{Invalid, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Rule;

/// The resources that the tool `http_fetch` may read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The resources that it may read: `https://docs.example.com/guide/` (that and everything below it), `example.org`
    /// (that host, http or https), `*.example.org` (every host below it). Without any there is no such tool.
    pub allow: Vec<String>,
    /// Whether private, loopback and link-local addresses may be reached, where `allow` allows their name.
    pub allow_private: bool,
    /// Bytes of a page that are read, the rest is cut. 1024 to 8388608.
    #[schemars(range(min = 1024, max = 8_388_608))]
    pub max_bytes: usize,
    /// How long a request may take, with all redirects, in milliseconds. 100 to 600000.
    #[schemars(range(min = 100, max = 600_000))]
    pub timeout_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { allow: Vec::new(), allow_private: false, max_bytes: 1024 * 1024, timeout_ms: 20_000 }
    }
}

impl Validate for Config {
    fn validate(&self) -> Result<(), Invalid> {
        for text in &self.allow {
            Rule::parse(text).map_err(|error| Invalid::new("allow", text, error.to_string()))?;
        }
        Ok(())
    }
}
