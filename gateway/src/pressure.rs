//! The cost of slow readers: counted, and bounded over all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use runbus::metrics::gateway as metrics;
use serde::Serialize;

use crate::ledger::{Ledger, Table, TableUsage, Taken};
use crate::limits;

/// Counts of all clients of a gateway. Gauges fall back to zero when the clients are gone.
#[derive(Debug)]
pub struct Pressure {
    ledger: Arc<Ledger>,
    held_bytes: AtomicUsize,
    behind: AtomicUsize,
    spills: AtomicU64,
    cut: AtomicU64,
}

/// The counts at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, schemars::JsonSchema)]
pub struct Load {
    /// Bytes that are prepared for clients which have not taken them yet. Event streams: the last piece of each.
    pub held_bytes: usize,
    /// Subscriptions that were too slow for the recent events and read the log at their own pace now. That is found out when
    /// the next is prepared for the client: one that takes nothing at the moment is counted when its write ends, or never,
    /// when it is closed for that (`cut`). Until then its bytes are in `held_bytes`.
    pub behind: usize,
    /// How often that happened.
    pub spills: u64,
    /// WebSockets that were closed because a write did not end in time (4001, drop-in endpoints 1013).
    pub cut: u64,
}

impl Pressure {
    /// Nothing held; `ledger` bounds what clients may have prepared beside their least share.
    #[must_use]
    pub fn new(ledger: Arc<Ledger>) -> Arc<Self> {
        let (held_bytes, behind) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self { ledger, held_bytes, behind, spills: AtomicU64::new(0), cut: AtomicU64::new(0) })
    }

    /// The counts now.
    #[must_use]
    pub fn load(&self) -> Load {
        Load {
            held_bytes: self.held_bytes.load(Ordering::Relaxed),
            behind: self.behind.load(Ordering::Relaxed),
            spills: self.spills.load(Ordering::Relaxed),
            cut: self.cut.load(Ordering::Relaxed),
        }
    }

    /// Counts bytes until the guard is dropped. The least share is each client's, beside the bound.
    pub(crate) fn hold(self: &Arc<Self>, usage: &Arc<TableUsage>, bytes: usize) -> Held {
        let above = bytes.saturating_sub(limits::LEAST_BYTES);
        self.held(self.ledger.force(usage, Table::Bytes, above), bytes)
    }

    fn held(self: &Arc<Self>, taken: Taken, bytes: usize) -> Held {
        self.held_bytes.fetch_add(bytes, Ordering::Relaxed);
        let mut counted = metrics::HELD.amount();
        counted.set(bytes.min(limits::LEAST_BYTES));
        Held { pressure: self.clone(), taken, bytes, counted }
    }

    /// Counts a subscription that falls behind, until the guard is dropped.
    pub(crate) fn spill(self: &Arc<Self>) -> Behind {
        self.spills.fetch_add(1, Ordering::Relaxed);
        self.behind.fetch_add(1, Ordering::Relaxed);
        metrics::SPILLED.inc();
        Behind { pressure: self.clone(), _counted: metrics::BEHIND.hold() }
    }

    /// Counts a client that was closed for being too slow.
    pub(crate) fn count_cut(&self) {
        self.cut.fetch_add(1, Ordering::Relaxed);
    }

    /// Holds `wanted` bytes, or the least share when there is no room for them: many may ask at the same time.
    pub(crate) fn grant(self: &Arc<Self>, usage: &Arc<TableUsage>, wanted: usize) -> Held {
        if wanted <= limits::LEAST_BYTES {
            return self.hold(usage, wanted);
        }
        match self.ledger.take_spare(usage, Table::Bytes, wanted - limits::LEAST_BYTES) {
            Ok(taken) => self.held(taken, wanted),
            Err(_full) => self.hold(usage, limits::LEAST_BYTES),
        }
    }
}

/// Bytes that are counted as held.
#[derive(Debug)]
pub(crate) struct Held {
    pressure: Arc<Pressure>,
    /// The part above the least share.
    taken: Taken,
    bytes: usize,
    /// The part within it.
    counted: runbus::metrics::Amount,
}

impl Held {
    /// How many.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// It is as many now.
    pub(crate) fn set(&mut self, bytes: usize) {
        let before = self.bytes();
        if bytes > before {
            self.pressure.held_bytes.fetch_add(bytes - before, Ordering::Relaxed);
        } else {
            self.pressure.held_bytes.fetch_sub(before - bytes, Ordering::Relaxed);
        }
        self.bytes = bytes;
        self.taken.set(bytes.saturating_sub(limits::LEAST_BYTES));
        self.counted.set(bytes.min(limits::LEAST_BYTES));
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.pressure.held_bytes.fetch_sub(self.bytes(), Ordering::Relaxed);
    }
}

/// A subscription that is counted as behind.
#[derive(Debug)]
pub(crate) struct Behind {
    pressure: Arc<Pressure>,
    _counted: runbus::metrics::Held,
}

impl Drop for Behind {
    fn drop(&mut self) {
        self.pressure.behind.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How much one client is sent at a time: the more the faster it takes it.
#[derive(Debug)]
pub(crate) struct Pace {
    bytes: usize,
}

impl Pace {
    /// Of a client that is not known yet.
    pub(crate) const fn new() -> Self {
        Self { bytes: limits::LEAST_BYTES }
    }

    /// Bytes of the next write, held for it.
    pub(crate) fn budget(&self, pressure: &Arc<Pressure>, usage: &Arc<TableUsage>) -> Held {
        pressure.grant(usage, self.bytes)
    }

    /// A write of so many bytes took so long; `most` is what no client exceeds.
    pub(crate) fn wrote(&mut self, bytes: usize, took: Duration, most: usize) {
        if took > limits::SLOW_WRITE {
            self.bytes = limits::LEAST_BYTES;
        } else if bytes >= self.bytes {
            self.bytes = self.bytes.saturating_mul(2).min(most);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(bytes: usize) -> (Arc<Pressure>, Arc<TableUsage>) {
        (Pressure::new(Ledger::new(|_| bytes, 4)), TableUsage::of_everyone())
    }

    #[test]
    fn fast_clients_get_more_and_slow_ones_the_least() {
        let most = 4 * limits::LEAST_BYTES;
        let (pressure, usage) = with(most);
        let mut pace = Pace::new();
        for _ in 0..5 {
            let bytes = pace.budget(&pressure, &usage).bytes();
            pace.wrote(bytes, Duration::ZERO, most);
        }
        assert_eq!(pace.budget(&pressure, &usage).bytes(), most);
        // Little to send says nothing.
        pace.wrote(1, Duration::ZERO, most);
        assert_eq!(pace.budget(&pressure, &usage).bytes(), most);
        let held = [pressure.hold(&usage, most), pressure.hold(&usage, 1)];
        assert_eq!(pace.budget(&pressure, &usage).bytes(), limits::LEAST_BYTES);
        assert_eq!(pressure.load().held_bytes, most + 1);
        drop(held);
        assert_eq!(pace.budget(&pressure, &usage).bytes(), most);
        assert_eq!(pressure.load().held_bytes, 0);
        pace.wrote(most, Duration::from_secs(1), most);
        assert_eq!(pace.budget(&pressure, &usage).bytes(), limits::LEAST_BYTES);
    }

    #[test]
    fn granted_bytes_are_held_until_they_are_written() {
        let most = 4 * limits::LEAST_BYTES;
        let (pressure, usage) = with(most);
        let mut fast = Pace::new();
        fast.wrote(limits::LEAST_BYTES, Duration::ZERO, most);
        fast.wrote(most, Duration::ZERO, most);
        let mut first = fast.budget(&pressure, &usage);
        let second = fast.budget(&pressure, &usage);
        assert_eq!((first.bytes(), second.bytes()), (most, limits::LEAST_BYTES));
        first.set(7);
        assert_eq!(pressure.load().held_bytes, 7 + limits::LEAST_BYTES);
        first.set(9);
        drop((first, second));
        assert_eq!(pressure.load().held_bytes, 0);
    }

    #[test]
    fn a_slow_reader_is_counted_until_it_has_caught_up() {
        let (pressure, _) = with(0);
        let behind = [pressure.spill(), pressure.spill()];
        assert_eq!((pressure.load().behind, pressure.load().spills), (2, 2));
        drop(behind);
        assert_eq!((pressure.load().behind, pressure.load().spills), (0, 2));
    }
}
