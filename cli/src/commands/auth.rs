//! `runbus auth`: API keys. The key is for its user, the hash for the configuration: nobody needs both.

use std::io::Read;

use clap::Subcommand;
use runbus_gateway::auth::{Scope, api_key};
use serde_json::json;

use crate::exit::{Code, Error};
use crate::global::Global;
use crate::output;

/// Makes API keys.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  runbus auth key --name ops --scope read,start:orders-* --scope admin\n  printf %s \"$KEY\" | runbus auth hash"
)]
pub(crate) struct Auth {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a key, and say what the configuration needs of it. The key is shown once.
    Key {
        /// The key's name in the configuration.
        #[arg(long, default_value = "default")]
        name: String,
        /// The scopes of the key: actions[:stream[/node[/execution]]]. Several may be given.
        #[arg(long = "scope", value_name = "SCOPE", default_value = "*")]
        scopes: Vec<Scope>,
    },
    /// Say the hash of a key that is read from stdin.
    Hash,
}

/// Longest key that is read, in bytes.
const KEY_BYTES: u64 = 8192;

impl Auth {
    /// Runs it.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn run(self, global: &Global) -> Result<Code, Error> {
        match self.command {
            Command::Key { name, scopes } => {
                let no_randomness = |_| Error::Software("the system has no randomness".into());
                let key = api_key::generate().map_err(no_randomness)?;
                let sha256 = api_key::hash(&key.reveal());
                if global.json {
                    let key = &*key.reveal();
                    output::json(&json!({ "name": name, "key": key, "sha256": sha256, "scopes": scopes }))?;
                    return Ok(Code::Ok);
                }
                output::lines(["# The key, for whoever uses it; it is not shown again:", &key.reveal(), ""])?;
                let table = serde_json::Value::from(name);
                let scopes = json!(scopes);
                output::lines([
                    "# For runbus.toml of every gateway:",
                    "[auth]",
                    "mode = \"required\"",
                    "",
                    &format!("[auth.api_keys.{table}]"),
                    &format!("sha256 = \"{sha256}\""),
                    &format!("scopes = {scopes}"),
                ])?;
            }
            Command::Hash => {
                let mut key = String::new();
                std::io::stdin()
                    .take(KEY_BYTES)
                    .read_to_string(&mut key)
                    .map_err(|error| Error::Data(error.to_string()))?;
                let key = key.trim();
                if key.is_empty() {
                    return Err(Error::Data("a key is needed on stdin".into()));
                }
                let sha256 = api_key::hash(key);
                if global.json {
                    output::json(&json!({ "sha256": sha256 }))?;
                } else {
                    output::line(&sha256)?;
                }
            }
        }
        Ok(Code::Ok)
    }
}
