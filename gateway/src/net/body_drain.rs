//! Requests whose bodies nobody reads to their end: refused ones, mostly.
//!
//! The HTTP library would read what has come of such a body by then, and close the connection if that is not all. Clients cannot know:
//! the next request over the connection is lost, and bytes that are still on their way make the kernel reset it, with the answer. So
//! what is left is read first, within bounds; where they do not suffice, the answer says that the connection closes.
//!
//! A body that is read has deadlines: [`limits::BODY_PATIENCE`] for all of it, and [`limits::BODY_PROGRESS`] for some of it.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::HttpBody;
use axum::http::Request;
use axum::http::header::EXPECT;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use runbus::metrics::{Cut, gateway as metrics};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::limits;

/// Why a body was not read to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error<E> {
    /// It came too slowly.
    #[error("{0}")]
    Slow(#[from] Slow),
    /// Its connection broke, or what came is no body.
    #[error("{0}")]
    Broken(#[source] E),
}

/// A body came too slowly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the body came too slowly: all of it must be there in {} s, and {} bytes of it in each {} s",
    limits::BODY_PATIENCE.as_secs(), limits::BODY_PROGRESS_BYTES, limits::BODY_PROGRESS.as_secs()
)]
pub(crate) struct Slow;

impl Slow {
    /// Whether it is why something failed.
    pub(crate) fn caused(error: &(dyn std::error::Error + 'static)) -> bool {
        std::iter::successors(Some(error), |error| error.source()).any(|error| error.is::<Self>())
    }
}

/// By when a body must be there.
#[derive(Debug)]
struct Pace {
    all: Instant,
    next: Pin<Box<Sleep>>,
    bytes: usize,
}

impl Pace {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            all: now + limits::BODY_PATIENCE,
            next: Box::pin(sleep_until(now + limits::BODY_PROGRESS)),
            bytes: 0,
        }
    }

    /// Whether it is too slow, having brought so many bytes more.
    fn is_over(&mut self, cx: &mut Context<'_>, bytes: usize) -> bool {
        self.bytes += bytes;
        while self.next.as_mut().poll(cx).is_ready() {
            let due = self.next.deadline();
            if due >= self.all || self.bytes < limits::BODY_PROGRESS_BYTES {
                metrics::SOCKETS_CUT.of(Cut::Body).inc();
                return true;
            }
            self.bytes = 0;
            self.next.as_mut().reset((due + limits::BODY_PROGRESS).min(self.all));
        }
        false
    }
}

/// The rest of a body that is not read any more.
struct Rest<B> {
    body: B,
    /// Its client sends it without being asked to, or was asked.
    comes: bool,
}

type Slot<B> = Arc<Mutex<Option<Rest<B>>>>;

/// A request's body: dropping it before its end leaves the rest behind.
pub(crate) struct Body<B: HttpBody + Unpin> {
    body: Option<B>,
    comes: bool,
    slot: Option<Slot<B>>,
    /// Set while more of it is waited for.
    pace: Option<Pace>,
}

/// Where it is left.
pub(crate) struct Left<B>(Slot<B>);

/// A request whose body can be finished; `None`: it has none.
pub(crate) fn watch<B: HttpBody + Unpin>(request: Request<B>) -> (Request<Body<B>>, Option<Left<B>>) {
    // A client that expects 100 Continue sends nothing before; reading would send it.
    let comes = !request.headers().contains_key(EXPECT);
    let slot = (!request.body().is_end_stream()).then(Slot::<B>::default);
    let left = slot.clone().map(Left);
    (request.map(|body| Body { body: Some(body), comes, slot, pace: None }), left)
}

impl<B: HttpBody<Data = Bytes> + Unpin> Left<B> {
    /// Reads the rest, if there is one. `false`: not all of it, so that the connection is of no use any more.
    pub(crate) async fn finish(self) -> bool {
        let rest = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Rest { mut body, comes }) = rest else { return true };
        if !comes {
            return false;
        }
        let reading = async {
            let mut bytes = 0;
            while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
                let Ok(frame) = frame else { return false };
                bytes += frame.data_ref().map_or(0, Bytes::len);
                if bytes > limits::DISCARDED_BYTES {
                    return false;
                }
            }
            true
        };
        tokio::time::timeout(limits::DISCARD_PATIENCE, reading).await.unwrap_or(false)
    }
}

impl<B: HttpBody<Data = Bytes> + Unpin> HttpBody for Body<B> {
    type Data = B::Data;
    type Error = Error<B::Error>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        self.comes = true;
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = Pin::new(body).poll_frame(cx);
        let bytes = match &frame {
            Poll::Ready(Some(Ok(frame))) => frame.data_ref().map_or(0, Bytes::len),
            _ => 0,
        };
        // Bytes that are there at once need no clock.
        if frame.is_pending() || self.pace.is_some() {
            let pace = self.pace.get_or_insert_with(Pace::new);
            if pace.is_over(cx, bytes) && !matches!(frame, Poll::Ready(None)) {
                // Nobody waits for the rest either.
                self.comes = false;
                return Poll::Ready(Some(Err(Slow.into())));
            }
        }
        // Of a body without a stated length nothing else tells the end.
        if matches!(frame, Poll::Ready(None | Some(Err(_)))) {
            self.body = None;
        }
        frame.map(|frame| frame.map(|frame| frame.map_err(Error::Broken)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl<B: HttpBody + Unpin> Drop for Body<B> {
    fn drop(&mut self) {
        if let Some(slot) = &self.slot
            && let Some(body) = self.body.take().filter(|body| !body.is_end_stream())
        {
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(Rest { body, comes: self.comes });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// Pieces, then the end, or nothing for ever.
    struct Pieces {
        pieces: VecDeque<usize>,
        ends: bool,
    }

    impl HttpBody for Pieces {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            match self.pieces.pop_front() {
                Some(size) => Poll::Ready(Some(Ok(Frame::data(vec![0; size].into())))),
                // Once: a second poll waits for ever.
                None if std::mem::take(&mut self.ends) => Poll::Ready(None),
                None => Poll::Pending,
            }
        }
    }

    fn request(pieces: &[usize], ends: bool, expects: bool) -> Request<Pieces> {
        let request = Request::post("/");
        let request = if expects { request.header(EXPECT, "100-continue") } else { request };
        request.body(Pieces { pieces: pieces.iter().copied().collect(), ends }).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn an_unread_body_is_read_within_bounds() {
        let most = limits::DISCARDED_BYTES;
        for (pieces, ends, expects, is_all) in [
            (vec![], true, false, true),
            (vec![most / 2; 2], true, false, true),
            (vec![most / 2; 3], true, false, false),
            (vec![1], false, false, false),
            (vec![1], true, true, false),
        ] {
            let (request, left) = watch(request(&pieces, ends, expects));
            drop(request);
            assert_eq!(left.unwrap().finish().await, is_all, "{pieces:?} {ends} {expects}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_body_leaves_nothing() {
        let (request, left) = watch(request(&[1, 2], true, true));
        let mut body = request.into_body();
        while poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await.is_some() {}
        drop(body);
        assert!(left.unwrap().finish().await);
    }

    #[tokio::test]
    async fn the_rest_of_a_requested_body_is_read() {
        let (request, left) = watch(request(&[1, 2, 3], true, true));
        let mut body = request.into_body();
        assert!(poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await.is_some());
        drop(body);
        assert!(left.unwrap().finish().await);
    }
}
