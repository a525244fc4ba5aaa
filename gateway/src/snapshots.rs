//! Snapshots of executions that are kept for the next client who joins. `connection::snapshots` folds them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use runbus::log::Cursor;
use runbus::snapshot::Snapshot;
use runbus::subject::Scope;

use crate::limits;
use crate::protocol::{Text, server};

/// A snapshot as clients get it.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The place behind it.
    pub cursor: Cursor,
    /// The message.
    pub text: Text,
    json: Bytes,
    /// Events in it.
    pub events: u64,
    /// Whether nothing is missing in it.
    pub is_complete: bool,
    /// Whether its execution has ended.
    pub is_over: bool,
}

impl Taken {
    /// The snapshot alone.
    #[must_use]
    pub fn json(&self) -> Bytes {
        self.json.clone()
    }

    pub(crate) fn new(snapshot: &Snapshot) -> Self {
        // Maps with keys that are no text, or floats that are no numbers, are not in it.
        let json = serde_json::to_string(snapshot).unwrap_or_else(|error| {
            tracing::error!(%error, "a snapshot cannot be written as JSON");
            "null".into()
        });
        let execution = snapshot.execution.as_ref();
        Self {
            cursor: snapshot.cursor.clone(),
            text: server::snapshot(&snapshot.cursor, &json),
            json: Bytes::from(json),
            events: execution.map_or(0, |known| known.events),
            is_complete: snapshot.complete,
            is_over: execution.is_some_and(|known| known.status.is_terminal()),
        }
    }
}

/// A fold, and how far the log was read for it.
#[derive(Debug)]
pub(crate) struct Fold {
    pub(crate) snapshot: Snapshot,
    pub(crate) read: Cursor,
    pub(crate) taken: Option<Taken>,
    /// Runbus runs it: external events do not count. A node's events need not show that.
    pub(crate) own: bool,
}

/// One scope's fold.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    /// One folds, the others wait for it.
    pub(crate) fold: tokio::sync::Mutex<Option<Fold>>,
    pub(crate) bytes: AtomicUsize,
}

#[derive(Debug, Default)]
struct Kept {
    slots: HashMap<Scope, Known>,
    uses: u64,
}

#[derive(Debug, Default)]
struct Known {
    slot: Arc<Slot>,
    /// The time of the last use, counted in uses.
    used: u64,
    /// The owner of the usage that it was begun for.
    owner: usize,
}

/// Snapshots that are kept for the next client, bounded in number and bytes: those that were used least recently go.
#[derive(Debug, Default)]
pub struct Snapshots {
    kept: Mutex<Kept>,
    folded: AtomicUsize,
}

impl Snapshots {
    /// Events that were folded, over all clients.
    #[must_use]
    pub fn folded(&self) -> usize {
        self.folded.load(Ordering::Relaxed)
    }

    pub(crate) fn slot(&self, scope: &Scope, owner: usize) -> Arc<Slot> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.uses += 1;
        let uses = kept.uses;
        let known = kept.slots.entry(scope.clone()).or_insert_with(|| Known { owner, ..Known::default() });
        known.used = uses;
        known.slot.clone()
    }

    /// Drops what was used least recently, of whoever has most, until the rest fits: nobody drives out what others have.
    pub(crate) fn trim(&self) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // One that is not there yet counts as the least.
        let bytes = |known: &Known| known.slot.bytes.load(Ordering::Relaxed).max(limits::LEAST_BYTES);
        let mut total = 0;
        let mut owners: HashMap<usize, usize> = HashMap::new();
        for known in kept.slots.values() {
            total += bytes(known);
            *owners.entry(known.owner).or_default() += bytes(known);
        }
        while total > limits::SNAPSHOTS_BYTES || kept.slots.len() > limits::SNAPSHOTS {
            let Some(most) = owners.iter().max_by_key(|(_, bytes)| **bytes).map(|(owner, _)| *owner) else {
                return;
            };
            let of_most = kept.slots.iter().filter(|(_, known)| known.owner == most);
            let oldest = of_most.min_by_key(|(_, known)| known.used).map(|(scope, _)| scope.clone());
            let Some(known) = oldest.and_then(|scope| kept.slots.remove(&scope)) else { return };
            total = total.saturating_sub(bytes(&known));
            owners.entry(most).and_modify(|left| *left = left.saturating_sub(bytes(&known)));
        }
    }

    /// Counts an event that was folded.
    pub(crate) fn count(&self) {
        self.folded.fetch_add(1, Ordering::Relaxed);
    }
}
