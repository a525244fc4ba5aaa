//! The set-up of the broker: tried until it is done, and again when a stream is gone.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::config::Config;
use super::connect::jitter;
use super::error::SetupError;
use super::layouts::{self, Layouts};
use super::names::Names;
use super::publish::Link;
use super::watch::Watch;
use super::{check, streams};

/// Pauses between two attempts to set up: doubled from the first to the second.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// The state of the set-up.
#[derive(Debug, Clone, Default)]
pub(super) enum Gate {
    /// It runs for the first time.
    #[default]
    Starting,
    /// It failed, and is tried again.
    Failed(Arc<SetupError>),
    /// Done.
    Open,
}

/// The task that sets the broker up and keeps it so.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) link: Arc<Link>,
    pub(super) config: Config,
    pub(super) names: Names,
    pub(super) layouts: Arc<Layouts>,
    pub(super) gate: watch::Sender<Gate>,
}

impl Setup {
    /// Runs until it is dropped.
    pub(super) async fn run(self, mut watch: Watch) {
        self.finish().await;
        tokio::join!(self.keep(&mut watch), layouts::follow(&self.link, &self.names, &self.layouts));
    }

    /// Watches the streams. A missing stream is made, a new one is compared with the configuration.
    async fn keep(&self, watch: &mut Watch) {
        loop {
            match watch.look(&self.link, &self.names, &self.layouts.current()).await {
                Ok(false) => {
                    watch.pause(&self.link).await;
                    continue;
                }
                Ok(true) => {}
                Err(error) => {
                    tracing::error!(%error, "the broker lost a stream; it is made again");
                    self.gate.send_replace(Gate::Failed(Arc::new(error)));
                }
            }
            self.finish().await;
        }
    }

    /// Attempts until one succeeds.
    async fn finish(&self) {
        let (mut pause, longest) = PAUSES;
        let mut logged = String::new();
        while let Err(error) = self.attempt().await {
            // Each failure is logged once, however often it repeats.
            let text = error.to_string();
            match (logged == text, error.is_retryable()) {
                (true, _) => tracing::debug!(%error, "the broker still cannot be used"),
                // The process ends and reports it.
                _ if matches!(error, SetupError::Layout { .. }) => tracing::debug!(%error, "another layout"),
                (false, true) => tracing::warn!(%error, "the broker is not ready"),
                (false, false) => tracing::error!(%error, "the broker cannot be used"),
            }
            logged = text;
            self.gate.send_replace(Gate::Failed(Arc::new(error)));
            tokio::time::sleep(pause + jitter(pause)).await;
            pause = (pause * 2).min(longest);
        }
        self.gate.send_replace(Gate::Open);
    }

    /// One attempt: version, JetStream, compare-and-set, layout, streams.
    async fn attempt(&self) -> Result<(), SetupError> {
        let Self { link, config, names, layouts, .. } = self;
        link.round_trip().await.map_err(|_failure| SetupError::no_answer(config, link))?;
        check::version(&link.client.server_info().version)?;
        check::jetstream(link).await?;
        streams::scratch(link, config, names).await?;
        check::compare_and_set(link, names).await?;
        let layout = layouts::agree(link, config, names).await?;
        streams::set_up(link, config, names, &layout).await?;
        layouts.adopt(layout);
        Ok(())
    }
}
