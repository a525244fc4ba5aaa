//! One client that waits for the next events of a subscription, once (long-poll).

use std::sync::Arc;

use runbus::bus::Filter;
use runbus::log::{ReadError, Since};
use runbus::metrics::{Transport, gateway as metrics};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::join;
use super::output::Output;
use super::subscription::{Next, Subscription};
use crate::app::Shared;
use crate::auth::account::Account;
use crate::limits;
use crate::protocol::Text;

/// The received events.
#[derive(Debug)]
pub struct PollResult {
    /// Events, and lines that are none.
    pub events: Vec<Text>,
    /// The missing events before them.
    pub gaps: Vec<Text>,
    /// A cursor that goes on behind them.
    pub next: String,
}

/// Why nothing can come.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The subscription did not begin.
    #[error(transparent)]
    Join(#[from] join::Error),
    /// The log refuses.
    #[error(transparent)]
    Log(#[from] ReadError),
}

#[derive(Debug, Default)]
struct Collected {
    events: Vec<Text>,
    gaps: Vec<Text>,
    bytes: usize,
    limit: usize,
}

impl Collected {
    const fn is_empty(&self) -> bool {
        self.events.is_empty() && self.gaps.is_empty()
    }

    fn add(&mut self, text: &Text) {
        self.bytes += text.bytes();
        self.events.push(text.clone());
    }
}

impl Output for Collected {
    fn room(&self) -> usize {
        if self.events.len() >= self.limit { 0 } else { limits::POLL_BYTES.saturating_sub(self.bytes) }
    }

    fn event(&mut self, event: &Text) {
        self.add(event);
    }

    fn notice(&mut self, notice: &Text) {
        match notice.kind() {
            "gap" => self.gaps.push(notice.clone()),
            "caught_up" => {}
            _ => self.add(notice),
        }
    }
}

/// Waits until something comes, the gateway drains, or `deadline`; then gives the ready events, `limit` at most.
///
/// # Errors
/// See [`Error`].
pub async fn wait(
    shared: &Shared,
    account: &Arc<Account>,
    filter: Filter,
    since: &Since,
    limit: usize,
    deadline: Instant,
) -> Result<PollResult, Error> {
    let _counted = metrics::CONNECTIONS.of(Transport::Poll).hold();
    let wake = Arc::new(Notify::new());
    let start = since.clone().into();
    let (mut subscription, _) =
        Subscription::begin(shared, account, filter, &start, wake.clone(), Transport::Poll).await?;
    let mut out = Collected { limit, ..Collected::default() };
    loop {
        let then = match subscription.produce(shared, &mut out).await? {
            Next::Now if out.is_full() => break,
            Next::Now => continue,
            Next::At(_) | Next::Woken | Next::Never if !out.is_empty() => break,
            Next::Never => break,
            Next::At(then) => then.min(deadline),
            Next::Woken => deadline,
        };
        if Instant::now() >= deadline || shared.drain.is_cancelled() {
            break;
        }
        tokio::select! {
            () = wake.notified() => {}
            () = tokio::time::sleep_until(then) => {}
            () = shared.drain.cancelled() => {}
        }
    }
    subscription.written();
    // A page of the log may hold more than is asked for: the rest comes again.
    let cut = out.events.len() > limit;
    out.events.truncate(limit);
    let last = out.events.last().filter(|_| cut).and_then(Text::cursor).map(str::to_owned);
    Ok(PollResult {
        next: last.unwrap_or_else(|| subscription.position()),
        events: out.events,
        gaps: out.gaps,
    })
}
