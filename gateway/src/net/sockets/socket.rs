//! A client's connection, cut when its client takes nothing for too long, sends the head of a request too slowly, or must go for another.
//!
//! An HTTP server asks for the next piece of a body only when it has written the one before: without this a client that
//! stopped reading would keep its place for ever.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use runbus::metrics::{Cut, gateway as metrics};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::peer::{Peer, Permit};
use crate::limits;
use crate::net::shared_socket::SharedSocket;
use crate::net::tls::Stream;

/// A client's connection.
#[derive(Debug)]
pub struct Socket {
    stream: Stream,
    permit: Permit,
    patience: Duration,
    /// Set while the client takes less than it must.
    stuck: Option<Stuck>,
    /// Set while the head of a request is under way.
    head: Option<Pin<Box<Sleep>>>,
    /// Bytes between two requests are no head: HTTP/2 has frames of the connection itself.
    is_multiplexed: bool,
}

#[derive(Debug)]
struct Stuck {
    until: Pin<Box<Sleep>>,
    taken: usize,
}

impl Socket {
    /// One that was accepted. It is cut when it takes nothing for `patience` although there is something to write.
    pub(crate) fn new(stream: Stream, permit: Permit, patience: Duration) -> Self {
        // Before its first request nothing excuses silence.
        let head = Some(Box::pin(tokio::time::sleep(limits::HEAD_PATIENCE)));
        Self { stream, permit, patience, stuck: None, head, is_multiplexed: false }
    }

    /// The same for HTTP/2.
    pub(crate) const fn multiplexed(mut self) -> Self {
        self.is_multiplexed = true;
        self
    }

    /// The connection itself, if nothing is between it and the written bytes.
    pub(crate) fn shared_socket(&self) -> Option<Arc<SharedSocket>> {
        match &self.stream {
            Stream::Plain(shared_socket) => Some(shared_socket.clone()),
            Stream::Tls(_) => None,
        }
    }

    /// Its place.
    pub(crate) const fn peer(&self) -> &Peer {
        self.permit.peer()
    }

    fn poll_stays(&self, cx: &Context<'_>) -> io::Result<()> {
        match self.peer().poll_evicted(cx) {
            Poll::Pending => Ok(()),
            Poll::Ready(()) => Err(io::ErrorKind::ConnectionAborted.into()),
        }
    }

    /// Bytes of a head count from the first one, however many come at a time.
    fn mind_head(&mut self, cx: &mut Context<'_>, has_read: bool) -> io::Result<()> {
        if self.peer().is_busy() {
            self.head = None;
            return Ok(());
        }
        let patience = if self.is_multiplexed { limits::REQUEST_PATIENCE } else { limits::HEAD_PATIENCE };
        if has_read || self.is_multiplexed {
            self.head.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        }
        let is_late = self.head.as_mut().is_some_and(|head| head.as_mut().poll(cx).is_ready());
        if is_late {
            metrics::SOCKETS_CUT.of(Cut::Head).inc();
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }

    /// Handles the result of a write. `all`: every byte was written.
    fn mind_write<T>(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
        taken: impl FnOnce(&T) -> (usize, bool),
    ) -> Poll<io::Result<T>> {
        match &outcome {
            Poll::Ready(Ok(written)) => {
                let (bytes, all) = taken(written);
                if let Some(stuck) = &mut self.stuck {
                    stuck.taken += bytes;
                    // A few bytes now and then do not keep a place.
                    if all || stuck.taken >= limits::TAKEN_BYTES {
                        self.stuck = None;
                    }
                }
                return outcome;
            }
            Poll::Ready(Err(_)) => return outcome,
            Poll::Pending => {}
        }
        let patience = self.patience;
        let stuck = self
            .stuck
            .get_or_insert_with(|| Stuck { until: Box::pin(tokio::time::sleep(patience)), taken: 0 });
        ready!(stuck.until.as_mut().poll(cx));
        metrics::SOCKETS_CUT.of(Cut::Stuck).inc();
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_stays(cx)?;
        let before = buf.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buf);
        let has_read = buf.filled().len() > before;
        self.mind_head(cx, has_read)?;
        outcome
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_stays(cx)?;
        let outcome = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.mind_write(cx, outcome, |written| (*written, *written == buf.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_stays(cx)?;
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        let all = || bufs.iter().map(|buf| buf.len()).sum::<usize>();
        self.mind_write(cx, outcome, |written| (*written, *written == all()))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(cx);
        self.mind_write(cx, outcome, |()| (0, true))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_stays(cx)?;
        let outcome = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.mind_write(cx, outcome, |()| (0, true))
    }
}
