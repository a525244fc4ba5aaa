//! The events that a subscription gave to its client: counted for each write, not for each event.

use std::sync::Arc;

use runbus::bus::Filter;
use runbus::log::Trace;
use runbus::metrics::{Transport, gateway as metrics};
use runbus::time::{Clock, Timestamp};
use tracing::Span;

use crate::hub::Entry;
use crate::spans;

/// The events prepared since the last write.
#[derive(Debug)]
pub(super) struct Tally {
    transport: Transport,
    events: u64,
    bytes: u64,
    /// The time of the oldest event that came live.
    oldest: Option<Timestamp>,
    first: First,
}

/// The first delivery of a subscription is traced, the others are not.
#[derive(Debug)]
enum First {
    /// It has not come; with the trace of the request that joined.
    Awaited(Option<Arc<Trace>>),
    /// It is being written.
    Underway(#[expect(dead_code, reason = "ends the span when it is dropped")] Span),
    /// It was.
    Done,
}

impl Tally {
    /// For a client that joins now.
    pub(super) fn new(transport: Transport) -> Self {
        let joined = runbus::telemetry::current_trace().map(Arc::new);
        Self { transport, events: 0, bytes: 0, oldest: None, first: First::Awaited(joined) }
    }

    /// An event was prepared; `live`: its client keeps up.
    pub(super) fn event(&mut self, entry: &Entry, time: Timestamp, filter: &Filter, live: bool) {
        self.events += 1;
        self.bytes += entry.content.text().json().len() as u64;
        if live {
            self.oldest = Some(self.oldest.map_or(time, |oldest| oldest.min(time)));
        }
        if let First::Awaited(joined) = &self.first
            && let Some(trace) = &entry.trace
        {
            let span = spans::deliver(self.transport.text(), filter, trace, joined.as_deref());
            self.first = First::Underway(span);
        }
    }

    /// The prepared events have been written, as far as is known.
    pub(super) fn written(&mut self) {
        if self.events > 0 {
            metrics::DELIVERIES.of(self.transport).add(self.events);
            metrics::DELIVERED.of(self.transport).add(self.bytes);
            (self.events, self.bytes) = (0, 0);
        }
        if let Some(oldest) = self.oldest.take() {
            metrics::LATENCY.of(self.transport).observe(Clock::System.now().since(oldest));
        }
        if matches!(self.first, First::Underway(_)) {
            self.first = First::Done;
        }
    }
}
