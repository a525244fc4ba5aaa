//! What comes next for one subscription: from the hub's ring while the client keeps up, else from the log.

use std::sync::Arc;

use runbus::bus::Filter;
use runbus::bus::delivery::lines;
use runbus::log::{Cursor, Direction, GapReason, Place, Read, ReadError, Since};
use runbus::subject::Shard;
use tokio::sync::Notify;

use super::client::Shared;
use super::history::{Ahead, Said};
use super::missing;
use super::outbound::{Batch, Outbound};
use crate::hub::ring::Found;
use crate::hub::{Entry, Hub, Hubs};
use crate::limits;
use crate::protocol::server;

/// Where a subscription reads.
#[derive(Debug)]
pub(super) enum Source {
    /// In the hub's ring.
    Ring {
        /// The hub.
        hub: Arc<Hub>,
        /// The number of the next entry.
        next: u64,
        /// Leave out what stands at or before this place: the hub may still be behind the client.
        after: Option<Place>,
    },
    /// In the log, because the ring does not reach back so far; until it does.
    Log {
        /// The hub.
        hub: Arc<Hub>,
        /// The shard.
        shard: Shard,
        /// What was sent last.
        place: Place,
    },
    /// A broad scope's history.
    Ahead(Ahead),
}

impl Source {
    /// For a hub of one shard: behind `place`.
    #[must_use]
    pub(super) fn at(hub: Arc<Hub>, shard: Shard, place: Place) -> Self {
        match hub.look(|ring| ring.rejoin(place)) {
            Some(next) => Self::Ring { hub, next, after: Some(place) },
            None => Self::Log { hub, shard, place },
        }
    }
}

/// One subscription of a client.
#[derive(Debug)]
pub(super) struct Subscription {
    /// What the client calls it.
    pub id: String,
    filter: Filter,
    source: Source,
    caught_up: bool,
    /// Behind what was sent last in each shard: where a client that falls out of the ring goes on.
    cursor: Cursor,
    wake: Arc<Notify>,
}

impl Subscription {
    /// One that reads `source`.
    #[must_use]
    pub(super) const fn new(
        id: String,
        filter: Filter,
        source: Source,
        cursor: Cursor,
        wake: Arc<Notify>,
    ) -> Self {
        Self { id, filter, source, caught_up: false, cursor, wake }
    }

    /// Adds what is there until `out` is full; `true` when more may be there.
    ///
    /// # Errors
    /// The log refuses.
    pub(super) async fn produce(&mut self, shared: &Shared, out: &mut Outbound) -> Result<bool, ReadError> {
        if out.is_full() {
            return Ok(true);
        }
        match &mut self.source {
            Source::Ring { .. } => {
                let (more, gone) = self.ring_entries(out)?;
                if gone {
                    self.leave_ring(shared).await?;
                }
                Ok(more || gone)
            }
            Source::Ahead(_) => self.ahead_entries(out),
            Source::Log { .. } => self.log_entries(shared, out).await,
        }
    }

    /// Whether more may be there, and whether the ring has moved on.
    fn ring_entries(&mut self, out: &mut Outbound) -> Result<(bool, bool), ReadError> {
        let Source::Ring { hub, next, after } = &mut self.source else { return Ok((false, false)) };
        let mut batch = Batch::new(&self.id, &self.filter, out);
        let mut caught_up = false;
        let mut gone = false;
        hub.look(|ring| {
            if let Some(reason) = &ring.broken {
                return Err(ReadError::Refused(reason.to_string()));
            }
            loop {
                if batch.is_full() {
                    return Ok(());
                }
                match ring.get(*next) {
                    Found::Entry(entry) => {
                        *next += 1;
                        let old = match (entry.place, *after) {
                            (Some(place), Some(after)) => !place.is_behind(after),
                            _ => false,
                        };
                        if !old {
                            batch.add(&entry);
                            if let Some(place) = entry.place {
                                self.cursor.set(entry.shard, place);
                            }
                        }
                    }
                    Found::Gone => {
                        gone = true;
                        return Ok(());
                    }
                    Found::Nothing => {
                        caught_up = ring.caught_up || !hub.is_narrow;
                        return Ok(());
                    }
                }
            }
        })?;
        if caught_up && !self.caught_up {
            self.caught_up = true;
            batch.say(server::caught_up(&self.id));
        }
        let more = batch.is_full();
        batch.finish();
        Ok((more, gone))
    }

    /// The ring has moved on: read from the log what was missed.
    async fn leave_ring(&mut self, shared: &Shared) -> Result<(), ReadError> {
        let Source::Ring { hub, .. } = &self.source else { return Ok(()) };
        let narrow = self.cursor.places().next().filter(|_| hub.is_narrow);
        self.source = match narrow {
            Some((shard, place)) => Source::Log { hub: hub.clone(), shard, place },
            None => {
                let since = Since::After(self.cursor.clone());
                Source::Ahead(Ahead::start(shared, self.filter.clone(), since, self.wake.clone()).await?)
            }
        };
        Ok(())
    }

    fn ahead_entries(&mut self, out: &mut Outbound) -> Result<bool, ReadError> {
        let Source::Ahead(ahead) = &mut self.source else { return Ok(false) };
        let mut batch = Batch::new(&self.id, &self.filter, out);
        let mut more = true;
        while !batch.is_full() {
            match ahead.next()? {
                Some(Said::Entry(entry, _share)) => batch.add(&entry),
                // A client that fell out of the ring was told before.
                Some(Said::CaughtUp) if self.caught_up => {}
                Some(Said::CaughtUp) => {
                    self.caught_up = true;
                    batch.say(server::caught_up(&self.id));
                }
                None => {
                    more = false;
                    break;
                }
            }
        }
        batch.finish();
        Ok(more)
    }

    async fn log_entries(&mut self, shared: &Shared, out: &mut Outbound) -> Result<bool, ReadError> {
        let Source::Log { hub, shard, place } = &mut self.source else { return Ok(false) };
        let read = Read {
            scope: hub.scope.clone(),
            shard: *shard,
            from: place.unread(),
            direction: Direction::Forward,
            max_frames: runbus::limits::PAGE_FRAMES,
            max_bytes: shared.config.client_buffer_bytes,
        };
        let found = {
            // The semaphore is never closed.
            let _permit = shared.history_reads.acquire().await;
            let log = shared.bus.log();
            match log.read(&read).await {
                Ok(page) => {
                    missing::between(log.as_ref(), hub, *shard, *place, &page).await.map(|gap| (page, gap))
                }
                Err(error) => Err(error),
            }
        };
        let (page, gap) = match found {
            Ok(found) => found,
            Err(error) if error.is_retryable() => {
                tracing::warn!(%error, "history is not there yet");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                return Ok(true);
            }
            Err(error) => return Err(error),
        };
        let mut batch = Batch::new(&self.id, &self.filter, out);
        let idle = page.frames.is_empty() && gap.is_none();
        let mut frames = page.frames;
        if let Some(gap) = gap {
            *place = gap.resumes();
            batch.say(server::about("gap", &self.id, &server::gap_fields(&gap)));
            // What was read of another incarnation is read again.
            if gap.reason == GapReason::Recreated {
                frames.clear();
            }
        }
        for stored in frames {
            let stored = Arc::new(stored);
            let half = stored.sequence == place.sequence && place.lines != u32::MAX;
            let skip = if half { place.lines } else { 0 };
            for line in lines(&stored, place.epoch, skip) {
                let cursor = Cursor::start().with(*shard, line.place);
                *place = line.place;
                batch.add(&Entry::line(&stored, line, cursor));
            }
        }
        batch.finish();
        self.cursor.set(*shard, *place);
        let (hub, shard, place) = (hub.clone(), *shard, *place);
        self.source = Source::at(hub, shard, place);
        if idle && matches!(self.source, Source::Log { .. }) {
            // The hub is ahead of what this read saw: a replica that lags.
            tokio::time::sleep(limits::LAG_PAUSE).await;
        }
        Ok(true)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Source::Ring { hub, .. } | Source::Log { hub, .. } = &self.source {
            Hubs::linger(hub.clone());
        }
    }
}
