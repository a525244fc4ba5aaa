//! The external ends of a connection, awaited without a cost: a look takes no lock that connections share.

use std::pin::Pin;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio_util::sync::CancellationToken;

/// The end that occurred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The gateway drains.
    Drains,
    /// The client's right has ended.
    Revoked,
}

type Ending = Pin<Box<dyn Future<Output = End> + Send>>;

/// The possible ends of a connection. A polled token takes its lock, and all connections share the gateway's: this polls a token
/// only after its wake-up.
#[derive(Debug)]
pub(super) struct Ends {
    endings: FuturesUnordered<Ending>,
}

impl Ends {
    /// Those two; `None`: nobody can revoke it.
    pub(super) fn new(drain: &CancellationToken, revoked: Option<&CancellationToken>) -> Self {
        let ends = Self { endings: FuturesUnordered::new() };
        ends.add(End::Drains, drain);
        if let Some(revoked) = revoked {
            ends.add(End::Revoked, revoked);
        }
        ends
    }

    fn add(&self, end: End, token: &CancellationToken) {
        let cancelled = token.clone().cancelled_owned();
        self.endings.push(Box::pin(async move {
            cancelled.await;
            end
        }));
    }

    /// The next thing that happens, each once; never comes when nothing can.
    pub(super) async fn next(&mut self) -> End {
        match self.endings.next().await {
            Some(end) => end,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn each_end_is_reported_once() {
        let (drain, revoked) = (CancellationToken::new(), CancellationToken::new());
        let mut ends = Ends::new(&drain, Some(&revoked));
        assert_eq!(ends.next().now_or_never(), None);
        revoked.cancel();
        assert_eq!(ends.next().await, End::Revoked);
        assert_eq!(ends.next().now_or_never(), None);
        let waiting = tokio::spawn(async move { (ends.next().await, ends.next().now_or_never()) });
        tokio::task::yield_now().await;
        drain.cancel();
        assert_eq!(waiting.await.unwrap(), (End::Drains, None));
    }
}
