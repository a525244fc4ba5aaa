//! How far a follower has come in a shard.

use tokio::time::Instant;

use super::cursor::{Epoch, Place, Sequence};
use super::port::{Bounds, Stored};
use crate::subject::Scope;
use crate::time::Timestamp;

/// Where a follower stands in one shard.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) epoch: Epoch,
    /// Everything of the scope before this place has been said.
    pub(super) next: Sequence,
    /// Lines of the frame at `next` that were read before.
    pub(super) skip: u32,
    /// When it was last known that nothing between the reader's place and the next frame had been removed; `None`:
    /// retention had passed the place when the follower began.
    pub(super) whole_at: Option<Instant>,
    /// Reading is needed; up to this place, if one was announced.
    pub(super) wanted: Option<Option<Sequence>>,
    pub(super) stale_reads: u32,
    /// When the log took the newest frame that was seen.
    pub(super) newest: Option<Timestamp>,
}

impl Progress {
    /// At the beginning of a shard that was just looked at.
    pub(super) fn at_first_of(bounds: &Bounds) -> Self {
        Self {
            epoch: bounds.epoch,
            next: bounds.first,
            skip: 0,
            whole_at: Some(Instant::now()),
            wanted: Some(None),
            stale_reads: 0,
            newest: None,
        }
    }

    /// Notes when the log took a frame; says whether that is later than of every frame before.
    pub(super) fn is_newest(&mut self, stored: &Stored) -> bool {
        let is_newest = self.newest.is_none_or(|newest| stored.stored_at > newest);
        if is_newest {
            self.newest = Some(stored.stored_at);
        }
        is_newest
    }

    /// Where the reader stands.
    pub(super) const fn place(&self) -> Place {
        if self.skip > 0 {
            Place { epoch: self.epoch, sequence: self.next, lines: self.skip }
        } else {
            Place::after(self.epoch, self.next.previous())
        }
    }

    /// Whether a frame provably is the next one of the scope. The rest of a frame that was read in part is gone when
    /// another one follows.
    pub(super) fn precedes(&self, stored: &Stored, scope: &Scope) -> bool {
        let chained = || scope.is_one_key() && stored.prev.is_some_and(|prev| prev < self.next);
        stored.sequence == self.next || (self.skip == 0 && chained())
    }
}
