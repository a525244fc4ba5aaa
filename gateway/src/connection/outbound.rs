//! Messages for one client, several events a message, several messages a write.

use axum::extract::ws::Utf8Bytes;

use super::output::Output;
use crate::limits;
use crate::protocol::{Text, server};

/// What will be written next, bounded by its budget.
#[derive(Debug)]
pub(super) struct Outbound {
    messages: Vec<Utf8Bytes>,
    bytes: usize,
    budget: usize,
}

impl Outbound {
    /// Nothing yet; full at `budget` bytes.
    #[must_use]
    pub(super) const fn new(budget: usize) -> Self {
        Self { messages: Vec::new(), bytes: 0, budget }
    }

    /// Adds a message.
    pub(super) fn push(&mut self, message: String) {
        self.bytes += message.len();
        self.messages.push(message.into());
    }

    /// The messages, in order.
    pub(super) fn take(self) -> Vec<Utf8Bytes> {
        self.messages
    }
}

/// News of one subscription on their way into messages.
#[derive(Debug)]
pub(super) struct Batch<'a> {
    id: &'a str,
    out: &'a mut Outbound,
    open: String,
    count: usize,
}

impl<'a> Batch<'a> {
    /// For the subscription with this id.
    pub(super) const fn new(id: &'a str, out: &'a mut Outbound) -> Self {
        Self { id, out, open: String::new(), count: 0 }
    }

    fn close(&mut self) {
        if self.count > 0 {
            let mut message = std::mem::take(&mut self.open);
            message.push_str(server::EVENTS_END);
            self.out.push(message);
            self.count = 0;
        }
    }

    /// Ends the open message.
    pub(super) fn finish(mut self) {
        self.close();
    }
}

impl Output for Batch<'_> {
    fn is_full(&self) -> bool {
        self.out.bytes + self.open.len() >= self.out.budget
    }

    fn event(&mut self, event: &Text) {
        if self.count >= limits::BATCH_EVENTS || self.open.len() >= limits::BATCH_BYTES {
            self.close();
        }
        if self.count == 0 {
            self.open = server::events_begin(self.id);
        } else {
            self.open.push(',');
        }
        // Events were decoded from this very text: it is UTF-8.
        self.open.push_str(&String::from_utf8_lossy(event.json()));
        self.count += 1;
    }

    fn word(&mut self, word: &Text) {
        self.close();
        self.out.push(server::about(self.id, word.json()));
    }
}
