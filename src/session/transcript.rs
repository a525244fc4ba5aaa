//! The messages: compaction never removes one; it only folds messages into a note.
//!
//! Messages that a checkpoint has put into segments of the journal are not in memory until somebody needs them: the place of
//! their segment stands for them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::message::Message;
use super::view::SaidMessage;
use crate::id::{EventId, SessionId};
use crate::log::Sequence;

/// Messages, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transcript {
    pieces: Vec<Piece>,
    /// Notes ever made: the next one's number.
    notes: usize,
    /// Messages ever said, forgotten ones included: the next one's number.
    said: u64,
}

/// A message, or the place of some.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are messages: a box each is one more allocation each"
)]
enum Piece {
    Item(Item),
    Stored(Stored),
}

/// A message, and whether the model still reads it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    message: Message,
    name: Name,
    /// The note that stands for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    folded: Option<usize>,
    /// Its number, when it is a note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<usize>,
    /// The segment that has it too, and its place there.
    #[serde(skip)]
    kept: Option<(Sequence, usize)>,
}

/// Where it is kept makes no other message of it.
impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        let Self { message, name, folded, note, kept: _ } = self;
        (message, name, folded, note) == (&other.message, &other.name, &other.folded, &other.note)
    }
}

impl Eq for Item {}

/// Messages in a row that a segment of the journal has. None of them can be removed any more: see [`Transcript::unkept`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    /// Where the segment begins.
    at: Sequence,
    /// Messages of the segment before the first of these.
    #[serde(default)]
    skip: usize,
    count: usize,
    /// The note that stands for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    folded: Option<usize>,
}

/// The name of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Name {
    /// As its events say.
    Given(String),
    /// By its number in the session.
    Number(u64),
}

/// A message in a segment of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kept {
    name: Name,
    message: Message,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<usize>,
}

/// A segment that lacks messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the segment has {0} messages, more were expected")]
pub(crate) struct Short(usize);

impl From<&Item> for Kept {
    fn from(item: &Item) -> Self {
        Self { name: item.name.clone(), message: item.message.clone(), note: item.note }
    }
}

impl Piece {
    const fn count(&self) -> usize {
        match self {
            Self::Item(_) => 1,
            Self::Stored(stored) => stored.count,
        }
    }

    const fn folded(&self) -> Option<usize> {
        match self {
            Self::Item(item) => item.folded,
            Self::Stored(stored) => stored.folded,
        }
    }

    const fn folded_mut(&mut self) -> &mut Option<usize> {
        match self {
            Self::Item(item) => &mut item.folded,
            Self::Stored(stored) => &mut stored.folded,
        }
    }
}

impl Transcript {
    /// Adds a message.
    pub fn push(&mut self, message: Message) {
        self.push_as(None, message);
    }

    /// Adds a message that has an id.
    pub fn push_as(&mut self, id: Option<String>, message: Message) {
        let name = self.name(id);
        self.pieces.push(Piece::Item(Item { message, name, folded: None, note: None, kept: None }));
    }

    fn name(&mut self, id: Option<String>) -> Name {
        self.said += 1;
        id.map_or(Name::Number(self.said), Name::Given)
    }

    /// Messages that were ever said, folded ones and notes included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pieces.iter().map(Piece::count).sum()
    }

    /// Whether nothing was said.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The piece that begins at a place, which may have to be cut for that; the number of pieces for the end.
    fn cut(&mut self, at: usize) -> usize {
        let mut begin = 0;
        for n in 0..self.pieces.len() {
            let end = begin + self.pieces[n].count();
            if at <= begin {
                return n;
            }
            if at < end
                && let Piece::Stored(first) = &mut self.pieces[n]
            {
                let mut second = *first;
                first.count = at - begin;
                second.skip += first.count;
                second.count -= first.count;
                self.pieces.insert(n + 1, Piece::Stored(second));
                return n + 1;
            }
            begin = end;
        }
        self.pieces.len()
    }

    /// Removes everything from `len` on. Messages behind a removed note are read again.
    pub fn truncate(&mut self, len: usize) {
        let from = self.cut(len);
        let note = |piece: &Piece| match piece {
            Piece::Item(item) => item.note,
            Piece::Stored(_) => None,
        };
        let gone: Vec<usize> = self.pieces.drain(from..).filter_map(|piece| note(&piece)).collect();
        for folded in self.pieces.iter_mut().map(Piece::folded_mut) {
            *folded = folded.filter(|note| !gone.contains(note));
        }
    }

    /// The calls of the last turn that have no answer. It is never in a segment alone.
    #[must_use]
    pub fn unanswered(&self) -> Vec<String> {
        let mut open: Vec<&str> = Vec::new();
        for item in self.items() {
            match &item.message {
                Message::Assistant { tool_calls, .. } => {
                    open = tool_calls.iter().map(|call| call.id.as_str()).collect();
                }
                Message::Tool { tool_call_id, .. } => open.retain(|id| id != tool_call_id),
                Message::System { .. } | Message::User { .. } => {}
            }
        }
        open.into_iter().map(str::to_owned).collect()
    }

    /// Folds `from..to` into a note, which stands where they ended.
    pub fn fold(&mut self, from: usize, to: usize, note: Message) {
        let to = to.min(self.len());
        let first = self.cut(from.min(to));
        let end = self.cut(to);
        for folded in self.pieces[first..end].iter_mut().map(Piece::folded_mut) {
            folded.get_or_insert(self.notes);
        }
        let name = self.name(None);
        let note = Item { message: note, name, folded: None, note: Some(self.notes), kept: None };
        self.pieces.insert(end, Piece::Item(note));
        self.notes += 1;
    }

    fn items(&self) -> impl Iterator<Item = &Item> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Item(item) => Some(item),
            Piece::Stored(_) => None,
        })
    }

    /// The pieces, each with the place of its first message.
    fn placed(&self) -> impl Iterator<Item = (usize, &Piece)> {
        self.pieces.iter().scan(0, |at, piece| {
            let begin = *at;
            *at += piece.count();
            Some((begin, piece))
        })
    }

    /// How many messages the model reads.
    #[must_use]
    pub fn live_count(&self) -> usize {
        self.pieces.iter().filter(|piece| piece.folded().is_none()).map(Piece::count).sum()
    }

    /// The messages that the model reads, with their places. All of them must be here: see [`Transcript::missing`].
    pub fn live(&self) -> impl Iterator<Item = (usize, &Message)> {
        debug_assert_eq!(self.missing(0, false), None, "messages that the model reads are not loaded");
        self.placed().filter_map(|(at, piece)| match piece {
            Piece::Item(item) if item.folded.is_none() => Some((at, &item.message)),
            _ => None,
        })
    }

    /// Everything from a place on that is here, as people see it, with its place. The ids are the same each time that the journal
    /// is read.
    pub fn all<'a>(
        &'a self,
        session: &'a SessionId,
        from: usize,
    ) -> impl Iterator<Item = (usize, SaidMessage)> + 'a {
        let behind = move |(at, piece): &(usize, &Piece)| at + piece.count() <= from;
        self.placed().skip_while(behind).filter_map(move |(at, piece)| {
            let Piece::Item(item) = piece else { return None };
            let message_id = match &item.name {
                Name::Given(id) => id.clone(),
                Name::Number(number) => EventId::derived(&format!("{session}/message/{number}")).to_string(),
            };
            let compacted = item.folded.is_some();
            Some((at, SaidMessage { message_id, message: item.message.clone(), compacted }))
        })
    }

    /// The first messages from a place on that are not here: their place, and that of their segment. Without `folded`, only
    /// those that the model reads.
    #[must_use]
    pub fn missing(&self, from: usize, folded: bool) -> Option<(usize, Sequence)> {
        self.placed().find_map(|(at, piece)| match piece {
            Piece::Stored(stored) if at + stored.count > from && (folded || stored.folded.is_none()) => {
                Some((at, stored.at))
            }
            _ => None,
        })
    }

    /// Puts the messages of a segment in their places.
    ///
    /// # Errors
    /// It has fewer than were expected.
    pub(crate) fn fill(&mut self, at: Sequence, segment: &[Kept]) -> Result<(), Short> {
        let mut filled = Vec::with_capacity(self.pieces.len());
        for piece in self.pieces.drain(..) {
            let stored = match piece {
                Piece::Stored(stored) if stored.at == at => stored,
                other => {
                    filled.push(other);
                    continue;
                }
            };
            let range = stored.skip..stored.skip.saturating_add(stored.count);
            let Some(messages) = segment.get(range) else {
                filled.push(Piece::Stored(stored));
                continue;
            };
            filled.extend(messages.iter().zip(stored.skip..).map(|(kept, place)| {
                let Kept { name, message, note } = kept.clone();
                let (folded, kept) = (stored.folded, Some((at, place)));
                Piece::Item(Item { message, name, folded, note, kept })
            }));
        }
        self.pieces = filled;
        let is_short =
            self.pieces.iter().any(|piece| matches!(piece, Piece::Stored(stored) if stored.at == at));
        if is_short { Err(Short(segment.len())) } else { Ok(()) }
    }

    /// The messages that no segment has and that one may have, with their places: those before `base` (no execution that is
    /// rolled back removes them), without the last turn among them (see [`Transcript::unanswered`]).
    pub(super) fn unkept(&self, base: usize) -> Vec<(usize, Kept)> {
        let before = || self.placed().take_while(|(at, _)| *at < base);
        let is_turn = |(_, piece): &(usize, &Piece)| {
            matches!(piece, Piece::Item(Item { message: Message::Assistant { .. }, .. }))
        };
        let last_turn = before().filter(is_turn).last().map_or(base, |(at, _)| at);
        let unkept = before().take_while(|(at, _)| *at < last_turn).filter_map(|(at, piece)| match piece {
            Piece::Item(item) if item.kept.is_none() => Some((at, Kept::from(item))),
            _ => None,
        });
        unkept.collect()
    }

    /// A segment has the messages at these places now.
    pub(super) fn keep(&mut self, segment: Sequence, places: &[usize]) {
        let (mut at, mut next) = (0, 0);
        for piece in &mut self.pieces {
            if let Piece::Item(item) = piece
                && places.get(next) == Some(&at)
            {
                item.kept = Some((segment, next));
                next += 1;
            }
            at += piece.count();
        }
    }

    /// No segment counts any more: all messages, which must be here, are put into new ones.
    pub(super) fn keep_anew(&mut self) {
        for piece in &mut self.pieces {
            if let Piece::Item(item) = piece {
                item.kept = None;
            }
        }
    }

    /// The oldest segment that has messages of this.
    pub(super) fn oldest_segment(&self) -> Option<Sequence> {
        let segments = self.pieces.iter().filter_map(|piece| match piece {
            Piece::Stored(stored) => Some(stored.at),
            Piece::Item(item) => item.kept.map(|(at, _)| at),
        });
        segments.min()
    }

    /// The pieces as a checkpoint has them: without the messages that a segment has.
    fn short(&self) -> Vec<Piece> {
        let mut short: Vec<Piece> = Vec::new();
        for piece in &self.pieces {
            let stored = match piece {
                Piece::Stored(stored) => *stored,
                Piece::Item(Item { kept: Some((at, skip)), folded, .. }) => {
                    Stored { at: *at, skip: *skip, count: 1, folded: *folded }
                }
                Piece::Item(item) => {
                    short.push(Piece::Item(item.clone()));
                    continue;
                }
            };
            match short.last_mut() {
                Some(Piece::Stored(last))
                    if (last.at, last.folded) == (stored.at, stored.folded)
                        && last.skip + last.count == stored.skip =>
                {
                    last.count += stored.count;
                }
                _ => short.push(Piece::Stored(stored)),
            }
        }
        short
    }
}

/// As a checkpoint has it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    pieces: Vec<Piece>,
    notes: usize,
    said: u64,
}

impl Serialize for Transcript {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Document { pieces: self.short(), notes: self.notes, said: self.said }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Transcript {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Document { pieces, notes, said } = Document::deserialize(deserializer)?;
        Ok(Self { pieces, notes, said })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_keeps_the_originals() {
        let mut transcript = Transcript::default();
        for n in 0..4 {
            transcript.push(Message::user(n.to_string()));
        }
        transcript.fold(0, 2, Message::user("note"));
        let live: Vec<_> = transcript.live().map(|(at, _)| at).collect();
        assert_eq!(live, [2, 3, 4]);
        let session = SessionId::new("s").unwrap();
        let all: Vec<SaidMessage> = transcript.all(&session, 0).map(|(_, said)| said).collect();
        assert_eq!(all.iter().filter(|said| said.compacted).count(), 2);
        let ids: std::collections::BTreeSet<&str> = all.iter().map(|said| said.message_id.as_str()).collect();
        assert_eq!(ids.len(), all.len());
        transcript.fold(0, 4, Message::user("both"));
        assert_eq!(transcript.live().count(), 2);
        assert_eq!(transcript.len(), 6);
    }

    #[test]
    fn messages_behind_a_removed_note_are_read_again() {
        let mut transcript = Transcript::default();
        (0..3).for_each(|n| transcript.push(Message::user(n.to_string())));
        transcript.fold(0, 2, Message::user("kept"));
        let before: Vec<Message> = transcript.live().map(|(_, message)| message.clone()).collect();
        let base = transcript.len();
        (3..6).for_each(|n| transcript.push(Message::user(n.to_string())));
        transcript.fold(2, 5, Message::user("forgotten"));
        assert_eq!(transcript.live().count(), 3);
        transcript.truncate(base);
        let after: Vec<Message> = transcript.live().map(|(_, message)| message.clone()).collect();
        assert_eq!(after, before);
    }
}
