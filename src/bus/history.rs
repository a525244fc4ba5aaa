//! History: pages of stored events, oldest or newest first.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Bus;
use super::beginning::{Beginning, beginning};
use super::delivery::{Delivery, Line, decode, lines};
use super::filter::Filter;
use crate::limits;
use crate::log::{Bounds, Cursor, Direction, Gap, GapReason, Place, Read, ReadError, Sequence, Stored};
use crate::store::Name;
use crate::subject::{Scope, Shard};

/// Which end comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Oldest first.
    Oldest,
    /// Newest first.
    #[default]
    Newest,
}

/// The query of a page.
#[derive(Debug, Clone)]
pub struct Query {
    /// Which events.
    pub filter: Filter,
    /// Which end first.
    pub order: Order,
    /// Events at most, 1 to [`limits::HISTORY_MAX_EVENTS`].
    pub limit: usize,
    /// Bytes of their lines at most, 1 to [`limits::HISTORY_MAX_BYTES`]. One larger line makes a page of its own.
    pub bytes: usize,
    /// Go on behind it, in the same order: an earlier page's `next`, or an event's cursor.
    pub cursor: Option<Cursor>,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            filter: Filter::all(),
            order: Order::default(),
            limit: limits::HISTORY_DEFAULT_EVENTS,
            bytes: limits::HISTORY_MAX_BYTES,
            cursor: None,
        }
    }
}

/// A page of history, each of its lines as the caller wants it.
#[derive(Debug, Clone)]
pub struct Page<T = Delivery> {
    /// Events, and lines that are none, in the order asked for.
    pub events: Vec<T>,
    /// Bytes of their lines.
    pub bytes: usize,
    /// Where the next page begins; `None`: nothing is left in this direction now.
    pub next: Option<Cursor>,
    /// Behind everything that was looked at, in this order: where to go on when there is more later.
    pub end: Cursor,
    /// The parts of the requested range that are gone.
    pub gaps: Vec<Gap>,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        let (next, end, gaps) = (None, Cursor::start(), Vec::new());
        Self { events: Vec::new(), bytes: 0, next, end, gaps }
    }
}

/// A line on its way into a page.
#[derive(Debug)]
pub struct Found<'a> {
    /// Its frame.
    pub stored: &'a Stored,
    /// The line.
    pub line: Line,
    /// The place behind it, over all shards.
    pub cursor: Cursor,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The limit is out of range.
    #[error("limit is {0}, from 1 to {max} is allowed", max = limits::HISTORY_MAX_EVENTS)]
    Limit(usize),
    /// The bound in bytes is out of range.
    #[error("bytes is {0}, from 1 to {max} is allowed", max = limits::HISTORY_MAX_BYTES)]
    Bytes(usize),
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] ReadError),
}

/// Bytes that one shard is read ahead by, at least.
const LEAST_SIDE_BYTES: usize = 64 * 1024;

/// One shard's side of the merge.
struct Side {
    bounds: Bounds,
    /// The boundary between the returned frames and the others.
    place: Place,
    frames: VecDeque<Arc<Stored>>,
    from: Sequence,
    done: bool,
}

impl Bus {
    /// Reads a page. Events of one execution come in its order; events of several come by the time that the log took
    /// them. A page may be short, or empty, with a `next`: then the limit on how much one call reads or returns was reached.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn history(&self, query: &Query) -> Result<Page, Error> {
        self.history_as(query, |found| {
            let delivery = decode(found.stored, found.line, found.cursor);
            let is_wanted = !matches!(&delivery, Delivery::Event(found) if !query.filter.wants(&found.event));
            is_wanted.then_some(delivery)
        })
        .await
    }

    /// The same; `make` makes of each line what the page holds, so that nothing is held twice. `None`: the line is not wanted. It is
    /// asked to look at types and times; the rest of the filter was seen to.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn history_as<T>(
        &self,
        query: &Query,
        mut make: impl FnMut(Found<'_>) -> Option<T>,
    ) -> Result<Page<T>, Error> {
        if !(1..=limits::HISTORY_MAX_EVENTS).contains(&query.limit) {
            return Err(Error::Limit(query.limit));
        }
        if !(1..=limits::HISTORY_MAX_BYTES).contains(&query.bytes) {
            return Err(Error::Bytes(query.bytes));
        }
        let scope = query.filter.scope();
        let mut page = Page::default();
        let mut sides = BTreeMap::new();
        for shard in scope.shards(&self.log.layout()) {
            sides.insert(shard, self.side(shard, &scope, query, &mut page.gaps).await?);
        }
        let mut budget = limits::HISTORY_SCAN_FRAMES;
        let mut full = false;
        while let Some((shard, stored)) = self.nearest(&mut sides, &scope, query.order).await? {
            full = !take(&mut sides, shard, &stored, query, &mut page, &mut make);
            budget = budget.saturating_sub(1);
            if full || budget == 0 {
                full = true;
                break;
            }
        }
        // The pages of an order reach the beginning at one end.
        let begins = |shard| match query.order {
            Order::Newest => !full,
            Order::Oldest => query.cursor.as_ref().is_none_or(|cursor| cursor.place(shard).is_none()),
        };
        for (&shard, side) in &sides {
            if begins(shard) && !page.gaps.iter().any(|gap| gap.shard == shard) {
                page.gaps.extend(self.cut(&scope, shard, &side.bounds).await?);
            }
        }
        page.end = boundary(&sides);
        page.next = full.then(|| page.end.clone());
        Ok(page)
    }

    /// The gap before the first frame that is left.
    async fn cut(&self, scope: &Scope, shard: Shard, bounds: &Bounds) -> Result<Option<Gap>, Error> {
        match (beginning(&self.log, scope, shard, bounds).await?, scope) {
            (Beginning::Whole, _) => Ok(None),
            (Beginning::Cut(gap), _) => Ok(Some(gap)),
            (Beginning::Nothing(gap), Scope::Events { execution: Some(id), .. }) => {
                // Nothing is left of it: what the store remembers tells whether there was anything.
                let name = Name { family: "execution", id: id.to_string() };
                let known = self.store.get(&name).await.inspect_err(|error| {
                    tracing::warn!(execution = %id, %error, "the store does not answer");
                });
                Ok(known.ok().flatten().map(|_known| gap))
            }
            (Beginning::Nothing(_), _) => Ok(None),
        }
    }

    async fn side(
        &self,
        shard: Shard,
        scope: &Scope,
        query: &Query,
        gaps: &mut Vec<Gap>,
    ) -> Result<Side, Error> {
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
                gaps.push(Gap { shard, requested: place, epoch, first_available, reason });
                start
            }
            Some(place) if place.unread() < bounds.first && query.order == Order::Oldest => {
                let reason = GapReason::Expired;
                let (epoch, first_available) = (bounds.epoch, bounds.first);
                gaps.push(Gap { shard, requested: place, epoch, first_available, reason });
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
        // All sides together hold about as much as two pages of the log.
        let max_bytes =
            (2 * limits::PAGE_BYTES / sides.len().max(1)).clamp(LEAST_SIDE_BYTES, limits::PAGE_BYTES);
        for (&shard, side) in sides.iter_mut() {
            if side.frames.is_empty() && !side.done {
                let read = Read {
                    scope: scope.clone(),
                    shard,
                    from: side.from,
                    direction,
                    max_frames: limits::PAGE_FRAMES,
                    max_bytes,
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
fn take<T>(
    sides: &mut BTreeMap<Shard, Side>,
    shard: Shard,
    stored: &Stored,
    query: &Query,
    page: &mut Page<T>,
    make: &mut impl FnMut(Found<'_>) -> Option<T>,
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
        let bytes = line.bytes.len();
        if page.events.len() >= query.limit || (page.bytes > 0 && page.bytes + bytes > query.bytes) {
            return false;
        }
        let behind = line.place;
        let before = Place { lines: line_number(line.place, stored) - 1, ..line.place };
        let moved = if query.order == Order::Oldest { behind } else { before };
        if let Some(side) = sides.get_mut(&shard) {
            side.place = moved;
        }
        // An event's cursor is the place behind it, in both orders of the page.
        let cursor = boundary(sides).with(shard, behind);
        if let Some(made) = make(Found { stored, line, cursor }) {
            page.events.push(made);
            page.bytes += bytes;
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
