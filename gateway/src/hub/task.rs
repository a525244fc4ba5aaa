//! What fills a hub's ring: one follower of the log.

use std::sync::{Arc, Weak};

use runbus::bus::delivery::lines;
use runbus::log::{Cursor, Follower, Item, ReadError};
use tokio_util::sync::CancellationToken;

use super::entry::Entry;
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
        hub.tell().await;
    }
}

async fn fill(hub: &Weak<Hub>, mut follower: Follower) -> Result<(), ReadError> {
    let mut cursor = follower.cursor();
    loop {
        let item = follower.next().await?;
        let Some(hub) = hub.upgrade() else { return Ok(()) };
        let mut bytes = push(&hub, &follower, &mut cursor, item);
        // What came together is told together: each telling writes to every client.
        if hub.has_many_watchers() {
            tokio::task::yield_now().await;
        }
        while bytes < limits::BATCH_BYTES
            && let Some(item) = follower.next_now()
        {
            bytes += push(&hub, &follower, &mut cursor, item);
        }
        hub.tell().await;
    }
}

/// Says how many bytes of frames it pushed.
fn push(hub: &Hub, follower: &Follower, cursor: &mut Cursor, item: Item) -> usize {
    match item {
        Item::CaughtUp => {
            hub.change(|ring| ring.caught_up = true);
            0
        }
        Item::Gap(gap) => {
            cursor.set(gap.shard, gap.resumes());
            hub.change(|ring| {
                ring.push(Arc::new(Entry::gap(&gap)));
                ring.cursor.clone_from(cursor);
            });
            0
        }
        Item::Frame { stored, skip } => {
            let epoch = follower.epoch(stored.shard);
            let mut entries = Vec::with_capacity(stored.frame.count as usize);
            for line in lines(&stored, epoch, skip) {
                cursor.set(stored.shard, line.place);
                entries.extend(Entry::line(&stored, line, cursor.clone()).map(Arc::new));
            }
            hub.change(|ring| {
                entries.into_iter().for_each(|entry| ring.push(entry));
                ring.cursor.clone_from(cursor);
            });
            stored.frame.payload.len()
        }
    }
}
