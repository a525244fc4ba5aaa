//! The events of a subscription as an event stream (SSE): the dialect of its client.

use std::sync::Arc;

use axum::extract::ws::Message as Frame;
use bytes::Bytes;
use runbus::bus::Filter;
use runbus::log::Cursor;
use runbus::metrics::Transport;

use crate::app::Shared;
use crate::connection::gate::{CloseReason, Gate};
use crate::connection::join;
use crate::connection::{Dialect, End, Farewell, Link, Next, Outbound, Output, Subscription};
use crate::limits;
use crate::presence::Seat;
use crate::protocol::{Start, Text, close, server};

/// A subscription on its way into an event stream.
#[derive(Debug)]
pub struct EventStream {
    subscription: Subscription,
    greeting: Option<Bytes>,
    /// Messages have no `event`.
    unnamed: bool,
    /// The client is seen by others who watch the execution.
    _seat: Option<Seat>,
}

/// Begins one.
///
/// # Errors
/// See [`join::Error`].
pub async fn open(
    shared: Arc<Shared>,
    filter: Filter,
    start: &Start,
    (until_terminal, by_status, coalesce): (bool, bool, Option<bool>),
    gate: Gate,
) -> Result<(EventStream, Link), join::Error> {
    let link = Link::new(shared, gate);
    let execution = filter.execution_id.clone();
    let (shared, account) = (&link.shared, link.gate.account());
    let wake = link.wake.clone();
    let (subscription, cursor) =
        Subscription::begin(shared, account, filter, start, wake, Transport::Sse).await?;
    let subject = link.gate.principal().map(|principal| principal.subject.clone());
    let seat = execution.zip(subject).map(|(id, subject)| shared.presence.enter(id, subject, None));
    let stream = EventStream {
        subscription: subscription.until_terminal(until_terminal).by_status(by_status).coalesce(coalesce),
        greeting: Some(greeting(cursor.as_ref())),
        unnamed: false,
        _seat: seat,
    };
    Ok((stream, link))
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

/// The last frame of a stream that the gateway ends: its reason, or, when the gateway drains, when to come back.
pub(super) fn last((code, reason): CloseReason) -> Bytes {
    match code {
        close::DRAINING => {
            Bytes::from(format!(": the gateway drains\n{}\n", retry(limits::STREAM_DRAIN_RETRY)))
        }
        _ => server::closed(code, reason).frame(),
    }
}

impl EventStream {
    /// The same, without names of its messages: browsers give those without to `onmessage`.
    #[must_use]
    pub fn unnamed(self, unnamed: bool) -> Self {
        Self { unnamed, ..self }
    }

    fn frame(&self, piece: Bytes) -> Frame {
        Frame::Binary(if self.unnamed { without_names(&piece) } else { piece })
    }
}

/// A piece without the lines that name messages. Data is one line: none of it begins a line.
fn without_names(piece: &[u8]) -> Bytes {
    let named = |line: &&[u8]| !line.starts_with(b"event: ");
    piece.split_inclusive(|byte| *byte == b'\n').filter(named).flatten().copied().collect()
}

/// The next frames of one stream.
struct Frames<'a> {
    out: &'a mut Outbound,
    unnamed: bool,
}

impl Frames<'_> {
    fn add(&mut self, frame: Bytes) {
        self.out.add(Frame::Binary(if self.unnamed { without_names(&frame) } else { frame }));
    }
}

impl Output for Frames<'_> {
    fn room(&self) -> usize {
        self.out.room().min(limits::BATCH_BYTES.saturating_sub(self.out.bytes()))
    }

    fn event(&mut self, event: &Text) {
        self.add(event.frame());
    }

    fn notice(&mut self, notice: &Text) {
        self.add(notice.frame());
    }
}

impl Dialect for EventStream {
    async fn produce(&mut self, link: &Link, out: &mut Outbound) -> Result<Next, End> {
        if let Some(greeting) = self.greeting.take() {
            out.add(self.frame(greeting));
        }
        let mut frames = Frames { out, unnamed: self.unnamed };
        let found = match self.subscription.produce_now(&mut frames) {
            Some(found) => found,
            None => Box::pin(self.subscription.produce(&link.shared, &mut frames)).await,
        };
        match found {
            Ok(Next::Never) => Err(End::Done),
            Ok(next) => Ok(next),
            Err(error) => {
                tracing::error!(%error, "an event stream ends: the log refuses");
                Err(End::Close((close::UNAVAILABLE, "the log refuses")))
            }
        }
    }

    fn written(&mut self) {
        self.subscription.written();
    }

    fn farewell(&self, close: CloseReason) -> Farewell {
        Farewell { message: Some(self.frame(last(close))), reason: None }
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
