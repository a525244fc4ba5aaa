//! Messages for one client, several events a message, several messages a write.

use axum::extract::ws::Message as Frame;

use super::driver::size;
use super::output::Output;
use crate::limits;
use crate::protocol::{Encoding, Events, Text, server};

/// The next write, bounded by its budget.
#[derive(Debug)]
pub struct Outbound {
    encoding: Encoding,
    frames: Vec<Frame>,
    bytes: usize,
    budget: usize,
}

impl Outbound {
    /// Nothing yet; full at `budget` bytes.
    #[must_use]
    pub(crate) const fn new(encoding: Encoding, budget: usize) -> Self {
        Self { encoding, frames: Vec::new(), bytes: 0, budget }
    }

    /// Adds a message.
    pub(crate) fn push(&mut self, json: String) {
        self.add(self.encoding.frame(json));
    }

    /// Adds a message as it is.
    pub(crate) fn add(&mut self, frame: Frame) {
        self.bytes += size(&frame);
        self.frames.push(frame);
    }

    /// Bytes that may be added now.
    pub(crate) const fn room(&self) -> usize {
        self.budget.saturating_sub(self.bytes)
    }

    /// How many bytes its messages have.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The messages, in order.
    pub(crate) fn take(self) -> Vec<Frame> {
        self.frames
    }
}

/// News of one subscription on their way into messages.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    id: &'a str,
    /// Events of a message, at most.
    most: usize,
    out: &'a mut Outbound,
    open: Option<Events>,
}

impl<'a> Batch<'a> {
    /// For the subscription with this id, `most` events a message.
    pub(crate) const fn new(id: &'a str, most: usize, out: &'a mut Outbound) -> Self {
        Self { id, most, out, open: None }
    }

    fn close(&mut self) {
        if let Some(events) = self.open.take() {
            self.out.add(events.finish());
        }
    }

    /// Ends the open message.
    pub(crate) fn finish(mut self) {
        self.close();
    }
}

impl Output for Batch<'_> {
    fn room(&self) -> usize {
        let open = self.open.as_ref().map_or(0, Events::bytes);
        self.out.budget.saturating_sub(self.out.bytes + open)
    }

    fn event(&mut self, event: &Text) {
        let open = self.open.get_or_insert_with(|| Events::begin(self.out.encoding, self.id, event));
        open.add(event);
        // Small messages for who takes little: the WebSocket's buffer holds one of them besides what waits here.
        let full = limits::BATCH_BYTES.min(self.out.budget / 4);
        if open.count() >= self.most || open.bytes() >= full {
            self.close();
        }
    }

    fn notice(&mut self, notice: &Text) {
        self.close();
        self.out.push(server::about(self.id, notice.json()));
    }
}
