//! The shares of one principal in each table, or of one of its stream tokens.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::table::Table;

/// The shares of a principal.
#[derive(Debug)]
pub struct TableUsage {
    held: [AtomicUsize; Table::COUNT],
    of: Of,
}

#[derive(Debug)]
enum Of {
    /// Everybody, where nobody is asked.
    Everyone,
    Principal,
    /// A stream token; its shares are its principal's too.
    Token(Arc<TableUsage>),
}

impl TableUsage {
    fn new(of: Of) -> Arc<Self> {
        Arc::new(Self { held: Table::ALL.map(|_| AtomicUsize::new(0)), of })
    }

    /// Of all, where nobody is asked who they are.
    #[must_use]
    pub fn of_everyone() -> Arc<Self> {
        Self::new(Of::Everyone)
    }

    /// Of a principal.
    #[must_use]
    pub fn of_principal() -> Arc<Self> {
        Self::new(Of::Principal)
    }

    /// Of a stream token of a principal.
    #[must_use]
    pub fn of_token(principal: Arc<Self>) -> Arc<Self> {
        Self::new(Of::Token(principal))
    }

    /// How much of it there is in here.
    #[must_use]
    pub fn held(&self, table: Table) -> usize {
        self.held[table as usize].load(Ordering::Acquire)
    }

    /// The principal's; `None`: everyone's.
    pub(super) fn principal(&self) -> Option<&Self> {
        match &self.of {
            Of::Everyone => None,
            Of::Principal => Some(self),
            Of::Token(principal) => Some(principal),
        }
    }

    /// The owner: the same number for a principal and its tokens.
    #[must_use]
    pub fn owner(&self) -> usize {
        self.principal().map_or(0, |principal| std::ptr::from_ref(principal).addr())
    }

    pub(super) const fn is_token(&self) -> bool {
        matches!(self.of, Of::Token(_))
    }

    pub(super) fn add(&self, table: Table, amount: usize) {
        self.held[table as usize].fetch_add(amount, Ordering::AcqRel);
    }

    pub(super) fn add_within(&self, table: Table, amount: usize, most: usize) -> bool {
        let within = |held: usize| held.checked_add(amount).filter(|held| *held <= most);
        self.held[table as usize].fetch_update(Ordering::AcqRel, Ordering::Acquire, within).is_ok()
    }

    pub(super) fn sub(&self, table: Table, amount: usize) {
        self.held[table as usize].fetch_sub(amount, Ordering::AcqRel);
    }

    /// Here and at its principal's.
    pub(super) fn add_all(&self, table: Table, amount: usize) {
        self.add(table, amount);
        if let Of::Token(principal) = &self.of {
            principal.add(table, amount);
        }
    }

    /// The same, the other way.
    pub(super) fn sub_all(&self, table: Table, amount: usize) {
        self.sub(table, amount);
        if let Of::Token(principal) = &self.of {
            principal.sub(table, amount);
        }
    }
}
