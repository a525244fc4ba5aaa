//! Messages for one client, made of entries: several events a message, several messages a write.

use axum::extract::ws::Utf8Bytes;
use runbus::bus::Filter;

use crate::hub::{Content, Entry};
use crate::limits;
use crate::protocol::server;

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

    /// Whether no more should be added.
    #[must_use]
    pub(super) const fn is_full(&self) -> bool {
        self.bytes >= self.budget
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

/// Entries of one subscription on their way into messages.
#[derive(Debug)]
pub(super) struct Batch<'a> {
    id: &'a str,
    filter: &'a Filter,
    out: &'a mut Outbound,
    open: String,
    count: usize,
}

impl<'a> Batch<'a> {
    /// For a subscription.
    pub(super) const fn new(id: &'a str, filter: &'a Filter, out: &'a mut Outbound) -> Self {
        Self { id, filter, out, open: String::new(), count: 0 }
    }

    /// Whether no more should be added.
    pub(super) const fn is_full(&self) -> bool {
        self.out.bytes + self.open.len() >= self.out.budget
    }

    /// Adds an entry, if the subscription wants it.
    pub(super) fn add(&mut self, entry: &Entry) {
        match &entry.content {
            Content::Event(kind, time, text) => {
                if !self.filter.wants_kind(kind, *time) {
                    return;
                }
                if self.count >= limits::BATCH_EVENTS || self.open.len() >= limits::BATCH_BYTES {
                    self.close();
                }
                if self.count == 0 {
                    self.open = server::events_begin(self.id);
                } else {
                    self.open.push(',');
                }
                // Events were decoded from this very text: it is UTF-8.
                self.open.push_str(&String::from_utf8_lossy(text));
                self.count += 1;
            }
            Content::Other(kind, fields) => {
                self.close();
                self.out.push(server::about(kind, self.id, &String::from_utf8_lossy(fields)));
            }
        }
    }

    /// Adds a message that is no entry.
    pub(super) fn say(&mut self, message: String) {
        self.close();
        self.out.push(message);
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
