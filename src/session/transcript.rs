//! What was said: nothing is ever removed by compaction, only folded into a note.

use super::message::Message;

/// Messages, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transcript {
    items: Vec<Item>,
}

/// A message and whether the model still reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Item {
    message: Message,
    folded: bool,
}

impl Transcript {
    /// Adds a message.
    pub fn push(&mut self, message: Message) {
        self.items.push(Item { message, folded: false });
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

    /// Forgets everything from `len` on.
    pub fn truncate(&mut self, len: usize) {
        self.items.truncate(len);
    }

    /// Folds `from..to` into a note, which stands where they ended.
    pub fn fold(&mut self, from: usize, to: usize, note: Message) {
        let to = to.min(self.items.len());
        for item in self.items.iter_mut().take(to).skip(from) {
            item.folded = true;
        }
        self.items.insert(to, Item { message: note, folded: false });
    }

    /// What the model reads, with each message's place.
    pub fn live(&self) -> impl Iterator<Item = (usize, &Message)> {
        self.items.iter().enumerate().filter(|(_, item)| !item.folded).map(|(at, item)| (at, &item.message))
    }

    /// Everything, with whether it was folded.
    pub fn all(&self) -> impl Iterator<Item = (&Message, bool)> {
        self.items.iter().map(|item| (&item.message, item.folded))
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
        assert_eq!(transcript.all().filter(|(_, folded)| *folded).count(), 2);
        transcript.fold(0, 4, Message::user("both"));
        assert_eq!(transcript.live().count(), 2);
        assert_eq!(transcript.len(), 6);
    }
}
