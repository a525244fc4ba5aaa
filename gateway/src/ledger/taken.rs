//! A share of a table.

use std::sync::Arc;

use runbus::metrics::{Amount, gateway as metrics};

use super::{Full, Ledger, Table, TableUsage};

/// A share of a table, given back when it is dropped.
#[derive(Debug)]
pub struct Taken {
    ledger: Arc<Ledger>,
    usage: Arc<TableUsage>,
    table: Table,
    amount: usize,
    /// Bytes are counted among the metrics.
    counted: Option<Amount>,
}

impl Taken {
    pub(super) fn new(ledger: Arc<Ledger>, usage: Arc<TableUsage>, table: Table, amount: usize) -> Self {
        let mut counted = (table == Table::Bytes).then(|| metrics::HELD.amount());
        counted.iter_mut().for_each(|counted| counted.set(amount));
        Self { ledger, usage, table, amount, counted }
    }

    /// How much.
    #[must_use]
    pub const fn amount(&self) -> usize {
        self.amount
    }

    /// Its usage.
    #[must_use]
    pub const fn usage(&self) -> &Arc<TableUsage> {
        &self.usage
    }

    fn is_now(&mut self, amount: usize) {
        self.amount = amount;
        self.counted.iter_mut().for_each(|counted| counted.set(amount));
    }

    /// It is as much now, whether or not there is room.
    pub fn set(&mut self, amount: usize) {
        if amount > self.amount {
            self.ledger.add_anyway(&self.usage, self.table, amount - self.amount);
        } else {
            self.ledger.sub(&self.usage, self.table, self.amount - amount);
        }
        self.is_now(amount);
    }

    /// Takes so much more.
    ///
    /// # Errors
    /// There is no room; it stays as it is.
    pub fn grow(&mut self, more: usize) -> Result<(), Full> {
        self.ledger.add(&self.usage, self.table, more)?;
        self.is_now(self.amount + more);
        Ok(())
    }

    /// Somebody else has it now.
    pub(super) fn transfer(&mut self, usage: &Arc<TableUsage>) {
        self.ledger.add_anyway(usage, self.table, self.amount);
        self.ledger.sub(&self.usage, self.table, self.amount);
        self.usage = usage.clone();
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.ledger.sub(&self.usage, self.table, self.amount);
    }
}
