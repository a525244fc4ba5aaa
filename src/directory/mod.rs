//! The directory: lists of executions, sessions, approvals and questions, as an index in the store. It follows the log and decides
//! nothing; wiped or behind, it is made again from the log.
//!
//! ```text
//! log ──events──▶ fold ──▶ draft ──batch from revision n──▶ index (store) ◀──page── list ◀── query, sight
//!                (hear)                                     head: revision, how far of the log
//! ```
//!
//! `indexer` follows the log, `fold` and `kept` are what an event does to entries, `listed` says by what they are found, `trim` how
//! they leave, `list` makes pages; [`entry`] is what is shown.

mod beginning;
mod draft;
pub mod entry;
mod fold;
mod indexer;
mod kept;
mod list;
mod listed;
mod note;
mod position;
mod query;
#[cfg(test)]
mod tests;
mod trim;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

use crate::bus::Bus;
use crate::store;
use crate::store::index::Family;
use crate::time::Clock;
use entry::{ApprovalEntry, ExecutionEntry, QuestionEntry, SessionEntry};
use kept::{KeptExecution, KeptSession};
use list::Look;
use note::Note;

pub use indexer::Error as IndexError;
pub use list::{Counts, Error, Listing};
pub use position::Invalid as InvalidCursor;
pub use query::{Everything, Query, Seen, Streams, Visibility};
pub use trim::Bounds;

/// A cheap handle on the lists.
#[derive(Debug, Clone)]
pub struct Directory {
    bus: Bus,
    clock: Clock,
    bounds: Bounds,
    /// The last revision that this process wrote.
    moved: Arc<watch::Sender<u64>>,
    is_keeping: Arc<AtomicBool>,
}

/// Where the index stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// Counts up with each change; 0: there is no index yet.
    pub revision: u64,
    /// Whether it has all that the log holds, or follows it live; else it is being built.
    pub is_complete: bool,
}

macro_rules! lists {
    ($($(#[$doc:meta])* $name:ident, $by_id:ident: $kept:ty => $shown:ty;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// See [`Error`].
        pub async fn $name(&self, query: &Query, visibility: &dyn Visibility) -> Result<Listing<$shown>, Error> {
            Look { index: self.bus.store().index(), query, visibility }.list::<$kept>().await
        }

        /// The same by id, as they are now; `None`: not there, or not to be seen.
        ///
        /// # Errors
        /// The store does not answer.
        pub async fn $by_id(
            &self,
            ids: &[String],
            visibility: &dyn Visibility,
        ) -> Result<Vec<Option<$shown>>, store::Error> {
            list::by_id::<$kept>(self.bus.store().index(), visibility, ids).await
        }
    )*};
}

impl Directory {
    /// The lists of a bus.
    #[must_use]
    pub fn new(bus: Bus, clock: Clock, bounds: Bounds) -> Self {
        let moved = Arc::new(watch::Sender::new(0));
        Self { bus, clock, bounds, moved, is_keeping: Arc::default() }
    }

    lists! {
        /// A page of executions.
        executions, executions_by_id: KeptExecution => ExecutionEntry;
        /// A page of sessions.
        sessions, sessions_by_id: KeptSession => SessionEntry;
        /// A page of approvals.
        approvals, approvals_by_id: ApprovalEntry => ApprovalEntry;
        /// A page of questions.
        questions, questions_by_id: QuestionEntry => QuestionEntry;
    }

    /// Where the index stands.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn standing(&self) -> Result<Standing, store::Error> {
        let head = self.bus.store().index().head().await?;
        Ok(head.map_or(Standing::default(), |head| Standing {
            revision: head.revision,
            is_complete: Note::decode(&head.note).is_some_and(|note| note.caught_up && !note.is_behind),
        }))
    }

    /// Hears of each revision that this process writes.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }

    /// Whether this process keeps the index with the log.
    #[must_use]
    pub fn is_keeping(&self) -> bool {
        self.is_keeping.load(Ordering::Relaxed)
    }

    fn moved(&self, revision: u64) {
        self.moved.send_replace(revision);
    }
}

/// The statuses that entries of a list may have.
#[must_use]
pub fn statuses(family: Family) -> &'static [&'static str] {
    use listed::Listed;
    match family {
        Family::Executions => KeptExecution::STATUSES,
        Family::Sessions => KeptSession::STATUSES,
        Family::Approvals => ApprovalEntry::STATUSES,
        Family::Questions => QuestionEntry::STATUSES,
    }
}
