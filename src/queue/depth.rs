//! How many wake-ups there are, as a metric: of gateways too, so that a scaler can start the first worker.

use std::time::Duration;

use super::{Class, Queue};
use crate::metrics::{Rank, worker as metrics};

/// How often the queue is asked.
const EVERY: Duration = Duration::from_secs(3);

/// Counts for ever. Ends when it is dropped.
pub async fn keep_counting(queue: &dyn Queue) {
    loop {
        count(queue).await;
        tokio::time::sleep(EVERY).await;
    }
}

/// Counts once. An answer that does not come leaves the numbers as they were.
pub async fn count(queue: &dyn Queue) {
    for (rank, class) in [
        (Rank::High, Class::sessions_high()),
        (Rank::Normal, Class::sessions()),
        (Rank::Low, Class::sessions_low()),
    ] {
        if let Ok(jobs) = queue.depth(&class).await {
            metrics::JOBS.of(rank).set(i64::try_from(jobs).unwrap_or(i64::MAX));
        }
    }
}
