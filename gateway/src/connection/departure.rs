//! When the client of one stream leaves a gateway that drains: at a random moment of the drain window, and it is served
//! until then.

use tokio::time::Instant;

use crate::app::Shared;

/// One client's departure. The moment is settled when the gateway begins to drain.
#[derive(Debug, Default)]
pub(super) struct Departure(Option<Instant>);

impl Departure {
    /// Whether the client must leave now.
    pub(super) fn is_due(&mut self, shared: &Shared) -> bool {
        shared.drain.is_cancelled() && *self.0.get_or_insert_with(|| shared.drain_moment()) <= Instant::now()
    }

    /// `then`, or the departure when that is earlier.
    pub(super) fn or(&self, then: Instant) -> Instant {
        self.0.map_or(then, |moment| moment.min(then))
    }

    /// Waits until the moment is to be settled: the gateway drains, and [`Departure::is_due`] was not asked since. Safe to
    /// drop while waiting.
    pub(super) async fn announced(&self, shared: &Shared) {
        match self.0 {
            None => shared.drain.cancelled().await,
            Some(_) => std::future::pending().await,
        }
    }
}
