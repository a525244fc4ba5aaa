//! Checkpoints: the state of a session as an entry of its journal, so that a reader begins there and not at the first entry.
//!
//! ```text
//!  entries before │ messages │ checkpoint 0/2 │ checkpoint 1/2 │ released │ claimed │ ...
//!                 │          └──────────────▲─┴────────────────┴──┬───────┴──┬──────┘
//!                 │ kept once, by place     └─────────────────────┴──────────┘ each later entry says where it begins
//! ```
//!
//! Messages that nothing can remove any more are put into entries of their own, once: a checkpoint has their places. This
//! module is pure; `journal` writes and reads.

use serde::{Deserialize, Serialize};

use super::entry::Part;
use super::state::State;
use super::transcript::Kept;
use crate::id::SessionId;
use crate::log::Sequence;
use crate::{json, limits};

/// The version of the form that this code writes and reads. A version that does not know a checkpoint's format folds the
/// entries before it.
pub const FORMAT: u32 = 1;

/// When an owner writes a checkpoint, and how large its parts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Entries since the last one.
    pub entries: u64,
    /// Bytes of these entries.
    pub bytes: usize,
    /// Entries when the session is parked.
    pub park_entries: u64,
    /// Bytes of these entries.
    pub park_bytes: usize,
    /// Bytes of messages that no segment has and that a checkpoint repeats.
    pub messages_bytes: usize,
    /// Bytes of a segment, about.
    pub segment_bytes: usize,
    /// Bytes of text in one entry.
    pub part_bytes: usize,
    /// How many bytes of the last checkpoint are worth one entry more behind it.
    pub entry_bytes: usize,
}

impl Default for Rule {
    fn default() -> Self {
        Self {
            entries: limits::CHECKPOINT_ENTRIES,
            bytes: limits::CHECKPOINT_BYTES,
            park_entries: limits::CHECKPOINT_ENTRIES / 2,
            park_bytes: limits::CHECKPOINT_PARK_BYTES,
            messages_bytes: limits::CHECKPOINT_MESSAGES_BYTES,
            segment_bytes: limits::SEGMENT_BYTES,
            part_bytes: limits::CHECKPOINT_PART_BYTES,
            entry_bytes: limits::CHECKPOINT_ENTRY_BYTES,
        }
    }
}

/// A journal's newest checkpoint, and the entries behind it, as far as they are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// Where it begins.
    pub(super) at: Option<Sequence>,
    /// Its bytes.
    pub(super) size: usize,
    /// The first place of the log that it needs.
    pub(super) needed: Option<Sequence>,
    /// Entries behind it.
    pub(super) entries: u64,
    /// Their bytes.
    pub(super) bytes: usize,
    /// Bytes of the segments that count.
    pub(super) kept: u64,
    /// Bytes of the journal since the first of them.
    pub(super) written: u64,
}

impl Mark {
    /// An entry was added.
    pub(super) fn grow(&mut self, bytes: usize) {
        self.entries += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        self.written = self.written.saturating_add(bytes as u64);
    }

    /// Whether the next one is to be written. The larger the last one was, the more entries may stand behind it, so that
    /// checkpoints double at most what a session writes.
    pub(super) fn is_due(&self, rule: &Rule, parks: bool) -> bool {
        let (entries, bytes) =
            if parks { (rule.park_entries, rule.park_bytes) } else { (rule.entries, rule.bytes) };
        self.entries >= entries.max((self.size / rule.entry_bytes.max(1)) as u64)
            || self.bytes >= bytes.max(self.size)
    }

    /// Whether the messages should be written anew, so that what stands before them can be removed.
    pub(super) const fn is_scattered(&self, rule: &Rule) -> bool {
        let needed = self.kept.saturating_add(self.size as u64).saturating_add(rule.segment_bytes as u64);
        self.kept > 0 && self.written > needed.saturating_mul(4)
    }
}

/// A checkpoint's text.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<S> {
    state: S,
    kept: u64,
    written: u64,
}

/// A state as text.
///
/// # Errors
/// It could not be read again, or would be another state then.
pub(super) fn encode(state: &State, mark: &Mark) -> Result<String, json::Error> {
    let (kept, written) = (mark.kept, mark.written);
    let text = serde_json::to_string(&Document { state, kept, written })?;
    let Document { state, .. } = json::from_str::<Document<State>>(&text)?;
    let again = serde_json::to_string(&Document { state: &state, kept, written })?;
    if again != text {
        return Err(
            <serde_json::Error as serde::ser::Error>::custom("it would be read as another state").into()
        );
    }
    Ok(text)
}

/// The state of a text, whose first part is the entry of this number.
///
/// # Errors
/// It is no state of this session there.
pub(super) fn decode(text: &str, session: &SessionId, entry: u64) -> Result<(State, Mark), json::Error> {
    let Document { state, kept, written } = json::from_str::<Document<State>>(text)?;
    if state.own != *session || state.entries != entry {
        let what = format!("it is of {} entries of {}", state.entries, state.own);
        return Err(<serde_json::Error as serde::de::Error>::custom(what).into());
    }
    Ok((state, Mark { kept, written, ..Mark::default() }))
}

/// Messages as text.
///
/// # Errors
/// They could not be read again.
pub(super) fn encode_messages(messages: &[Kept]) -> Result<String, json::Error> {
    let text = serde_json::to_string(messages)?;
    decode_messages(&text)?;
    Ok(text)
}

/// The messages of a text.
///
/// # Errors
/// It has none.
pub(super) fn decode_messages(text: &str) -> Result<Vec<Kept>, json::Error> {
    json::from_str(text)
}

/// A text in pieces of at most so many bytes, at least one.
pub(super) fn pieces(text: &str, bytes: usize) -> Vec<&str> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while rest.len() > bytes {
        // A character has four bytes at most.
        let at = rest.floor_char_boundary(bytes.max(4));
        let (piece, behind) = rest.split_at(at);
        pieces.push(piece);
        rest = behind;
    }
    if pieces.is_empty() || !rest.is_empty() {
        pieces.push(rest);
    }
    pieces
}

/// Puts the parts of a text together.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    text: String,
    next: u32,
    parts: u32,
}

impl Gathered {
    /// Takes a part. Returns the text once it is whole.
    pub(super) fn take(&mut self, part: &Part) -> Option<String> {
        if part.part == 0 {
            *self = Self { parts: part.parts, ..Self::default() };
        } else if (part.part, part.parts) != (self.next, self.parts) {
            *self = Self::default();
            return None;
        }
        self.text.push_str(&part.text);
        self.next += 1;
        part.is_last().then(|| std::mem::take(self).text)
    }
}

/// A reader that begins at checkpoints, for tests that compare it with one that folds every entry.
#[cfg(any(test, feature = "test-util"))]
pub mod testing {
    use std::collections::BTreeMap;

    use super::super::entry::{Entry, Fact, Part};
    use super::super::state::{Change, State};
    use super::super::transcript::Kept;
    use super::{FORMAT, Mark};
    use crate::json::Error;
    use crate::log::Sequence;
    use crate::time::Timestamp;

    /// The reader. The places of the log are the numbers of the entries.
    #[derive(Debug, Clone)]
    pub struct Reader {
        state: State,
        segments: BTreeMap<Sequence, Vec<Kept>>,
    }

    impl Reader {
        /// Before the first entry.
        #[must_use]
        pub const fn new(state: State) -> Self {
            Self { state, segments: BTreeMap::new() }
        }

        /// Takes the next entry.
        pub fn apply(&mut self, entry: &Entry) -> Vec<Change> {
            self.state.apply(entry)
        }

        /// Forgets its state, and reads it from a checkpoint; segments have so many messages each. Returns the entries that
        /// were written.
        ///
        /// # Errors
        /// The checkpoint cannot be written or read.
        pub fn checkpoint(&mut self, at: Timestamp, each: usize) -> Result<Vec<Entry>, Error> {
            let entry = |fact: fn(Part) -> Fact, text: String| {
                let part = Part { format: FORMAT, part: 0, parts: 1, first: None, text };
                Entry { at, checkpoint: None, fact: fact(part) }
            };
            let mut entries = Vec::new();
            let base = self.state.running().map_or_else(|| self.state.transcript.len(), |run| run.base);
            for some in self.state.transcript.unkept(base).chunks(each.max(1)) {
                let (places, messages): (Vec<usize>, Vec<Kept>) = some.iter().cloned().unzip();
                let text = super::encode_messages(&messages)?;
                let place = Sequence(self.state.entries + 1);
                self.segments.insert(place, super::decode_messages(&text)?);
                self.state.transcript.keep(place, &places);
                entries.push(entry(Fact::Messages, text));
                self.state.apply(&entries[entries.len() - 1]);
            }
            let text = super::encode(&self.state, &Mark::default())?;
            let (state, _) = super::decode(&text, &self.state.own, self.state.entries)?;
            self.state = state;
            entries.push(entry(Fact::Checkpoint, text));
            self.state.apply(&entries[entries.len() - 1]);
            Ok(entries)
        }

        /// Reads the messages that the model reads, or all of them.
        pub fn load_messages(&mut self, folded: bool) {
            while let Some((_, at)) = self.state.transcript.missing(0, folded) {
                let filled = self.state.transcript.fill(at, &self.segments[&at]);
                assert_eq!(filled, Ok(()), "a segment has its messages");
            }
        }

        /// The state, with every message.
        #[must_use]
        pub fn whole(&self) -> State {
            let mut reader = self.clone();
            reader.load_messages(true);
            reader.state
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_into_parts_and_put_together_again() {
        for (text, bytes) in
            [("", 4), ("abc", 4), ("abcd", 4), ("abcdefghi", 4), ("\u{1f600}\u{e9}x\u{e9}", 4), ("aé", 1)]
        {
            let cut = pieces(text, bytes);
            assert_eq!(cut.concat(), text);
            assert!(cut.iter().all(|piece| piece.len() <= bytes.max(4)), "{cut:?}");
            let parts = u32::try_from(cut.len()).unwrap();
            let mut gathered = Gathered::default();
            let found: Vec<Option<String>> = (0..parts)
                .map(|n| {
                    let part =
                        Part { format: FORMAT, part: n, parts, first: None, text: cut[n as usize].into() };
                    gathered.take(&part)
                })
                .collect();
            assert_eq!(found.last().unwrap().as_deref(), Some(text));
            assert!(found[..found.len() - 1].iter().all(Option::is_none));
        }
    }

    #[test]
    fn parts_that_do_not_follow_each_other_make_no_text() {
        let part = |part, parts| Part { format: FORMAT, part, parts, first: None, text: part.to_string() };
        let whole = |taken: &[(u32, u32)]| {
            let mut gathered = Gathered::default();
            taken.iter().filter_map(|(n, parts)| gathered.take(&part(*n, *parts))).collect::<Vec<_>>()
        };
        assert!(whole(&[(1, 2)]).is_empty());
        assert!(whole(&[(0, 3), (2, 3)]).is_empty());
        assert!(whole(&[(0, 2), (1, 3), (2, 3)]).is_empty());
        assert_eq!(
            whole(&[(0, 3), (1, 3), (0, 2), (1, 2)]),
            ["01"],
            "a new one begins behind one that was not finished"
        );
    }

    #[test]
    fn a_checkpoint_is_due_by_entries_or_bytes_and_later_behind_a_large_one() {
        let (park_entries, park_bytes, entry_bytes) = (5, 500, 512);
        let rule =
            Rule { entries: 10, bytes: 1000, park_entries, park_bytes, entry_bytes, ..Rule::default() };
        let due = |entries, bytes, size, parks| {
            Mark { entries, bytes, size, ..Mark::default() }.is_due(&rule, parks)
        };
        assert!(!due(9, 999, 0, false) && due(10, 0, 0, false) && due(0, 1000, 0, false));
        assert!(!due(4, 499, 0, true) && due(5, 0, 0, true) && due(0, 500, 0, true));
        assert!(!due(19, 9_999, 10_240, false) && due(20, 0, 10_240, false) && due(0, 10_240, 10_240, false));
    }
}
