//! The `[mcp]` section: the servers, and the permissions of their tools.

use std::collections::BTreeMap;
use std::time::Duration;

use runbus::config::{Invalid, Secret, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::limits::{MAX_SERVER_NAME_BYTES, MAX_SERVERS};

/// MCP servers, whose tools agents may use.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The servers by name, each a table `[mcp.servers.NAME]`; its keys are in mcp.md. A tool is named `NAME__TOOL`.
    // Headers and environment of a server are secrets, so a refusal never quotes the whole table.
    #[schemars(extend("writeOnly" = true))]
    pub servers: BTreeMap<String, Server>,
}

/// How a server is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// A process that the worker starts, over its standard input and output.
    #[default]
    Stdio,
    /// Streamable HTTP.
    Http,
}

/// Which tools need a person's approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected \"all\" or a list of tool names")]
pub enum Approval {
    /// Every one.
    All(All),
    /// Those that the list covers, by the server's own names.
    Tools(Vec<String>),
}

/// The word `all`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum All {
    /// Every one.
    All,
}

impl Default for Approval {
    fn default() -> Self {
        Self::Tools(Vec::new())
    }
}

/// One server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// `stdio` or `http`.
    pub transport: Transport,
    /// The program, for `stdio`: a path, or a name that is looked up in `PATH`.
    pub command: Option<String>,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its environment, besides the few harmless variables that it inherits (`PATH`, `HOME`, ...).
    pub env: BTreeMap<String, Secret>,
    /// The address, for `http`.
    pub url: Option<String>,
    /// Headers of every request, for `http`.
    pub headers: BTreeMap<String, Secret>,
    /// How long it may take to start and to list its tools, in milliseconds. 100 to 600000.
    #[schemars(range(min = 100, max = 600_000))]
    pub start_timeout_ms: u64,
    /// How long one call may take, in milliseconds, in place of `worker.tool_timeout_ms`. 1 to 86400000.
    #[schemars(range(min = 1, max = 86_400_000))]
    pub call_timeout_ms: u64,
    /// How long one call may take whose server reports progress, in milliseconds: each report begins `call_timeout_ms` anew, up to
    /// this. 1 to 86400000.
    #[schemars(range(min = 1, max = 86_400_000))]
    pub call_timeout_total_ms: u64,
    /// The tools that agents may use, by the server's own names, `*` for any run of characters; not set: all of them.
    pub allow: Option<Vec<String>>,
    /// The tools whose calls may simply run again when their outcome is unknown.
    pub safe_to_repeat: Vec<String>,
    /// The tools that need a person's approval before each call: a list, or `all`.
    pub require_approval: Approval,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            transport: Transport::Stdio,
            command: None,
            args: Vec::new(),
            env: BTreeMap::new(),
            url: None,
            headers: BTreeMap::new(),
            start_timeout_ms: 30_000,
            call_timeout_ms: 50_000,
            call_timeout_total_ms: 600_000,
            allow: None,
            safe_to_repeat: Vec::new(),
            require_approval: Approval::default(),
        }
    }
}

impl Server {
    /// See [`Server::start_timeout_ms`].
    #[must_use]
    pub const fn start_timeout(&self) -> Duration {
        Duration::from_millis(self.start_timeout_ms)
    }

    /// See [`Server::call_timeout_ms`].
    #[must_use]
    pub const fn call_timeout(&self) -> Duration {
        Duration::from_millis(self.call_timeout_ms)
    }

    /// The longest that a call takes: see [`Server::call_timeout_total_ms`].
    #[must_use]
    pub const fn call_timeout_total(&self) -> Duration {
        // A longer limit of a single call is not cut by the default of this one.
        let longest = if self.call_timeout_total_ms > self.call_timeout_ms {
            self.call_timeout_total_ms
        } else {
            self.call_timeout_ms
        };
        Duration::from_millis(longest)
    }

    fn validate(&self) -> Result<(), Invalid> {
        match (self.transport, &self.command, &self.url) {
            (Transport::Stdio, None, _) => Err(missing("command", "the program of a `stdio` server")),
            (Transport::Stdio, Some(command), _) if command.is_empty() || command.contains('\0') => {
                Err(Invalid::new("command", command, "a program's name or path"))
            }
            (Transport::Stdio, _, Some(url)) => Err(Invalid::new("url", url, "nothing: `stdio` has no url")),
            (Transport::Http, _, None) => Err(missing("url", "the address of an `http` server")),
            (Transport::Http, Some(command), _) => {
                Err(Invalid::new("command", command, "nothing: `http` has no command"))
            }
            (Transport::Http, _, Some(url)) => {
                super::http::check(url, &self.headers).map_err(|(key, expected)| {
                    let shown = if key == "url" { url.as_str() } else { "***" };
                    Invalid::new(key, shown, expected)
                })
            }
            _ => Ok(()),
        }?;
        super::guards::Guards::read(self)?;
        match self.env.keys().find(|name| name.is_empty() || name.contains(['=', '\0'])) {
            Some(name) => Err(Invalid::new("env", name, "names without `=`")),
            None => Ok(()),
        }
    }
}

fn missing(key: &str, expected: &str) -> Invalid {
    Invalid::new(key, "not set", expected)
}

impl Validate for Config {
    fn validate(&self) -> Result<(), Invalid> {
        if self.servers.len() > MAX_SERVERS {
            let expected = format!("at most {MAX_SERVERS} servers");
            return Err(Invalid::new("servers", self.servers.len(), expected));
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        for (name, server) in &self.servers {
            // `__` ends a server's name in its tools' names.
            let valid = (1..=MAX_SERVER_NAME_BYTES).contains(&name.len())
                && name.bytes().all(plain)
                && !name.contains("__")
                && !name.ends_with('_');
            if !valid {
                let expected = format!(
                    "a name of 1 to {MAX_SERVER_NAME_BYTES} of a-z, A-Z, 0-9, - and single _ that it does not end in"
                );
                return Err(Invalid::new("servers", name, expected));
            }
            server.validate().map_err(|invalid| invalid.within(name).within("servers"))?;
        }
        Ok(())
    }
}
