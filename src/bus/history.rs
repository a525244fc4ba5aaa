//! History: pages of stored events, oldest or newest first.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Bus;
use super::delivery::{Delivery, decode, lines};
use super::filter::Filter;
use crate::limits;
use crate::log::{Bounds, Cursor, Direction, Gap, GapReason, Place, Read, ReadError, Sequence, Stored};
use crate::subject::{Scope, Shard};

/// Which end comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Oldest first.
    Oldest,
    /// Newest first.
    #[default]
    Newest,
}

/// What to read.
#[derive(Debug, Clone)]
pub struct Query {
    /// Which events.
    pub filter: Filter,
    /// Which end first.
    pub order: Order,
    /// Events at most, 1 to [`limits::HISTORY_MAX_EVENTS`].
    pub limit: usize,
    /// Go on behind it, in the same order: an earlier page's `next`, or an event's cursor.
    pub cursor: Option<Cursor>,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            filter: Filter::all(),
            order: Order::default(),
            limit: limits::HISTORY_DEFAULT_EVENTS,
            cursor: None,
        }
    }
}

/// A page of history.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Events, and lines that are none, in the order asked for.
    pub events: Vec<Delivery>,
    /// Where the next page begins; `None`: nothing is left in this direction now.
    pub next: Option<Cursor>,
    /// Behind everything that was looked at, in this order: where to go on when there is more later.
    pub end: Cursor,
    /// What was asked for and is gone.
    pub gaps: Vec<Gap>,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The limit is out of range.
    #[error("limit is {0}, from 1 to {max} is allowed", max = limits::HISTORY_MAX_EVENTS)]
    Limit(usize),
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] ReadError),
}

/// One shard's side of the merge.
struct Side {
    bounds: Bounds,
    /// The boundary between what was returned and what was not.
    place: Place,
    frames: VecDeque<Arc<Stored>>,
    from: Sequence,
    done: bool,
}

impl Bus {
    /// Reads a page. Events of one execution come in its order; events of several come by the time that the log took
    /// them. A page may be short, or empty, with a `next`: then the limit on how much one call reads was reached.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn history(&self, query: &Query) -> Result<Page, Error> {
        if !(1..=limits::HISTORY_MAX_EVENTS).contains(&query.limit) {
            return Err(Error::Limit(query.limit));
        }
        let scope = query.filter.scope();
        let mut page = Page::default();
        let mut sides = BTreeMap::new();
        for shard in scope.shards(self.log.layout()) {
            sides.insert(shard, self.side(shard, &scope, query, &mut page).await?);
        }
        let mut budget = limits::HISTORY_SCAN_FRAMES;
        let mut full = false;
        while let Some((shard, stored)) = self.nearest(&mut sides, &scope, query.order).await? {
            full = !take(&mut sides, shard, &stored, query, &mut page);
            budget = budget.saturating_sub(1);
            if full || budget == 0 {
                full = true;
                break;
            }
        }
        page.end = boundary(&sides);
        page.next = full.then(|| page.end.clone());
        Ok(page)
    }

    async fn side(&self, shard: Shard, scope: &Scope, query: &Query, page: &mut Page) -> Result<Side, Error> {
        let bounds = self.log.bounds(scope.lane(), shard).await?;
        let start = match query.order {
            Order::Oldest => Place::after(bounds.epoch, bounds.first.previous()),
            Order::Newest => Place::after(bounds.epoch, bounds.last),
        };
        let asked = query.cursor.as_ref().and_then(|cursor| cursor.place(shard));
        let place = match asked {
            Some(place) if place.epoch != bounds.epoch || place.sequence > bounds.last => {
                let reason = GapReason::Recreated;
                let (epoch, first_available) = (bounds.epoch, bounds.first);
                page.gaps.push(Gap { shard, requested: place, epoch, first_available, reason });
                start
            }
            Some(place) if place.unread() < bounds.first && query.order == Order::Oldest => {
                let reason = GapReason::Expired;
                let (epoch, first_available) = (bounds.epoch, bounds.first);
                page.gaps.push(Gap { shard, requested: place, epoch, first_available, reason });
                start
            }
            Some(place) => place,
            None => start,
        };
        Ok(Side { bounds, from: place.sequence, place, frames: VecDeque::new(), done: bounds.last.0 == 0 })
    }

    /// The shard whose next frame comes next, by the time that the log took it.
    async fn nearest(
        &self,
        sides: &mut BTreeMap<Shard, Side>,
        scope: &Scope,
        order: Order,
    ) -> Result<Option<(Shard, Arc<Stored>)>, ReadError> {
        let direction = match order {
            Order::Oldest => Direction::Forward,
            Order::Newest => Direction::Backward,
        };
        for (&shard, side) in sides.iter_mut() {
            if side.frames.is_empty() && !side.done {
                let read = Read {
                    scope: scope.clone(),
                    shard,
                    from: side.from,
                    direction,
                    max_frames: limits::PAGE_FRAMES,
                    max_bytes: limits::PAGE_BYTES,
                };
                let page = self.log.read(&read).await?;
                side.done = page.done || page.frames.is_empty();
                side.frames.extend(page.frames.into_iter().map(Arc::new));
                if let Some(last) = side.frames.back() {
                    match direction {
                        Direction::Forward => side.from = last.sequence.next(),
                        Direction::Backward if last.sequence <= side.bounds.first => side.done = true,
                        Direction::Backward => side.from = last.sequence.previous(),
                    }
                }
            }
        }
        let next = sides.iter().filter_map(|(&shard, side)| Some((shard, side.frames.front()?)));
        let found = match order {
            Order::Oldest => next.min_by_key(|(_, stored)| stored.stored_at),
            Order::Newest => next.max_by_key(|(_, stored)| stored.stored_at),
        };
        let Some((shard, _)) = found else { return Ok(None) };
        Ok(sides.get_mut(&shard).and_then(|side| side.frames.pop_front()).map(|stored| (shard, stored)))
    }
}

fn boundary(sides: &BTreeMap<Shard, Side>) -> Cursor {
    let mut cursor = Cursor::start();
    for (&shard, side) in sides {
        cursor.set(shard, side.place);
    }
    cursor
}

/// Takes a frame's lines into the page; `false` when the page is full.
fn take(
    sides: &mut BTreeMap<Shard, Side>,
    shard: Shard,
    stored: &Arc<Stored>,
    query: &Query,
    page: &mut Page,
) -> bool {
    let Some(side) = sides.get(&shard) else { return true };
    let (epoch, start) = (side.bounds.epoch, side.place);
    let here = stored.sequence == start.sequence;
    let mut all: Vec<_> = match query.order {
        Order::Oldest => lines(stored, epoch, if here { start.lines } else { 0 }).collect(),
        Order::Newest => lines(stored, epoch, 0)
            .filter(|line| !here || line_number(line.place, stored) <= start.lines)
            .collect(),
    };
    if query.order == Order::Newest {
        all.reverse();
    }
    for line in all {
        if page.events.len() >= query.limit {
            return false;
        }
        let behind = line.place;
        let before = Place { lines: line_number(line.place, stored) - 1, ..line.place };
        let moved = if query.order == Order::Oldest { behind } else { before };
        if let Some(side) = sides.get_mut(&shard) {
            side.place = moved;
        }
        // An event's cursor is the place behind it, whatever the order of the page.
        let cursor = boundary(sides).with(shard, behind);
        let delivery = decode(stored, line, cursor);
        if !matches!(&delivery, Delivery::Event(found) if !query.filter.wants(&found.event)) {
            page.events.push(delivery);
        }
    }
    true
}

/// Which line of its frame a place is behind, from 1.
fn line_number(place: Place, stored: &Stored) -> u32 {
    if place.lines == u32::MAX {
        if stored.damage.is_some() {
            1
        } else {
            u32::try_from(stored.frame.lines().count()).unwrap_or(u32::MAX).max(1)
        }
    } else {
        place.lines
    }
}
