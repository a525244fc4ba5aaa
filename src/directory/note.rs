//! The note of each revision: the place of the index in the log.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::json;
use crate::log::Cursor;

/// How entries are kept. Another one is built anew from the log.
const FORMAT: u32 = 1;

/// How far the index is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Note {
    format: u32,
    /// Behind all that is in it.
    pub(super) cursor: Cursor,
    /// Whether it had everything that the log held when its writer began.
    pub(super) caught_up: bool,
    /// Whether its writer is still reading what the log held when it began: nobody followed the log for a while.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_behind: bool,
}

impl Note {
    pub(super) const fn new(cursor: Cursor, caught_up: bool) -> Self {
        Self { format: FORMAT, cursor, caught_up, is_behind: false }
    }

    /// The same of a writer that begins.
    pub(super) const fn behind(mut self) -> Self {
        self.is_behind = self.caught_up;
        self
    }

    pub(super) fn encode(&self) -> Bytes {
        Bytes::from(serde_json::to_vec(self).unwrap_or_default())
    }

    /// `None`: another version's, or damaged.
    pub(super) fn decode(note: &[u8]) -> Option<Self> {
        json::from_slice(note).ok().filter(|note: &Self| note.format == FORMAT)
    }
}
