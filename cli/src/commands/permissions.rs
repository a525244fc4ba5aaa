//! `runbus permissions`: the accounts of nats-server and the ACL of Redis for a configuration.

use runbus::adapters::{nats, redis};

use crate::configuration::Configuration;
use crate::exit::{Code, Error};
use crate::output;

/// Print the least permissions that gateways, workers, publishers and taps need.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The files follow `nats.prefix`, `nats.shards`, `nats.domain`, `nats.api_prefix` and `redis.prefix`. Passwords are variables in them.\n\nExample:\n  runbus permissions nats --config worker.toml > accounts.conf"
)]
pub(crate) struct Permissions {
    /// The server.
    server: Server,
}

/// A server with permissions.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Server {
    /// The accounts file of nats-server.
    Nats,
    /// The ACL file of Redis.
    Redis,
}

impl Permissions {
    /// Runs it.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn run(self, configuration: &Configuration) -> Result<Code, Error> {
        let text = match self.server {
            Server::Nats => {
                nats::accounts(&configuration.nats).map_err(|error| Error::Usage(error.to_string()))?
            }
            Server::Redis => redis::acl(&configuration.redis.prefix),
        };
        output::lines(text.trim_end().lines())?;
        Ok(Code::Ok)
    }
}
