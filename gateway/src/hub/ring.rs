//! The recent entries of a hub, bounded in bytes.

use std::collections::VecDeque;
use std::sync::Arc;

use runbus::log::{Cursor, Epoch, Place};
use runbus::metrics::{Amount, gateway as metrics};

use super::entry::Entry;
use super::share::Share;

/// Recent entries, numbered through.
#[derive(Debug)]
pub struct Ring {
    entries: VecDeque<Arc<Entry>>,
    /// The number of the first entry.
    first: u64,
    bytes: usize,
    counted: Amount,
    share: Share,
    /// Everything that was stored when the hub began is in, or was.
    pub caught_up: bool,
    /// The place behind the last entry, over all shards.
    pub cursor: Cursor,
    /// The log refuses: the hub has ended.
    pub broken: Option<Arc<str>>,
}

/// The entry at a client's number.
#[derive(Debug)]
pub enum Found<'a> {
    /// The entry.
    Entry(&'a Arc<Entry>),
    /// It is no longer here: the log has it.
    Gone,
    /// It has not come yet.
    Nothing,
}

impl Ring {
    /// An empty one; `cursor` is where it begins.
    #[must_use]
    pub fn new(share: Share, cursor: Cursor) -> Self {
        Self {
            entries: VecDeque::new(),
            first: 0,
            bytes: 0,
            counted: metrics::RING.amount(),
            share,
            caught_up: false,
            cursor,
            broken: None,
        }
    }

    /// Adds an entry, and drops old ones as [`Ring::trim`] does.
    pub fn push(&mut self, entry: Arc<Entry>) {
        self.bytes += entry.bytes();
        self.entries.push_back(entry);
        self.trim();
    }

    /// Drops the oldest entries beyond the ring's share. At least one stays.
    pub fn trim(&mut self) {
        let most = self.share.bytes();
        while self.bytes > most && self.entries.len() > 1 {
            if let Some(oldest) = self.entries.pop_front() {
                self.bytes -= oldest.bytes();
                self.first += 1;
            }
        }
        self.counted.set(self.bytes);
    }

    /// The entry with this number.
    #[must_use]
    pub fn get(&self, number: u64) -> Found<'_> {
        let Some(at) = number.checked_sub(self.first) else { return Found::Gone };
        usize::try_from(at).ok().and_then(|at| self.entries.get(at)).map_or(Found::Nothing, Found::Entry)
    }

    /// The number of the next entry that will come.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// For a hub of one shard: the incarnation of the log that it reads.
    #[must_use]
    pub fn epoch(&self) -> Option<Epoch> {
        self.cursor.places().next().map(|(_, place)| place.epoch)
    }

    /// For a hub of one shard: the number of the first entry behind `place`, if everything behind it provably is, or
    /// will be, in the ring. `None`: the log has to be read.
    #[must_use]
    pub fn rejoin(&self, place: Place) -> Option<u64> {
        if self.epoch() != Some(place.epoch) {
            return None;
        }
        let mut at = self.entries.len();
        // The hub has it from its beginning when nothing was dropped, or when the log was made again meanwhile.
        let mut reaches = self.first == 0;
        while at > 0 {
            match self.entries[at - 1].place {
                Some(found) if found.epoch != place.epoch => {
                    reaches = true;
                    break;
                }
                Some(found) if !found.is_behind(place) => {
                    reaches = true;
                    break;
                }
                Some(_) | None => at -= 1,
            }
        }
        reaches.then_some(self.first + at as u64)
    }
}

#[cfg(test)]
mod tests {
    use runbus::event::Kind;
    use runbus::log::Sequence;
    use runbus::subject::Shard;
    use runbus::time::Timestamp;

    use super::*;
    use crate::hub::Content;
    use crate::hub::share::Shares;
    use crate::protocol::Text;

    fn place(sequence: u64, lines: u32) -> Place {
        Place { epoch: Epoch(1), sequence: Sequence(sequence), lines }
    }

    fn entry(sequence: u64, lines: u32) -> Arc<Entry> {
        let content = Content::Event(
            Kind::Custom,
            Timestamp::default(),
            false,
            Text::new(None, "", &[&"x".repeat(100)]),
        );
        Arc::new(Entry { shard: Shard(0), place: Some(place(sequence, lines)), content, trace: None })
    }

    fn ring_of_ten(cursor: Cursor) -> Ring {
        Ring::new(Shares::new(usize::MAX, 10 * entry(1, 1).bytes()).share(), cursor)
    }

    #[test]
    fn places_are_found_and_old_entries_go() {
        let start = Cursor::start().with(Shard(0), place(0, u32::MAX));
        let mut ring = ring_of_ten(start);
        assert_eq!(ring.rejoin(place(7, 1)), Some(0));
        for sequence in 1..=20 {
            ring.push(entry(sequence * 10, 1));
            ring.push(entry(sequence * 10, u32::MAX));
        }
        assert_eq!(ring.end(), 40);
        assert!(matches!(ring.get(29), Found::Gone));
        assert!(matches!(ring.get(30), Found::Entry(_)));
        assert!(matches!(ring.get(40), Found::Nothing));
        assert_eq!(ring.rejoin(place(200, u32::MAX)), Some(40));
        assert_eq!(ring.rejoin(place(200, 1)), Some(39));
        assert_eq!(ring.rejoin(place(195, 3)), Some(38));
        assert_eq!(ring.rejoin(place(160, 1)), Some(31));
        assert_eq!(ring.rejoin(place(159, 1)), None);
    }

    #[test]
    fn places_of_another_log_are_not_mixed() {
        let mut ring = ring_of_ten(Cursor::start().with(Shard(0), place(0, u32::MAX)));
        for sequence in 1..=20 {
            ring.push(entry(sequence, u32::MAX));
        }
        let new = |sequence| Place { epoch: Epoch(2), ..place(sequence, u32::MAX) };
        let content = Content::Notice(Text::new(None, "gap", &["{}"]));
        ring.push(Arc::new(Entry { shard: Shard(0), place: Some(new(0)), content, trace: None }));
        let content = Content::Event(Kind::Custom, Timestamp::default(), false, Text::new(None, "", &[]));
        ring.push(Arc::new(Entry { shard: Shard(0), place: Some(new(1)), content, trace: None }));
        ring.cursor.set(Shard(0), new(1));
        assert_eq!(ring.rejoin(place(20, u32::MAX)), None);
        assert_eq!(ring.rejoin(new(0)), Some(21));
        assert_eq!(ring.rejoin(new(1)), Some(22));
    }
}
