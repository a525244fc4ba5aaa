//! A reader that misses nothing: history spliced into the live feed, without gap, duplicate or disorder.
//!
//! The live feed is a hint that may lose frames. A frame of it is taken as it is only when it provably is the next one:
//! its place follows the last one, or its writer checked that nothing of its key stands between. Else the log is read
//! up to it. Losses that no later frame reveals are found by probes: soon after joining, after every `Suspect`, and now
//! and then.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::cursor::{Cursor, Epoch, Place, Sequence};
use super::port::{Direction, Log, Page, Read, ReadError, Stored};
use super::probes::Probes;
use super::progress::Progress;
use super::tail::{Signal, Tail};
use crate::limits;
use crate::metrics;
use crate::subject::{Scope, Shard};

/// Where to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Since {
    /// At what is stored from now on.
    New,
    /// At the oldest frame that is left.
    All,
    /// Behind a cursor.
    After(Cursor),
}

/// Why a reader cannot have what it asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GapReason {
    /// Retention removed it.
    Expired,
    /// The log was deleted and made again, or lost its end.
    Recreated,
}

/// Frames that the reader asked for and that are gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The shard that has it.
    pub shard: Shard,
    /// Where the reader stood.
    pub requested: Place,
    /// The incarnation that it goes on in.
    pub epoch: Epoch,
    /// Where it goes on.
    pub first_available: Sequence,
    /// Why.
    pub reason: GapReason,
}

impl Gap {
    /// Where the reader stands behind the gap.
    #[must_use]
    pub const fn resumes(&self) -> Place {
        Place::after(self.epoch, self.first_available.previous())
    }
}

/// The items of a follower.
#[derive(Debug, Clone)]
pub enum Item {
    /// The next frame. Its first `skip` lines were read before.
    Frame {
        /// The frame.
        stored: Arc<Stored>,
        /// Lines to leave out.
        skip: u32,
    },
    /// Frames are missing; the next ones follow.
    Gap(Gap),
    /// Everything that was stored when the follower began has been said. Once.
    CaughtUp,
}

/// How long after it was near its place retention is taken not to have overtaken a reader. The log is asked for its bounds
/// only by those that read later than this.
const RETENTION_PATIENCE: Duration = Duration::from_secs(1);

const RETRY_MIN: Duration = Duration::from_millis(5);
const RETRY_MAX: Duration = Duration::from_secs(2);
/// Reads that may come back without the frame that was announced before its absence is looked into.
const STALE_READS: u32 = 8;

/// Reads a scope for ever. Dropping a pending [`Follower::next`] loses nothing.
#[derive(Debug)]
pub struct Follower {
    log: Arc<dyn Log>,
    scope: Scope,
    tail: Option<Tail>,
    shards: BTreeMap<Shard, Progress>,
    ready: VecDeque<Item>,
    caught_up: bool,
    page_bytes: usize,
    probes: Probes,
    retry: Duration,
    not_before: Option<Instant>,
    recheck: bool,
    _counted: metrics::Held,
}

impl Follower {
    /// Subscribes, then finds out where to begin.
    ///
    /// # Errors
    /// The log refuses or does not answer.
    pub async fn start(log: Arc<dyn Log>, scope: Scope, since: Since) -> Result<Self, ReadError> {
        let tail = log.tail(&scope).await?;
        let mut follower = Self {
            shards: BTreeMap::new(),
            ready: VecDeque::new(),
            tail: Some(tail),
            caught_up: false,
            page_bytes: limits::PAGE_BYTES,
            probes: Probes::new(),
            retry: RETRY_MIN,
            not_before: None,
            recheck: false,
            _counted: metrics::log::FOLLOWERS.hold(),
            log,
            scope,
        };
        for shard in follower.scope.shards(&follower.log.layout()) {
            let progress = follower.locate(shard, &since).await?;
            follower.shards.insert(shard, progress);
        }
        Ok(follower)
    }

    async fn locate(&mut self, shard: Shard, since: &Since) -> Result<Progress, ReadError> {
        let bounds = self.log.bounds(self.scope.lane(), shard).await?;
        let mut progress = Progress::at_first_of(&bounds);
        match since {
            Since::All => {}
            Since::New => {
                progress.next = bounds.last.next();
                progress.wanted = None;
            }
            Since::After(cursor) => {
                let Some(place) = cursor.place(shard) else { return Ok(progress) };
                if place.epoch != bounds.epoch || place.sequence > bounds.last {
                    self.ready.push_back(Item::Gap(Gap {
                        shard,
                        requested: place,
                        epoch: bounds.epoch,
                        first_available: bounds.first,
                        reason: GapReason::Recreated,
                    }));
                } else {
                    progress.next = place.unread();
                    progress.skip = if place.lines == u32::MAX { 0 } else { place.lines };
                    if progress.next < bounds.first {
                        progress.whole_at = None;
                    }
                }
            }
        }
        Ok(progress)
    }

    /// Reads shards too by which the layout has grown, from their beginning. `false`: the log did not answer.
    async fn adopt(&mut self) -> Result<bool, ReadError> {
        for shard in self.scope.shards(&self.log.layout()) {
            if !self.shards.contains_key(&shard) {
                let bounds = self.log.bounds(self.scope.lane(), shard).await;
                let Some(bounds) = self.patiently(bounds)? else { return Ok(false) };
                self.shards.insert(shard, Progress::at_first_of(&bounds));
            }
        }
        Ok(true)
    }

    /// How far the follower has come, with everything that [`Follower::next`] returned.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        let mut cursor = Cursor::start();
        for (&shard, progress) in &self.shards {
            let behind = progress.next.previous();
            cursor.set(shard, Place::after(progress.epoch, behind));
        }
        cursor
    }

    /// The incarnation of a shard.
    #[must_use]
    pub fn epoch(&self, shard: Shard) -> Epoch {
        self.shards.get(&shard).map_or(Epoch(0), |progress| progress.epoch)
    }

    /// The next item; waits for ever when nothing happens.
    ///
    /// # Errors
    /// Only what will not get better: the log refuses. While it does not answer, the follower tries again.
    pub async fn next(&mut self) -> Result<Item, ReadError> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Ok(item);
            }
            let Some(tail) = &mut self.tail else {
                self.pause().await;
                let tail = self.log.tail(&self.scope).await;
                self.tail = self.patiently(tail)?;
                if self.tail.is_some() && !self.adopt().await? {
                    self.tail = None;
                }
                self.suspect();
                continue;
            };
            if self.not_before.is_none()
                && let Some((&shard, _)) = self.shards.iter().find(|(_, p)| p.wanted.is_some())
            {
                self.read(shard).await?;
                continue;
            }
            if !self.caught_up && self.not_before.is_none() {
                self.caught_up = true;
                return Ok(Item::CaughtUp);
            }
            let wake = self.not_before.unwrap_or(self.probes.at());
            tokio::select! {
                biased;
                signal = tail.next() => match signal {
                    Some(Signal::Frame(stored)) => self.take(stored),
                    Some(Signal::Suspect) => self.suspect(),
                    None => self.tail = None,
                },
                () = self.probes.reach(wake) => {
                    if self.not_before.take().is_none() {
                        self.schedule_probe();
                    }
                }
            }
        }
    }

    /// The next item, if it is there already: nothing is waited for, and the log is not asked.
    pub fn next_now(&mut self) -> Option<Item> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Some(item);
            }
            let asks = self.not_before.is_some() || self.shards.values().any(|shard| shard.wanted.is_some());
            if asks || !self.caught_up {
                return None;
            }
            let stored = self.tail.as_mut()?.next_now()?;
            self.take(stored);
        }
    }

    /// A frame of the live feed: take it when it provably is the next one, else read up to it.
    fn take(&mut self, stored: Arc<Stored>) {
        let Some(progress) = self.shards.get_mut(&stored.shard) else { return };
        let is_newest = progress.is_newest(&stored);
        if stored.sequence < progress.next {
            // A duplicate is older than what was read. A log that was made again begins with the first place anew.
            if is_newest {
                progress.wanted.get_or_insert(None);
                self.recheck = true;
            }
            return;
        }
        if progress.wanted.is_none() && progress.skip == 0 && progress.precedes(&stored, &self.scope) {
            let now = Instant::now();
            progress.next = stored.sequence.next();
            progress.whole_at = Some(now);
            self.ready.push_back(Item::Frame { stored, skip: 0 });
            // A frame of one shard says nothing of the others.
            if self.shards.len() == 1 {
                self.probes.fed(now);
            }
        } else {
            let announced = progress.wanted.flatten().unwrap_or_default().max(stored.sequence);
            progress.wanted = Some(Some(announced));
        }
    }

    fn suspect(&mut self) {
        metrics::log::SUSPECTS.inc();
        self.recheck = true;
        self.probes.begin_anew();
        self.schedule_probe();
    }

    /// Makes every shard look into the log, and sets the time of the next such look.
    fn schedule_probe(&mut self) {
        metrics::log::PROBES.inc();
        for progress in self.shards.values_mut() {
            progress.wanted.get_or_insert(None);
        }
        self.probes.made(Instant::now());
    }

    async fn read(&mut self, shard: Shard) -> Result<(), ReadError> {
        if self.recheck {
            self.check_epochs().await?;
            return Ok(());
        }
        let Some(progress) = self.shards.get(&shard) else { return Ok(()) };
        let request = Read {
            scope: self.scope.clone(),
            shard,
            from: progress.next,
            direction: Direction::Forward,
            max_frames: limits::PAGE_FRAMES,
            max_bytes: self.page_bytes,
        };
        let page = self.log.read(&request).await;
        let Some(page) = self.patiently(page)? else { return Ok(()) };
        if !self.look_for_removed(shard, &page).await? {
            return Ok(());
        }
        self.accept(shard, page);
        if self.shards.get(&shard).is_some_and(|p| p.stale_reads >= STALE_READS) {
            self.look_for_announced(shard).await?;
        }
        Ok(())
    }

    fn accept(&mut self, shard: Shard, page: Page) {
        let Some(progress) = self.shards.get_mut(&shard) else { return };
        let empty = page.frames.is_empty();
        for stored in page.frames {
            progress.is_newest(&stored);
            let skip = if stored.sequence == progress.next { progress.skip } else { 0 };
            progress.skip = 0;
            progress.next = stored.sequence.next();
            progress.whole_at = Some(Instant::now());
            if skip < stored.frame.count || stored.frame.count == 0 {
                self.ready.push_back(Item::Frame { stored: Arc::new(stored), skip });
            }
        }
        if !page.done {
            return;
        }
        match progress.wanted.flatten() {
            Some(announced) if announced >= progress.next => {
                progress.stale_reads = if empty { progress.stale_reads + 1 } else { 0 };
                self.back_off();
            }
            _ => {
                progress.wanted = None;
                progress.stale_reads = 0;
                self.retry = RETRY_MIN;
            }
        }
    }

    /// Retention may overtake a slow reader: says so when frames before this page were removed. `false`: not known yet,
    /// the page must be read again.
    async fn look_for_removed(&mut self, shard: Shard, page: &Page) -> Result<bool, ReadError> {
        let (Some(progress), Some(first)) = (self.shards.get(&shard), page.frames.first()) else {
            return Ok(true);
        };
        let recent = progress.whole_at.is_some_and(|at| at.elapsed() < RETENTION_PATIENCE);
        if recent || progress.precedes(first, &self.scope) {
            return Ok(true);
        }
        let bounds = self.log.bounds(self.scope.lane(), shard).await;
        let Some(bounds) = self.patiently(bounds)? else { return Ok(false) };
        let first_available = bounds.first.min(first.sequence);
        let Some(progress) = self.shards.get_mut(&shard) else { return Ok(true) };
        if progress.next < first_available {
            let (requested, epoch) = (progress.place(), progress.epoch);
            (progress.next, progress.skip) = (first_available, 0);
            let reason = GapReason::Expired;
            self.ready.push_back(Item::Gap(Gap { shard, requested, epoch, first_available, reason }));
        }
        Ok(true)
    }

    /// A frame was announced and still is not there: removed in between, or the log is another one.
    async fn look_for_announced(&mut self, shard: Shard) -> Result<(), ReadError> {
        let bounds = self.log.bounds(self.scope.lane(), shard).await;
        let Some(bounds) = self.patiently(bounds)? else { return Ok(()) };
        let Some(progress) = self.shards.get_mut(&shard) else { return Ok(()) };
        progress.stale_reads = 0;
        if progress.wanted.flatten().is_some_and(|announced| announced < bounds.first) {
            let requested = progress.place();
            (progress.next, progress.skip) = (bounds.first, 0);
            progress.wanted = Some(None);
            let reason = GapReason::Expired;
            let (epoch, first_available) = (progress.epoch, bounds.first);
            self.ready.push_back(Item::Gap(Gap { shard, requested, epoch, first_available, reason }));
        }
        self.recheck = true;
        Ok(())
    }

    /// Notices logs that were deleted and made again, or that lost their end.
    async fn check_epochs(&mut self) -> Result<(), ReadError> {
        let shards: Vec<Shard> = self.shards.keys().copied().collect();
        for shard in shards {
            let bounds = self.log.bounds(self.scope.lane(), shard).await;
            let Some(bounds) = self.patiently(bounds)? else { return Ok(()) };
            let Some(progress) = self.shards.get_mut(&shard) else { continue };
            if bounds.epoch != progress.epoch || bounds.last.next() < progress.next {
                let requested = progress.place();
                *progress = Progress::at_first_of(&bounds);
                let reason = GapReason::Recreated;
                self.ready.push_back(Item::Gap(Gap {
                    shard,
                    requested,
                    epoch: bounds.epoch,
                    first_available: bounds.first,
                    reason,
                }));
            }
        }
        self.recheck = false;
        Ok(())
    }

    fn back_off(&mut self) {
        self.not_before = Some(Instant::now() + self.retry);
        self.retry = (self.retry * 2).min(RETRY_MAX);
    }

    async fn pause(&mut self) {
        if let Some(until) = self.not_before {
            tokio::time::sleep_until(until).await;
            self.not_before = None;
        }
    }

    /// `None` and a pause when the log does not answer; an error when it refuses.
    fn patiently<T>(&mut self, result: Result<T, ReadError>) -> Result<Option<T>, ReadError> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_retryable() => {
                tracing::warn!(%error, scope = ?self.scope, "the log does not answer a reader; trying again");
                self.back_off();
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
