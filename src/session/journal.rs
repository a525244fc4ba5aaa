//! The journal of one session: loading it from its newest checkpoint on, and appending as its owner.

use std::sync::Arc;
use std::time::Duration;

use crate::id::{SessionId, WorkerId};
use crate::limits;
use crate::log::{
    AppendError, Direction, Expect, Frame, Lag, Log, Missing, Read, ReadError, Sequence, Stored,
};
use crate::subject::{Key, Scope, Topic};
use crate::time::Clock;

use super::checkpoint::{self, Gathered, Mark, Rule};
use super::entry::{Entry, Fact, Part};
use super::state::{Change, State};
use super::transcript::Kept;

/// Why the journal cannot be read or written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Another worker claimed the session: stop for good.
    #[error("another worker owns the session")]
    Fenced,
    /// The log does not answer; try again.
    #[error("{0}")]
    Unavailable(Arc<str>),
    /// The entry is larger than the log takes. Nothing was recorded; the session can go on.
    #[error("the entry has {bytes} bytes, the limit is {limit}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The entry could not be read again. Nothing was recorded; the session can go on.
    #[error("the entry cannot be recorded: {0}")]
    Unreadable(Arc<str>),
    /// The log refuses, or what it holds is no journal. A human must look.
    #[error("{0}")]
    Broken(Arc<str>),
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        let text = Arc::from(error.to_string());
        if error.is_retryable() { Self::Unavailable(text) } else { Self::Broken(text) }
    }
}

const RETRY: Duration = Duration::from_millis(100);

/// How often an append goes behind messages that are not Runbus's before it gives up.
const PASSES: u32 = 16;

/// Entries from which on a journal without a checkpoint is looked through backward first: a version without checkpoints may have
/// written its end.
const SEARCHED: u64 = 4 * limits::CHECKPOINT_ENTRIES;

/// A session's journal and the state that it folds to.
#[derive(Debug)]
pub struct Journal {
    log: Arc<dyn Log>,
    clock: Clock,
    session: SessionId,
    last: Option<Sequence>,
    /// When its owner writes checkpoints.
    pub rule: Rule,
    mark: Mark,
    /// The fold of the entries.
    pub state: State,
    /// The state before the first loaded entry, when that is not the first of all.
    base: Option<Box<State>>,
    /// The entries that were there when it was loaded, from the newest checkpoint on, oldest first; empty once
    /// [`Journal::forget`] was called.
    pub loaded: Vec<Entry>,
}

/// A reading of the journal.
#[derive(Debug, Default)]
struct Reading {
    /// The state is not known: entries before the first that was read are gone, or were left out. The next checkpoint tells it.
    blind: bool,
    gathered: Gathered,
    /// The entries of the checkpoint that is gathered, and the number of the first.
    parts: (u64, Vec<(Entry, usize)>),
    foreign: u64,
}

impl Journal {
    /// Reads the journal from its newest checkpoint on, with everything that was acknowledged before the call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn load(log: Arc<dyn Log>, clock: Clock, session: SessionId) -> Result<Self, Error> {
        let mut journal = Self::empty(log, clock, session);
        let Some(last) = journal.log.last(&journal.key()).await? else { return Ok(journal) };
        if let Some(at) = journal.newest(&last).await {
            journal.last = Some(at.previous());
            if journal.read_to(last.sequence, true).await? {
                return Ok(journal);
            }
            tracing::warn!(session = %journal.session, %at, "a checkpoint cannot be read; the journal is read from its beginning");
            let Self { log, clock, session, .. } = journal;
            journal = Self::empty(log, clock, session);
        }
        journal.read_all(last.sequence).await?;
        Ok(journal)
    }

    /// Reads every entry, and folds them without any checkpoint as long as the first one is there.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn load_whole(log: Arc<dyn Log>, clock: Clock, session: SessionId) -> Result<Self, Error> {
        let mut journal = Self::empty(log, clock, session);
        if let Some(last) = journal.log.last(&journal.key()).await? {
            journal.read_all(last.sequence).await?;
        }
        Ok(journal)
    }

    fn empty(log: Arc<dyn Log>, clock: Clock, session: SessionId) -> Self {
        Self {
            log,
            clock,
            last: None,
            rule: Rule::default(),
            mark: Mark::default(),
            state: State::new(session.clone()),
            base: None,
            loaded: Vec::new(),
            session,
        }
    }

    fn key(&self) -> Key {
        Key::Journal(self.session.clone())
    }

    /// Where the newest checkpoint begins, as the last entry says; `None`: there is none, or nobody knows.
    async fn newest(&self, last: &Stored) -> Option<Sequence> {
        if !is_foreign(last) {
            let known = checkpoint_of(last);
            if known.is_some() || last.frame.index().is_none_or(|index| index < SEARCHED) {
                return known;
            }
        }
        let read = Read {
            scope: Scope::from(&self.key()),
            shard: last.shard,
            from: last.sequence,
            direction: Direction::Backward,
            max_frames: limits::PAGE_FRAMES,
            max_bytes: limits::PAGE_BYTES,
        };
        // It is a short cut: the way from the beginning decides.
        self.log.read(&read).await.ok()?.frames.iter().find_map(checkpoint_of)
    }

    async fn read_all(&mut self, last: Sequence) -> Result<(), Error> {
        if self.read_to(last, false).await? {
            return Ok(());
        }
        let session = &self.session;
        Err(Error::Broken(Arc::from(format!(
            "the first entries of the journal of {session} are gone, and no checkpoint that can be read stands behind them"
        ))))
    }

    /// Reads up to `last`. `blind`: the first frame begins a checkpoint. `false`: the state is not known.
    async fn read_to(&mut self, last: Sequence, blind: bool) -> Result<bool, Error> {
        let (key, mut lag) = (self.key(), Lag::default());
        let mut reading = Reading { blind, ..Reading::default() };
        let begin = self.last.map(Sequence::next);
        while self.last.is_none_or(|read| read < last) {
            for stored in page(self.log.as_ref(), &key, self.last, last, &mut lag).await? {
                if blind && reading.blind && reading.parts.1.is_empty() && Some(stored.sequence) != begin {
                    return Ok(false);
                }
                self.take_frame(&stored, &mut reading)?;
            }
        }
        if reading.foreign > 0 {
            let foreign = reading.foreign;
            tracing::warn!(session = %self.session, foreign, "messages in the journal are not Runbus's; they are skipped");
        }
        Ok(!reading.blind)
    }

    fn take_frame(&mut self, stored: &Stored, reading: &mut Reading) -> Result<(), Error> {
        let broken = |reason: &dyn std::fmt::Display| {
            Error::Broken(Arc::from(format!("entry at {}: {reason}", stored.sequence)))
        };
        if let Some(damage) = &stored.damage {
            return Err(broken(damage));
        }
        self.last = Some(stored.sequence);
        if is_foreign(stored) {
            reading.foreign += 1;
            return Ok(());
        }
        if stored.frame.index().is_some_and(|index| index > self.state.entries) && !reading.blind {
            // Retention has removed what stood between.
            *reading = Reading { blind: true, foreign: reading.foreign, ..Reading::default() };
            self.loaded.clear();
        }
        for (line, index) in stored.frame.lines().zip(stored.frame.index().unwrap_or_default()..) {
            let entry = Entry::decode(&line).map_err(|error| broken(&error))?;
            if reading.blind {
                self.look_for_state(stored.sequence, (entry, line.len()), index, reading);
            } else {
                self.take(entry, line.len(), stored.sequence);
            }
        }
        Ok(())
    }

    fn take(&mut self, entry: Entry, bytes: usize, at: Sequence) {
        self.state.apply(&entry);
        self.mark.grow(bytes);
        if let Fact::Checkpoint(part) = &entry.fact {
            if part.part == 0 {
                self.mark.size = 0;
            }
            self.mark.size = self.mark.size.saturating_add(part.text.len());
            if part.is_last() {
                let at = Some(part.first.unwrap_or(at));
                self.mark = Mark { at, needed: None, entries: 0, bytes: 0, ..self.mark };
            }
        }
        self.loaded.push(entry);
    }

    /// Takes an entry while the state is not known: the last part of a checkpoint tells it.
    fn look_for_state(
        &mut self,
        at: Sequence,
        (entry, bytes): (Entry, usize),
        index: u64,
        reading: &mut Reading,
    ) {
        let Fact::Checkpoint(part) = &entry.fact else {
            (reading.gathered, reading.parts.1) = (Gathered::default(), Vec::new());
            return;
        };
        if part.part == 0 {
            reading.parts = (index, Vec::new());
        }
        let (text, format) = (reading.gathered.take(part), part.format);
        reading.parts.1.push((entry, bytes));
        let Some(text) = text.filter(|_| format == checkpoint::FORMAT) else { return };
        let (first, parts) = std::mem::take(&mut reading.parts);
        match checkpoint::decode(&text, &self.session, first) {
            Ok((state, mark)) => {
                (self.base, self.state) = (Some(Box::new(state.clone())), state);
                (self.mark, self.loaded) = (mark, Vec::new());
                parts.into_iter().for_each(|(entry, bytes)| self.take(entry, bytes, at));
                self.mark.needed = self.oldest();
                reading.blind = false;
            }
            Err(error) => {
                tracing::warn!(session = %self.session, %at, %error, "a checkpoint cannot be read");
            }
        }
    }

    /// Reads what was written since. `false`: nothing was.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn refresh(&mut self) -> Result<bool, Error> {
        let last = self.log.last(&self.key()).await?.map(|stored| stored.sequence);
        let Some(last) = last.filter(|last| self.last.is_none_or(|read| read < *last)) else {
            return Ok(false);
        };
        let before = self.state.entries;
        if !self.read_to(last, false).await? {
            let Self { log, clock, session, .. } = &*self;
            *self = Self::load(log.clone(), clock.clone(), session.clone()).await?;
        }
        self.forget();
        Ok(self.state.entries > before)
    }

    /// Whether anything was ever recorded.
    #[must_use]
    pub const fn exists(&self) -> bool {
        self.state.entries > 0
    }

    /// Frees the entries that were loaded: the state has them folded in.
    pub fn forget(&mut self) {
        (self.loaded, self.base) = (Vec::new(), None);
    }

    /// The state before the first entry of [`Journal::loaded`].
    #[must_use]
    pub fn beginning(&self) -> State {
        self.base.as_ref().map_or_else(|| State::new(self.session.clone()), |base| State::clone(base))
    }

    /// Whether the entry of this index is a claim, as far as it was loaded. Of those before only the last one that ended another
    /// owner's attempt is known.
    #[must_use]
    pub fn is_claim(&self, index: u64) -> bool {
        let first = self.base.as_ref().map_or(0, |base| base.entries);
        match index.checked_sub(first) {
            Some(place) => {
                let entry = usize::try_from(place).ok().and_then(|place| self.loaded.get(place));
                entry.is_some_and(|entry| matches!(entry.fact, Fact::Claimed { .. }))
            }
            None => self.base.as_ref().is_some_and(|base| base.is_superseding(index)),
        }
    }

    /// The first place of the log that the newest checkpoint needs: everything before it may be removed. `None`: there is no
    /// checkpoint, or the journal was read without it.
    #[must_use]
    pub const fn needed_from(&self) -> Option<Sequence> {
        self.mark.needed
    }

    fn oldest(&self) -> Option<Sequence> {
        let checkpoint = self.mark.at?;
        Some(self.state.transcript.oldest_segment().map_or(checkpoint, |segment| segment.min(checkpoint)))
    }

    /// Brings the messages here that are in segments: those that the model reads, or all of them.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn load_messages(&mut self, folded: bool) -> Result<(), Error> {
        while let Some((_, at)) = self.state.transcript.missing(0, folded) {
            let segment = self.segment(at).await?;
            self.state.transcript.fill(at, &segment).map_err(|missing| gone(at, &missing))?;
        }
        Ok(())
    }

    /// The messages of the segment that begins at a place.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn segment(&self, at: Sequence) -> Result<Vec<Kept>, Error> {
        let text = self.text_at(at).await?.ok_or_else(|| gone(at, &"retention has removed them"))?;
        checkpoint::decode_messages(&text).map_err(|error| gone(at, &error))
    }

    /// The text of the segment that begins at a place; `None`: none does.
    async fn text_at(&self, at: Sequence) -> Result<Option<String>, Error> {
        let last = self.last.unwrap_or(at);
        let (key, mut lag, mut gathered) = (self.key(), Lag::default(), Gathered::default());
        let mut read = at.previous();
        while read < last {
            for stored in page(self.log.as_ref(), &key, Some(read), last, &mut lag).await? {
                let is_first = read < at;
                read = stored.sequence;
                if is_foreign(&stored) && !is_first {
                    continue;
                }
                let entry = stored.frame.lines().next().and_then(|line| Entry::decode(&line).ok());
                let Some(Fact::Messages(part)) = entry.map(|entry| entry.fact) else { return Ok(None) };
                if part.format != checkpoint::FORMAT || (is_first && stored.sequence != at) {
                    return Ok(None);
                }
                if let Some(text) = gathered.take(&part) {
                    return Ok(Some(text));
                }
            }
        }
        Ok(None)
    }

    /// Claims the session: from here on every earlier owner's writes fail.
    ///
    /// # Errors
    /// [`Error::Fenced`] when somebody else wrote meanwhile.
    pub async fn claim(&mut self, worker: &WorkerId) -> Result<(), Error> {
        let epoch = self.state.epoch + 1;
        let claimed = Fact::Claimed { worker: worker.clone(), epoch };
        let (entry, _) = self.append_as(epoch, claimed).await?;
        self.loaded.push(entry);
        Ok(())
    }

    /// Records a fact, and folds it into the state once it is durable. Returns the entry and its changes.
    ///
    /// # Errors
    /// [`Error::Fenced`]: this worker is no owner any more. It waits while the log does not answer.
    pub async fn append(&mut self, fact: Fact) -> Result<(Entry, Vec<Change>), Error> {
        self.append_as(self.state.epoch, fact).await
    }

    /// Writes a checkpoint when one is due: by size, or because the session is about to be parked. Only for an owner whose events
    /// reflect every entry: the next one does not look at those before. A step that several owners began and none ended stays
    /// counted, so it is waited for.
    ///
    /// # Errors
    /// As for [`Journal::append`]. A state that cannot be written costs the next reader time, nothing else.
    pub async fn checkpoint(&mut self, parks: bool) -> Result<(), Error> {
        let State { owner, fruitless, .. } = &self.state;
        if owner.is_none() || *fruitless > 0 || !self.mark.is_due(&self.rule, parks) {
            return Ok(());
        }
        if parks && self.mark.is_scattered(&self.rule) {
            match self.load_messages(true).await {
                Ok(()) => {
                    self.state.transcript.keep_anew();
                    (self.mark.kept, self.mark.written) = (0, 0);
                }
                Err(error) => tracing::warn!(session = %self.session, %error, "messages stay where they are"),
            }
        }
        self.write_segments().await?;
        if self.state.transcript.oldest_segment().is_none() {
            self.mark.written = 0;
        }
        match checkpoint::encode(&self.state, &self.mark) {
            Ok(text) => {
                let at = self.append_text(&text, Fact::Checkpoint).await?;
                (self.mark.at, self.mark.size) = (Some(at), text.len());
                self.mark.needed = self.oldest();
            }
            Err(error) => {
                tracing::warn!(session = %self.session, %error, "a checkpoint cannot be written");
            }
        }
        (self.mark.entries, self.mark.bytes) = (0, 0);
        Ok(())
    }

    /// Puts messages that cannot be removed any more into segments, when they are many.
    async fn write_segments(&mut self) -> Result<(), Error> {
        let State { transcript, .. } = &self.state;
        let base = self.state.running().map_or_else(|| transcript.len(), |run| run.base);
        let size = |kept: &Kept| serde_json::to_vec(kept).map_or(0, |json| json.len());
        let sized = |(at, kept): (usize, Kept)| (at, size(&kept), kept);
        let unkept: Vec<(usize, usize, Kept)> = transcript.unkept(base).into_iter().map(sized).collect();
        let mut left: usize = unkept.iter().map(|(_, size, _)| size).sum();
        let (mut places, mut messages, mut bytes) = (Vec::new(), Vec::new(), 0);
        let mut unkept = unkept.into_iter();
        while bytes > 0 || left >= self.rule.messages_bytes {
            let next = unkept.next();
            let is_last = next.is_none();
            if let Some((at, size, kept)) = next {
                places.push(at);
                messages.push(kept);
                bytes += size;
                left -= size;
            }
            if !is_last && bytes < self.rule.segment_bytes {
                continue;
            }
            if messages.is_empty() {
                break;
            }
            let text = match checkpoint::encode_messages(&messages) {
                Ok(text) => text,
                Err(error) => {
                    tracing::warn!(session = %self.session, %error, "messages cannot be put into a segment");
                    break;
                }
            };
            let at = self.append_text(&text, Fact::Messages).await?;
            self.state.transcript.keep(at, &places);
            self.mark.kept = self.mark.kept.saturating_add(text.len() as u64);
            (places, messages, bytes) = (Vec::new(), Vec::new(), 0);
        }
        Ok(())
    }

    /// Appends a text in parts. Returns the place of the first.
    async fn append_text(&mut self, text: &str, fact: fn(Part) -> Fact) -> Result<Sequence, Error> {
        let pieces = checkpoint::pieces(text, self.rule.part_bytes);
        let parts = u32::try_from(pieces.len()).unwrap_or(u32::MAX);
        let mut first = None;
        for (part, piece) in (0..).zip(pieces) {
            let part = Part { format: checkpoint::FORMAT, part, parts, first, text: piece.to_owned() };
            self.append(fact(part)).await?;
            first = first.or(self.last);
        }
        Ok(first.unwrap_or_default())
    }

    async fn append_as(&mut self, epoch: u64, fact: Fact) -> Result<(Entry, Vec<Change>), Error> {
        let entry = Entry { at: self.clock.now(), checkpoint: self.mark.at, fact };
        let line = entry.encode().map_err(|error| Error::Unreadable(Arc::from(error.to_string())))?;
        let bytes = line.len() + 1;
        if bytes > limits::GROUP_BYTES {
            return Err(Error::TooLarge { bytes, limit: limits::GROUP_BYTES });
        }
        let topic = Topic::Journal(self.session.clone());
        let frame = Frame::owned(epoch, self.state.entries, 0, &[line]);
        let mut passes = 0;
        let sequence = loop {
            match self.log.append(&topic, &frame, Expect::Last(self.last)).await {
                Ok(sequence) => break sequence,
                Err(AppendError::Unresolved(reason)) => {
                    tracing::warn!(session = %self.session, reason, "the outcome of a journal entry is not known yet");
                    tokio::time::sleep(RETRY).await;
                }
                Err(AppendError::Fenced { .. }) => {
                    passes += 1;
                    if passes > PASSES || !Box::pin(self.pass_foreign(&topic)).await? {
                        return Err(Error::Fenced);
                    }
                }
                Err(error) => {
                    tracing::error!(session = %self.session, %error, "the journal cannot be written");
                    return Err(Error::Broken(Arc::from(error.to_string())));
                }
            }
        };
        self.last = Some(sequence);
        self.mark.grow(bytes);
        let changes = self.state.apply(&entry);
        Ok((entry, changes))
    }

    /// Goes behind messages that are not Runbus's, which an append found in its way; `false`: it was fenced by an owner's entry.
    async fn pass_foreign(&mut self, topic: &Topic) -> Result<bool, Error> {
        let Some(key) = topic.key() else { return Ok(false) };
        let end = self.log.last(&key).await?.map(|stored| stored.sequence);
        let (mut place, mut lag) = (self.last, Lag::default());
        while let Some(last) = end
            && place < end
        {
            for stored in page(self.log.as_ref(), &key, place, last, &mut lag).await? {
                if !is_foreign(&stored) {
                    return Ok(false);
                }
                place = Some(stored.sequence);
            }
        }
        let has_passed = place > self.last;
        if has_passed {
            tracing::warn!(session = %self.session, "a message in the journal is not of Runbus; its owner continues behind it");
            self.last = place;
        }
        Ok(has_passed)
    }
}

/// The frames behind a place, where there are some up to `last`; none: they are not there yet.
async fn page(
    log: &dyn Log,
    key: &Key,
    after: Option<Sequence>,
    last: Sequence,
    lag: &mut Lag,
) -> Result<Vec<Stored>, Error> {
    let read = Read {
        scope: Scope::from(key),
        shard: log.home(key).await?,
        from: after.unwrap_or_default().next(),
        direction: Direction::Forward,
        max_frames: limits::PAGE_FRAMES,
        max_bytes: limits::PAGE_BYTES,
    };
    let page = log.read(&read).await?;
    if !page.frames.is_empty() {
        lag.advanced();
    } else if lag.look(log, key, last).await? == Missing::Gone {
        return Err(Error::Broken(Arc::from(format!("entries up to {last} are gone"))));
    }
    Ok(page.frames)
}

/// Whether somebody else wrote a message into the journal: it has no frame's header. On NATS a publisher without an account of its
/// own can make the broker do that.
fn is_foreign(stored: &Stored) -> bool {
    stored.damage.is_none() && stored.frame.author.is_external()
}

/// Messages that a checkpoint leads to cannot be read.
fn gone(at: Sequence, reason: &dyn std::fmt::Display) -> Error {
    Error::Broken(Arc::from(format!("the messages at {at} of the journal cannot be read: {reason}")))
}

/// Where the newest checkpoint begins, as an entry says.
fn checkpoint_of(stored: &Stored) -> Option<Sequence> {
    if stored.damage.is_some() || is_foreign(stored) {
        return None;
    }
    let entry = Entry::decode(&stored.frame.lines().last()?).ok()?;
    match entry.fact {
        Fact::Checkpoint(part) if part.is_last() => part.first.or(Some(stored.sequence)),
        _ => entry.checkpoint,
    }
}
