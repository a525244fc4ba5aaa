//! A reader of events: a follower whose frames are decoded, filtered and given their cursors.

use std::collections::VecDeque;
use std::sync::Arc;

use super::delivery::{Delivery, decode, lines};
use super::filter::Filter;
use crate::log::{Cursor, Follower, Item, Log, ReadError, Since};

/// Reads events for ever.
#[derive(Debug)]
pub struct Reader {
    follower: Follower,
    filter: Filter,
    cursor: Cursor,
    ready: VecDeque<Delivery>,
}

impl Reader {
    /// Begins to read.
    ///
    /// # Errors
    /// The log refuses or does not answer.
    pub async fn start(log: Arc<dyn Log>, filter: Filter, since: Since) -> Result<Self, ReadError> {
        let follower = Follower::start(log, filter.scope(), since.clone()).await?;
        // Until something was read, the reader stands where it asked to stand.
        let cursor = match since {
            Since::After(cursor) => cursor,
            Since::New | Since::All => follower.cursor(),
        };
        Ok(Self { follower, filter, cursor, ready: VecDeque::new() })
    }

    /// Hand it back to go on behind everything that [`Reader::next`] returned.
    #[must_use]
    pub const fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// The next thing. Safe to drop while waiting.
    ///
    /// # Errors
    /// Only what will not get better: the log refuses.
    pub async fn next(&mut self) -> Result<Delivery, ReadError> {
        loop {
            if let Some(delivery) = self.ready.pop_front() {
                return Ok(delivery);
            }
            match self.follower.next().await? {
                Item::Gap(gap) => {
                    // Else events of other shards would carry the place that is gone.
                    self.cursor.set(gap.shard, gap.resumes());
                    return Ok(Delivery::Gap(gap));
                }
                Item::CaughtUp => return Ok(Delivery::CaughtUp),
                Item::Frame { stored, skip } => {
                    let epoch = self.follower.epoch(stored.shard);
                    for line in lines(&stored, epoch, skip) {
                        // Unwanted events move the cursor too: a reader of rare types does not fall behind retention.
                        self.cursor.set(stored.shard, line.place);
                        let delivery = decode(&stored, line, self.cursor.clone());
                        if !matches!(&delivery, Delivery::Event(found) if !self.filter.wants(&found.event)) {
                            self.ready.push_back(delivery);
                        }
                    }
                }
            }
        }
    }
}
