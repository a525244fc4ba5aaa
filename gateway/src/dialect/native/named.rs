//! A subscription as a WebSocket's client knows it.

use crate::connection::Subscription;
use crate::presence::{Follow, Seat};

/// One of a client's subscriptions.
#[derive(Debug)]
pub(super) struct Named {
    /// The client's name for it.
    pub(super) id: String,
    /// Events of a message, at most.
    pub(super) batch: usize,
    pub(super) subscription: Subscription,
    /// Others who watch the execution see it.
    pub(super) _seat: Option<Seat>,
    /// The other watchers of the execution.
    pub(super) follow: Option<Follow>,
}
