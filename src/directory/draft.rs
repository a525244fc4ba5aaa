//! A batch in the making: the entries that events have changed, beside how they are filed in the index.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;

use super::entry::{ApprovalEntry, QuestionEntry};
use super::kept::{KeptExecution, KeptSession};
use super::listed::{Listed, filed, stored};
use crate::json;
use crate::store::index::{Change, Family, Filed};
use crate::time::Timestamp;

/// An entry that is known: what stands in the index, and what is to stand.
#[derive(Debug)]
struct Slot<T> {
    filed: Option<Filed>,
    now: Option<T>,
}

/// The known entries of one list.
#[derive(Debug)]
pub(super) struct Shelf<T> {
    slots: HashMap<String, Slot<T>>,
    changed: BTreeSet<String>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { slots: HashMap::new(), changed: BTreeSet::new() }
    }
}

impl<T: Listed> Shelf<T> {
    pub(super) fn knows(&self, id: &str) -> bool {
        self.slots.contains_key(id)
    }

    /// Takes what the index has of an id. An unreadable document counts as nothing, but stays filed.
    pub(super) fn load(&mut self, id: String, document: Option<&Bytes>) {
        let now: Option<T> = document.and_then(|document| json::from_slice(document).ok());
        let filed = now.as_ref().map(filed);
        self.slots.entry(id).or_insert(Slot { filed, now });
    }

    /// The entry of an id; `None`: there is none.
    pub(super) fn get(&self, id: &str) -> Option<&T> {
        self.slots.get(id)?.now.as_ref()
    }

    pub(super) fn put(&mut self, entry: T) {
        let id = entry.id().to_owned();
        self.set(id, Some(entry));
    }

    pub(super) fn remove(&mut self, id: &str) {
        self.set(id.to_owned(), None);
    }

    fn set(&mut self, id: String, now: Option<T>) {
        let slot = self.slots.entry(id.clone()).or_insert_with(|| Slot { filed: None, now: None });
        slot.now = now;
        self.changed.insert(id);
    }

    /// The changes since the last call. They count as filed from now on.
    fn changes(&mut self, now: Timestamp, into: &mut Vec<Change>) {
        for id in std::mem::take(&mut self.changed) {
            let Some(slot) = self.slots.get_mut(&id) else { continue };
            let after = slot.now.as_ref().map(|entry| stored(entry, now));
            let before = std::mem::replace(&mut slot.filed, after.as_ref().map(|entry| entry.filed.clone()));
            into.push(Change { family: T::FAMILY, id, before, after });
        }
    }
}

/// All lists.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) executions: Shelf<KeptExecution>,
    pub(super) sessions: Shelf<KeptSession>,
    pub(super) approvals: Shelf<ApprovalEntry>,
    pub(super) questions: Shelf<QuestionEntry>,
}

impl Draft {
    /// Entries that have changed.
    pub(super) fn changed(&self) -> usize {
        self.executions.changed.len()
            + self.sessions.changed.len()
            + self.approvals.changed.len()
            + self.questions.changed.len()
    }

    /// Entries that are known.
    pub(super) fn known(&self) -> usize {
        self.executions.slots.len()
            + self.sessions.slots.len()
            + self.approvals.slots.len()
            + self.questions.slots.len()
    }

    pub(super) fn changes(&mut self, now: Timestamp) -> Vec<Change> {
        let mut changes = Vec::new();
        self.executions.changes(now, &mut changes);
        self.sessions.changes(now, &mut changes);
        self.approvals.changes(now, &mut changes);
        self.questions.changes(now, &mut changes);
        changes
    }

    pub(super) fn knows(&self, family: Family, id: &str) -> bool {
        match family {
            Family::Executions => self.executions.knows(id),
            Family::Sessions => self.sessions.knows(id),
            Family::Approvals => self.approvals.knows(id),
            Family::Questions => self.questions.knows(id),
        }
    }

    pub(super) fn load(&mut self, family: Family, id: String, document: Option<&Bytes>) {
        match family {
            Family::Executions => self.executions.load(id, document),
            Family::Sessions => self.sessions.load(id, document),
            Family::Approvals => self.approvals.load(id, document),
            Family::Questions => self.questions.load(id, document),
        }
    }
}
