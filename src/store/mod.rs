//! The store port: hot copies for fast questions. Nothing in it decides anything; it can be wiped at any moment.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

#[cfg(any(test, feature = "test-util"))]
pub mod conformance;
pub mod index;

pub use index::Index;

/// The name of a projection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name {
    /// The family: `execution`, `session`, ... Snake-case ASCII.
    pub family: &'static str,
    /// Of whom: an id, any UTF-8.
    pub id: String,
}

/// Where in its source a projection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The writer's epoch. A lower one than the stored one is refused.
    pub epoch: u64,
    /// The version before: the store must stand here, else the caller rebuilds. `None`: this is a whole copy, valid
    /// whatever was there before.
    pub from: Option<u64>,
    /// The version after: a position of the source.
    pub to: u64,
}

/// The outcome of an `apply`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It is stored.
    Stored,
    /// This version or a later one of the same epoch was there already.
    Already,
    /// A later epoch was there: the caller is no owner any more.
    Stale,
    /// The store stands elsewhere than `from` says (it was wiped, or lags): send a whole copy.
    Discontinuous,
}

/// A stored projection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Projection {
    /// The writer's epoch.
    pub epoch: u64,
    /// The position of the source that it reflects.
    pub version: u64,
    /// Its content.
    pub document: Bytes,
}

/// The outcome of a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lease {
    /// The caller has it for the time that it asked for.
    Held,
    /// Somebody else has it.
    HeldBy {
        /// The holder.
        owner: String,
        /// For how long yet.
        remaining: Duration,
    },
}

/// Why a store operation did not succeed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Try again later.
    #[error("the store does not answer: {0}")]
    Unavailable(String),
    /// It will not succeed later either.
    #[error("the store refuses: {0}")]
    Refused(String),
}

impl Error {
    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// Projections, leases, presence, start keys and counters. Every operation is idempotent: a client library may send it
/// twice.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Stores a projection, atomically against its mark. `keep` is how long it stays after this; `None`: until
    /// removed.
    ///
    /// Rules, in this order: lower epoch than stored: [`Applied::Stale`]. Same epoch and `to` <= stored version:
    /// [`Applied::Already`]. `from` is given and is not the stored version (nothing stored counts as 0):
    /// [`Applied::Discontinuous`]. Else it is stored.
    ///
    /// # Errors
    /// See [`Error`].
    async fn apply(
        &self,
        name: &Name,
        mark: Mark,
        document: Bytes,
        keep: Option<Duration>,
    ) -> Result<Applied, Error>;

    /// A projection; `None` when there is none.
    ///
    /// # Errors
    /// See [`Error`].
    async fn get(&self, name: &Name) -> Result<Option<Projection>, Error>;

    /// Removes a projection.
    ///
    /// # Errors
    /// See [`Error`].
    async fn remove(&self, name: &Name) -> Result<(), Error>;

    /// Takes or renews a lease: succeeds when nobody has it or `owner` has it already.
    ///
    /// # Errors
    /// See [`Error`].
    async fn lease(&self, name: &Name, owner: &str, ttl: Duration) -> Result<Lease, Error>;

    /// The holder of a lease, and the remaining time; `None` without a holder.
    ///
    /// # Errors
    /// See [`Error`].
    async fn leased(&self, name: &Name) -> Result<Option<(String, Duration)>, Error>;

    /// Gives a lease up; does nothing when `owner` does not have it.
    ///
    /// # Errors
    /// See [`Error`].
    async fn release(&self, name: &Name, owner: &str) -> Result<(), Error>;

    /// Says that `member` is present at `name` for `ttl`, with a short description.
    ///
    /// # Errors
    /// See [`Error`].
    async fn join(&self, name: &Name, member: &str, description: Bytes, ttl: Duration) -> Result<(), Error>;

    /// Says that `member` is gone.
    ///
    /// # Errors
    /// See [`Error`].
    async fn leave(&self, name: &Name, member: &str) -> Result<(), Error>;

    /// The members present at `name`.
    ///
    /// # Errors
    /// See [`Error`].
    async fn present(&self, name: &Name) -> Result<Vec<(String, Bytes)>, Error>;

    /// Remembers `value` under `name` for `ttl` if nothing is remembered there; returns what is remembered now.
    ///
    /// # Errors
    /// See [`Error`].
    async fn remember(&self, name: &Name, value: Bytes, ttl: Duration) -> Result<Bytes, Error>;

    /// The index of the lists.
    fn index(&self) -> &dyn Index;

    /// Answers when the store works.
    ///
    /// # Errors
    /// See [`Error`].
    async fn ready(&self) -> Result<(), Error>;
}
