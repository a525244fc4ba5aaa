//! The webhooks of a process: for each endpoint it dispatches, or waits until it may.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use runbus::bus::Bus;
use runbus::id::WorkerId;
use runbus::time::Clock;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::checkpoint::Error;
use super::claim::Claimant;
use super::config::Config;
use super::counters::Counters;
use super::deliver::EndpointSender;
use super::owner::Owner;

/// The wait after the log did not answer.
const FAULT_RETRY: Duration = Duration::from_secs(1);
/// The wait after something that a human must look at.
const BROKEN_RETRY: Duration = Duration::from_secs(30);

/// An endpoint cannot be dispatched: its section was not validated, or there is no TLS.
#[derive(Debug, Clone, thiserror::Error)]
#[error("webhooks.endpoints.{name}: {reason}")]
pub struct Unusable {
    /// Which endpoint.
    pub name: String,
    /// The fault.
    pub reason: String,
}

/// The dispatchers of a process, one for each endpoint.
#[derive(Debug)]
pub struct Webhooks {
    config: Config,
    claimant: Claimant,
    senders: Vec<Arc<EndpointSender>>,
    counters: BTreeMap<String, Arc<Counters>>,
}

impl Webhooks {
    /// Dispatchers on a bus. `worker` must be of this process alone.
    ///
    /// # Errors
    /// See [`Unusable`].
    pub fn new(config: Config, bus: Bus, worker: WorkerId, clock: Clock) -> Result<Self, Unusable> {
        let mut senders = Vec::new();
        let mut counters = BTreeMap::new();
        for (name, endpoint) in &config.endpoints {
            let counted: Arc<Counters> = Arc::default();
            counters.insert(name.clone(), counted.clone());
            let endpoint_sender =
                EndpointSender::new(name.clone(), endpoint.clone(), bus.clone(), clock.clone(), counted)
                    .map_err(|reason| Unusable { name: name.clone(), reason })?;
            senders.push(Arc::new(endpoint_sender));
        }
        let claimant = Claimant { bus, worker, clock, ttl: config.lease_ttl() };
        Ok(Self { config, claimant, senders, counters })
    }

    /// The outcomes of events in this process, by endpoint. Keep it: it goes on to count when the dispatchers run.
    #[must_use]
    pub fn counters(&self) -> BTreeMap<String, Arc<Counters>> {
        self.counters.clone()
    }

    /// Dispatches until `drain` is cancelled; then requests that run end, within their time-out, and progress is
    /// recorded. Dropping it is a crash: the next dispatcher sends unrecorded events again.
    pub async fn run(self, drain: CancellationToken) {
        let mut dispatchers = JoinSet::new();
        for endpoint_sender in self.senders {
            let (claimant, drain, every) = (self.claimant.clone(), drain.clone(), self.config.checkpoint());
            dispatchers.spawn(dispatch(endpoint_sender, claimant, every, drain));
        }
        while let Some(ended) = dispatchers.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a webhook dispatcher failed");
            }
        }
    }
}

async fn dispatch(
    endpoint_sender: Arc<EndpointSender>,
    claimant: Claimant,
    every: Duration,
    drain: CancellationToken,
) {
    let name = endpoint_sender.name.clone();
    while !drain.is_cancelled() {
        let claimed = drain.run_until_cancelled(claimant.claim(&name, &endpoint_sender.endpoint)).await;
        let ended = match claimed {
            None => return,
            Some(Ok(None)) => Ok(()),
            Some(Ok(Some(claimed))) => {
                let owner = Owner::new(endpoint_sender.clone(), claimant.clone(), claimed, drain.clone());
                Box::pin(owner.run(every)).await
            }
            Some(Err(error)) => Err(error),
        };
        let wait = match ended {
            Ok(()) => claimant.ttl / 2,
            Err(Error::Lost) => {
                tracing::info!(endpoint = name, "another worker dispatches these webhooks");
                claimant.ttl
            }
            Err(error @ Error::Unavailable(_)) => {
                tracing::warn!(endpoint = name, %error, "webhooks are dispatched later");
                FAULT_RETRY
            }
            Err(error @ Error::Broken(_)) => {
                tracing::error!(endpoint = name, %error, "webhooks cannot be dispatched");
                BROKEN_RETRY
            }
        };
        // A part at random, so that workers do not claim together.
        let random = uuid::Uuid::new_v4().as_fields().0 % 1000;
        drain.run_until_cancelled(tokio::time::sleep(wait + wait / 4 * random / 1000)).await;
    }
}
