//! One client of an event stream (SSE): a body that is made as fast as it is taken.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use runbus::bus::Filter;
use runbus::log::Cursor;
use runbus::metrics::{self as counted, Transport, gateway as metrics};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::departure::Departure;
use super::frames::Frames;
use super::gate::close_reason;
use super::join;
use super::subscription::{Next, Subscription};
use crate::app::Shared;
use crate::auth::Ticket;
use crate::limits;
use crate::presence::Seat;
use crate::pressure::Held;
use crate::protocol::{Start, Text, close, server};

/// A subscription on its way into a body.
#[derive(Debug)]
pub struct EventStream<K> {
    shared: Arc<Shared>,
    subscription: Subscription,
    wake: Arc<Notify>,
    first: Option<Bytes>,
    beat_at: Instant,
    ended: bool,
    /// Messages have no `event`.
    unnamed: bool,
    departure: Departure,
    ticket: Ticket,
    /// The piece that was given last is not taken before the next one is asked for.
    held: Option<Held>,
    /// The client is seen by others who watch the execution.
    _seat: Option<Seat>,
    _counted: counted::Held,
    /// The client's place among the connections, given back when the body is dropped.
    _keep: K,
}

/// Begins one. `keep` is dropped with it.
///
/// # Errors
/// See [`join::Error`].
pub async fn open<K>(
    shared: Arc<Shared>,
    filter: Filter,
    start: &Start,
    (until_terminal, by_status, coalesce): (bool, bool, Option<bool>),
    ticket: Ticket,
    keep: K,
) -> Result<EventStream<K>, join::Error> {
    let wake = Arc::new(Notify::new());
    let execution = filter.execution_id.clone();
    let (subscription, cursor) =
        Subscription::begin(&shared, ticket.account(), filter, start, wake.clone(), Transport::Sse).await?;
    let subject = &ticket.principal().subject;
    let seat = execution.map(|id| shared.presence.enter(id, subject.clone(), None));
    Ok(EventStream {
        _seat: seat,
        subscription: subscription.until_terminal(until_terminal).by_status(by_status).coalesce(coalesce),
        wake,
        first: Some(greeting(cursor.as_ref())),
        beat_at: Instant::now() + shared.config.ping_interval(),
        ended: false,
        unnamed: false,
        departure: Departure::default(),
        ticket,
        held: None,
        shared,
        _counted: metrics::CONNECTIONS.of(Transport::Sse).hold(),
        _keep: keep,
    })
}

/// How soon to come back after a broken connection, and where the subscription begins.
fn greeting(cursor: Option<&Cursor>) -> Bytes {
    let subscribed = Text::new(cursor, "subscribed", &[&server::begun(cursor)]);
    let mut greeting = retry(limits::STREAM_RETRY).into_bytes();
    greeting.extend_from_slice(&subscribed.frame());
    Bytes::from(greeting)
}

/// A line of the first message: some clients take a block with nothing else for a message without data.
pub(super) fn retry(pause: std::time::Duration) -> String {
    format!("retry: {}\n", pause.as_millis())
}

/// The last frame of a stream when the gateway drains: come back soon.
pub(super) fn leave() -> Bytes {
    Bytes::from(format!(": the gateway drains\n{}\n", retry(limits::STREAM_DRAIN_RETRY)))
}

impl<K> EventStream<K> {
    /// The same, without names of its messages: browsers give those without to `onmessage`.
    pub fn unnamed(self, unnamed: bool) -> Self {
        Self { unnamed, ..self }
    }
}

/// A piece without the lines that name messages. Data is one line: none of it begins a line.
fn without_names(piece: &[u8]) -> Bytes {
    let named = |line: &&[u8]| !line.starts_with(b"event: ");
    piece.split_inclusive(|byte| *byte == b'\n').filter(named).flatten().copied().collect()
}

impl<K: Send> EventStream<K> {
    /// The body's pieces. Nothing is made that is not asked for; dropping it ends the subscription.
    pub fn pieces(self) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
        futures_util::stream::unfold(Box::new(self), async |mut stream| {
            let piece = Box::pin(stream.next()).await?;
            let piece = if stream.unnamed { without_names(&piece) } else { piece };
            Some((Ok(piece), stream))
        })
    }

    /// The next piece; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        self.held = None;
        // The next piece is asked for when the one before was written.
        self.subscription.written();
        while !self.ended {
            if self.departure.is_due(&self.shared) {
                self.ended = true;
                return Some(leave());
            }
            if let Some(ended) = self.ticket.has_ended() {
                let (code, reason) = close_reason(ended);
                self.ended = true;
                return Some(server::closed(code, reason).frame());
            }
            let budget = limits::BATCH_BYTES.min(self.shared.config.client_buffer_bytes);
            let mut frames = Frames::new(budget);
            self.first.take().into_iter().for_each(|first| frames.push(first));
            let next = match self.subscription.produce(&self.shared, &mut frames).await {
                Ok(next) => next,
                Err(error) => {
                    tracing::error!(%error, "an event stream ends: the log refuses");
                    frames.push(server::closed(close::UNAVAILABLE, "the log refuses").frame());
                    Next::Never
                }
            };
            self.ended = next == Next::Never;
            if let Some(piece) = frames.take() {
                self.beat_at = Instant::now() + self.shared.config.ping_interval();
                self.held = Some(self.shared.pressure.hold(self.ticket.account().usage(), piece.len()));
                return Some(piece);
            }
            let then = match next {
                Next::Now | Next::Never => continue,
                Next::At(then) => then.min(self.beat_at),
                Next::Woken => self.beat_at,
            };
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep_until(self.departure.or(then)) => {}
                () = self.departure.announced(&self.shared) => {}
                _ = self.ticket.ended() => {}
            }
            if Instant::now() >= self.beat_at {
                self.beat_at = Instant::now() + self.shared.config.ping_interval();
                return Some(Bytes::from_static(b":\n\n"));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_and_nothing_else() {
        let piece =
            b"id: a\nevent: custom\ndata: {\"x\":\"event: y\"}\n\nevent: gap\ndata: event: z\n\n:\n\n";
        let wanted = b"id: a\ndata: {\"x\":\"event: y\"}\n\ndata: event: z\n\n:\n\n";
        assert_eq!(&without_names(piece)[..], &wanted[..]);
    }
}
