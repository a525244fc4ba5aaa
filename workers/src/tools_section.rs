//! The `[tools]` section: the built-in tools.

use runbus::config::{Invalid, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::tool::fetch::{self, http_fetch};
use crate::tool::{Registry, RegistryFault, ask_human, calculator, clock};

/// The built-in tools. `clock` and `calculator` are always there; an agent has those that its definition names.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The resources that the tool `http_fetch` may read.
    pub http_fetch: fetch::Config,
}

impl Validate for Config {
    fn validate(&self) -> Result<(), Invalid> {
        self.http_fetch.validate().map_err(|invalid| invalid.within("http_fetch"))
    }
}

/// Why the built-in tools are not there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A tool cannot be made.
    #[error(transparent)]
    Fetch(#[from] fetch::Fault),
    /// A tool is refused.
    #[error(transparent)]
    Registry(#[from] RegistryFault),
}

impl Config {
    /// Adds them to a registry. `now` gives the current time as RFC 3339 text in UTC.
    ///
    /// # Errors
    /// A name is taken, or `http_fetch` cannot be made.
    pub fn add_to(
        &self,
        registry: Registry,
        now: impl Fn() -> String + Send + Sync + 'static,
    ) -> Result<Registry, Error> {
        let registry = registry.with(clock(now))?.with(calculator())?.with(ask_human())?;
        if self.http_fetch.allow.is_empty() {
            return Ok(registry);
        }
        Ok(registry.with(http_fetch(&self.http_fetch)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_fetch_is_there_when_something_is_allowed() {
        let names = |allow: &[&str]| {
            let allow = allow.iter().map(|rule| (*rule).to_owned()).collect();
            let config = Config { http_fetch: fetch::Config { allow, ..fetch::Config::default() } };
            config.validate().map_err(|invalid| invalid.to_string())?;
            let registry = config.add_to(Registry::new(), String::new).map_err(|error| error.to_string())?;
            Ok::<_, String>(registry.names().map(str::to_owned).collect::<Vec<_>>())
        };
        assert_eq!(names(&[]).unwrap(), ["ask_human", "calculator", "clock"]);
        assert_eq!(names(&["*.example.org"]).unwrap(), ["ask_human", "calculator", "clock", "http_fetch"]);
        assert!(names(&["ftp://x/"]).unwrap_err().contains("http_fetch.allow"));
    }
}
