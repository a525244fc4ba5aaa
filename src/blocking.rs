//! Work that takes a thread for more than 10 ms: off the async runtime, with a bounded number of threads, a bounded queue and a
//! deadline.
//!
//! A thread cannot be stopped. Work given to a pool is bounded by itself, by limits on its input: the deadline says how long it
//! is waited for, and a place that is taken stays taken until the work ends.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};

/// The stack of each thread, in bytes; only what is used takes memory.
const STACK_BYTES: usize = 16 * 1024 * 1024;

/// Threads for one kind of work. Made once for a process.
#[derive(Debug)]
pub struct Pool {
    name: &'static str,
    places: Semaphore,
    /// The places, and the tasks that wait for one.
    taken: Semaphore,
    deadline: Duration,
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Too much waits already.
    #[error("too much work of the kind `{0}` waits already; try again later")]
    Busy(&'static str),
    /// It took too long; the work goes on, and its result is dropped.
    #[error("it took more than {limit_ms} ms")]
    TimedOut {
        /// The limit in milliseconds.
        limit_ms: u64,
    },
    /// It panicked.
    #[error("it broke: {0}")]
    Panicked(String),
    /// The system has no thread.
    #[error("there is no thread: {0}")]
    NoThread(Arc<str>),
}

impl Pool {
    /// Threads that do at most `threads` of such work at a time, while at most `queue` wait; each answers within `deadline`, the
    /// wait included.
    #[must_use]
    pub const fn new(name: &'static str, threads: usize, queue: usize, deadline: Duration) -> Self {
        let (places, taken) = (Semaphore::const_new(threads), Semaphore::const_new(threads + queue));
        Self { name, places, taken, deadline }
    }

    /// Does `work` on a thread of its own.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn run<T: Send + 'static>(
        &'static self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let taken = self.taken.try_acquire().map_err(|_full| Error::Busy(self.name))?;
        let done = async {
            // It is never closed.
            let place = self.places.acquire().await.map_err(|_closed| Error::Busy(self.name))?;
            let (answer, ended) = oneshot::channel::<Result<T, Box<dyn Any + Send>>>();
            let body = move || {
                // Nothing that `work` broke is looked at again.
                let result = catch_unwind(AssertUnwindSafe(work));
                drop((place, taken));
                // Nobody may be waiting any more.
                let _ = answer.send(result);
            };
            let thread = std::thread::Builder::new().name(self.name.to_owned()).stack_size(STACK_BYTES);
            thread.spawn(body).map_err(|error| Error::NoThread(Arc::from(error.to_string())))?;
            match ended.await {
                Ok(Ok(result)) => Ok(result),
                Ok(Err(panic)) => Err(Error::Panicked(text(panic.as_ref()))),
                Err(_gone) => Err(Error::Panicked("it ended without an answer".to_owned())),
            }
        };
        tokio::time::timeout(self.deadline, done).await.unwrap_or_else(|_elapsed| {
            let limit_ms = u64::try_from(self.deadline.as_millis()).unwrap_or(u64::MAX);
            Err(Error::TimedOut { limit_ms })
        })
    }
}

fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn work_that_does_not_end_holds_up_neither_the_runtime_nor_the_caller() {
        static POOL: Pool = Pool::new("test", 1, 1, Duration::from_secs(5));
        let (release, held) = sync_channel::<()>(0);
        let ticks = tokio::spawn(async {
            let mut count = 0;
            while tokio::time::timeout(Duration::from_secs(1), std::future::pending::<()>()).await.is_err() {
                count += 1;
                if count == 5 {
                    break;
                }
            }
            count
        });
        let first = POOL.run(move || held.recv().is_err());
        let second = POOL.run(|| 7);
        let third = async {
            tokio::task::yield_now().await;
            POOL.run(|| 8).await
        };
        let (first, second, third) = tokio::join!(first, second, third);
        assert_eq!(first, Err(Error::TimedOut { limit_ms: 5000 }));
        assert_eq!(second, Err(Error::TimedOut { limit_ms: 5000 }));
        assert_eq!(third, Err(Error::Busy("test")));
        assert_eq!(ticks.await.unwrap(), 5);
        drop(release);
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_the_place_is_free_again() {
        static POOL: Pool = Pool::new("test", 1, 0, Duration::from_secs(60));
        let broken = POOL.run(|| -> u8 { panic!("boom") }).await;
        assert_eq!(broken, Err(Error::Panicked("boom".to_owned())));
        assert_eq!(POOL.run(|| 7).await, Ok(7));
    }
}
