//! Timers: sessions that are to be looked at again at a point in time. They wait in a class of their own, so that the classes of
//! wake-ups hold only what a worker could do now.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use runbus::queue::{Class, Delivery, Error, Queue};
use runbus::session::command::{Timer, WakeUp};
use runbus::time::{Clock, Timestamp};

use crate::limits;

/// The shortest time that a session is woken after.
const LEAST: Duration = Duration::from_millis(100);
/// Timers that are looked at together.
const AT_ONCE: usize = 64;
/// How long one pull waits for a timer.
const PULL_WAIT: Duration = Duration::from_secs(20);
/// The wait after the queue did not answer.
const RETRY: Duration = Duration::from_secs(1);

/// Wakes the session of a wake-up at `at`. The same twice is one.
pub(super) async fn set(queue: &dyn Queue, clock: &Clock, wake: WakeUp, at: Timestamp) -> Result<(), Error> {
    let soonest = clock.now().micros().saturating_add(i64::try_from(LEAST.as_micros()).unwrap_or(i64::MAX));
    let due = at.max(Timestamp::from_micros(soonest));
    let key = format!("timer/{}/{}", wake.session_id, due.micros());
    let payload = Timer { due, wake }.encode().map_err(|error| Error::Refused(error.to_string()))?;
    queue.push(&Class::timers(), &key, payload).await
}

/// Makes wake-ups of the timers that are due, for ever. Ends when it is dropped.
pub(super) async fn keep(queue: Arc<dyn Queue>, clock: Clock) {
    loop {
        match queue.pull(&Class::timers(), AT_ONCE, PULL_WAIT).await {
            Ok(found) => {
                futures_util::stream::iter(found)
                    .for_each_concurrent(AT_ONCE, |delivery| look(&*queue, &clock, delivery))
                    .await;
            }
            Err(error) => {
                tracing::warn!(%error, "the queue does not answer; timers wait");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

async fn look(queue: &dyn Queue, clock: &Clock, delivery: Delivery) {
    let settled = match Timer::decode(&delivery.payload) {
        Ok(timer) => fire(queue, clock, &delivery, &timer).await,
        Err(error) => {
            tracing::error!(%error, "a job is no timer; it is given up");
            queue.give_up(&delivery).await
        }
    };
    if let Err(error) = settled {
        // Its hold runs out, and another worker looks.
        tracing::debug!(%error, "a timer was not settled");
    }
}

async fn fire(queue: &dyn Queue, clock: &Clock, delivery: &Delivery, timer: &Timer) -> Result<(), Error> {
    let now = clock.now();
    if timer.due > now {
        return queue.retry(delivery, timer.due.since(now).clamp(LEAST, limits::WAKE_AT_MOST)).await;
    }
    let key = format!("timed/{}/{}", timer.wake.session_id, timer.due.micros());
    let payload = timer.wake.encode().map_err(|error| Error::Refused(error.to_string()))?;
    queue.push(&runbus::control::class(timer.wake.scheduling.priority), &key, payload).await?;
    queue.ack(delivery).await
}
