//! What a client that reads the log misses because it was removed meanwhile.

use runbus::log::{Gap, GapReason, Log, Page, Place, ReadError};
use runbus::subject::Shard;

use crate::hub::Hub;

/// Whether frames between `place` and a page that was read behind it are gone, or the log is another one.
///
/// The log is asked only when the page does not prove that it follows. Retention that has passed `place` counts as a gap
/// then: what it removed can no longer be told.
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
    let same_log = hub.look(|ring| ring.epoch()) == Some(place.epoch);
    let follows = page.frames.first().is_some_and(|stored| {
        let chained =
            place.lines == u32::MAX && hub.scope.is_one_key() && stored.prev == Some(place.sequence);
        stored.sequence == place.unread() || chained
    });
    if same_log && follows {
        return Ok(None);
    }
    let bounds = log.bounds(hub.scope.lane(), shard).await?;
    let reason = if bounds.epoch != place.epoch || place.sequence > bounds.last {
        GapReason::Recreated
    } else if place.unread() < bounds.first {
        GapReason::Expired
    } else {
        return Ok(None);
    };
    Ok(Some(Gap { shard, requested: place, epoch: bounds.epoch, first_available: bounds.first, reason }))
}
