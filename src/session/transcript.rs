//! The messages: compaction never removes one; it only folds messages into a note.

use super::message::Message;
use super::view::SaidMessage;
use crate::id::{EventId, SessionId};

/// Messages, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transcript {
    items: Vec<Item>,
    /// Notes ever made: the next one's number.
    notes: usize,
    /// Messages ever said, forgotten ones included: the next one's number.
    said: u64,
}

/// A message, and whether the model still reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Item {
    message: Message,
    name: Name,
    /// The note that stands for it.
    folded: Option<usize>,
    /// Its number, when it is a note.
    note: Option<usize>,
}

/// The name of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    /// As its events say.
    Given(String),
    /// By its number in the session.
    Number(u64),
}

impl Transcript {
    /// Adds a message.
    pub fn push(&mut self, message: Message) {
        self.push_as(None, message);
    }

    /// Adds a message that has an id.
    pub fn push_as(&mut self, id: Option<String>, message: Message) {
        let name = self.name(id);
        self.items.push(Item { message, name, folded: None, note: None });
    }

    fn name(&mut self, id: Option<String>) -> Name {
        self.said += 1;
        id.map_or(Name::Number(self.said), Name::Given)
    }

    /// Messages that were ever said, folded ones and notes included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether nothing was said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Removes everything from `len` on. Messages behind a removed note are read again.
    pub fn truncate(&mut self, len: usize) {
        let gone: Vec<usize> = self.items.iter().skip(len).filter_map(|item| item.note).collect();
        self.items.truncate(len);
        for item in &mut self.items {
            item.folded = item.folded.filter(|note| !gone.contains(note));
        }
    }

    /// The calls of the last turn that have no answer.
    #[must_use]
    pub fn unanswered(&self) -> Vec<String> {
        let mut open: Vec<&str> = Vec::new();
        for item in &self.items {
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
        let to = to.min(self.items.len());
        for item in self.items.iter_mut().take(to).skip(from) {
            item.folded.get_or_insert(self.notes);
        }
        let name = self.name(None);
        self.items.insert(to, Item { message: note, name, folded: None, note: Some(self.notes) });
        self.notes += 1;
    }

    /// The messages that the model reads, with their places.
    pub fn live(&self) -> impl Iterator<Item = (usize, &Message)> {
        self.items
            .iter()
            .enumerate()
            .filter(|(_, item)| item.folded.is_none())
            .map(|(at, item)| (at, &item.message))
    }

    /// Everything from a place on, as people see it, with its place. The ids are the same each time that the journal is read.
    pub fn all<'a>(
        &'a self,
        session: &'a SessionId,
        from: usize,
    ) -> impl Iterator<Item = (usize, SaidMessage)> + 'a {
        self.items.iter().enumerate().skip(from).map(move |(at, item)| {
            let message_id = match &item.name {
                Name::Given(id) => id.clone(),
                Name::Number(number) => EventId::derived(&format!("{session}/message/{number}")).to_string(),
            };
            (at, SaidMessage { message_id, message: item.message.clone(), compacted: item.folded.is_some() })
        })
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
