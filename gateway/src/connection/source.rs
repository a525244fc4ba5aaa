//! Where a subscription reads.

use std::sync::Arc;

use runbus::log::Place;
use runbus::subject::Shard;

use super::history::Ahead;
use crate::hub::Hub;

/// Where a subscription reads.
#[derive(Debug)]
pub(super) enum Source {
    /// In the hub's ring.
    Ring {
        /// The hub.
        hub: Arc<Hub>,
        /// The number of the next entry.
        next: u64,
        /// Leave out what stands at or before this place: the hub may still be behind the client.
        after: Option<Place>,
    },
    /// In the log, because the ring does not reach back so far; until it does.
    Log {
        /// The hub.
        hub: Arc<Hub>,
        /// The shard.
        shard: Shard,
        /// The last event that was sent.
        place: Place,
    },
    /// A broad scope's history.
    Ahead(Ahead),
}

impl Source {
    /// For a hub of one shard: behind `place`.
    #[must_use]
    pub(super) fn at(hub: Arc<Hub>, shard: Shard, place: Place) -> Self {
        match hub.look(|ring| ring.rejoin(place)) {
            Some(next) => Self::Ring { hub, next, after: Some(place) },
            None => Self::Log { hub, shard, place },
        }
    }
}
