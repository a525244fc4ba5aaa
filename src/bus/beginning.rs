//! Whether the beginning of what a reader asks for is still there.

use std::sync::Arc;

use super::delivery::{head, lines};
use crate::event::Kind;
use crate::log::{Bounds, Direction, Epoch, Gap, GapReason, Log, Place, Read, ReadError, Sequence, Stored};
use crate::subject::{Scope, Shard};

/// How much of a beginning is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beginning {
    /// All of it.
    Whole,
    /// Something is gone, or that nothing is cannot be proven.
    Cut(Gap),
    /// Of an execution no frame is left, if there ever was one; the gap says so if there was.
    Nothing(Gap),
}

/// Tells how much of the beginning of a scope is left in a shard. Retention that has removed nothing there is told by the bounds alone. For one
/// execution its first frame tells; for broader scopes everything that retention removed may have been theirs.
///
/// # Errors
/// See [`ReadError`].
pub async fn beginning(
    log: &Arc<dyn Log>,
    scope: &Scope,
    shard: Shard,
    bounds: &Bounds,
) -> Result<Beginning, ReadError> {
    if bounds.first <= Sequence(1) {
        return Ok(Beginning::Whole);
    }
    let gap = Gap {
        shard,
        requested: Place::after(bounds.epoch, Sequence(0)),
        epoch: bounds.epoch,
        first_available: bounds.first,
        reason: GapReason::Expired,
    };
    let Scope::Events { stream, execution: Some(execution), .. } = scope else {
        return Ok(Beginning::Cut(gap));
    };
    // Of a node the first frame says nothing: others of its execution stand before it.
    let scope = Scope::Events { stream: stream.clone(), node: None, execution: Some(execution.clone()) };
    let (from, direction) = (bounds.first, Direction::Forward);
    let read = Read { scope, shard, from, direction, max_frames: 1, max_bytes: 1 };
    Ok(match log.read(&read).await?.frames.first() {
        None => Beginning::Nothing(gap),
        Some(first) if is_beginning(first) => Beginning::Whole,
        Some(_) => Beginning::Cut(gap),
    })
}

/// Whether a frame is the first one that its execution ever had.
fn is_beginning(first: &Stored) -> bool {
    match first.prev {
        Some(prev) => prev == Sequence(0),
        // Nobody checked what stands before it: its type tells.
        None => lines(first, Epoch::default(), 0)
            .next()
            .and_then(|line| head(first, &line).ok())
            .is_some_and(|(head, _)| matches!(head.kind, Kind::ExecutionQueued | Kind::ExecutionStarted)),
    }
}
