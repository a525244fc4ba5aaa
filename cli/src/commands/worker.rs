//! `runbus worker`: a worker.

use super::process;
use crate::backend::Backend;
use crate::configuration::Configuration;
use crate::exit::{Code, Error};

/// Runs a worker until it is told to end: the first signal hands its sessions over, the second cuts.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  runbus worker --set log.backend=nats --set store.backend=redis --set worker.concurrency=64"
)]
pub(crate) struct Worker {}

impl Worker {
    /// Runs it.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn run(self, configuration: Configuration) -> Result<Code, Error> {
        let backend = Backend::open(&configuration).await?;
        let worker = process::worker(&configuration, &backend)?;
        let shutdown = process::signals()?;
        process::spawn_metrics(&configuration).await?;
        process::spawn_webhooks(&shutdown, &configuration, &backend)?;
        process::spawn_worker(&shutdown, worker).await?;
        Ok(process::until_signal(&shutdown, &configuration).await)
    }
}
