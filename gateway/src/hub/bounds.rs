//! The bounds of shards, read once for all callers at the same time: thousands come at once when another gateway went.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use runbus::log::{Bounds, Log, ReadError};
use runbus::subject::{Lane, Shard};

/// Shared questions.
#[derive(Debug, Default)]
pub struct Shared {
    shards: Mutex<HashMap<(Lane, Shard), Arc<One>>>,
}

/// The questions about one shard.
#[derive(Debug, Default)]
struct One {
    /// Questions that were begun.
    begun: std::sync::atomic::AtomicU64,
    /// The last number, and its answer. A caller that asks holds it.
    last: tokio::sync::Mutex<Option<(u64, Result<Bounds, Failed>)>>,
}

/// A [`ReadError`] that can be given to several.
#[derive(Debug, Clone)]
enum Failed {
    Unavailable(String),
    Refused(String),
}

impl Shared {
    /// The bounds of a shard, at some moment after this call.
    ///
    /// # Errors
    /// As [`Log::bounds`].
    pub async fn ask(&self, log: &dyn Log, lane: Lane, shard: Shard) -> Result<Bounds, ReadError> {
        use std::sync::atomic::Ordering::SeqCst;
        let one = {
            let mut shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
            shards.entry((lane, shard)).or_default().clone()
        };
        let came = one.begun.load(SeqCst);
        let mut last = one.last.lock().await;
        // One that was begun before this call may know less than its caller.
        let answer = match &*last {
            Some((number, answer)) if *number > came => answer.clone(),
            _ => {
                let number = one.begun.fetch_add(1, SeqCst) + 1;
                let answer = log.bounds(lane, shard).await.map_err(|error| match error {
                    ReadError::Unavailable(reason) => Failed::Unavailable(reason),
                    ReadError::Refused(reason) => Failed::Refused(reason),
                });
                *last = Some((number, answer.clone()));
                answer
            }
        };
        answer.map_err(|failed| match failed {
            Failed::Unavailable(reason) => ReadError::Unavailable(reason),
            Failed::Refused(reason) => ReadError::Refused(reason),
        })
    }
}
