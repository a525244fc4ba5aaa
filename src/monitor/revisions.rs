//! The revisions of a document: numbered, with the patches between them.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::limits;

/// The number of a document's state, 1, 2, 3, ... Only of one watcher's connection: another gateway counts anew.
pub type Revision = u64;

/// What leads from one revision to the next.
#[derive(Debug, Clone, PartialEq)]
pub struct Patch {
    /// What it is applied to.
    pub base: Revision,
    /// What comes out: the next one.
    pub revision: Revision,
    /// The operations (RFC 6902), as JSON text.
    pub text: Arc<str>,
}

/// What somebody who knows a revision needs.
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
            let operations = json_patch::diff(&self.document, &document);
            Some(serde_json::to_string(&operations)?).filter(|patch| patch.len() < text.len())
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

    /// What leads from `known` to the last revision.
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
