//! `runbus gateway`: a gateway.

use super::process;
use crate::backend::Backend;
use crate::configuration::Configuration;
use crate::exit::{Code, Error};

/// Runs a gateway until a signal ends it: the first one drains, the second cuts.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  runbus gateway --set log.backend=nats --set store.backend=redis --set gateway.listen=127.0.0.1:8700"
)]
pub(crate) struct Gateway {}

impl Gateway {
    /// Runs it.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn run(self, configuration: Configuration) -> Result<Code, Error> {
        let backend = Backend::open(&configuration).await?;
        backend.agreed().await?;
        let shutdown = process::signals()?;
        process::spawn_metrics(&configuration, None).await?;
        process::spawn_gateway(&shutdown, &configuration, &backend).await?;
        process::until_signal(&shutdown, &backend, &configuration).await
    }
}
