//! The outcomes of events, counted in this process.

use std::sync::atomic::{AtomicU64, Ordering};

use runbus::metrics::{Webhook, worker as metrics};

/// Counters of one endpoint.
#[derive(Debug, Default)]
pub struct Counters {
    delivered: AtomicU64,
    failed_tries: AtomicU64,
    given_up: AtomicU64,
    /// Tries that failed since one last succeeded.
    failing: AtomicU64,
}

impl Counters {
    /// Events that the receiver took.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    /// Tries that did not succeed.
    #[must_use]
    pub fn failed_tries(&self) -> u64 {
        self.failed_tries.load(Ordering::Relaxed)
    }

    /// Events that were given up.
    #[must_use]
    pub fn given_up(&self) -> u64 {
        self.given_up.load(Ordering::Relaxed)
    }

    /// Counts a success; whether tries failed before it, and how many.
    pub(super) fn succeeded(&self) -> u64 {
        metrics::WEBHOOKS.of(Webhook::Delivered).inc();
        self.delivered.fetch_add(1, Ordering::Relaxed);
        self.failing.swap(0, Ordering::Relaxed)
    }

    /// Counts a try that failed; whether it is the first since one succeeded.
    pub(super) fn failed(&self) -> bool {
        metrics::WEBHOOKS.of(Webhook::FailedTry).inc();
        self.failed_tries.fetch_add(1, Ordering::Relaxed);
        self.failing.fetch_add(1, Ordering::Relaxed) == 0
    }

    pub(super) fn gave_up(&self) {
        metrics::WEBHOOKS.of(Webhook::GivenUp).inc();
        self.given_up.fetch_add(1, Ordering::Relaxed);
    }
}
