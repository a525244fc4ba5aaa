//! The task that fills a hub's ring: one follower of the log.

use std::sync::{Arc, Weak};

use runbus::log::{Follower, ReadError};
use tokio_util::sync::CancellationToken;

use super::entries::{Entries, LogMessage};
use super::registry::Hub;
use crate::limits;

/// Fills the hub until its last client is gone: then `stop` is cancelled. It holds the hub only for a moment at a time.
pub(super) async fn run(hub: Weak<Hub>, follower: Follower, stop: CancellationToken) {
    let filling = fill(&hub, follower);
    let outcome = tokio::select! {
        () = stop.cancelled() => return,
        outcome = filling => outcome,
    };
    if let Err(error) = outcome
        && let Some(hub) = hub.upgrade()
    {
        tracing::error!(scope = ?hub.scope, %error, "a hub ends: the log refuses");
        hub.change(|ring| ring.broken = Some(Arc::from(error.to_string())));
        hub.notify().await;
    }
}

async fn fill(hub: &Weak<Hub>, follower: Follower) -> Result<(), ReadError> {
    let cursor = follower.cursor();
    let mut entries = Entries::new(follower, cursor);
    let mut messages = Vec::new();
    loop {
        let mut bytes = entries.next(&mut messages).await?;
        let Some(hub) = hub.upgrade() else { return Ok(()) };
        // Entries that came together are notified together: each notification writes to every client.
        if hub.has_many_watchers() {
            tokio::task::yield_now().await;
        }
        while bytes < limits::BATCH_BYTES
            && let Some(more) = entries.next_now(&mut messages)
        {
            bytes += more;
        }
        hub.change(|ring| {
            for message in messages.drain(..) {
                match message {
                    LogMessage::Entry(entry) => ring.push(Arc::new(entry)),
                    LogMessage::CaughtUp => ring.caught_up = true,
                }
            }
            ring.cursor.clone_from(entries.cursor());
        });
        // A large frame's room is not kept: there are many hubs.
        messages.shrink_to(limits::BATCH_ENTRIES);
        hub.notify().await;
    }
}
