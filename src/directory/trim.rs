//! How entries leave the index: there are only so many of each list, and what nothing more is expected of stays only so long.

use std::time::Duration;

use super::draft::{Draft, Shelf};
use super::listed::{Listed, set};
use crate::limits;
use crate::store::Error;
use crate::store::index::Index;
use crate::time::Timestamp;

/// How many entries there may be, and how long they stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Entries of each list.
    pub max_entries: u64,
    /// How long an entry stays after its last change, once nothing more is expected of it.
    pub keep: Duration,
}

/// Takes some of them out; whether there are more.
pub(super) async fn step(
    index: &dyn Index,
    draft: &mut Draft,
    bounds: Bounds,
    now: Timestamp,
) -> Result<bool, Error> {
    Ok(of(index, &mut draft.executions, bounds, now).await?
        | of(index, &mut draft.sessions, bounds, now).await?
        | of(index, &mut draft.approvals, bounds, now).await?
        | of(index, &mut draft.questions, bounds, now).await?)
}

async fn of<T: Listed>(
    index: &dyn Index,
    shelf: &mut Shelf<T>,
    bounds: Bounds,
    now: Timestamp,
) -> Result<bool, Error> {
    let sets: Vec<String> = T::STATUSES.iter().map(|status| set::status(status)).collect();
    let count: u64 = index.counts(T::FAMILY, &sets).await?.iter().sum();
    let mut excess = count.saturating_sub(bounds.max_entries);
    let first = index.first_to_leave(T::FAMILY, limits::INDEX_TRIM_ENTRIES).await?;
    let is_full = first.len() == limits::INDEX_TRIM_ENTRIES;
    let (mut removed, mut waiting) = (0, Vec::new());
    for (id, document) in first {
        shelf.load(id.clone(), Some(&document));
        let Some(entry) = shelf.get(&id) else {
            // Nobody can read it.
            shelf.remove(&id);
            excess = excess.saturating_sub(1);
            continue;
        };
        let is_old = now.since(entry.updated_at()) > bounds.keep;
        if excess == 0 && !is_old {
            return Ok(false);
        }
        if entry.is_over() || entry.is_external() {
            shelf.remove(&id);
            (removed, excess) = (removed + 1, excess.saturating_sub(1));
        } else {
            waiting.push(id);
        }
    }
    // Executions at work go last, but they go: there may be only so many.
    let too_many = usize::try_from(excess).unwrap_or(usize::MAX);
    let must_go = if removed == 0 { too_many.min(waiting.len()) } else { 0 };
    let stay = waiting.split_off(must_go);
    waiting.iter().for_each(|id| shelf.remove(id));
    // The others move behind, so that those behind them are looked at.
    stay.iter().for_each(|id| shelf.again(id));
    Ok(is_full && (removed > 0 || must_go > 0))
}
