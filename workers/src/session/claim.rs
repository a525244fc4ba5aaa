//! Claiming a session: the journal decides, the lease only spares needless claims.

use std::time::Duration;

use runbus::id::SessionId;
use runbus::log::Sequence;
use runbus::store::{Lease, Name};

use super::actor::Dependencies;
use runbus::session::journal::{Error, Journal};

/// The outcome of a try to claim.
#[derive(Debug)]
pub enum Claim {
    /// The session is this worker's.
    Owned(Box<Journal>),
    /// Another worker is at work.
    Busy {
        /// The place in the inbox up to which it has taken commands.
        inbox: Sequence,
    },
}

/// The name of a session's lease.
#[must_use]
pub fn lease(session: &SessionId) -> Name {
    Name { family: "lease", id: session.to_string() }
}

/// Tries to claim a session.
///
/// A session that another worker claimed and did not release is taken over only when that worker shows no life for
/// `grace`: neither its lease nor its journal moves. Wiping the store therefore costs at most `grace`, not a session.
///
/// # Errors
/// The log refuses or does not answer.
pub async fn claim(
    dependencies: &Dependencies,
    session: &SessionId,
    ttl: Duration,
    grace: Duration,
) -> Result<Claim, Error> {
    let load = || Journal::load(dependencies.log.clone(), dependencies.clock.clone(), session.clone());
    let mut journal = load().await?;
    let busy = |journal: &Journal| Claim::Busy { inbox: journal.state.inbox };
    if leased_by_another(dependencies, session).await {
        return Ok(busy(&journal));
    }
    let abandoned = journal.state.owner.is_some();
    if journal.state.owner.as_ref().is_some_and(|owner| *owner != dependencies.worker) {
        let entries = journal.state.entries;
        let until = tokio::time::Instant::now() + grace;
        while tokio::time::Instant::now() < until {
            tokio::time::sleep(grace / 5).await;
            if leased_by_another(dependencies, session).await {
                return Ok(busy(&journal));
            }
        }
        journal = load().await?;
        if journal.state.entries != entries {
            return Ok(busy(&journal));
        }
    }
    match dependencies.store.lease(&lease(session), dependencies.worker.as_str(), ttl).await {
        Ok(Lease::HeldBy { .. }) => return Ok(busy(&journal)),
        Ok(Lease::Held) => {}
        Err(error) => tracing::warn!(%session, %error, "claiming without a lease"),
    }
    match journal.claim(&dependencies.worker).await {
        Ok(()) => {
            if abandoned {
                runbus::metrics::worker::TAKEOVERS.inc();
            }
            Ok(Claim::Owned(Box::new(journal)))
        }
        Err(Error::Fenced) => Ok(busy(&journal)),
        Err(error) => Err(error),
    }
}

async fn leased_by_another(dependencies: &Dependencies, session: &SessionId) -> bool {
    match dependencies.store.leased(&lease(session)).await {
        Ok(held) => held.is_some_and(|(owner, _)| owner != dependencies.worker.as_str()),
        Err(error) => {
            tracing::warn!(%session, %error, "the store cannot say who holds the lease");
            false
        }
    }
}
