//! The revisions of a document: numbered, with the patches between them.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::limits;

/// The number of a document's state, 1, 2, 3, ... Only of one watcher's connection: another gateway counts anew.
pub type Revision = u64;

/// The difference between two successive revisions.
#[derive(Debug, Clone, PartialEq)]
pub struct Patch {
    /// The revision that it applies to.
    pub base: Revision,
    /// The resulting revision: the next one.
    pub revision: Revision,
    /// The operations (RFC 6902), as JSON text.
    pub text: Arc<str>,
}

/// The update that a reader of a revision needs.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Nothing.
    None,
    /// These, in order.
    Patches(Vec<Patch>),
    /// The whole document: it is smaller than the patches, or they are not there any more.
    Whole,
}

/// A document and how it became what it is.
#[derive(Debug, Default)]
pub struct Revisions {
    revision: Revision,
    document: Value,
    /// Of the document as JSON text.
    text: Arc<str>,
    patches: VecDeque<Patch>,
    bytes: usize,
}

impl Revisions {
    /// The last revision; 0: there is none.
    #[must_use]
    pub const fn revision(&self) -> Revision {
        self.revision
    }

    /// The document.
    #[must_use]
    pub const fn document(&self) -> &Value {
        &self.document
    }

    /// The document as JSON text.
    #[must_use]
    pub const fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Takes the next state; `true`: it is a new revision, `false`: nothing changed.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn advance(&mut self, next: &impl Serialize) -> Result<bool, serde_json::Error> {
        let document = serde_json::to_value(next)?;
        if self.revision > 0 && document == self.document {
            return Ok(false);
        }
        let text: Arc<str> = Arc::from(document.to_string());
        let base = self.revision;
        self.revision += 1;
        let patch = if base == 0 {
            None
        } else {
            // A path stands in each of its operations: a long key over many values would make a patch without end.
            let mut room = text.len();
            if fits(&self.document, &document, 0, &mut room) {
                let operations = json_patch::diff(&self.document, &document);
                Some(serde_json::to_string(&operations)?).filter(|patch| patch.len() < text.len())
            } else {
                None
            }
        };
        match patch {
            Some(patch) => {
                self.bytes += patch.len();
                self.patches.push_back(Patch { base, revision: self.revision, text: Arc::from(patch) });
            }
            None => {
                // Nobody gets over this one by patches.
                self.patches.clear();
                self.bytes = 0;
            }
        }
        while self.patches.len() > limits::MONITOR_PATCHES || self.bytes > text.len() {
            let Some(oldest) = self.patches.pop_front() else { break };
            self.bytes -= oldest.text.len();
        }
        (self.document, self.text) = (document, text);
        Ok(true)
    }

    /// The update from `known` to the last revision.
    #[must_use]
    pub fn since(&self, known: Option<Revision>) -> Change {
        let Some(known) = known.filter(|known| *known <= self.revision) else { return Change::Whole };
        if known == self.revision {
            return Change::None;
        }
        let patches: Vec<Patch> = self.patches.iter().filter(|patch| patch.base >= known).cloned().collect();
        match patches.first() {
            Some(first) if first.base == known => Change::Patches(patches),
            _ => Change::Whole,
        }
    }
}

/// Whether the patch between two documents is smaller than `room` bytes, as far as its paths tell. `path` is the length of theirs.
fn fits(old: &Value, new: &Value, path: usize, room: &mut usize) -> bool {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            old.keys().all(|key| new.contains_key(key) || take(room, path + key.len()))
                && new.iter().all(|(key, value)| match old.get(key) {
                    Some(old) => fits(old, value, path + key.len(), room),
                    None => take(room, path + key.len()),
                })
        }
        (Value::Array(old), Value::Array(new)) => {
            let more = old.len().abs_diff(new.len());
            (0..more).all(|_| take(room, path + 1))
                && old.iter().zip(new).all(|(old, new)| fits(old, new, path + 1, room))
        }
        (old, new) => old == new || take(room, path),
    }
}

fn take(room: &mut usize, bytes: usize) -> bool {
    *room = room.saturating_sub(bytes);
    *room > 0
}

#[cfg(test)]
mod bound_tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_long_key_over_many_values_makes_no_patch() {
        let mut revisions = Revisions::default();
        let (key, count) = ("k".repeat(100_000), 50_000);
        let document = |value: u64| json!({ &key: vec![value; count] });
        assert!(revisions.advance(&document(1)).unwrap());
        assert!(revisions.advance(&document(2)).unwrap());
        assert_eq!(revisions.since(Some(1)), Change::Whole);
        // A small change is a patch as before.
        let mut small = document(2);
        small["x"] = json!(1);
        assert!(revisions.advance(&small).unwrap());
        assert!(matches!(revisions.since(Some(2)), Change::Patches(_)));
    }
}
