//! Slots of concurrency keys: so many executions of one tenant at work at a time, over all workers.
//!
//! A slot is a lease in the store. A wiped store lets a few more begin for a moment; it loses nothing and decides nothing
//! else.

use std::time::Duration;

use runbus::session::command::WakeUp;
use runbus::store::{Lease, Name};

use crate::config::Config;
use crate::session::actor::Dependencies;

/// The wait before a key's next look for a slot, with as much again at random.
const WAIT: Duration = Duration::from_millis(250);

/// A slot, with its holder.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) name: Name,
    pub(super) owner: String,
}

/// The outcome of a request for a slot.
#[derive(Debug)]
pub(super) enum Slot {
    /// The session may be worked on; `Some`: with this slot.
    Free(Option<Held>),
    /// So many of the key are at work.
    Taken,
}

/// Takes a slot of the wake-up's key, if it has one and keys are limited.
pub(super) async fn take(dependencies: &Dependencies, config: &Config, wake: &WakeUp) -> Slot {
    let Some(key) = wake.scheduling.concurrency_key.as_ref().filter(|_| config.max_per_key > 0) else {
        return Slot::Free(None);
    };
    // Owners that are the same for every slot of a worker could share one: each session is an owner of its own.
    let owner = format!("{}/{}", dependencies.worker, wake.session_id);
    for n in 0..config.max_per_key {
        let name = Name { family: "slot", id: format!("{n}/{key}") };
        match dependencies.store.lease(&name, &owner, config.lease_ttl()).await {
            Ok(Lease::Held) => return Slot::Free(Some(Held { name, owner })),
            Ok(Lease::HeldBy { .. }) => {}
            Err(error) => {
                tracing::warn!(key, %error, "the store cannot say how many of a key are at work");
                return Slot::Free(None);
            }
        }
    }
    Slot::Taken
}

/// Lets others have it.
pub(super) async fn give_back(dependencies: &Dependencies, slot: &Held) {
    if let Err(error) = dependencies.store.release(&slot.name, &slot.owner).await {
        tracing::debug!(%error, "a slot was not given back; it runs out by itself");
    }
}

/// How long to wait for a slot.
pub(super) fn wait() -> Duration {
    WAIT + WAIT * (uuid::Uuid::new_v4().as_fields().0 % 1000) / 1000
}
