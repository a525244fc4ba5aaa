//! The clients' shares, counted in one place: bytes, and places in tables that all of them share.
//!
//! Each [`Table`] has a bound. One principal may have half of the part that the others leave, so that the next one finds room for
//! any usage of the first; a stream token may have a share of its principal's part. Where authentication is disabled, there is one
//! principal, which may have all. A taken share is a [`Taken`], which gives back by itself.
//!
//! [`usage`] has the shares of one principal or token, [`payers`] the payer of shared resources.

pub mod payers;
mod table;
mod taken;
pub mod usage;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use crate::limits;

pub use payers::{Member, Payers};
pub use table::Table;
pub use taken::Taken;
pub use usage::TableUsage;

/// The bound that is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// All clients together have as much as there is.
    Gateway,
    /// This principal, or this token, has its part.
    Principal,
}

/// There is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}: {table}; retry later", match whose {
    Whose::Gateway => "this gateway has as many as it may have",
    Whose::Principal => "this principal has its share of what this gateway may have",
})]
pub struct Full {
    /// Of what.
    pub table: Table,
    /// The bound.
    pub whose: Whose,
}

/// The shares of all clients of a gateway.
#[derive(Debug)]
pub struct Ledger {
    max: [usize; Table::COUNT],
    held: [AtomicUsize; Table::COUNT],
    /// One stream token may have one in so many of its principal's share.
    token_share: usize,
    waiting: AtomicUsize,
    freed: Notify,
}

impl Ledger {
    /// Nothing is held; `max` is each table's bound.
    #[must_use]
    pub fn new(max: impl Fn(Table) -> usize, token_share: usize) -> Arc<Self> {
        Arc::new(Self {
            max: Table::ALL.map(max),
            held: Table::ALL.map(|_| AtomicUsize::new(0)),
            token_share: token_share.max(1),
            waiting: AtomicUsize::new(0),
            freed: Notify::new(),
        })
    }

    /// How much of it all clients have.
    #[must_use]
    pub fn held(&self, table: Table) -> usize {
        self.held[table as usize].load(Ordering::Relaxed)
    }

    /// Its bound.
    #[must_use]
    pub const fn max(&self, table: Table) -> usize {
        self.max[table as usize]
    }

    /// Takes so much of it.
    ///
    /// # Errors
    /// See [`Full`].
    pub fn take(
        self: &Arc<Self>,
        usage: &Arc<TableUsage>,
        table: Table,
        amount: usize,
    ) -> Result<Taken, Full> {
        self.add(usage, table, amount)?;
        Ok(Taken::new(self.clone(), usage.clone(), table, amount))
    }

    /// Takes an amount for work that can also be done with less: a quarter of the table is left to other work.
    ///
    /// # Errors
    /// See [`Full`].
    pub fn take_spare(
        self: &Arc<Self>,
        usage: &Arc<TableUsage>,
        table: Table,
        amount: usize,
    ) -> Result<Taken, Full> {
        let most = self.max(table) - self.max(table) / 4;
        if self.held(table).saturating_add(amount) > most {
            return Err(Full { table, whose: Whose::Gateway });
        }
        self.take(usage, table, amount)
    }

    /// Takes it with or without room: an existing resource is counted.
    #[must_use]
    pub fn force(self: &Arc<Self>, usage: &Arc<TableUsage>, table: Table, amount: usize) -> Taken {
        self.add_anyway(usage, table, amount);
        Taken::new(self.clone(), usage.clone(), table, amount)
    }

    /// Takes it as soon as there is room.
    ///
    /// # Errors
    /// There was none for so long.
    pub async fn take_within(
        self: &Arc<Self>,
        usage: &Arc<TableUsage>,
        table: Table,
        amount: usize,
        patience: Duration,
    ) -> Result<Taken, Full> {
        let full = match self.take(usage, table, amount) {
            Ok(taken) => return Ok(taken),
            Err(full) => full,
        };
        let _waits = Waits::new(self);
        let taking = async {
            loop {
                let mut freed = std::pin::pin!(self.freed.notified());
                freed.as_mut().enable();
                match self.take(usage, table, amount) {
                    Ok(taken) => return taken,
                    Err(_full) => freed.await,
                }
            }
        };
        tokio::time::timeout(patience, taking).await.map_err(|_elapsed| full)
    }

    /// A principal's present limit: half of the part that the others leave, and at least the least useful amount.
    fn share(&self, table: Table, total: usize, own: usize) -> usize {
        let others = total.saturating_sub(own);
        (self.max(table).saturating_sub(others) / 2).max(self.least(table))
    }

    /// The limit of every principal while there is room at all.
    fn least(&self, table: Table) -> usize {
        table.least().max(if table == Table::Bytes { self.max(table) / limits::LEAST_SHARE } else { 0 })
    }

    /// Bytes of events that one page of history may have: two such pages fit into the least that anybody may hold.
    #[must_use]
    pub fn page_bytes(&self) -> usize {
        (self.max(Table::Bytes) / limits::LEAST_SHARE / 2).clamp(1, runbus::limits::HISTORY_MAX_BYTES)
    }

    fn add(&self, usage: &TableUsage, table: Table, amount: usize) -> Result<(), Full> {
        let full = |whose| Full { table, whose };
        let held = &self.held[table as usize];
        let within = |held: usize, most: usize| held.checked_add(amount).filter(|held| *held <= most);
        let before = held
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |held| within(held, self.max(table)))
            .map_err(|_| full(Whose::Gateway))?;
        let Some(root) = usage.principal() else {
            usage.add(table, amount);
            return Ok(());
        };
        let share = self.share(table, before, root.held(table));
        if !root.add_within(table, amount, share) {
            held.fetch_sub(amount, Ordering::AcqRel);
            return Err(full(Whose::Principal));
        }
        let part = (share / self.token_share).max(self.least(table));
        if usage.is_token() && !usage.add_within(table, amount, part) {
            root.sub(table, amount);
            held.fetch_sub(amount, Ordering::AcqRel);
            return Err(full(Whose::Principal));
        }
        Ok(())
    }

    fn add_anyway(&self, usage: &TableUsage, table: Table, amount: usize) {
        self.held[table as usize].fetch_add(amount, Ordering::AcqRel);
        usage.add_all(table, amount);
    }

    fn sub(&self, usage: &TableUsage, table: Table, amount: usize) {
        usage.sub_all(table, amount);
        self.held[table as usize].fetch_sub(amount, Ordering::AcqRel);
        if amount > 0 && self.waiting.load(Ordering::Acquire) > 0 {
            self.freed.notify_waiters();
        }
    }
}

/// Somebody waits for room.
struct Waits<'a>(&'a Ledger);

impl<'a> Waits<'a> {
    fn new(ledger: &'a Ledger) -> Self {
        ledger.waiting.fetch_add(1, Ordering::AcqRel);
        Self(ledger)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ledger(max: usize) -> Arc<Ledger> {
        Ledger::new(|_| max, 4)
    }

    fn greedy(ledger: &Arc<Ledger>, usage: &Arc<TableUsage>, table: Table, unit: usize) -> Vec<Taken> {
        std::iter::from_fn(|| ledger.take(usage, table, unit).ok()).collect()
    }

    #[test]
    fn a_greedy_principal_leaves_others_their_share_of_every_table() {
        for table in Table::ALL {
            let unit = table.least();
            let ledger = ledger(64 * unit);
            let (one, two, three) =
                (TableUsage::of_principal(), TableUsage::of_principal(), TableUsage::of_principal());
            let first = greedy(&ledger, &one, table, unit);
            assert_eq!(first.len(), 32, "{table}: half");
            let second = greedy(&ledger, &two, table, unit);
            assert_eq!(second.len(), 16, "{table}: half of what is left");
            assert_eq!(greedy(&ledger, &three, table, unit).len(), 8, "{table}");
            assert!(ledger.take(&one, table, unit).is_err_and(|full| full.whose == Whose::Principal));
            drop(second);
            assert_eq!(greedy(&ledger, &two, table, unit).len(), 16);
            drop(first);
            assert_eq!(ledger.held(table), 0);
        }
    }

    #[test]
    fn one_token_has_a_share_of_its_principals() {
        for table in Table::ALL {
            let unit = table.least();
            let ledger = ledger(64 * unit);
            let key = TableUsage::of_principal();
            let (token, other) = (TableUsage::of_token(key.clone()), TableUsage::of_token(key.clone()));
            let taken = greedy(&ledger, &token, table, unit);
            assert_eq!(taken.len(), 8, "{table}: a quarter of what the key may have");
            assert_eq!(greedy(&ledger, &other, table, unit).len(), 8, "{table}");
            assert_eq!(greedy(&ledger, &key, table, unit).len(), 24, "{table}: what its token left");
            drop(taken);
            assert_eq!((token.held(table), key.held(table)), (0, 0));
        }
    }

    #[tokio::test]
    async fn a_waiter_gets_a_returned_share() {
        let ledger = ledger(1 << 20);
        let everyone = TableUsage::of_everyone();
        let all = ledger.take(&everyone, Table::Bytes, 1 << 20).unwrap();
        let none = ledger.take_within(&everyone, Table::Bytes, 1, Duration::ZERO).await;
        assert!(none.is_err_and(|full| full.whose == Whose::Gateway));
        let waiting = ledger.take_within(&everyone, Table::Bytes, 1, Duration::from_secs(60));
        let (taken, ()) = tokio::join!(waiting, async { drop(all) });
        assert_eq!(taken.unwrap().amount(), 1);
    }

    proptest! {
        /// Taken, changed and given back in any order: nothing is over its bound, and nothing stays.
        #[test]
        fn taken_shares_are_given_back(steps in proptest::collection::vec((0_usize..5, 0_usize..3, 0_usize..300_000), 1..60)) {
            let ledger = ledger(1 << 20);
            let keys = [TableUsage::of_principal(), TableUsage::of_principal()];
            let usages = [keys[0].clone(), keys[1].clone(), TableUsage::of_token(keys[0].clone())];
            let mut taken = Vec::new();
            for (step, who, amount) in steps {
                match step {
                    0..3 => taken.extend(ledger.take(&usages[who], Table::Bytes, amount).ok()),
                    3 => if let Some(taken) = taken.last_mut() { taken.set(amount.min(taken.amount())) },
                    _ => drop(taken.pop()),
                }
                prop_assert!(ledger.held(Table::Bytes) <= 1 << 20);
                let all: usize = taken.iter().map(Taken::amount).sum();
                prop_assert_eq!(ledger.held(Table::Bytes), all);
                prop_assert_eq!(keys.iter().map(|key| key.held(Table::Bytes)).sum::<usize>(), all);
            }
            drop(taken);
            prop_assert_eq!(ledger.held(Table::Bytes), 0);
            prop_assert!(usages.iter().all(|usage| usage.held(Table::Bytes) == 0));
        }
    }
}
