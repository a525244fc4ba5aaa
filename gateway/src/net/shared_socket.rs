//! A plain connection with two writers: its owner, and, while the owner has lent it, the task with news for its client.
//!
//! Waking a task so that it writes some bytes costs as much as writing them. So the owner of a connection that waits for news lends it
//! out; each write is of whole messages, and bytes that the socket does not take are kept for the owner, who goes on with it before
//! anything else.

use std::fmt;
use std::io::{self, IoSlice};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::ReadBuf;
use tokio::net::TcpStream;

/// The connection.
pub struct SharedSocket {
    tcp: TcpStream,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The owner has not written since it lent the socket: its last write may be half a message.
    lent: bool,
    /// The bytes of others' messages that the socket did not take.
    rest: Bytes,
}

impl SharedSocket {
    pub(crate) fn new(tcp: TcpStream) -> Self {
        Self { tcp, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The owner has nothing under way: others may write until it writes again.
    pub(crate) fn lend(&self) {
        self.state().lent = true;
    }

    /// The socket, for others; `None`: the owner writes, or there is something left to write.
    pub(crate) fn borrow(&self) -> Option<Borrowed<'_>> {
        let state = self.state();
        (state.lent && state.rest.is_empty()).then_some(Borrowed { tcp: &self.tcp, state })
    }

    /// Bytes of others' messages that are left to write.
    pub(crate) fn rest(&self) -> usize {
        self.state().rest.len()
    }

    /// Reads, for the owner.
    pub(crate) fn poll_read(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.tcp.poll_read_ready(cx))?;
            match self.tcp.try_read(buf.initialize_unfilled()) {
                Ok(read) => {
                    buf.advance(read);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Writes, for the owner, behind what is left of others' messages.
    pub(crate) fn poll_write(&self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut state = self.state();
        state.lent = false;
        ready!(self.poll_rest(&mut state, cx))?;
        self.poll_out(cx, bufs)
    }

    /// Writes what is left of others' messages, for the owner.
    pub(crate) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.state();
        self.poll_rest(&mut state, cx)
    }

    fn poll_rest(&self, state: &mut State, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !state.rest.is_empty() {
            let written = ready!(self.poll_out(cx, &[IoSlice::new(&state.rest)]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            state.rest.advance(written);
        }
        // An empty buffer still has its memory.
        state.rest = Bytes::new();
        Poll::Ready(Ok(()))
    }

    fn poll_out(&self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.tcp.poll_write_ready(cx))?;
            match self.tcp.try_write_vectored(bufs) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => return Poll::Ready(outcome),
            }
        }
    }

    /// Says that nothing more will be written.
    ///
    /// # Errors
    /// The connection is gone.
    pub(crate) fn shutdown(&self) -> io::Result<()> {
        socket2::SockRef::from(&self.tcp).shutdown(std::net::Shutdown::Write)
    }
}

impl fmt::Debug for SharedSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("tcp", &self.tcp).finish_non_exhaustive()
    }
}

/// A socket that was lent; its owner cannot write meanwhile.
pub(crate) struct Borrowed<'a> {
    tcp: &'a TcpStream,
    state: MutexGuard<'a, State>,
}

impl Borrowed<'_> {
    /// Writes whole messages. `false`: the owner must write the rest, or find out what is wrong.
    pub(crate) fn write(mut self, messages: Vec<u8>) -> bool {
        let mut messages = Bytes::from(messages);
        while !messages.is_empty() {
            match self.tcp.try_write(&messages) {
                Ok(written) if written > 0 => messages.advance(written),
                // A socket that is full or broken takes nothing; the owner sees which.
                Ok(_) | Err(_) => {
                    self.state.rest = messages;
                    return false;
                }
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;

    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;

    async fn pair() -> (Arc<SharedSocket>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        socket2::SockRef::from(&server).set_send_buffer_size(4096).unwrap();
        (Arc::new(SharedSocket::new(server)), client)
    }

    #[tokio::test]
    async fn it_is_lent_until_its_owner_writes() {
        let (line, mut client) = pair().await;
        assert!(line.borrow().is_none(), "nobody lent it");
        line.lend();
        assert!(line.borrow().unwrap().write(b"abc".to_vec()));
        assert!(line.borrow().unwrap().write(b"d".to_vec()));
        let written = poll_fn(|cx| line.poll_write(cx, &[IoSlice::new(b"ef")])).await.unwrap();
        assert_eq!(written, 2);
        assert!(line.borrow().is_none(), "the owner writes");
        let mut got = [0; 6];
        client.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"abcdef");
    }

    #[tokio::test]
    async fn data_that_the_socket_did_not_take_is_written_first() {
        let (line, mut client) = pair().await;
        line.lend();
        let mut sent = Vec::new();
        let mut byte = 0_u8;
        // Until the client's side and ours are full.
        loop {
            let Some(borrowed) = line.borrow() else { break };
            let piece = vec![byte; 64 * 1024];
            sent.extend_from_slice(&piece);
            byte = byte.wrapping_add(1);
            let _all = borrowed.write(piece);
        }
        assert!(line.borrow().is_none(), "something is left");
        let owner = tokio::spawn(async move {
            let written = poll_fn(|cx| line.poll_write(cx, &[IoSlice::new(b"end")])).await.unwrap();
            poll_fn(|cx| line.poll_flush(cx)).await.unwrap();
            line.lend();
            (written, line.borrow().is_some())
        });
        sent.extend_from_slice(b"end");
        // To its end, so that what is missing is not waited for.
        let mut got = Vec::new();
        client.read_to_end(&mut got).await.unwrap();
        assert_eq!(owner.await.unwrap(), (3, true));
        assert!(got == sent, "in order and whole: {} of {} bytes", got.len(), sent.len());
    }

    #[tokio::test]
    async fn a_client_that_is_gone_is_the_owners_to_notice() {
        let (line, client) = pair().await;
        drop(client);
        line.lend();
        let mut buffer = [0; 8];
        let mut buffer = ReadBuf::new(&mut buffer);
        poll_fn(|cx| line.poll_read(cx, &mut buffer)).await.unwrap();
        assert!(buffer.filled().is_empty(), "its end");
        // The first write after the end may still be taken by the kernel.
        while line.borrow().is_some_and(|borrowed| borrowed.write(b"x".to_vec())) {
            tokio::task::yield_now().await;
        }
        assert!(poll_fn(|cx| line.poll_flush(cx)).await.is_err());
    }
}
