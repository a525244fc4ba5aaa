//! The journal of one session: loading it whole, and appending as its owner.

use std::sync::Arc;
use std::time::Duration;

use crate::id::{SessionId, WorkerId};
use crate::limits;
use crate::log::{
    AppendError, Direction, Expect, Frame, Lag, Log, Missing, Read, ReadError, Sequence, Stored,
};
use crate::subject::{Key, Scope, Topic};
use crate::time::Clock;

use super::entry::{Entry, Fact};
use super::state::{Change, State};

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

/// A session's journal and the state that it folds to.
#[derive(Debug)]
pub struct Journal {
    log: Arc<dyn Log>,
    clock: Clock,
    session: SessionId,
    last: Option<Sequence>,
    /// The fold of the entries.
    pub state: State,
    /// The entries that were there when it was loaded, oldest first; empty once [`Journal::forget`] was called.
    pub loaded: Vec<Entry>,
}

impl Journal {
    /// Reads the whole journal, with everything that was acknowledged before the call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn load(log: Arc<dyn Log>, clock: Clock, session: SessionId) -> Result<Self, Error> {
        let key = Key::Journal(session.clone());
        let last = log.last(&key).await?.map(|stored| stored.sequence);
        let mut journal =
            Self { log, clock, last: None, state: State::new(session.clone()), loaded: Vec::new(), session };
        if let Some(last) = last {
            journal.read_to(&key, last).await?;
        }
        Ok(journal)
    }

    async fn read_to(&mut self, key: &Key, last: Sequence) -> Result<(), Error> {
        let (mut lag, mut foreign) = (Lag::default(), 0_u64);
        while self.last.is_none_or(|read| read < last) {
            for stored in page(self.log.as_ref(), key, self.last, last, &mut lag).await? {
                foreign += u64::from(is_foreign(&stored));
                self.take_frame(&stored)?;
            }
        }
        if foreign > 0 {
            tracing::warn!(session = %self.session, foreign, "messages in the journal are not Runbus's; they are skipped");
        }
        Ok(())
    }

    fn take_frame(&mut self, stored: &Stored) -> Result<(), Error> {
        let broken = |reason: &dyn std::fmt::Display| {
            Error::Broken(Arc::from(format!("entry at {}: {reason}", stored.sequence)))
        };
        if let Some(damage) = &stored.damage {
            return Err(broken(damage));
        }
        if !is_foreign(stored) {
            for line in stored.frame.lines() {
                self.take(Entry::decode(&line).map_err(|error| broken(&error))?);
            }
        }
        self.last = Some(stored.sequence);
        Ok(())
    }

    fn take(&mut self, entry: Entry) {
        self.state.apply(&entry);
        self.loaded.push(entry);
    }

    /// Whether anything was ever recorded.
    #[must_use]
    pub const fn exists(&self) -> bool {
        self.state.entries > 0
    }

    /// Frees the entries that were loaded: the state has them folded in.
    pub fn forget(&mut self) {
        self.loaded = Vec::new();
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

    async fn append_as(&mut self, epoch: u64, fact: Fact) -> Result<(Entry, Vec<Change>), Error> {
        let entry = Entry { at: self.clock.now(), fact };
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
