//! The recent entries of a hub, bounded in bytes.

use std::collections::VecDeque;
use std::sync::Arc;

use runbus::log::{Cursor, Place};

use super::entry::Entry;

/// Recent entries, numbered through.
#[derive(Debug)]
pub struct Ring {
    entries: VecDeque<Arc<Entry>>,
    /// The number of the first entry.
    first: u64,
    bytes: usize,
    max_bytes: usize,
    /// Everything that was stored when the hub began is in, or was.
    pub caught_up: bool,
    /// The place behind the last entry, over all shards.
    pub cursor: Cursor,
    /// The log refuses: the hub has ended.
    pub broken: Option<Arc<str>>,
}

/// What a client finds at its number.
#[derive(Debug)]
pub enum Found {
    /// The entry.
    Entry(Arc<Entry>),
    /// It is no longer here: the log has it.
    Gone,
    /// It has not come yet.
    Nothing,
}

impl Ring {
    /// An empty one; `cursor` is where it begins.
    #[must_use]
    pub fn new(max_bytes: usize, cursor: Cursor) -> Self {
        Self {
            entries: VecDeque::new(),
            first: 0,
            bytes: 0,
            max_bytes,
            caught_up: false,
            cursor,
            broken: None,
        }
    }

    /// Adds an entry and drops the oldest ones beyond the limit. At least one stays.
    pub fn push(&mut self, entry: Arc<Entry>) {
        self.bytes += entry.bytes();
        self.entries.push_back(entry);
        while self.bytes > self.max_bytes && self.entries.len() > 1 {
            if let Some(oldest) = self.entries.pop_front() {
                self.bytes -= oldest.bytes();
                self.first += 1;
            }
        }
    }

    /// The entry with this number.
    #[must_use]
    pub fn get(&self, number: u64) -> Found {
        let Some(at) = number.checked_sub(self.first) else { return Found::Gone };
        usize::try_from(at)
            .ok()
            .and_then(|at| self.entries.get(at))
            .map_or(Found::Nothing, |e| Found::Entry(e.clone()))
    }

    /// The number of the next entry that will come.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// Whether nothing was dropped yet.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.first == 0
    }

    /// The place behind the oldest entry that has one: what stands at or before it is in the log only.
    #[must_use]
    pub fn first_place(&self) -> Option<Place> {
        self.entries.iter().find_map(|entry| entry.place)
    }

    /// For a hub of one shard: the number of the first entry behind `place`.
    #[must_use]
    pub fn behind(&self, place: Place) -> u64 {
        // Entries without a place (gaps) stand with the one after them.
        let mut at = self.entries.len();
        while at > 0
            && self.entries[at - 1]
                .place
                .is_none_or(|found| (found.sequence, found.lines) > (place.sequence, place.lines))
        {
            at -= 1;
        }
        self.first + at as u64
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use runbus::event::Kind;
    use runbus::log::{Epoch, Sequence};
    use runbus::subject::Shard;
    use runbus::time::Timestamp;

    use super::*;
    use crate::hub::Content;

    fn place(sequence: u64, lines: u32) -> Place {
        Place { epoch: Epoch(1), sequence: Sequence(sequence), lines }
    }

    fn entry(sequence: u64, lines: u32) -> Arc<Entry> {
        let content = Content::Event(Kind::Custom, Timestamp::default(), Bytes::from_static(&[b'x'; 100]));
        Arc::new(Entry { shard: Shard(0), place: Some(place(sequence, lines)), content })
    }

    #[test]
    fn places_are_found_and_old_entries_go() {
        let mut ring = Ring::new(10 * entry(1, 1).bytes(), Cursor::start());
        for sequence in 1..=20 {
            ring.push(entry(sequence * 10, 1));
            ring.push(entry(sequence * 10, u32::MAX));
        }
        assert_eq!((ring.end(), ring.is_whole()), (40, false));
        assert!(matches!(ring.get(29), Found::Gone));
        assert!(matches!(ring.get(30), Found::Entry(_)));
        assert!(matches!(ring.get(40), Found::Nothing));
        assert_eq!(ring.first_place(), Some(place(160, 1)));
        assert_eq!(ring.behind(place(200, u32::MAX)), 40);
        assert_eq!(ring.behind(place(200, 1)), 39);
        assert_eq!(ring.behind(place(195, 3)), 38);
        assert_eq!(ring.behind(place(1, 1)), 30);
    }
}
