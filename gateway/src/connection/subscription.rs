//! The next step of one subscription: from the hub's ring while the client keeps up, else from the log. The same for
//! every transport.

use std::collections::VecDeque;
use std::sync::Arc;

use runbus::bus::Filter;
use runbus::bus::delivery::lines;
use runbus::event::Event;
use runbus::log::{Cursor, Direction, GapReason, Read, ReadError, Since};
use runbus::metrics::{Held, Transport, gateway as metrics};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::history::Ahead;
use super::join::{self, Joined};
use super::merging::Merging;
use super::missing;
use super::output::Output;
use super::source::Source;
use super::tally::Tally;
use super::wake::Wake;
use crate::app::Shared;
use crate::auth::account::Account;
use crate::hub::ring::Found;
use crate::hub::{Content, Entry, Hubs, LogMessage};
use crate::ledger::{Member, Table, Taken};
use crate::limits;
use crate::pressure::Behind;
use crate::protocol::{Start, Text, server};

/// When to look for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Next {
    /// At once.
    Now,
    /// Then; the log is behind, or does not answer.
    At(Instant),
    /// When the subscription's `Notify` says so.
    Woken,
    /// Never: the subscription has come to its end.
    Never,
}

/// How the end of an execution is found, beside the event that says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// Not: that event is still to come, and passes the filter.
    Event,
    /// By its status, whenever nothing is left to send.
    Status,
    /// It has ended: with what is left to send the subscription ends.
    Over,
}

/// One subscription of a client.
#[derive(Debug)]
pub(crate) struct Subscription {
    filter: Filter,
    source: Source,
    account: Arc<Account>,
    /// It uses a hub; a user of one pays for it.
    _member: Option<Member>,
    /// The share of its filter.
    _held: Taken,
    caught_up: bool,
    /// Behind what was sent last in each shard: where a client that falls out of the ring goes on.
    cursor: Cursor,
    /// Behind what a reader of its own said last.
    behind: Option<Text>,
    /// Sent before anything else.
    first: VecDeque<Text>,
    /// Ends behind the event that ends an execution.
    until_terminal: bool,
    until: Until,
    /// When the execution's status is looked at next.
    look_at: Option<Instant>,
    /// Whether deltas are merged; `None`: while the client is behind.
    coalesce: Option<bool>,
    /// The client had caught up, and fell out of the ring.
    is_behind: bool,
    /// It began with the snapshot of an execution that has ended.
    began_over: bool,
    ended: bool,
    /// Somebody else said that its execution has ended: whether they may is asked before anything else is said.
    doubt: Option<Text>,
    not_before: Option<Instant>,
    /// It was too slow for the ring, and is not back yet.
    spilled: Option<Behind>,
    wake: Arc<Notify>,
    tally: Tally,
    _counted: Held,
}

impl Subscription {
    /// Which events.
    #[must_use]
    pub(crate) const fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Begins one. The cursor is where it begins; `None`: only events have cursors.
    ///
    /// # Errors
    /// See [`join::Error`].
    pub(crate) async fn begin(
        shared: &Shared,
        account: &Arc<Account>,
        filter: Filter,
        start: &Start,
        wake: impl Into<Wake>,
        transport: Transport,
    ) -> Result<(Self, Option<Cursor>), join::Error> {
        let wake = wake.into();
        let held = shared.ledger.take(account.usage(), Table::Bytes, filter.bytes())?;
        let taken = match start {
            Start::At(_) => None,
            Start::Snapshot => Some(shared.snapshots.join(shared, account, &filter).await?),
        };
        let since = match (start, &taken) {
            (Start::At(since), _) => since,
            (Start::Snapshot, Some((taken, _))) => &Since::After(taken.cursor.clone()),
            (Start::Snapshot, None) => &Since::New,
        };
        let Joined { source, cursor, gap, member } =
            join::join(shared, account.usage(), &filter, since, &wake).await?;
        let began_over = taken.as_ref().is_some_and(|(taken, _)| taken.is_over);
        let mut first: VecDeque<Text> = taken.map(|(taken, _hub)| taken.text).into_iter().collect();
        if gap.is_some() {
            metrics::GAPS.inc();
        }
        first.extend(gap.as_ref().map(server::gap));
        // The event that ends an execution may be among what is gone.
        let until = if gap.is_some() { Until::Status } else { Until::Event };
        let subscription = Self {
            filter,
            source,
            account: account.clone(),
            _member: member,
            _held: held,
            caught_up: false,
            cursor: cursor.clone().unwrap_or_default(),
            behind: None,
            first,
            until_terminal: false,
            until,
            look_at: None,
            coalesce: None,
            is_behind: false,
            began_over,
            ended: false,
            doubt: None,
            not_before: None,
            spilled: None,
            wake: wake.task,
            tally: Tally::new(transport),
            _counted: metrics::SUBSCRIPTIONS.hold(),
        };
        Ok((subscription, cursor))
    }

    /// The same, ending behind the event that ends an execution.
    pub(crate) const fn until_terminal(mut self, until_terminal: bool) -> Self {
        self.until_terminal = until_terminal;
        self.ended = until_terminal && self.began_over;
        self
    }

    /// The same where the event that ends the execution does not pass the filter.
    pub(crate) const fn by_status(mut self, by_status: bool) -> Self {
        if by_status {
            self.until = Until::Status;
        }
        self
    }

    /// The same, merging consecutive deltas of one message; `None`: while the client is behind.
    pub(crate) const fn coalesce(mut self, coalesce: Option<bool>) -> Self {
        self.coalesce = coalesce;
        self
    }

    /// Resumes behind everything that was said.
    pub(crate) fn position(&self) -> String {
        match self.behind.as_ref().and_then(Text::cursor) {
            Some(cursor) => cursor.to_owned(),
            None => self.cursor.to_string(),
        }
    }

    /// The same as [`Self::produce`] when nothing has to be waited for, which is what clients that keep up always find; `None`: ask
    /// that one.
    pub(crate) fn produce_now(&mut self, out: &mut dyn Output) -> Option<Result<Next, ReadError>> {
        if !matches!(self.source, Source::Ring { .. })
            || !self.first.is_empty()
            || self.stops()
            || self.asks_status()
            || out.is_full()
        {
            return None;
        }
        let found = if self.merges() {
            let mut merging = Merging::new(out);
            let found = self.ring_entries(&mut merging);
            merging.flush();
            found
        } else {
            self.ring_entries(out)
        };
        match found {
            Ok((_, true)) => None,
            Ok(_) if self.doubt.is_some() => Some(Ok(Next::Now)),
            Ok((next, false)) => Some(Ok(if self.ended { Next::Never } else { next })),
            Err(error) => Some(Err(error)),
        }
    }

    /// Whether it waits for its hub, and for nothing else.
    pub(crate) fn waits_for_hub(&self) -> bool {
        matches!(self.source, Source::Ring { .. }) && self.first.is_empty() && !self.stops()
    }

    /// Whether the status of its execution, which has to be waited for, ends it.
    fn asks_status(&self) -> bool {
        self.until_terminal && self.until != Until::Event
    }

    /// Whether nothing more is said for now.
    const fn stops(&self) -> bool {
        self.ended || self.doubt.is_some()
    }

    /// Asks whether an execution has ended by an external event: for an external execution, and in its stream. `Some`: unknown
    /// at the moment.
    async fn settle(&mut self, shared: &Shared) -> Option<Next> {
        let (Some(text), Some(id)) = (&self.doubt, &self.filter.execution_id) else { return None };
        let known = match shared.control.status(id).await {
            Ok(known) => known,
            Err(error) => {
                tracing::warn!(%error, "whether an execution has ended is not known");
                return Some(self.pause(limits::RETRY_PAUSE));
            }
        };
        let told = Event::decode(text.json().as_bytes());
        self.ended = known
            .filter(|known| known.external)
            .is_some_and(|known| told.is_ok_and(|told| told.stream_id == known.stream_id));
        self.doubt = None;
        None
    }

    fn merges(&self) -> bool {
        self.coalesce.unwrap_or(self.is_behind)
    }

    /// Adds ready events until `out` is full.
    ///
    /// # Errors
    /// The log refuses.
    pub(crate) async fn produce(&mut self, shared: &Shared, out: &mut dyn Output) -> Result<Next, ReadError> {
        let next = self.produce_events(shared, out).await?;
        let rests = self.asks_status() && self.caught_up && next == Next::Woken;
        Ok(if rests { self.rest(shared).await } else { next })
    }

    /// Nothing is left to send: whether the execution has ended.
    async fn rest(&mut self, shared: &Shared) -> Next {
        let now = Instant::now();
        if let Some(then) = self.look_at.filter(|then| now < *then) {
            return Next::At(then);
        }
        if self.until == Until::Over {
            self.ended = true;
            return Next::Never;
        }
        let Some(id) = &self.filter.execution_id else { return Next::Woken };
        let has_ended = match shared.control.status(id).await {
            Ok(known) => known.is_some_and(|known| known.status.is_terminal()),
            Err(error) => {
                tracing::warn!(%error, "whether an execution has ended is not known");
                false
            }
        };
        // Events from before its end may still be on their way through the live feed.
        let pause = if has_ended { limits::STATUS_SETTLES } else { limits::STATUS_LOOK };
        if has_ended {
            self.until = Until::Over;
        }
        let then = now + pause;
        self.look_at = Some(then);
        Next::At(then)
    }

    async fn produce_events(&mut self, shared: &Shared, out: &mut dyn Output) -> Result<Next, ReadError> {
        while let Some(first) = self.first.pop_front() {
            out.notice(&first);
        }
        if let Some(next) = self.settle(shared).await {
            return Ok(next);
        }
        if self.ended {
            return Ok(Next::Never);
        }
        if out.is_full() {
            return Ok(Next::Now);
        }
        if !self.merges() {
            return self.entries(shared, out).await;
        }
        let mut merging = Merging::new(out);
        let next = self.entries(shared, &mut merging).await;
        merging.flush();
        next
    }

    async fn entries(&mut self, shared: &Shared, out: &mut dyn Output) -> Result<Next, ReadError> {
        let next = match &mut self.source {
            Source::Ring { .. } => {
                let (next, gone) = self.ring_entries(out)?;
                if gone {
                    self.leave_ring(shared).await?;
                }
                next
            }
            Source::Ahead(_) => self.ahead_entries(out)?,
            Source::Log { .. } => self.log_entries(shared, out).await?,
        };
        Ok(match (self.ended, &self.doubt) {
            (true, _) => Next::Never,
            (false, Some(_)) => Next::Now,
            (false, None) => next,
        })
    }

    /// The prepared events have been written.
    pub(crate) fn written(&mut self) {
        self.tally.written();
    }

    /// When to look again, and whether the ring has moved on.
    fn ring_entries(&mut self, out: &mut dyn Output) -> Result<(Next, bool), ReadError> {
        let Source::Ring { hub, next, after } = &mut self.source else { return Ok((Next::Now, false)) };
        let mut caught_up = false;
        let outcome = hub.look(|ring| {
            if let Some(reason) = &ring.broken {
                return Err(ReadError::Refused(reason.to_string()));
            }
            loop {
                if out.is_full() || self.ended || self.doubt.is_some() {
                    return Ok((Next::Now, false));
                }
                match ring.get(*next) {
                    Found::Entry(entry) => {
                        *next += 1;
                        let old = match (entry.place, *after) {
                            (Some(place), Some(after)) => !place.is_behind(after),
                            _ => false,
                        };
                        if !old {
                            let live = self.caught_up;
                            let over =
                                add(entry, &self.filter, self.until_terminal, out, (&mut self.tally, live));
                            match over {
                                Ending::No => {}
                                Ending::Yes => self.ended = true,
                                Ending::Possible(text) => self.doubt = Some(text),
                                Ending::Missing => self.until = Until::Status,
                            }
                            if let Some(place) = entry.place {
                                self.cursor.set(entry.shard, place);
                            }
                        }
                    }
                    Found::Gone => return Ok((Next::Now, true)),
                    Found::Nothing => {
                        caught_up = ring.caught_up || !hub.is_narrow;
                        return Ok((Next::Woken, false));
                    }
                }
            }
        })?;
        if caught_up && !self.caught_up {
            self.caught_up = true;
            out.notice(server::caught_up());
        }
        Ok(outcome)
    }

    /// The ring has moved on: read from the log what was missed.
    async fn leave_ring(&mut self, shared: &Shared) -> Result<(), ReadError> {
        let Source::Ring { hub, .. } = &self.source else { return Ok(()) };
        self.spilled.get_or_insert_with(|| shared.pressure.spill());
        // A client that has not caught up yet reads history; it is not slow.
        self.is_behind = self.caught_up;
        let narrow = self.cursor.places().next().filter(|_| hub.is_narrow);
        self.source = match narrow {
            Some((shard, place)) => Source::Log { hub: hub.clone(), shard, place },
            None => {
                let since = Since::After(self.cursor.clone());
                Source::Ahead(
                    Ahead::start(shared, self.account.usage(), &self.filter, since, self.wake.clone())
                        .await?,
                )
            }
        };
        Ok(())
    }

    fn ahead_entries(&mut self, out: &mut dyn Output) -> Result<Next, ReadError> {
        let Source::Ahead(ahead) = &mut self.source else { return Ok(Next::Now) };
        while !out.is_full() && !self.ended && self.doubt.is_none() {
            match ahead.next()? {
                Some(LogMessage::Entry(entry)) => {
                    let live = self.caught_up;
                    match add(&entry, &self.filter, self.until_terminal, out, (&mut self.tally, live)) {
                        Ending::No => {}
                        Ending::Yes => self.ended = true,
                        Ending::Possible(text) => self.doubt = Some(text),
                        Ending::Missing => self.until = Until::Status,
                    }
                    let text = entry.content.into_text();
                    if text.cursor().is_some() {
                        self.behind = Some(text);
                    }
                }
                // A client that fell out of the ring has had it before.
                Some(LogMessage::CaughtUp) if self.caught_up => self.spilled = None,
                Some(LogMessage::CaughtUp) => {
                    self.caught_up = true;
                    out.notice(server::caught_up());
                }
                None => return Ok(Next::Woken),
            }
        }
        Ok(Next::Now)
    }

    async fn log_entries(&mut self, shared: &Shared, out: &mut dyn Output) -> Result<Next, ReadError> {
        let Source::Log { hub, shard, place } = &mut self.source else { return Ok(Next::Now) };
        if let Some(then) = self.not_before.filter(|then| Instant::now() < *then) {
            return Ok(Next::At(then));
        }
        let read = Read {
            scope: hub.scope.clone(),
            shard: *shard,
            from: place.unread(),
            direction: Direction::Forward,
            max_frames: runbus::limits::PAGE_FRAMES,
            max_bytes: out.room().min(shared.config.client_buffer_bytes),
        };
        let found = {
            // The semaphores are never closed.
            let slow = self.spilled.is_some() && read.max_bytes <= limits::LEAST_BYTES;
            // Its own turn first: of those who wait for the gateway's, few are of one account.
            let _own = if slow { Some(self.account.reading_slowly().await) } else { None };
            let _turn = if slow { shared.slow_reads.acquire().await.ok() } else { None };
            let _reads = self.account.reading().await;
            let _permit = shared.history_reads.acquire().await;
            let _counted = metrics::HISTORY_READS.hold();
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
                return Ok(self.pause(limits::RETRY_PAUSE));
            }
            Err(error) => return Err(error),
        };
        let idle = page.frames.is_empty() && gap.is_none();
        let mut frames = page.frames;
        if let Some(gap) = gap {
            *place = gap.resumes();
            self.until = Until::Status;
            metrics::GAPS.inc();
            out.notice(&server::gap(&gap));
            // Frames of another incarnation are read again.
            if gap.reason == GapReason::Recreated {
                frames.clear();
            }
        }
        let mut behind = Cursor::start();
        'frames: for stored in frames {
            let half = stored.sequence == place.sequence && place.lines != u32::MAX;
            let skip = if half { place.lines } else { 0 };
            for line in lines(&stored, place.epoch, skip) {
                if self.ended || self.doubt.is_some() {
                    break 'frames;
                }
                *place = line.place;
                behind.set(*shard, line.place);
                let entry = Entry::line(&stored, &line, &behind);
                match add(&entry, &self.filter, self.until_terminal, out, (&mut self.tally, false)) {
                    Ending::No => {}
                    Ending::Yes => self.ended = true,
                    Ending::Possible(text) => self.doubt = Some(text),
                    Ending::Missing => self.until = Until::Status,
                }
            }
        }
        self.cursor.set(*shard, *place);
        let (hub, shard, place) = (hub.clone(), *shard, *place);
        self.source = Source::at(hub, shard, place);
        if matches!(self.source, Source::Ring { .. }) {
            self.spilled = None;
        }
        self.is_behind &= matches!(self.source, Source::Log { .. });
        if idle && matches!(self.source, Source::Log { .. }) {
            // The hub is ahead of this read: a replica that lags.
            return Ok(self.pause(limits::LAG_PAUSE));
        }
        Ok(Next::Now)
    }

    fn pause(&mut self, pause: std::time::Duration) -> Next {
        let then = Instant::now() + pause;
        self.not_before = Some(then);
        Next::At(then)
    }
}

/// Whether an entry is the last one.
enum Ending {
    No,
    Yes,
    /// Somebody else says so.
    Possible(Text),
    /// Events are missing: it may be one of them.
    Missing,
}

/// Adds an entry if it is wanted; says whether it was the last one.
fn add(
    entry: &Entry,
    filter: &Filter,
    until_terminal: bool,
    out: &mut dyn Output,
    (tally, live): (&mut Tally, bool),
) -> Ending {
    match &entry.content {
        Content::Event(kind, time, external, text) => {
            if filter.wants_kind(kind, *time) {
                out.event(text);
                tally.event(entry, *time, filter, live);
            } else {
                out.skipped();
            }
            match until_terminal && kind.is_terminal() {
                false => Ending::No,
                true if *external => Ending::Possible(text.clone()),
                true => Ending::Yes,
            }
        }
        Content::Notice(text) => {
            out.notice(text);
            if text.kind() != "gap" {
                return Ending::No;
            }
            metrics::GAPS.inc();
            Ending::Missing
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Source::Ring { hub, .. } | Source::Log { hub, .. } = &self.source {
            Hubs::linger(hub.clone());
        }
    }
}
