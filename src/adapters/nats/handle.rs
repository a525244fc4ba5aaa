//! The adapter's handle.

use std::sync::Arc;

use super::config::Config;
use super::core::Core;
use super::error::{ConnectError, SetupError};
use super::log::Log;
use super::queue::Queue;

/// Log and queue on one NATS. Clones share the connections.
#[derive(Debug, Clone)]
pub struct Nats {
    core: Arc<Core>,
    log: Arc<Log>,
    queue: Arc<Queue>,
}

impl Nats {
    /// Connects in the background: a broker that is away makes it "not ready", and is tried again until it is there. Then its
    /// version and its compare-and-set are checked and the streams are made, or compared with the configuration.
    ///
    /// # Errors
    /// The configuration is wrong, or a file that it names cannot be read.
    pub async fn connect(config: Config) -> Result<Self, ConnectError> {
        let core = Arc::new(Core::new(config).await?);
        let log = Arc::new(Log { core: core.clone() });
        let queue = Arc::new(Queue::new(core.clone()));
        Ok(Self { core, log, queue })
    }

    /// The log.
    #[must_use]
    pub fn log(&self) -> Arc<Log> {
        self.log.clone()
    }

    /// The queue.
    #[must_use]
    pub fn queue(&self) -> Arc<Queue> {
        self.queue.clone()
    }

    /// Answers when the broker is set up and answers.
    ///
    /// # Errors
    /// The step that fails; see [`SetupError::is_retryable`].
    pub async fn ready(&self) -> Result<(), SetupError> {
        self.core.ready().await.map_err(|error| (*error).clone())
    }

    /// Returns when the log is found to be split in another way than this process is configured to; else never.
    pub async fn refused(&self) -> SetupError {
        (*self.core.refused().await).clone()
    }

    /// The server's version, once there was a connection.
    #[must_use]
    pub fn server_version(&self) -> Option<String> {
        self.core.server_version()
    }

    /// Requests that wait for their answers, over all connections.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.core.waiting()
    }

    /// Makes a stream elect another leader.
    #[cfg(test)]
    pub(super) async fn step_down(&self, lane: crate::subject::Lane, shard: crate::subject::Shard) {
        let verb = format!("STREAM.LEADER.STEPDOWN.{}", self.core.names.stream(lane, shard));
        self.core.link(shard).api::<serde_json::Value>(&verb, &serde_json::json!({})).await.unwrap();
    }
}
