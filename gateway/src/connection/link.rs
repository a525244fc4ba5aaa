//! The part of a connection that a dialect may use: the gateway's state, the client's identity, the way to wake the loop.

use std::sync::Arc;

use tokio::sync::Notify;

use super::gate::Gate;
use crate::app::Shared;

/// A connection as its dialect sees it.
#[derive(Debug)]
pub struct Link {
    pub(crate) shared: Arc<Shared>,
    pub(crate) gate: Gate,
    /// Makes the loop look for news.
    pub(crate) wake: Arc<Notify>,
    /// The client has shown another credential, whose ends are others.
    pub(crate) is_renewed: bool,
}

impl Link {
    /// Of a client behind a gate.
    #[must_use]
    pub fn new(shared: Arc<Shared>, gate: Gate) -> Self {
        Self { shared, gate, wake: Arc::default(), is_renewed: false }
    }
}
