//! A client's monitors and live lists, beside its subscriptions.

use runbus::directory::Query;
use runbus::id::StreamId;
use runbus::store::index::Family;

use crate::connection::{Batch, Next, Outbound, Output};
use crate::protocol::{Text, server};
use crate::{lists, monitor};

/// One of a client's monitors or live lists.
pub(super) struct Monitoring {
    /// The client's name for it.
    pub(super) id: String,
    pub(super) what: Watched,
}

/// A monitor or a live list.
#[derive(Debug)]
pub(super) enum Watched {
    /// Of a stream, or of all.
    Monitor(Option<StreamId>, monitor::Watch),
    /// A list and its query.
    List(Box<(Family, Query)>, lists::Watch),
}

impl Watched {
    pub(super) fn messages(&mut self) -> Result<Vec<Text>, monitor::Ended> {
        match self {
            Self::Monitor(_, watch) => Ok(watch.messages()?.into_iter().map(|message| message.0).collect()),
            Self::List(_, watch) => Ok(watch.messages()),
        }
    }
}

/// Adds what is new of the monitors until `out` is full; says when to look for more.
pub(super) fn produce(monitors: &mut Vec<Monitoring>, out: &mut Outbound) -> Next {
    let mut next = Next::Never;
    monitors.retain_mut(|Monitoring { id, what }| {
        // Words only.
        let mut batch = Batch::new(id, 1, out);
        if batch.is_full() {
            next = Next::Now;
            return true;
        }
        next = next.min(Next::Woken);
        match what.messages() {
            Ok(messages) => {
                messages.iter().for_each(|message| batch.notice(message));
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
