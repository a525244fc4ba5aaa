//! The kinds of metrics without labels: atomics.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use super::held::{Amount, Held};

/// Only grows. On a cache line of its own: two threads that count different things do not wait for each other.
#[derive(Debug)]
#[repr(align(64))]
pub struct Counter(AtomicU64);

impl Counter {
    pub(super) const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Adds one.
    pub fn inc(&self) {
        self.add(1);
    }

    /// Adds.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// The current count.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Time that only grows, in seconds; set, not added to.
#[derive(Debug)]
pub struct Seconds(AtomicU64);

impl Seconds {
    pub(super) const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    pub(super) fn set(&self, time: Duration) {
        self.0.store(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    #[expect(clippy::cast_precision_loss, reason = "microseconds are exact for 285 years")]
    pub(super) fn get(&self) -> f64 {
        self.0.load(Ordering::Relaxed) as f64 / 1e6
    }
}

/// The current number. Dropping a guard gives its share back.
#[derive(Debug)]
#[repr(align(64))]
pub struct Gauge(AtomicI64);

impl Gauge {
    pub(super) const fn new() -> Self {
        Self(AtomicI64::new(0))
    }

    /// One more, until the guard is dropped.
    #[must_use = "it is counted while this lives"]
    pub fn hold(&'static self) -> Held {
        self.add(1);
        Held(self)
    }

    /// An amount that changes, given back when the guard is dropped. It begins with nothing.
    #[must_use = "it is counted while this lives"]
    pub const fn amount(&'static self) -> Amount {
        Amount::new(self)
    }

    /// Sets the number. Only for values that are looked up, not for those that guards count.
    pub fn set(&self, n: i64) {
        self.0.store(n, Ordering::Relaxed);
    }

    pub(super) fn add(&self, n: i64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// How many there are.
    #[must_use]
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The upper bounds of the buckets of every histogram, in microseconds: 0.5 ms to 2 min. One more bucket has the rest.
pub const BOUNDS: [u64; 17] = [
    500,
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    30_000_000,
    60_000_000,
    120_000_000,
];

/// How long things took. Two additions an observation; the numbers of one reading may be one observation apart.
#[derive(Debug)]
#[repr(align(64))]
pub struct Histogram {
    buckets: [AtomicU64; BOUNDS.len() + 1],
    sum_us: AtomicU64,
}

impl Histogram {
    pub(super) const fn new() -> Self {
        Self { buckets: [const { AtomicU64::new(0) }; BOUNDS.len() + 1], sum_us: AtomicU64::new(0) }
    }

    /// Counts one.
    pub fn observe(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.partition_point(|bound| *bound < us);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_us.fetch_add(us, Ordering::Relaxed);
    }

    /// How many were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).sum()
    }

    /// The sum in seconds, and the buckets: upper bound in seconds, and how many are in it alone.
    #[expect(clippy::cast_precision_loss, reason = "a sum is no exact number")]
    pub(super) fn read(&self) -> (f64, Vec<(f64, u64)>) {
        let bounds = BOUNDS.iter().map(|bound| *bound as f64 / 1e6).chain([f64::INFINITY]);
        let counts = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed));
        (self.sum_us.load(Ordering::Relaxed) as f64 / 1e6, bounds.zip(counts).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn observations_fall_into_the_bucket_of_their_bound() {
        let histogram = Histogram::new();
        for us in [0, 500, 501, 1_000, 120_000_000, 120_000_001] {
            histogram.observe(Duration::from_micros(us));
        }
        let (sum, buckets) = histogram.read();
        let counts: Vec<u64> = buckets.iter().map(|(_, count)| *count).collect();
        assert_eq!((counts[0], counts[1], counts[16], counts[17]), (2, 2, 1, 1));
        assert_eq!(histogram.count(), 6);
        assert!((sum - 240.002_002).abs() < 1e-6, "{sum}");
    }
}
