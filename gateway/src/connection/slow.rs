//! Writes that a client may not take at once.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

use super::dialect::End;
use super::link::Link;
use super::transport::Gone;
use crate::protocol::close;

/// A write that its client may not take at once. One that it does costs neither a timer nor a lock.
pub(super) struct Slow<'a> {
    link: &'a Link,
    /// Since when it waits.
    began: Option<Instant>,
}

impl<'a> Slow<'a> {
    pub(super) const fn new(link: &'a Link) -> Self {
        Self { link, began: None }
    }

    /// How long the client has let it wait.
    pub(super) fn waited(&self) -> Duration {
        self.began.map_or(Duration::ZERO, |began| began.elapsed())
    }

    /// Does one step, within `gateway.write_timeout_ms`.
    pub(super) async fn patiently(
        &mut self,
        step: impl Future<Output = Result<(), Gone>>,
    ) -> Result<(), End> {
        let mut step = pin!(step);
        let done = match futures_util::poll!(step.as_mut()) {
            Poll::Ready(done) => Ok(done),
            Poll::Pending => {
                self.began.get_or_insert_with(Instant::now);
                let (gate, patience) = (&self.link.gate, self.link.shared.config.write_timeout());
                // In memory of its own: all clients would hold it, and few need it.
                let waited = Box::pin(async move {
                    tokio::select! {
                        done = tokio::time::timeout(patience, step) => Ok(done),
                        // A client that takes nothing is not kept for that.
                        reason = gate.ended() => Err(End::Close(reason)),
                    }
                });
                waited.await?
            }
        };
        match done {
            Ok(done) => done.map_err(|Gone| End::Gone),
            Err(_elapsed) => {
                self.link.shared.pressure.count_cut();
                Err(End::Close((close::TOO_SLOW, "too slow: resume with the last cursor")))
            }
        }
    }
}
