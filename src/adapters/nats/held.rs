//! Which deliveries this process still holds.
//!
//! JetStream takes an acknowledgement of any delivery of a job, also of one whose time was up and that somebody else holds
//! by now, and says nothing. So a delivery is forgotten here a little before the broker would deliver the job again, and
//! the process refuses to acknowledge a forgotten delivery. One case remains: an acknowledgement that leaves in time and
//! arrives too late.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The part of a hold that is given up for the way between broker and worker: one in this many.
const MARGIN: u32 = 10;

/// The most of it.
const MARGIN_MAX: Duration = Duration::from_secs(2);

/// Deliveries by receipt.
#[derive(Debug)]
pub(super) struct Held {
    deadlines: Mutex<HashMap<String, Instant>>,
    hold: Duration,
}

impl Held {
    pub(super) fn new(hold: Duration) -> Self {
        let margin = (hold / MARGIN).min(MARGIN_MAX);
        Self { deadlines: Mutex::default(), hold: hold.saturating_sub(margin) }
    }

    /// Holds a delivery from `since` on, anew or for longer. Those whose time is up are forgotten.
    pub(super) fn hold(&self, receipt: &str, since: Instant) {
        let mut deadlines = self.deadlines.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        deadlines.retain(|_, deadline| *deadline > now);
        deadlines.insert(receipt.to_owned(), since + self.hold);
    }

    /// Whether a delivery is held.
    pub(super) fn is_held(&self, receipt: &str) -> bool {
        let deadlines = self.deadlines.lock().unwrap_or_else(PoisonError::into_inner);
        deadlines.get(receipt).is_some_and(|deadline| *deadline > Instant::now())
    }

    /// Ends a hold.
    pub(super) fn release(&self, receipt: &str) {
        self.deadlines.lock().unwrap_or_else(PoisonError::into_inner).remove(receipt);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_hold_ends_before_the_brokers() {
        let held = Held::new(Duration::from_secs(10));
        held.hold("a", Instant::now());
        held.hold("b", Instant::now());
        held.release("b");
        assert!(held.is_held("a") && !held.is_held("b") && !held.is_held("c"));
        tokio::time::advance(Duration::from_millis(8_900)).await;
        held.hold("a", Instant::now());
        tokio::time::advance(Duration::from_millis(8_900)).await;
        assert!(held.is_held("a"), "extended");
        tokio::time::advance(Duration::from_millis(200)).await;
        assert!(!held.is_held("a"));
        held.hold("d", Instant::now());
        assert_eq!(held.deadlines.lock().unwrap().len(), 1, "an expired hold is removed");
    }
}
