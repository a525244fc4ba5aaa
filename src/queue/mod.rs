//! The queue port: wake-ups for workers. At least once; the journal decides what a wake-up still means.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

#[cfg(any(test, feature = "test-util"))]
pub mod conformance;
mod depth;

pub use depth::{count, keep_counting};

/// Jobs of one class are pulled by the same workers. Snake-case ASCII.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Class(String);

/// The text is no class: 1 to 32 characters a-z, 0-9 and _ are needed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is no job class: 1 to 32 characters a-z, 0-9 and _ are needed")]
pub struct InvalidClass;

impl Class {
    /// Parses a class.
    ///
    /// # Errors
    /// See [`InvalidClass`].
    pub fn new(text: &str) -> Result<Self, InvalidClass> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        if text.is_empty() || text.len() > 32 || !text.bytes().all(plain) {
            return Err(InvalidClass);
        }
        Ok(Self(text.into()))
    }

    /// Wake-ups of sessions.
    #[must_use]
    pub fn sessions() -> Self {
        Self("sessions".into())
    }

    /// Wake-ups of sessions that somebody waits for.
    #[must_use]
    pub fn sessions_high() -> Self {
        Self("sessions_high".into())
    }

    /// Wake-ups of sessions that can wait.
    #[must_use]
    pub fn sessions_low() -> Self {
        Self("sessions_low".into())
    }

    /// Points in time at which sessions are woken. Nobody waits for them: a worker makes a wake-up of each when it is due.
    #[must_use]
    pub fn timers() -> Self {
        Self("timers".into())
    }

    /// The class as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A job that a worker holds until it acknowledges it or its time is up.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The pushed payload.
    pub payload: Bytes,
    /// How often it was delivered, with this time. A hint: brokers may miscount.
    pub deliveries: u32,
    /// Names the delivery to the adapter; opaque.
    pub receipt: String,
}

/// Why a queue operation did not succeed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Try again later.
    #[error("the queue does not answer: {0}")]
    Unavailable(String),
    /// It will not succeed later either.
    #[error("the queue refuses: {0}")]
    Refused(String),
    /// The delivery's time was up, or it was acknowledged: somebody else may hold the job.
    #[error("the delivery is no longer held")]
    NotHeld,
}

impl Error {
    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// A work queue. A job is delivered until it is acknowledged or given up; never lost, now and then twice.
#[async_trait]
pub trait Queue: fmt::Debug + Send + Sync + 'static {
    /// Stores a job and returns once it is durable. The same key again, while the first is waiting or was pushed
    /// within [`crate::limits::DUPLICATE_WINDOW`], stores one job.
    ///
    /// # Errors
    /// See [`Error`].
    async fn push(&self, class: &Class, key: &str, payload: Bytes) -> Result<(), Error>;

    /// Takes up to `max` jobs, waiting up to `wait` for the first; an empty answer is no error. Each is held for
    /// [`Queue::hold`] unless extended.
    ///
    /// # Errors
    /// See [`Error`].
    async fn pull(&self, class: &Class, max: usize, wait: Duration) -> Result<Vec<Delivery>, Error>;

    /// How long a delivery is held without being extended.
    fn hold(&self) -> Duration;

    /// The job is done.
    ///
    /// # Errors
    /// See [`Error`].
    async fn ack(&self, delivery: &Delivery) -> Result<(), Error>;

    /// Holds the job for another [`Queue::hold`], counted from now.
    ///
    /// # Errors
    /// See [`Error`].
    async fn extend(&self, delivery: &Delivery) -> Result<(), Error>;

    /// Gives the job back, to be delivered after `delay`.
    ///
    /// # Errors
    /// See [`Error`].
    async fn retry(&self, delivery: &Delivery, delay: Duration) -> Result<(), Error>;

    /// Removes an unfinished job from the queue. The caller records the reason in the log.
    ///
    /// # Errors
    /// See [`Error`].
    async fn give_up(&self, delivery: &Delivery) -> Result<(), Error>;

    /// Jobs of a class that wait or are held.
    ///
    /// # Errors
    /// See [`Error`].
    async fn depth(&self, class: &Class) -> Result<u64, Error>;

    /// Answers when the queue takes jobs.
    ///
    /// # Errors
    /// See [`Error`].
    async fn ready(&self) -> Result<(), Error>;
}
