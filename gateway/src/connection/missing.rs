//! Events that a client that reads the log misses because they were removed meanwhile.

use runbus::log::{Gap, GapReason, Log, Page, Place, ReadError};
use runbus::subject::Shard;

use crate::hub::Hub;

/// Whether frames between `place` and a page that was read behind it are gone, or the log is another one.
///
/// The log is asked only when the page does not prove that it follows. Retention that has passed `place` counts as a gap
/// then: the removed events are unknown.
///
/// # Errors
/// See [`ReadError`].
pub(super) async fn between(
    log: &dyn Log,
    hub: &Hub,
    shard: Shard,
    place: Place,
    page: &Page,
) -> Result<Option<Gap>, ReadError> {
    let first = page.frames.first();
    let follows = first.is_some_and(|stored| {
        let chained =
            place.lines == u32::MAX && hub.scope.is_one_key() && stored.prev == Some(place.sequence);
        stored.sequence == place.unread() || chained
    });
    if follows && hub.look(|ring| ring.epoch()) == Some(place.epoch) {
        return Ok(None);
    }
    let bounds = log.bounds(hub.scope.lane(), shard).await?;
    let gap = |first_available, reason| Gap {
        shard,
        requested: place,
        epoch: bounds.epoch,
        first_available,
        reason,
    };
    if bounds.epoch != place.epoch || place.sequence > bounds.last {
        return Ok(Some(gap(bounds.first, GapReason::Recreated)));
    }
    if follows || place.unread() >= bounds.first {
        return Ok(None);
    }
    // Retention may have gone on since the page was read.
    let read = first.map_or(bounds.first, |stored| stored.sequence.min(bounds.first));
    Ok(Some(gap(read, GapReason::Expired)))
}
