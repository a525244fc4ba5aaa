//! The port: an append-only log, split into lanes and shards.
//!
//! ```text
//!   lane events, shard 3        one sequence a lane and shard, gaps allowed under a scope
//!   ┌────┬────┬────┬────┬────┐
//!   │ 17 │ 18 │ 20 │ 21 │ 22 │  <- live feed: at most once, says when it may have lost something
//!   └────┴────┴────┴────┴────┘
//!     ^first          prev of 22 = 20 when 20 and 22 are of one key and 22's owner checked it
//! ```
//!
//! Every adapter passes `conformance` (feature `test-util`).

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::cursor::{Epoch, Sequence};
use super::frame::{Damage, Frame};
use super::tail::Tail;
use crate::id::EventId;
use crate::subject::{Key, Lane, Layout, Scope, Shard, Topic};
use crate::time::Timestamp;

/// The expected state of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Nothing in particular. Appending the same id again, to the same topic, stores one frame; on brokers with a
    /// deduplication window within [`crate::limits::DUPLICATE_WINDOW`].
    Open(EventId),
    /// That the last frame of the topic's key stands here, of any author; `None`: that the key has no frame.
    Last(Option<Sequence>),
    /// That the last frame of the key that is not [`Author::External`](super::Author::External) stands here; `None`: that it has
    /// none. External frames in between cannot prevent an owner from writing; [`Stored::prev`] is absent then.
    Own(Option<Sequence>),
}

/// A frame of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Where it lives.
    pub topic: Topic,
    /// The shard.
    pub shard: Shard,
    /// Its place in lane and shard.
    pub sequence: Sequence,
    /// The previous frame of its key, when its writer checked it (0: there was none). It makes a live feed's loss
    /// visible.
    pub prev: Option<Sequence>,
    /// When the log took it.
    pub stored_at: Timestamp,
    /// The frame.
    pub frame: Frame,
    /// Why it cannot be trusted.
    pub damage: Option<Damage>,
}

/// Which way to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Oldest first.
    Forward,
    /// Newest first.
    Backward,
}

/// One page to read.
#[derive(Debug, Clone)]
pub struct Read {
    /// Which topics.
    pub scope: Scope,
    /// Which shard.
    pub shard: Shard,
    /// The first place to look at, included.
    pub from: Sequence,
    /// Which way.
    pub direction: Direction,
    /// Most frames to return.
    pub max_frames: usize,
    /// Payload bytes after which the page is full; at least one frame is returned if there is one.
    pub max_bytes: usize,
}

/// A page.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The frames, in the direction asked for.
    pub frames: Vec<Stored>,
    /// Nothing further was there when this was read. A replica that lags may say so too early.
    pub done: bool,
}

/// The bounds of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The shard's incarnation.
    pub epoch: Epoch,
    /// The first place that retention has left; one behind `last` when nothing is there.
    pub first: Sequence,
    /// The last place ever given; 0 when there was none.
    pub last: Sequence,
    /// Frames held.
    pub frames: u64,
    /// Bytes held, as the adapter counts them.
    pub bytes: u64,
}

/// Why an append did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Somebody else's frame stands where the expected one should: this writer must stop, unless what came between is
    /// open. `last` is the key's last frame now.
    #[error("another writer's frame is at the end of {key}")]
    Fenced {
        /// Which key.
        key: Box<Key>,
        /// Its last frame; `None` when the key is empty.
        last: Option<Box<Stored>>,
    },
    /// The key ends before the expected frame: the log lost data that it had acknowledged.
    #[error("{key} ends at {found:?} but {expected} was acknowledged: the log lost data")]
    Regressed {
        /// Which key.
        key: Box<Key>,
        /// The acknowledged sequence.
        expected: Sequence,
        /// The sequence found.
        found: Option<Sequence>,
    },
    /// The frame is larger than the log takes.
    #[error("the frame has {bytes} bytes, the limit is {limit}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The log's limit.
        limit: usize,
    },
    /// It is not stored, because there is no space now, or whether it was stored is not known yet. Appending the same
    /// frame with the same expectation again is safe and tells.
    #[error("the log does not answer: {0}")]
    Unresolved(String),
    /// The log refuses, and will refuse again: wrong configuration, no permission.
    #[error("the log refuses: {0}")]
    Refused(String),
}

impl AppendError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Unresolved(_))
    }
}

/// Why a read did not succeed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReadError {
    /// Try again later.
    #[error("the log does not answer: {0}")]
    Unavailable(String),
    /// It will not succeed later either.
    #[error("the log refuses: {0}")]
    Refused(String),
}

impl ReadError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// An append-only log. Cheap to share behind an `Arc`; every method may be called at the same time from many tasks.
#[async_trait]
pub trait Log: fmt::Debug + Send + Sync + 'static {
    /// How the lanes are split now. It may grow while the process runs.
    fn layout(&self) -> Arc<Layout>;

    /// The shard that has a key, or that will have it: where the key began, else its home.
    ///
    /// # Errors
    /// See [`ReadError`].
    async fn home(&self, key: &Key) -> Result<Shard, ReadError> {
        Ok(self.layout().home(&key.shard_token()))
    }

    /// Appends a frame to the topic's home shard and returns its place once it is durable.
    ///
    /// With [`Expect::Last`] the check is over the topic's whole [`Key`], atomic, and the stored frame's `prev` tells
    /// it. A frame of [`Author::External`](super::Author::External) is of events only, and has no other expectation than
    /// [`Expect::Open`]. It MUST return only when the outcome is known, or say [`AppendError::Unresolved`]. A writer SHOULD NOT have
    /// two checked appends of one key in flight.
    ///
    /// # Errors
    /// See [`AppendError`].
    async fn append(&self, topic: &Topic, frame: &Frame, expect: Expect) -> Result<Sequence, AppendError>;

    /// Reads a page. It MAY be answered by a replica that lags, but never has a hole below its last frame.
    ///
    /// # Errors
    /// See [`ReadError`].
    async fn read(&self, read: &Read) -> Result<Page, ReadError>;

    /// The last frame of a key in its home shard, of any author, including every frame acknowledged before the call.
    ///
    /// # Errors
    /// See [`ReadError`].
    async fn last(&self, key: &Key) -> Result<Option<Stored>, ReadError>;

    /// Frames as they are stored, from now on: at most once, in order per key. When it returns, everything that is
    /// acknowledged later is either delivered or was lost by the feed.
    ///
    /// # Errors
    /// See [`ReadError`].
    async fn tail(&self, scope: &Scope) -> Result<Tail, ReadError>;

    /// The bounds of a shard.
    ///
    /// # Errors
    /// See [`ReadError`].
    async fn bounds(&self, lane: Lane, shard: Shard) -> Result<Bounds, ReadError>;

    /// Answers when the log takes appends.
    ///
    /// # Errors
    /// See [`ReadError`].
    async fn ready(&self) -> Result<(), ReadError>;
}
