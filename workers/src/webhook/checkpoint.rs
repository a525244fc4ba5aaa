//! An endpoint's progress in the log: a key of its own whose frames are written by compare-and-set.
//!
//! Each appender knows the key's last frame, so that of two dispatchers one loses at its next checkpoint, and stops.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use runbus::control::RESERVED_SESSIONS;
use runbus::id::{SessionId, WorkerId};
use runbus::limits::{PAGE_BYTES, PAGE_FRAMES};
use runbus::log::{AppendError, Cursor, Direction, Expect, Frame, Log, Read, ReadError, Sequence, Stored};
use runbus::subject::{Key, Scope, Topic};
use runbus::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The version of the format that this code writes.
const FORMAT: u32 = 1;
/// The wait before an append whose outcome is not known is made again.
const RETRY: Duration = Duration::from_millis(100);

/// Why progress cannot be read or recorded.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Error {
    /// Another worker dispatches.
    #[error("another worker dispatches this endpoint")]
    Lost,
    /// Try again later.
    #[error("{0}")]
    Unavailable(String),
    /// A human must look.
    #[error("{0}")]
    Broken(String),
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        if error.is_retryable() {
            Self::Unavailable(error.to_string())
        } else {
            Self::Broken(error.to_string())
        }
    }
}

/// The recorded progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    #[serde(rename = "v")]
    pub(super) format: u32,
    /// When.
    pub(super) at: Timestamp,
    /// The dispatching worker.
    pub(super) worker: WorkerId,
    /// Whether the worker has ended in good order: nobody needs to wait for signs of its life.
    #[serde(default)]
    pub(super) released: bool,
    /// Everything up to here is delivered or given up.
    pub(super) cursor: Cursor,
}

impl Checkpoint {
    pub(super) const fn new(at: Timestamp, worker: WorkerId, cursor: Cursor) -> Self {
        Self { format: FORMAT, at, worker, released: false, cursor }
    }
}

/// The key of one endpoint.
#[derive(Debug)]
pub(super) struct Checkpoints {
    log: Arc<dyn Log>,
    session: SessionId,
    last: Option<Sequence>,
    epoch: u64,
    index: u64,
    /// The last checkpoint.
    pub(super) found: Option<Checkpoint>,
}

impl Checkpoints {
    /// Reads the last checkpoint of the endpoint `name`.
    ///
    /// # Errors
    /// See [`Error`].
    pub(super) async fn load(log: Arc<dyn Log>, name: &str) -> Result<Self, Error> {
        let session = SessionId::new(format!("{RESERVED_SESSIONS}webhook/{name}"))
            .map_err(|error| Error::Broken(error.to_string()))?;
        let mut loaded = Self { log, session, last: None, epoch: 0, index: 0, found: None };
        let key = Key::Journal(loaded.session.clone());
        let Some(end) = loaded.log.last(&key).await? else { return Ok(loaded) };
        loaded.last = Some(end.sequence);
        let Some(stored) = last_own(loaded.log.as_ref(), &key, end).await? else { return Ok(loaded) };
        let broken = |reason: String| Error::Broken(format!("checkpoint at {}: {reason}", stored.sequence));
        if let Some(damage) = &stored.damage {
            return Err(broken(damage.to_string()));
        }
        let line = stored.frame.lines().last().ok_or_else(|| broken("no line".into()))?;
        let found: Checkpoint = runbus::json::from_slice(&line).map_err(|error| broken(error.to_string()))?;
        if found.format != FORMAT {
            return Err(broken(format!("format {} is not known", found.format)));
        }
        loaded.epoch = stored.frame.epoch().unwrap_or_default();
        loaded.index = stored.frame.index().unwrap_or_default() + u64::from(stored.frame.count);
        loaded.found = Some(found);
        Ok(loaded)
    }

    /// Where the key ends: it moves while somebody dispatches.
    pub(super) const fn last(&self) -> Option<Sequence> {
        self.last
    }

    /// Records the first checkpoint of a new owner: from here on every earlier owner's checkpoints fail.
    ///
    /// # Errors
    /// See [`Checkpoints::record`].
    pub(super) async fn claim(&mut self, checkpoint: Checkpoint) -> Result<(), Error> {
        self.epoch += 1;
        self.record(checkpoint).await
    }

    /// Records a checkpoint. It waits while the log does not answer.
    ///
    /// # Errors
    /// [`Error::Lost`] when another worker wrote meanwhile; [`Error::Broken`] when the log refuses.
    pub(super) async fn record(&mut self, checkpoint: Checkpoint) -> Result<(), Error> {
        let line = serde_json::to_vec(&checkpoint).map_err(|error| Error::Broken(error.to_string()))?;
        let topic = Topic::Journal(self.session.clone());
        let frame = Frame::owned(self.epoch, self.index, 0, &[Bytes::from(line)]);
        let sequence = loop {
            match self.log.append(&topic, &frame, Expect::Last(self.last)).await {
                Ok(sequence) => break sequence,
                Err(AppendError::Unresolved(reason)) => {
                    tracing::debug!(session = %self.session, reason, "the outcome of a checkpoint is not known yet");
                    tokio::time::sleep(RETRY).await;
                }
                // A log that lost its end has another one now: the next claimant reads the rest.
                Err(AppendError::Fenced { .. } | AppendError::Regressed { .. }) => return Err(Error::Lost),
                Err(error) => return Err(Error::Broken(error.to_string())),
            }
        };
        self.last = Some(sequence);
        self.index += 1;
        self.found = Some(checkpoint);
        Ok(())
    }
}

/// The last frame of Runbus's up to `end`; `None`: there is none. On NATS a publisher without an account of its own can make the broker
/// write its answers behind it.
async fn last_own(log: &dyn Log, key: &Key, end: Stored) -> Result<Option<Stored>, ReadError> {
    if !end.frame.author.is_external() {
        return Ok(Some(end));
    }
    tracing::warn!(?key, at = %end.sequence, "a message among the checkpoints is not Runbus's; it is skipped");
    let mut from = end.sequence.previous();
    loop {
        let read = Read {
            scope: Scope::from(key),
            shard: end.shard,
            from,
            direction: Direction::Backward,
            max_frames: PAGE_FRAMES,
            max_bytes: PAGE_BYTES,
        };
        let page = log.read(&read).await?;
        from = page.frames.last().map_or(from, |oldest| oldest.sequence.previous());
        if let Some(own) = page.frames.into_iter().find(|stored| !stored.frame.author.is_external()) {
            return Ok(Some(own));
        }
        if page.done {
            return Ok(None);
        }
    }
}
