//! Work that blocks a thread: CPU-bound closures and libraries without async.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use tokio::sync::{Semaphore, oneshot};

use super::Error;
use super::limits::{BLOCKING_AT_ONCE, BLOCKING_STACK_BYTES};

/// A place for each thread of the process that works for a tool.
static PLACES: Semaphore = Semaphore::const_new(BLOCKING_AT_ONCE);

/// Runs `work` on a thread of its own, at most [`BLOCKING_AT_ONCE`] at a time over all tools of the process.
///
/// Dropping the future does not stop the thread: its result is dropped, and its place stays taken until it ends. It does
/// not hold up the end of the process, as a thread of the runtime's blocking pool would.
///
/// # Errors
///
/// The result of `work`, or an error when no thread is free.
///
/// # Panics
///
/// When `work` does, with its panic.
pub(super) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let place = PLACES.acquire().await.expect("it is never closed");
    let (answer, ended) = oneshot::channel::<Result<_, Box<dyn Any + Send>>>();
    let thread = std::thread::Builder::new().name("tool".into()).stack_size(BLOCKING_STACK_BYTES);
    let body = move || {
        // Nothing that `work` broke is looked at again.
        let result = catch_unwind(AssertUnwindSafe(work));
        drop(place);
        // Nobody may be waiting any more.
        let _ = answer.send(result);
    };
    thread.spawn(body).map_err(|error| Error::failed(format_args!("no thread for the tool: {error}")))?;
    match ended.await {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => resume_unwind(panic),
        Err(_gone) => Err(Error::failed("the tool's thread ended without an answer")),
    }
}
