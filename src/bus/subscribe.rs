//! Subscriptions: handlers that run for every event, so many at a time.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::delivery::{Delivered, Delivery};
use super::filter::Filter;
use super::{Bus, Reader};
use crate::limits;
use crate::log::{ReadError, Since};

/// Names a subscription of one bus handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriptionId(u64);

impl fmt::Display for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How a subscription runs.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it begins.
    pub since: Since,
    /// Handlers that run at the same time, 1 to [`limits::HANDLERS_MAX`]. With 1 events are handled in order.
    pub concurrency: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { since: Since::New, concurrency: limits::HANDLERS_DEFAULT }
    }
}

/// Why a subscription did not begin.
#[derive(Debug, thiserror::Error)]
pub enum SubscribeError {
    /// The concurrency is out of range.
    #[error("concurrency is {0}, from 1 to {max} is allowed", max = limits::HANDLERS_MAX)]
    Concurrency(usize),
    /// This bus handle has too many.
    #[error("there are {max} subscriptions already: end one first", max = limits::SUBSCRIPTIONS_MAX)]
    TooMany,
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] ReadError),
}

/// Counts of handled events by outcome, over all subscriptions of a bus handle.
#[derive(Debug, Default)]
pub struct Counters {
    handled: AtomicU64,
    failed: AtomicU64,
}

impl Counters {
    /// Handlers that ended.
    #[must_use]
    pub fn handled(&self) -> u64 {
        self.handled.load(Ordering::Acquire)
    }

    /// Handlers that ended with an error or a panic.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }
}

/// The subscriptions of a bus handle.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    running: Mutex<HashMap<SubscriptionId, CancellationToken>>,
    last: AtomicU64,
    pub(super) counters: Arc<Counters>,
    tracker: TaskTracker,
}

impl Subscriptions {
    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<SubscriptionId, CancellationToken>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn len(&self) -> usize {
        self.running().len()
    }
}

impl Bus {
    /// Runs `handler` for every event of the filter. Its errors are logged and counted and stop nobody else.
    ///
    /// # Errors
    /// See [`SubscribeError`].
    pub async fn subscribe<H, F, E>(
        &self,
        filter: Filter,
        options: Options,
        handler: H,
    ) -> Result<SubscriptionId, SubscribeError>
    where
        H: Fn(Delivered) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display + Send + 'static,
    {
        if !(1..=limits::HANDLERS_MAX).contains(&options.concurrency) {
            return Err(SubscribeError::Concurrency(options.concurrency));
        }
        if self.subscriptions.len() >= limits::SUBSCRIPTIONS_MAX {
            return Err(SubscribeError::TooMany);
        }
        let reader = Reader::start(self.log.clone(), filter, options.since).await?;
        let id = SubscriptionId(self.subscriptions.last.fetch_add(1, Ordering::Relaxed) + 1);
        let stop = CancellationToken::new();
        self.subscriptions.running().insert(id, stop.clone());
        let subscriptions = self.subscriptions.clone();
        self.subscriptions.tracker.spawn(async move {
            let run = deliver(reader, handler, options.concurrency, subscriptions.clone(), id);
            tokio::select! {
                () = stop.cancelled() => {}
                () = run => {}
            }
            subscriptions.running().remove(&id);
        });
        Ok(id)
    }

    /// Ends a subscription; handlers that run already end by themselves. Whether there was such a one.
    pub fn unsubscribe(&self, id: SubscriptionId) -> bool {
        let Some(stop) = self.subscriptions.running().remove(&id) else { return false };
        stop.cancel();
        true
    }

    /// Counts of handled events by outcome.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.subscriptions.counters
    }
}

async fn deliver<H, F, E>(
    mut reader: Reader,
    handler: H,
    concurrency: usize,
    subscriptions: Arc<Subscriptions>,
    id: SubscriptionId,
) where
    H: Fn(Delivered) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: fmt::Display + Send + 'static,
{
    let room = Arc::new(Semaphore::new(concurrency));
    loop {
        let delivered = match reader.next().await {
            Ok(Delivery::Event(delivered)) => delivered,
            Ok(Delivery::CaughtUp) => continue,
            Ok(Delivery::Gap(gap)) => {
                tracing::warn!(subscription = %id, ?gap, "events are missing");
                continue;
            }
            Ok(Delivery::Undecodable(line)) => {
                tracing::warn!(subscription = %id, cursor = %line.cursor, reason = line.reason, "a line is no event");
                continue;
            }
            Err(error) => {
                tracing::error!(subscription = %id, %error, "a subscription ends: the log refuses");
                return;
            }
        };
        let Ok(permit) = room.clone().acquire_owned().await else { return };
        let running = handler(*delivered);
        let counters = subscriptions.counters.clone();
        let handler_task = tokio::spawn(running);
        subscriptions.tracker.spawn(async move {
            let outcome = handler_task.await;
            let fault = match outcome {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(panic) => Some(panic.to_string()),
            };
            if let Some(error) = fault {
                counters.failed.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(subscription = %id, error, "a handler failed");
            }
            // Last, so that a reader that counts an event as handled also counts its failure.
            counters.handled.fetch_add(1, Ordering::Release);
            drop(permit);
        });
    }
}
