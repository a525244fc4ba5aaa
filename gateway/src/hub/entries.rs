//! A follower of the log whose frames are entries, with the place behind each.

use runbus::bus::delivery::lines;
use runbus::log::{Cursor, Follower, Item, ReadError};

use super::entry::Entry;

/// A message about the log.
#[derive(Debug)]
pub enum LogMessage {
    /// The next entry.
    Entry(Entry),
    /// Everything that was stored when the follower began has been delivered.
    CaughtUp,
}

impl LogMessage {
    /// Its size in memory, about, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Entry(entry) => entry.bytes(),
            Self::CaughtUp => 0,
        }
    }
}

/// A follower, and how far it has come.
#[derive(Debug)]
pub struct Entries {
    follower: Follower,
    cursor: Cursor,
}

impl Entries {
    /// `cursor` is where its reader stands.
    #[must_use]
    pub const fn new(follower: Follower, cursor: Cursor) -> Self {
        Self { follower, cursor }
    }

    /// The place behind everything that was delivered.
    #[must_use]
    pub const fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// Adds what comes next: a frame's entries, or a notice. Returns how many bytes of the log it was. Safe to drop while waiting.
    ///
    /// # Errors
    /// The log refuses.
    pub async fn next(&mut self, out: &mut Vec<LogMessage>) -> Result<usize, ReadError> {
        let item = self.follower.next().await?;
        Ok(self.add(item, out))
    }

    /// The same, if it is there already.
    pub fn next_now(&mut self, out: &mut Vec<LogMessage>) -> Option<usize> {
        let item = self.follower.next_now()?;
        Some(self.add(item, out))
    }

    fn add(&mut self, item: Item, out: &mut Vec<LogMessage>) -> usize {
        match item {
            Item::CaughtUp => {
                out.push(LogMessage::CaughtUp);
                0
            }
            Item::Gap(gap) => {
                // Else entries of other shards would carry the place that is gone.
                self.cursor.set(gap.shard, gap.resumes());
                out.push(LogMessage::Entry(Entry::gap(&gap)));
                0
            }
            Item::Frame { stored, skip } => {
                let epoch = self.follower.epoch(stored.shard);
                for line in lines(&stored, epoch, skip) {
                    self.cursor.set(stored.shard, line.place);
                    out.push(LogMessage::Entry(Entry::line(&stored, &line, &self.cursor)));
                }
                stored.frame.payload.len()
            }
        }
    }
}
