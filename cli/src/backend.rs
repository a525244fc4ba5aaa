//! Opens the ports that the configuration names.

use std::sync::Arc;

use runbus::adapters::embedded::Embedded;
use runbus::adapters::nats::Nats;
use runbus::adapters::redis::Redis;
use runbus::bus::Bus;
use runbus::config::{LogBackend, StoreBackend};
use runbus::control::Control;
use runbus::log::{Log, Metered};
use runbus::queue::Queue;
use runbus::store::Store;
use runbus::time::Clock;

use crate::configuration::Configuration;
use crate::exit::Error;

/// How long the start of a process waits for the broker.
const AGREEMENT: std::time::Duration = std::time::Duration::from_secs(10);

/// The three ports.
#[derive(Debug, Clone)]
pub(crate) struct Backend {
    /// The log.
    pub log: Arc<dyn Log>,
    /// The queue.
    pub queue: Arc<dyn Queue>,
    /// The store.
    pub store: Arc<dyn Store>,
    /// The broker, where there is one.
    nats: Option<Arc<Nats>>,
    /// Other processes that have the data directory open.
    others: Vec<u32>,
}

impl Backend {
    /// Opens them. A server that does not answer is no error: its users wait, and readiness reports it.
    ///
    /// # Errors
    /// The data directory cannot be used, or a setting cannot be.
    pub(crate) async fn open(configuration: &Configuration) -> Result<Self, Error> {
        let embedded_log = configuration.log.backend == LogBackend::Embedded;
        let embedded_store = configuration.store.backend == StoreBackend::Embedded;
        let embedded = if embedded_log || embedded_store {
            let opened = Embedded::open(&configuration.embedded, Clock::System);
            Some(opened.map_err(|error| Error::Usage(error.to_string()))?)
        } else {
            None
        };
        let mut broker = None;
        let (log, queue): (Arc<dyn Log>, Arc<dyn Queue>) = match &embedded {
            Some(embedded) if embedded_log => (embedded.log.clone(), embedded.queue.clone()),
            _ => {
                let nats = Nats::connect(configuration.nats.clone()).await;
                let nats = nats.map_err(|error| Error::Usage(error.to_string()))?;
                let ports: (Arc<dyn Log>, Arc<dyn Queue>) = (nats.log(), nats.queue());
                broker = Some(Arc::new(nats));
                ports
            }
        };
        let store: Arc<dyn Store> = match &embedded {
            Some(embedded) if embedded_store => embedded.store.clone(),
            _ => Arc::new(
                Redis::new(&configuration.redis).map_err(|error| Error::Usage(format!("redis.{error}")))?,
            ),
        };
        let others = embedded.map(|embedded| embedded.others).unwrap_or_default();
        Ok(Self { log: Arc::new(Metered::new(log)), queue, store, nats: broker, others })
    }

    /// Returns when the log is found to be split in another way than the configuration says; else never.
    pub(crate) async fn refused(&self) -> Error {
        match &self.nats {
            Some(nats) => Error::Usage(format!("nats: {}", nats.refused().await)),
            None => std::future::pending().await,
        }
    }

    /// Waits a moment for the broker, so that a process which must not run does not even begin.
    ///
    /// # Errors
    /// The log is split in another way than the configuration says.
    pub(crate) async fn agreed(&self) -> Result<(), Error> {
        for process in &self.others {
            tracing::warn!(
                process,
                "the data directory is also open in another process; both work on the same log"
            );
        }
        tokio::select! {
            refused = self.refused() => Err(refused),
            // Other faults of the log may pass, so they do not stop the start.
            _ = tokio::time::timeout(AGREEMENT, self.log.ready()) => Ok(()),
        }
    }

    /// A bus on them.
    #[must_use]
    pub(crate) fn bus(&self) -> Bus {
        Bus::new(self.log.clone(), self.store.clone())
    }

    /// Control over them.
    #[must_use]
    pub(crate) fn control(&self) -> Control {
        Control::new(self.bus(), self.queue.clone(), Clock::System)
    }
}
