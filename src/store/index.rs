//! The index port: documents in an order, found by the sets that they are in. One projection of the whole log: it moves from
//! revision to revision, and a batch that does not go on from the revision that stands is refused.
//!
//! The store knows nothing of what the documents say: sets are names that [`crate::directory`] makes.

use std::collections::BTreeSet;
use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;

use super::Error;

/// Which of the lists a document is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// Executions.
    Executions,
    /// Sessions.
    Sessions,
    /// Approvals.
    Approvals,
    /// Questions.
    Questions,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Executions, Self::Sessions, Self::Approvals, Self::Questions];

    /// One letter, for keys.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Executions => 'e',
            Self::Sessions => 's',
            Self::Approvals => 'a',
            Self::Questions => 'q',
        }
    }

    /// Its number, for tables.
    #[must_use]
    pub const fn number(self) -> i64 {
        match self {
            Self::Executions => 0,
            Self::Sessions => 1,
            Self::Approvals => 2,
            Self::Questions => 3,
        }
    }
}

/// A place in the order of a family: by time, then by id. A document keeps its place while it stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Microseconds since 1970.
    pub at: i64,
    /// The document's id.
    pub id: String,
}

/// Where the index stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Counts up with each batch, from 1.
    pub revision: u64,
    /// The writer's note.
    pub note: Bytes,
}

/// A document's place and sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filed {
    /// Its place.
    pub at: i64,
    /// Names of the sets that it is in.
    pub sets: BTreeSet<String>,
}

/// The change of one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which list.
    pub family: Family,
    /// Which document.
    pub id: String,
    /// How it is filed in the index; `None`: it is not there.
    pub before: Option<Filed>,
    /// The new entry; `None`: it leaves.
    pub after: Option<Entry>,
}

/// A document as it is to stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// How it is filed.
    pub filed: Filed,
    /// Documents of a family leave in this order, the lowest first.
    pub rank: i64,
    /// Its content.
    pub document: Bytes,
}

/// Changes that are seen together or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The revision that must stand; 0: none does.
    pub from: u64,
    /// Names the batch: sent twice, it counts once.
    pub token: String,
    /// The note of the new revision.
    pub note: Bytes,
    /// The changes, each document once.
    pub changes: Vec<Change>,
}

/// Which end comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// The newest.
    #[default]
    Newest,
    /// The oldest.
    Oldest,
}

/// A page of documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Which list.
    pub family: Family,
    /// Documents in one of these sets at least.
    pub sets: Vec<String>,
    /// Which end first.
    pub direction: Direction,
    /// Only behind this place, in that direction.
    pub behind: Option<Place>,
    /// Documents at most.
    pub limit: usize,
}

/// A document of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its place.
    pub place: Place,
    /// Its content.
    pub document: Bytes,
}

/// The index of a store.
#[async_trait]
pub trait Index: fmt::Debug + Send + Sync {
    /// Where it stands; `None`: there is none, or it was wiped.
    ///
    /// # Errors
    /// See [`Error`].
    async fn head(&self) -> Result<Option<Head>, Error>;

    /// Moves it on by one revision. `false`: another revision stands than the batch goes on from, and nothing has changed.
    ///
    /// # Errors
    /// See [`Error`].
    async fn advance(&self, batch: &Batch) -> Result<bool, Error>;

    /// Documents by id, in the order asked for.
    ///
    /// # Errors
    /// See [`Error`].
    async fn documents(&self, family: Family, ids: &[String]) -> Result<Vec<Option<Bytes>>, Error>;

    /// A page, in its order. Each document once, however many of the sets it is in.
    ///
    /// # Errors
    /// See [`Error`].
    async fn page(&self, page: &Page) -> Result<Vec<Row>, Error>;

    /// How many documents are in each of these sets.
    ///
    /// # Errors
    /// See [`Error`].
    async fn counts(&self, family: Family, sets: &[String]) -> Result<Vec<u64>, Error>;

    /// Names of sets that begin so, in their order, behind `after`; with how many documents are in each.
    ///
    /// # Errors
    /// See [`Error`].
    async fn names(
        &self,
        family: Family,
        begins: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, u64)>, Error>;

    /// The documents that leave first, by rank, of those with the rank `from` and higher: id and document.
    ///
    /// # Errors
    /// See [`Error`].
    async fn first_to_leave(
        &self,
        family: Family,
        from: i64,
        limit: usize,
    ) -> Result<Vec<(String, Bytes)>, Error>;

    /// Takes everything away. Until it is done the index has no head.
    ///
    /// # Errors
    /// See [`Error`].
    async fn clear(&self) -> Result<(), Error>;
}
