//! Accepts connections under any fault: a process without descriptors closes a waiting one, and goes on.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use runbus::metrics::gateway as metrics;
use rustix::io::Errno;
use tokio::net::{TcpListener, TcpStream};

use super::peer::Permit;
use super::tally::Sockets;
use crate::limits;

/// Accepts connections.
#[derive(Debug)]
pub(crate) struct Acceptor {
    listener: TcpListener,
    sockets: Arc<Sockets>,
    /// A descriptor that is given up to close a newcomer when there is no other.
    spare: Option<File>,
    pause: Duration,
}

impl Acceptor {
    /// Accepts from `listener`.
    pub(crate) fn new(listener: TcpListener, sockets: Arc<Sockets>) -> Self {
        Self { listener, sockets, spare: spare(), pause: limits::ACCEPT_PAUSE }
    }

    /// The next connection, with its place.
    pub(crate) async fn accept(&mut self) -> (TcpStream, Permit) {
        loop {
            self.sockets.room().await;
            if self.sockets.is_over_limit() {
                // Those that came may be known as soon as somebody looks at them.
                tokio::task::yield_now().await;
            }
            match self.listener.accept().await {
                Ok((stream, remote)) => {
                    self.pause = limits::ACCEPT_PAUSE;
                    // Else a message waits until the client has acknowledged the one before: 40 ms.
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "a connection keeps its delay");
                    }
                    let reached = stream.local_addr().ok().map(|address| address.ip().to_canonical());
                    return (stream, self.sockets.enter(remote, reached));
                }
                Err(error) if is_of_one(&error) => {}
                Err(error) => self.recover(&error).await,
            }
        }
    }

    /// Frees a descriptor, then waits a little: longer each time that it did not help.
    async fn recover(&mut self, error: &io::Error) {
        metrics::ACCEPT_FAILURES.inc();
        tracing::warn!(%error, pause_ms = self.pause.as_millis(), "connections cannot be accepted");
        if is_exhausted(error) && !self.sockets.evict() {
            // Nobody waits: the newcomer learns at once that it has no place.
            self.spare = None;
            drop(self.listener.accept().now_or_never());
            self.spare = spare();
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(limits::ACCEPT_PAUSE_MAX);
    }
}

fn spare() -> Option<File> {
    File::open("/dev/null").ok()
}

/// The connection broke before it was accepted.
fn is_of_one(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// The process or the system has no descriptor or no memory for another one.
fn is_exhausted(error: &io::Error) -> bool {
    let known = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    error.raw_os_error().is_some_and(|code| known.iter().any(|errno| errno.raw_os_error() == code))
}
