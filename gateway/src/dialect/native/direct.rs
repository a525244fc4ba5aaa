//! Direct delivery: while a client's task waits, its subscriptions and its connection are with a [`DirectPath`], and the task that fills a hub's
//! ring writes to the client by itself. Anything but "here are some events, and the socket took them" is left to the client's
//! task, which is woken and takes all back.
//!
//! ```text
//! client's task                            hub's task
//! nothing to send: leave(), waits
//!                                          ring grows: news() -> writes, stays
//!                                          news() -> the socket is full: keeps the rest, wakes
//! woken: back(), flushes the rest
//! ```

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::ws::Message as Frame;
use tokio::sync::Notify;

use super::named::Named;
use crate::connection::{Batch, Next, Outbound};
use crate::hub::Watcher;
use crate::limits;
use crate::net::shared_socket::SharedSocket;
use crate::protocol::Encoding;

/// The state that a client leaves while it waits.
pub(super) struct DirectPath {
    shared_socket: Arc<SharedSocket>,
    encoding: Encoding,
    task: Arc<Notify>,
    left: Mutex<Option<Vec<Named>>>,
}

impl DirectPath {
    /// Of a client whose task `task` wakes.
    pub(super) fn new(shared_socket: Arc<SharedSocket>, encoding: Encoding, task: Arc<Notify>) -> Self {
        Self { shared_socket, encoding, task, left: Mutex::default() }
    }

    fn left(&self) -> MutexGuard<'_, Option<Vec<Named>>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client waits, and has written everything that it began to write.
    pub(super) fn leave(&self, subscriptions: Vec<Named>) {
        self.shared_socket.lend();
        *self.left() = Some(subscriptions);
    }

    /// The client is back: its subscriptions, and how many bytes are left to write.
    pub(super) fn back(&self) -> (Vec<Named>, usize) {
        let subscriptions = self.left().take().unwrap_or_default();
        (subscriptions, self.shared_socket.rest())
    }

    /// Writes what is new; `false`: the client's task must look.
    fn deliver(&self) -> bool {
        let mut left = self.left();
        let Some(subscriptions) = left.as_mut() else { return false };
        let Some(shared_socket) = self.shared_socket.borrow() else { return false };
        let mut out = Outbound::new(self.encoding, limits::LEAST_BYTES);
        let mut is_all = true;
        for Named { id, batch, subscription, .. } in subscriptions.iter_mut() {
            let mut batch = Batch::new(id, *batch, &mut out);
            let next = subscription.produce_now(&mut batch);
            batch.finish();
            is_all &= matches!(next, Some(Ok(Next::Woken)));
        }
        if out.bytes() > 0 {
            is_all &= shared_socket.write(encode(&out.take()));
            subscriptions.iter_mut().for_each(|known| known.subscription.written());
        }
        is_all
    }
}

impl Watcher for DirectPath {
    fn notify(&self) {
        if !self.deliver() {
            self.task.notify_one();
        }
    }
}

impl fmt::Debug for DirectPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectPath").field("shared_socket", &self.shared_socket).finish_non_exhaustive()
    }
}

/// WebSocket messages as they go over the wire.
fn encode(frames: &[Frame]) -> Vec<u8> {
    let size: usize = frames.iter().map(|frame| Head::MOST + payload(frame).len()).sum();
    let mut bytes = Vec::with_capacity(size);
    for frame in frames {
        bytes.extend_from_slice(Head::of(frame).bytes());
        bytes.extend_from_slice(payload(frame));
    }
    bytes
}

fn payload(frame: &Frame) -> &[u8] {
    match frame {
        Frame::Text(text) => text.as_bytes(),
        Frame::Binary(bytes) | Frame::Ping(bytes) | Frame::Pong(bytes) => bytes,
        Frame::Close(_) => &[],
    }
}

/// The header of a server's message (RFC 6455, 5.2): whole, not masked.
#[derive(Debug)]
struct Head {
    bytes: [u8; Self::MOST],
    length: usize,
}

impl Head {
    const MOST: usize = 10;
    const WHOLE: u8 = 0x80;
    const TEXT: u8 = 0x1;
    const BINARY: u8 = 0x2;
    /// Longest payload whose length fits into the second byte.
    const SHORT: usize = 125;

    fn of(frame: &Frame) -> Self {
        let kind = if matches!(frame, Frame::Text(_)) { Self::TEXT } else { Self::BINARY };
        let mut head = Self { bytes: [0; Self::MOST], length: 2 };
        let size = payload(frame).len();
        head.bytes[0] = Self::WHOLE | kind;
        match (u8::try_from(size), u16::try_from(size)) {
            (Ok(short), _) if size <= Self::SHORT => head.bytes[1] = short,
            (_, Ok(middle)) => {
                head.bytes[1] = 126;
                head.bytes[2..4].copy_from_slice(&middle.to_be_bytes());
                head.length = 4;
            }
            _ => {
                head.bytes[1] = 127;
                head.bytes[2..].copy_from_slice(&(size as u64).to_be_bytes());
                head.length = Self::MOST;
            }
        }
        head
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_those_of_the_standard() {
        let head = |frame: Frame| Head::of(&frame).bytes().to_vec();
        assert_eq!(head(Frame::Text("ab".into())), [0x81, 2]);
        assert_eq!(head(Frame::Binary(vec![0; 125].into())), [0x82, 125]);
        assert_eq!(head(Frame::Binary(vec![0; 126].into())), [0x82, 126, 0, 126]);
        assert_eq!(head(Frame::Binary(vec![0; 65535].into())), [0x82, 126, 0xff, 0xff]);
        assert_eq!(head(Frame::Binary(vec![0; 65536].into())), [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }
}
