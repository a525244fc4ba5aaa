//! The claim of an endpoint: the log decides, the lease only spares needless claims.

use std::time::Duration;

use runbus::bus::{Bus, Reader};
use runbus::id::WorkerId;
use runbus::log::Since;
use runbus::store::{Lease, Name};
use runbus::time::Clock;

use super::checkpoint::{Checkpoint, Checkpoints, Error};
use super::config::{self, Endpoint};
use super::select::filter;

/// The dependencies of a claim.
#[derive(Debug, Clone)]
pub(super) struct Claimant {
    pub(super) bus: Bus,
    pub(super) worker: WorkerId,
    pub(super) clock: Clock,
    /// How long a lease lives; also how long an owner that did not release must show no life.
    pub(super) ttl: Duration,
}

/// The name of an endpoint's lease.
pub(super) fn lease(name: &str) -> Name {
    Name { family: "webhook", id: name.to_owned() }
}

impl Claimant {
    /// Tries to become the one who dispatches; `None` while another worker does.
    ///
    /// # Errors
    /// See [`Error`].
    pub(super) async fn claim(
        &self,
        name: &str,
        endpoint: &Endpoint,
    ) -> Result<Option<(Checkpoints, Reader)>, Error> {
        if self.leased_by_another(name).await {
            return Ok(None);
        }
        let mut checkpoints = Checkpoints::load(self.bus.log().clone(), name).await?;
        let in_use = |found: &Checkpoint| !found.released && found.worker != self.worker;
        if checkpoints.found.as_ref().is_some_and(in_use) {
            // Perhaps only the store was wiped: its owner takes the lease again, or writes when it cannot.
            for _ in 0..5 {
                tokio::time::sleep(self.ttl / 5).await;
                if self.leased_by_another(name).await {
                    return Ok(None);
                }
            }
            let before = checkpoints.last();
            checkpoints = Checkpoints::load(self.bus.log().clone(), name).await?;
            if checkpoints.last() != before {
                return Ok(None);
            }
        }
        match self.bus.store().lease(&lease(name), self.worker.as_str(), self.ttl).await {
            Ok(Lease::HeldBy { .. }) => return Ok(None),
            Ok(Lease::Held) => {}
            Err(error) => tracing::warn!(endpoint = name, %error, "claiming webhooks without a lease"),
        }
        let claimed = self.take(name, endpoint, checkpoints).await;
        if claimed.is_err() {
            self.release(name).await;
        }
        claimed.map(Some)
    }

    async fn take(
        &self,
        name: &str,
        endpoint: &Endpoint,
        mut checkpoints: Checkpoints,
    ) -> Result<(Checkpoints, Reader), Error> {
        let since = match (&checkpoints.found, endpoint.since) {
            (Some(found), _) => Since::After(found.cursor.clone()),
            (None, config::Since::New) => Since::New,
            (None, config::Since::All) => Since::All,
        };
        let reader = self.bus.read(filter(endpoint), since).await?;
        // Recorded before anything is sent: from now on "now" is the same for every dispatcher.
        let first = Checkpoint::new(self.clock.now(), self.worker.clone(), reader.cursor().clone());
        checkpoints.claim(first).await?;
        tracing::info!(endpoint = name, worker = %self.worker, "dispatching webhooks");
        Ok((checkpoints, reader))
    }

    /// Gives the lease up, so that others need not wait for its end.
    pub(super) async fn release(&self, name: &str) {
        if let Err(error) = self.bus.store().release(&lease(name), self.worker.as_str()).await {
            tracing::debug!(endpoint = name, %error, "a webhook lease was not released; it runs out by itself");
        }
    }

    async fn leased_by_another(&self, name: &str) -> bool {
        match self.bus.store().leased(&lease(name)).await {
            Ok(held) => held.is_some_and(|(owner, _)| owner != self.worker.as_str()),
            Err(error) => {
                tracing::debug!(endpoint = name, %error, "the store cannot say who dispatches webhooks");
                false
            }
        }
    }
}
