//! A client's monitors, beside its subscriptions.

use runbus::id::StreamId;

use super::outbound::{Batch, Outbound};
use super::output::Output;
use super::subscription::Next;
use crate::monitor::Watch;
use crate::protocol::server;

/// One of a client's monitors.
pub(super) struct Monitoring {
    /// The client's name for it.
    pub(super) id: String,
    pub(super) stream: Option<StreamId>,
    pub(super) watch: Watch,
}

/// Adds what is new of the monitors until `out` is full; says when to look for more.
pub(super) fn produce(monitors: &mut Vec<Monitoring>, out: &mut Outbound) -> Next {
    let mut next = Next::Never;
    monitors.retain_mut(|Monitoring { id, watch, .. }| {
        // Words only.
        let mut batch = Batch::new(id, 1, out);
        if batch.is_full() {
            next = Next::Now;
            return true;
        }
        next = next.min(Next::Woken);
        match watch.news() {
            Ok(news) => {
                news.iter().for_each(|news| batch.word(&news.0));
                true
            }
            Err(ended) => {
                out.push(server::error("unavailable", &ended.to_string(), None, Some(id)));
                out.push(server::unsubscribed(id));
                false
            }
        }
    });
    if monitors.len() > 1 {
        monitors.rotate_left(1);
    }
    next
}
