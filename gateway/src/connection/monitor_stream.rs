//! One client of the event stream (SSE) of a monitor or of a live list: a body that is made as fast as it is taken.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use runbus::directory::Query;
use runbus::id::StreamId;
use runbus::metrics::{Held, Transport, gateway as metrics};
use runbus::store::index::Family;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::departure::Departure;
use super::event_stream::{leave, retry};
use super::frames::Frames;
use super::gate::close_reason;
use super::monitoring::Watched;
use super::output::Output;
use crate::app::Shared;
use crate::auth::Ticket;
use crate::ledger::Full;
use crate::limits;
use crate::pressure;
use crate::protocol::{close, server};

/// A monitor, or a live list, on its way into a body.
#[derive(Debug)]
pub struct MonitorStream<K> {
    shared: Arc<Shared>,
    watch: Watched,
    wake: Arc<Notify>,
    first: Option<Bytes>,
    beat_at: Instant,
    ended: bool,
    departure: Departure,
    ticket: Ticket,
    /// The piece that was given last is not taken before the next one is asked for.
    held: Option<pressure::Held>,
    _counted: Held,
    /// The client's place among the connections, given back when the body is dropped.
    _keep: K,
}

/// Begins one. `keep` is dropped with it.
///
/// # Errors
/// See [`Full`].
pub fn open<K>(
    shared: Arc<Shared>,
    stream: Option<StreamId>,
    ticket: Ticket,
    keep: K,
) -> Result<MonitorStream<K>, Full> {
    let wake = Arc::new(Notify::new());
    let watch = shared.monitors.watch_with(stream.clone(), wake.clone(), ticket.account().usage())?;
    Ok(begin(shared, Watched::Monitor(stream, watch), wake, ticket, keep))
}

/// The same of a list.
///
/// # Errors
/// See [`Full`].
pub fn list<K>(
    shared: Arc<Shared>,
    asked: (Family, Query),
    ticket: Ticket,
    keep: K,
) -> Result<MonitorStream<K>, Full> {
    let wake = Arc::new(Notify::new());
    let watch = shared.lists.watch(asked.clone(), ticket.principal(), &wake, ticket.account().usage())?;
    Ok(begin(shared, Watched::List(Box::new(asked), watch), wake, ticket, keep))
}

fn begin<K>(
    shared: Arc<Shared>,
    watch: Watched,
    wake: Arc<Notify>,
    ticket: Ticket,
    keep: K,
) -> MonitorStream<K> {
    MonitorStream {
        watch,
        wake,
        first: Some(Bytes::from(retry(limits::STREAM_RETRY))),
        beat_at: Instant::now() + shared.config.ping_interval(),
        ended: false,
        departure: Departure::default(),
        ticket,
        held: None,
        shared,
        _counted: metrics::CONNECTIONS.of(Transport::Sse).hold(),
        _keep: keep,
    }
}

impl<K: Send> MonitorStream<K> {
    /// The body's pieces. Nothing is made that is not asked for; dropping it ends the watch.
    pub fn pieces(self) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
        futures_util::stream::unfold(Box::new(self), async |mut stream| {
            let piece = Box::pin(stream.next()).await?;
            Some((Ok(piece), stream))
        })
    }

    /// The next piece; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        self.held = None;
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
            let mut frames = Frames::new(usize::MAX);
            self.first.take().into_iter().for_each(|first| frames.push(first));
            match self.watch.messages() {
                Ok(messages) => messages.iter().for_each(|message| frames.notice(message)),
                Err(_ended) => {
                    frames.push(server::closed(close::UNAVAILABLE, "the log refuses").frame());
                    self.ended = true;
                }
            }
            if let Some(piece) = frames.take() {
                self.held = Some(self.shared.pressure.hold(self.ticket.account().usage(), piece.len()));
                self.beat_at = Instant::now() + self.shared.config.ping_interval();
                return Some(piece);
            }
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep_until(self.departure.or(self.beat_at)) => {}
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
