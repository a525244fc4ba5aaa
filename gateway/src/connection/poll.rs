//! One client that waits for the next events of a subscription, once (long-poll): its dialect, and its transport.

use std::sync::Arc;

use axum::extract::ws::Message as Frame;
use runbus::bus::Filter;
use runbus::log::{ReadError, Since};
use runbus::metrics;
use tokio::time::Instant;

use super::dialect::{Dialect, End, Farewell};
use super::driver::Driver;
use super::gate::{CloseReason, Gate};
use super::join;
use super::link::Link;
use super::outbound::Outbound;
use super::output::Output;
use super::subscription::{Next, Subscription};
use super::transport::{Gone, Transport};
use crate::app::Shared;
use crate::limits;
use crate::protocol::{Text, close};

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
    /// The client's credential has expired or was revoked.
    #[error("the credential is not valid any more")]
    Ended,
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

/// The dialect of a client that waits once.
struct Poll {
    subscription: Subscription,
    out: Collected,
    deadline: Instant,
    failed: Option<ReadError>,
}

impl Dialect for Poll {
    /// Collects until something is there, and then all that is.
    async fn produce(&mut self, link: &Link, _: &mut Outbound) -> Result<Next, End> {
        loop {
            match self.subscription.produce(&link.shared, &mut self.out).await {
                Err(error) => {
                    self.failed = Some(error);
                    return Err(End::Done);
                }
                Ok(Next::Now) if self.out.is_full() => return Err(End::Done),
                Ok(Next::Now) => {}
                Ok(Next::Never) => return Err(End::Done),
                Ok(_) if !self.out.is_empty() => return Err(End::Done),
                Ok(next) => return Ok(next),
            }
        }
    }

    fn written(&mut self) {}

    fn deadline(&self) -> Option<(Instant, End)> {
        Some((self.deadline, End::Done))
    }

    fn farewell(&self, _: CloseReason) -> Farewell {
        Farewell::default()
    }
}

/// The transport of one: its answer is written by its endpoint.
struct Answer;

impl Transport for Answer {
    const KIND: metrics::Transport = metrics::Transport::Poll;
    const HEARS: bool = false;
    const STAYS: bool = false;

    async fn feed(&mut self, _: Frame) -> Result<(), Gone> {
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        Ok(())
    }

    async fn ping(&mut self) -> Result<(), Gone> {
        Ok(())
    }

    async fn close(&mut self, _: &Shared, _: Option<CloseReason>) {}
}

/// Waits until something comes, the gateway drains, or `deadline`; then gives the ready events, `limit` at most.
///
/// # Errors
/// See [`Error`].
pub async fn wait(
    shared: Arc<Shared>,
    gate: Gate,
    filter: Filter,
    since: &Since,
    limit: usize,
    deadline: Instant,
) -> Result<PollResult, Error> {
    let link = Link::new(shared, gate);
    let (start, wake) = (since.clone().into(), link.wake.clone());
    let (shared, account) = (&link.shared, link.gate.account());
    let (subscription, _) =
        Subscription::begin(shared, account, filter, &start, wake, metrics::Transport::Poll).await?;
    let out = Collected { limit, ..Collected::default() };
    let mut driver = Driver::new(Answer, Poll { subscription, out, deadline, failed: None }, link);
    let end = driver.run().await;
    let Poll { mut subscription, mut out, failed, .. } = driver.into_dialect();
    if let Some(error) = failed {
        return Err(error.into());
    }
    if let End::Close((close::UNAUTHENTICATED, _)) = end {
        return Err(Error::Ended);
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
