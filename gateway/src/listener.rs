//! Accepted connections, cut when their client takes nothing for too long.
//!
//! An HTTP server asks for the next piece of a body only when it has written the one before: without this a client that
//! stopped reading would keep its place for ever.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Sleep;

use crate::limits;
use crate::line::Line;
use crate::tls::{Stream, Tls};

/// Accepts connections.
#[derive(Debug)]
pub struct Patient {
    listener: TcpListener,
    tls: Option<Tls>,
    handshakes: JoinSet<Option<(Stream, SocketAddr)>>,
    patience: Duration,
}

impl Patient {
    /// Accepts from `listener`; cuts connections that take nothing for `patience` although there is something to write.
    #[must_use]
    pub fn new(listener: TcpListener, tls: Option<Tls>, patience: Duration) -> Self {
        Self { listener, tls, handshakes: JoinSet::new(), patience }
    }
}

impl Patient {
    /// The next connection; with TLS the next whose handshake is done: one that is slow at it holds nobody up.
    async fn next(&mut self) -> (Stream, SocketAddr) {
        loop {
            tokio::select! {
                (stream, address) = Listener::accept(&mut self.listener), if self.handshakes.len() < limits::HANDSHAKES => {
                    // Else a message waits until the client has acknowledged the one before: 40 ms.
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "a connection keeps its delay");
                    }
                    match &self.tls {
                        None => return (Stream::Plain(Arc::new(Line::new(stream))), address),
                        Some(tls) => {
                            let handshake = tls.accept(stream);
                            self.handshakes.spawn(async move { Some((Stream::Tls(handshake.await?), address)) });
                        }
                    }
                }
                Some(done) = self.handshakes.join_next() => {
                    if let Ok(Some(connection)) = done {
                        return connection;
                    }
                }
            }
        }
    }
}

impl Listener for Patient {
    type Io = Socket;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = self.next().await;
        (Socket { stream, patience: self.patience, stuck: None }, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// A client's connection.
#[derive(Debug)]
pub struct Socket {
    stream: Stream,
    patience: Duration,
    /// Set while the client takes nothing.
    stuck: Option<Pin<Box<Sleep>>>,
}

impl Socket {
    /// The connection itself, if nothing is between it and what is written.
    pub(crate) fn line(&self) -> Option<Arc<Line>> {
        match &self.stream {
            Stream::Plain(line) => Some(line.clone()),
            Stream::Tls(_) => None,
        }
    }

    fn minded<T>(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.stuck = None;
            return outcome;
        }
        let patience = self.patience;
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        if stuck.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.minded(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.minded(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
