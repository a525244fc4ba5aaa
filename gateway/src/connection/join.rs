//! Joining a scope: where a subscription begins, and whether something is missing there.

use std::sync::Arc;

use runbus::bus::{Beginning, Filter, beginning};
use runbus::log::{Cursor, Direction, Gap, GapReason, Place, Read, ReadError, Since};
use runbus::subject::Shard;

use super::history::Ahead;
use super::snapshots;
use super::source::Source;
use super::wake::Wake;
use crate::app::Shared;
use crate::hub::registry;
use crate::ledger::{Full, Member, TableUsage};

/// Why a subscription did not begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The gateway has no room for it.
    #[error(transparent)]
    Hub(#[from] registry::Error),
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// There is no room for its resources.
    #[error(transparent)]
    Full(#[from] Full),
    /// There is no snapshot of it.
    #[error(transparent)]
    Snapshot(#[from] snapshots::Error),
}

impl Error {
    /// A stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Hub(registry::Error::TooMany(_))
            | Self::Full(_)
            | Self::Snapshot(snapshots::Error::Full(_)) => "limit_exceeded",
            Self::Snapshot(snapshots::Error::Cursor(_)) => "invalid_argument",
            Self::Hub(registry::Error::Log(error))
            | Self::Log(error)
            | Self::Snapshot(snapshots::Error::Log(error)) => {
                if error.is_retryable() {
                    "unavailable"
                } else {
                    "internal"
                }
            }
        }
    }
}

/// Where a subscription begins.
#[derive(Debug)]
pub(super) struct Joined {
    /// Its source.
    pub source: Source,
    /// Resumes from where it begins; `None`: only events have cursors.
    pub cursor: Option<Cursor>,
    /// The missing part.
    pub gap: Option<Gap>,
    /// It uses a hub.
    pub member: Option<Member>,
}

/// Finds out.
///
/// # Errors
/// See [`Error`].
pub(super) async fn join(
    shared: &Shared,
    usage: &Arc<TableUsage>,
    filter: &Filter,
    since: &Since,
    wake: &Wake,
) -> Result<Joined, Error> {
    let scope = filter.scope();
    let shards = scope.shards(&shared.bus.log().layout());
    if let [shard] = shards[..]
        && registry::is_narrow(&scope, shared.bus.log().as_ref())
    {
        return narrow(shared, usage, filter, since, shard, wake).await;
    }
    match since {
        Since::New => {
            let (hub, member) = shared.hubs.join(scope, usage).await?;
            hub.watch(&wake.watcher);
            let (next, cursor) = hub.look(|ring| (ring.end(), ring.cursor.clone()));
            let source = Source::Ring { hub, next, after: None };
            Ok(Joined { source, cursor: Some(cursor), gap: None, member: Some(member) })
        }
        since => {
            let cursor = match since {
                Since::After(cursor) => Some(cursor.clone()),
                Since::All | Since::New => None,
            };
            let ahead = Ahead::start(shared, usage, filter, since.clone(), wake.task.clone()).await?;
            Ok(Joined { source: Source::Ahead(ahead), cursor, gap: None, member: None })
        }
    }
}

async fn narrow(
    shared: &Shared,
    usage: &Arc<TableUsage>,
    filter: &Filter,
    since: &Since,
    shard: Shard,
    wake: &Wake,
) -> Result<Joined, Error> {
    let scope = filter.scope();
    let bounds = shared.hubs.bounds.ask(shared.bus.log().as_ref(), scope.lane(), shard).await?;
    let (hub, member) = shared.hubs.join(scope, usage).await?;
    hub.watch(&wake.watcher);
    let start = Place::after(bounds.epoch, bounds.first.previous());
    let asked = match since {
        Since::New => Place::after(bounds.epoch, bounds.last),
        Since::All => start,
        Since::After(cursor) => cursor.place(shard).unwrap_or(start),
    };
    let recreated = asked.epoch != bounds.epoch || asked.sequence > bounds.last;
    let expired = !recreated && asked.unread() < bounds.first && lost(shared, filter, shard, asked).await?;
    let reason = if recreated { GapReason::Recreated } else { GapReason::Expired };
    let mut gap = (recreated || expired).then_some(Gap {
        shard,
        requested: asked,
        epoch: bounds.epoch,
        first_available: bounds.first,
        reason,
    });
    let from_start = match since {
        Since::All => true,
        Since::New => false,
        Since::After(cursor) => cursor.place(shard).is_none(),
    };
    if from_start {
        gap = match beginning(shared.bus.log(), &filter.scope(), shard, &bounds).await? {
            Beginning::Whole => None,
            Beginning::Cut(gap) => Some(gap),
            Beginning::Nothing(gap) => is_known(shared, filter).await.then_some(gap),
        };
    }
    let place = if gap.is_some() { start } else { asked };
    let cursor = Some(Cursor::start().with(shard, place));
    let source = Source::at(hub, shard, place);
    Ok(Joined { source, cursor, gap, member: Some(member) })
}

/// Whether the filter's execution exists.
async fn is_known(shared: &Shared, filter: &Filter) -> bool {
    let Some(id) = &filter.execution_id else { return false };
    shared.control.status(id).await.is_ok_and(|known| known.is_some())
}

/// Whether frames behind `place` are gone: the next one that is left does not follow it.
async fn lost(shared: &Shared, filter: &Filter, shard: Shard, place: Place) -> Result<bool, ReadError> {
    let read = Read {
        scope: filter.scope(),
        shard,
        from: place.sequence.next(),
        direction: Direction::Forward,
        max_frames: 1,
        max_bytes: 1,
    };
    let page = shared.bus.log().read(&read).await?;
    // The rest of a partly read frame is gone, whichever frame follows; and where two streams use the execution's
    // id, a frame of one says nothing about the other.
    let provable = place.lines == u32::MAX && filter.scope().is_one_key();
    Ok(!provable || page.frames.first().is_none_or(|stored| stored.prev != Some(place.sequence)))
}
