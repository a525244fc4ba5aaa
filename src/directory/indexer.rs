//! Follows the log and moves the index on: from the place that the index names, in batches that go on from its revision. Two at a time do
//! no harm: of two batches from one revision one counts, and whoever wrote the other begins again where the index stands.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Directory;
use super::draft::Draft;
use super::fold::{Found, wants};
use super::note::Note;
use super::trim;
use crate::bus::delivery::{Delivery, decode, lines};
use crate::event::Head;
use crate::limits;
use crate::log::{Cursor, Follower, GapReason, Item, Place, ReadError, Since, Stored};
use crate::store::index::{Batch, Family};
use crate::store::{self, Lease, Name};
use crate::subject::Scope;

/// Why the index is not moved on.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] Arc<ReadError>),
    /// The store cannot be written or read.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Error {
    /// Whether the same may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Log(error) => error.is_retryable(),
            Self::Store(error) => error.is_retryable(),
        }
    }
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        Self::Log(Arc::new(error))
    }
}

/// How a pass over the log ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// Everything that was stored when it began is in the index.
    CaughtUp,
    /// Somebody else moved the index on, or it begins anew.
    Again,
    /// Another process does it now.
    Taken,
}

/// How long a pass lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until<'a> {
    CaughtUp,
    /// For as long as this process has the lease.
    Lost(&'a str),
}

impl Until<'_> {
    /// Whether the pass holds a lease, which it renews.
    const fn renews(self) -> bool {
        matches!(self, Self::Lost(_))
    }
}

/// One process at a time does it; the lease only keeps the others from doing the same work.
fn lease() -> Name {
    Name { family: "directory", id: "lease".into() }
}

impl Directory {
    /// Keeps the index with the log, whenever no other process does, until `stop`.
    pub async fn keep(&self, owner: &str, stop: CancellationToken) {
        let keeping = async {
            loop {
                match self.keep_once(owner).await {
                    Ok(()) => tokio::time::sleep(limits::INDEX_LEASE / 3).await,
                    Err(error) => {
                        tracing::warn!(%error, "the lists do not follow the log; it is tried again");
                        tokio::time::sleep(limits::INDEX_PATIENCE).await;
                    }
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = keeping => {}
        }
        self.is_keeping.store(false, std::sync::atomic::Ordering::Relaxed);
        let _ = tokio::time::timeout(limits::INDEX_PATIENCE, self.bus.store().release(&lease(), owner)).await;
    }

    async fn keep_once(&self, owner: &str) -> Result<(), Error> {
        let mut held = self.has_lease(owner).await?;
        while held {
            held = self.pass(Until::Lost(owner)).await? != Ended::Taken;
        }
        Ok(())
    }

    async fn has_lease(&self, owner: &str) -> Result<bool, Error> {
        let held = self.bus.store().lease(&lease(), owner, limits::INDEX_LEASE).await? == Lease::Held;
        self.is_keeping.store(held, std::sync::atomic::Ordering::Relaxed);
        Ok(held)
    }

    /// Moves the index on to what the log holds now, for processes that only look. Somebody else may be doing the same.
    ///
    /// # Errors
    /// The log or the store does not answer.
    pub async fn catch_up(&self, patience: Duration) -> Result<(), Error> {
        let catching_up = async {
            while self.pass(Until::CaughtUp).await? != Ended::CaughtUp {}
            Ok(())
        };
        tokio::time::timeout(patience, catching_up).await.unwrap_or(Ok(()))
    }

    async fn pass(&self, until: Until<'_>) -> Result<Ended, Error> {
        let index = self.bus.store().index();
        let head = index.head().await?;
        let known = head.and_then(|head| Some((head.revision, Note::decode(&head.note)?)));
        let (revision, note) = match known {
            Some(known) => known,
            None => {
                index.clear().await?;
                (0, Note::new(Cursor::start(), false))
            }
        };
        let since = Since::After(note.cursor.clone());
        let follower = Follower::start(self.bus.log().clone(), Scope::EVERYTHING, since).await?;
        let now = Instant::now();
        let pass = Pass {
            directory: self,
            follower,
            revision,
            saved: if revision == 0 { Note::new(Cursor::start(), false) } else { note.clone() },
            note: note.behind(),
            draft: Draft::default(),
            found: Vec::new(),
            frames: 0,
            flush_at: None,
            save_at: now + limits::INDEX_SAVE,
            trim_at: now,
        };
        pass.run(until).await
    }
}

/// One pass over the log.
struct Pass<'a> {
    directory: &'a Directory,
    follower: Follower,
    /// Where the index stands.
    revision: u64,
    /// Behind all that was read.
    note: Note,
    /// The note that the index has.
    saved: Note,
    draft: Draft,
    /// Events that are read and not folded yet.
    found: Vec<Found>,
    /// Frames that were read since the index was told.
    frames: usize,
    flush_at: Option<Instant>,
    save_at: Instant,
    trim_at: Instant,
}

impl Pass<'_> {
    async fn run(mut self, until: Until<'_>) -> Result<Ended, Error> {
        // Each of these times is later than now at the begin of a turn: one that stays in the past is due for ever, and nothing is read.
        let mut renew_at = until.renews().then(|| Instant::now() + limits::INDEX_LEASE / 3);
        loop {
            let others = [self.flush_at, renew_at].into_iter().flatten();
            let wake_at = others.fold(self.trim_at, Instant::min);
            let item = tokio::select! {
                biased;
                () = tokio::time::sleep_until(wake_at) => None,
                item = self.follower.next() => Some(item?),
            };
            let now = Instant::now();
            let mut is_caught_up = false;
            match item {
                Some(Item::Frame { stored, skip }) => self.read(&stored, skip),
                // The index is of another log; or it was complete, and what it missed since is gone: entries may be wrong for ever.
                Some(Item::Gap(gap)) if gap.reason == GapReason::Recreated || self.note.caught_up => {
                    tracing::info!(shard = gap.shard.0, reason = ?gap.reason, "the lists are built anew from the log");
                    self.directory.bus.store().index().clear().await?;
                    return Ok(Ended::Again);
                }
                Some(Item::Gap(gap)) => self.note.cursor.set(gap.shard, gap.resumes()),
                Some(Item::CaughtUp) => is_caught_up = true,
                None => {}
            }
            let is_due = is_caught_up
                || self.found.len() >= limits::INDEX_BATCH
                || self.flush_at.is_some_and(|then| now >= then)
                || (self.frames > 0 && now >= self.save_at);
            if is_due {
                if is_caught_up {
                    (self.note.caught_up, self.note.is_behind) = (true, false);
                }
                if !self.flush().await? {
                    return Ok(Ended::Again);
                }
                if is_caught_up && until == Until::CaughtUp {
                    return Ok(Ended::CaughtUp);
                }
            }
            if now >= self.trim_at {
                let Some(more) = self.trim().await? else { return Ok(Ended::Again) };
                self.trim_at = Instant::now() + if more { limits::INDEX_PAUSE } else { limits::INDEX_TRIM };
            }
            if let Until::Lost(owner) = until
                && renew_at.is_some_and(|then| now >= then)
            {
                renew_at = Some(now + limits::INDEX_LEASE / 3);
                if !self.directory.has_lease(owner).await? {
                    return Ok(Ended::Taken);
                }
            }
        }
    }

    fn read(&mut self, stored: &Arc<Stored>, skip: u32) {
        let epoch = self.follower.epoch(stored.shard);
        for line in lines(stored, epoch, skip) {
            // Most lines are pieces of text: they need not be read.
            let is_wanted = Head::decode(&line.bytes).is_ok_and(|head| wants(&head.kind));
            if is_wanted && let Delivery::Event(found) = decode(stored, line, Cursor::start()) {
                let (mut event, external) = (found.event, found.external);
                if external {
                    // Others may say any time: what is to come would never be old.
                    event.timestamp = event.timestamp.min(stored.stored_at);
                }
                self.found.push(Found { event, external, stored_at: stored.stored_at });
            }
        }
        self.note.cursor.set(stored.shard, Place::after(epoch, stored.sequence));
        self.frames += 1;
        if self.flush_at.is_none() && !self.found.is_empty() {
            self.flush_at = Some(Instant::now() + limits::INDEX_PAUSE);
        }
    }

    /// Folds what was read, and tells the index. `false`: somebody else has moved it on.
    async fn flush(&mut self) -> Result<bool, Error> {
        self.fold().await?;
        self.flush_at = None;
        self.frames = 0;
        self.save_at = Instant::now() + limits::INDEX_SAVE;
        let goes_on = self.write().await?;
        if self.draft.known() > limits::INDEX_KNOWN {
            self.draft = Draft::default();
        }
        Ok(goes_on)
    }

    async fn fold(&mut self) -> Result<(), Error> {
        let found = std::mem::take(&mut self.found);
        self.load(found.iter().flat_map(Found::names).collect()).await?;
        let runs = found.iter().filter_map(|found| found.event.execution_id.as_ref());
        let more = runs.flat_map(|id| self.draft.names_of(id.as_str())).collect();
        self.load(more).await?;
        found.iter().for_each(|found| self.draft.apply(found));
        Ok(())
    }

    async fn load(&mut self, names: Vec<(Family, String)>) -> Result<(), Error> {
        let index = self.directory.bus.store().index();
        for family in Family::ALL {
            let of = names.iter().filter(|(of, id)| *of == family && !self.draft.knows(family, id));
            let ids: std::collections::BTreeSet<String> = of.map(|(_, id)| id.clone()).collect();
            if ids.is_empty() {
                continue;
            }
            let ids: Vec<String> = ids.into_iter().collect();
            let documents = index.documents(family, &ids).await?;
            for (id, document) in ids.into_iter().zip(&documents) {
                self.draft.load(family, id, document.as_ref());
            }
        }
        Ok(())
    }

    async fn write(&mut self) -> Result<bool, Error> {
        if self.draft.changed() == 0 && self.note == self.saved {
            return Ok(true);
        }
        let batch = Batch {
            from: self.revision,
            token: uuid::Uuid::new_v4().to_string(),
            note: self.note.encode(),
            changes: self.draft.changes(self.directory.clock.now()),
        };
        if !self.directory.bus.store().index().advance(&batch).await? {
            return Ok(false);
        }
        self.revision += 1;
        self.saved = self.note.clone();
        self.directory.moved(self.revision);
        Ok(true)
    }

    /// Takes out what is too much or too old, for a moment: the lease and the log wait. Whether there is more; `None`: somebody else has
    /// moved the index on.
    async fn trim(&mut self) -> Result<Option<bool>, Error> {
        // The note is ahead of what is read and not folded yet: saved without that, those events would be lost.
        if !self.found.is_empty() && !self.flush().await? {
            return Ok(None);
        }
        let until = Instant::now() + limits::INDEX_TRIM_TIME;
        loop {
            let index = self.directory.bus.store().index();
            let bounds = self.directory.bounds;
            let more = trim::step(index, &mut self.draft, bounds, self.directory.clock.now()).await?;
            if self.draft.changed() > 0 && !self.write().await? {
                return Ok(None);
            }
            if !more || Instant::now() >= until {
                return Ok(Some(more));
            }
        }
    }
}
