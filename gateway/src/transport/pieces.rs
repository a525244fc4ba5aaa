//! The transport of an event stream (SSE): a body whose pieces are made as fast as they are taken.
//!
//! The loop of the connection runs while the body is asked for its next piece, and nowhere else: nothing is made that is not asked for,
//! and dropping the body ends the connection. A piece counts as taken when the next one is asked for.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::extract::ws::Message as Frame;
use axum::http::{HeaderValue, header};
use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use runbus::metrics;

use crate::app::Shared;
use crate::connection::gate::CloseReason;
use crate::connection::{self, Dialect, Gone, Link, Transport};

/// Where the next piece is.
#[derive(Debug, Default)]
enum Place {
    /// The one before it was taken.
    #[default]
    Empty,
    /// It waits for the body.
    Ready(Bytes),
    /// The body has it.
    Given,
}

/// The place between the loop and the body.
#[derive(Debug, Clone, Default)]
struct Slot(Arc<Mutex<Place>>);

impl Slot {
    fn lock(&self) -> MutexGuard<'_, Place> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The body asks for the next piece.
    fn ask(&self) {
        let mut place = self.lock();
        if matches!(*place, Place::Given) {
            *place = Place::Empty;
        }
    }

    /// The piece that is ready, if one is.
    fn give(&self) -> Option<Bytes> {
        let mut place = self.lock();
        match std::mem::take(&mut *place) {
            Place::Ready(piece) => {
                *place = Place::Given;
                Some(piece)
            }
            other => {
                *place = other;
                None
            }
        }
    }
}

/// The side of the loop.
#[derive(Debug)]
struct Sse {
    slot: Slot,
    frames: Vec<Bytes>,
}

impl Transport for Sse {
    const KIND: metrics::Transport = metrics::Transport::Sse;
    const HEARS: bool = false;
    const STAYS: bool = true;

    async fn feed(&mut self, frame: Frame) -> Result<(), Gone> {
        self.frames.push(frame.into_data());
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        if let Some(piece) = joined(std::mem::take(&mut self.frames)) {
            *self.slot.lock() = Place::Ready(piece);
        }
        let slot = &self.slot;
        // The body asks, and then polls this: no waker is needed.
        poll_fn(|_| if matches!(*slot.lock(), Place::Empty) { Poll::Ready(()) } else { Poll::Pending }).await;
        Ok(())
    }

    async fn ping(&mut self) -> Result<(), Gone> {
        self.feed(Frame::Binary(Bytes::from_static(b":\n\n"))).await?;
        self.flush().await
    }

    async fn close(&mut self, _: &Shared, _: Option<CloseReason>) {}
}

/// One piece with all frames. A single frame is shared with every other client that gets it.
fn joined(mut frames: Vec<Bytes>) -> Option<Bytes> {
    match frames.len() {
        0 | 1 => frames.pop(),
        _ => {
            let mut piece = BytesMut::with_capacity(frames.iter().map(Bytes::len).sum());
            frames.iter().for_each(|frame| piece.extend_from_slice(frame));
            Some(piece.freeze())
        }
    }
}

/// The headers of an event stream.
pub(crate) const fn head() -> [(header::HeaderName, HeaderValue); 3] {
    [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ]
}

/// The body of an event stream.
pub struct Pieces<K> {
    slot: Slot,
    /// The loop; `None`: it has ended.
    serving: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// Given back when the body is dropped.
    _keep: K,
}

impl<K> std::fmt::Debug for Pieces<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pieces").field("slot", &self.slot).finish_non_exhaustive()
    }
}

impl<K> Pieces<K> {
    /// Of a client. `keep` is dropped with the body.
    pub fn new(dialect: impl Dialect + 'static, link: Link, keep: K) -> Self {
        let slot = Slot::default();
        let transport = Sse { slot: slot.clone(), frames: Vec::new() };
        Self { slot, serving: Some(Box::pin(connection::serve(transport, dialect, link))), _keep: keep }
    }
}

impl<K: Unpin> Stream for Pieces<K> {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.slot.ask();
        let has_ended = match &mut self.serving {
            Some(serving) => serving.as_mut().poll(cx).is_ready(),
            None => true,
        };
        if has_ended {
            self.serving = None;
        }
        match self.slot.give() {
            Some(piece) => Poll::Ready(Some(Ok(piece))),
            None if has_ended => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}
