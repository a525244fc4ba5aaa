//! How entries leave the index: there are only so many of each list, and what nothing more is expected of stays only so long.

use std::time::Duration;

use super::draft::{Draft, Shelf};
use super::listed::{Listed, OWN_RANK, set};
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
    let mut from = i64::MIN;
    loop {
        let first = index.first_to_leave(T::FAMILY, from, limits::INDEX_TRIM_ENTRIES).await?;
        let is_full = first.len() == limits::INDEX_TRIM_ENTRIES;
        let mut stays = None;
        for (id, document) in first {
            shelf.load(id.clone(), Some(&document));
            // Entries that nobody can read go too.
            if let Some(entry) = shelf.get(&id) {
                let is_done = entry.is_over() || entry.is_external();
                let is_old = is_done && now.since(entry.updated_at()) > bounds.keep;
                if excess == 0 && !is_old {
                    stays = Some(entry.is_external());
                    break;
                }
            }
            shelf.remove(&id);
            excess = excess.saturating_sub(1);
        }
        match stays {
            // Others' entries stand before Runbus's own, of which older ones may leave.
            Some(true) if from < OWN_RANK => from = OWN_RANK,
            Some(_) => return Ok(false),
            None => return Ok(is_full),
        }
    }
}
