//! How far the shards are known to reach, from their feeds: a reader near the end reads in another way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::limits;
use crate::log::Sequence;
use crate::subject::{Lane, Shard};

/// Places behind which a pattern is not worth to be taken apart: so many messages the broker looks through in no time.
const NEAR: u64 = 512;

/// The last place of each shard of events that a feed has shown.
#[derive(Debug, Clone)]
pub(super) struct Seen(Arc<[AtomicU64]>);

impl Seen {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        Self((0..limits::SHARDS_MAX).map(|_| AtomicU64::new(0)).collect())
    }

    fn at(&self, lane: Lane, shard: Shard) -> Option<&AtomicU64> {
        self.0.get(usize::from(shard.0)).filter(|_| lane == Lane::Events)
    }

    /// A feed shows this place.
    pub(super) fn show(&self, lane: Lane, shard: Shard, sequence: Sequence) {
        if let Some(last) = self.at(lane, shard) {
            last.fetch_max(sequence.0, Ordering::Relaxed);
        }
    }

    /// Whether a place is known to be near the end. The end may have moved on since: then reading takes longer, no more.
    pub(super) fn is_near(&self, lane: Lane, shard: Shard, from: Sequence) -> bool {
        let last = self.at(lane, shard).map_or(0, |last| last.load(Ordering::Relaxed));
        from.0 <= last && last - from.0 <= NEAR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_is_near_the_last_that_was_shown() {
        let seen = Seen::new();
        let near = |from| seen.is_near(Lane::Events, Shard(3), Sequence(from));
        assert!(!near(1), "nothing is known");
        seen.show(Lane::Events, Shard(3), Sequence(10_000));
        seen.show(Lane::Events, Shard(3), Sequence(9_000));
        seen.show(Lane::Journal, Shard(3), Sequence(20_000));
        seen.show(Lane::Events, Shard(300), Sequence(1));
        assert_eq!([1, 9_487, 9_488, 10_000, 10_001].map(near), [false, false, true, true, false]);
        assert!(!seen.is_near(Lane::Events, Shard(4), Sequence(10_000)));
    }
}
