//! `runbus worker`: a worker.

use tokio_util::sync::CancellationToken;

use super::process;
use crate::backend::Backend;
use crate::configuration::Configuration;
use crate::exit::{Code, Error};

/// Runs a worker until a signal ends it: the first one hands its sessions over, the second cuts.
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
        backend.agreed().await?;
        let worker = process::worker(&configuration, &backend)?;
        let shutdown = process::signals()?;
        let started = CancellationToken::new();
        let probe = process::worker_probe(&shutdown, &backend, started.clone());
        process::spawn_metrics(&configuration, Some(probe)).await?;
        process::spawn_webhooks(&shutdown, &configuration, &backend)?;
        process::spawn_worker(&shutdown, worker).await?;
        started.cancel();
        process::until_signal(&shutdown, &backend, &configuration).await
    }
}
