//! A reader of events: a follower whose frames are decoded, filtered and given their cursors.

use std::collections::VecDeque;
use std::sync::Arc;

use super::beginning::{Beginning, beginning};
use super::delivery::{Delivery, decode, lines};
use super::filter::Filter;
use crate::log::{Cursor, Follower, Item, Log, ReadError, Since};

/// Reads events for ever.
#[derive(Debug)]
pub struct Reader {
    follower: Follower,
    filter: Filter,
    /// Behind every line that was read, also those in `ready`.
    cursor: Cursor,
    /// Behind the last line that was returned, while others of its frame are in `ready`.
    returned: Option<Cursor>,
    ready: VecDeque<Delivery>,
}

impl Reader {
    /// Begins to read.
    ///
    /// # Errors
    /// The log refuses or does not answer.
    pub async fn start(log: Arc<dyn Log>, filter: Filter, since: Since) -> Result<Self, ReadError> {
        let mut ready = VecDeque::new();
        if since == Since::All {
            let scope = filter.scope();
            for shard in scope.shards(&log.layout()) {
                let bounds = log.bounds(scope.lane(), shard).await?;
                if let Beginning::Cut(gap) = beginning(&log, &scope, shard, &bounds).await? {
                    ready.push_back(Delivery::Gap(gap));
                }
            }
        }
        let follower = Follower::start(log, filter.scope(), since.clone()).await?;
        // Until something was read, the reader stands where it asked to stand.
        let cursor = match since {
            Since::After(cursor) => cursor,
            Since::New | Since::All => follower.cursor(),
        };
        Ok(Self { follower, filter, cursor, returned: None, ready })
    }

    /// Hand it back to go on behind everything that [`Reader::next`] returned.
    #[must_use]
    pub fn cursor(&self) -> &Cursor {
        self.returned.as_ref().unwrap_or(&self.cursor)
    }

    /// The next thing, if it was read already together with the one before.
    pub fn next_read(&mut self) -> Option<Delivery> {
        let delivery = self.ready.pop_front()?;
        let cursor = match &delivery {
            _ if self.ready.is_empty() => None,
            Delivery::Event(found) => Some(&found.cursor),
            Delivery::Undecodable(found) => Some(&found.cursor),
            // They do not wait behind others.
            Delivery::Gap(_) | Delivery::CaughtUp => return Some(delivery),
        };
        match (&mut self.returned, cursor) {
            (Some(returned), Some(cursor)) => returned.clone_from(cursor),
            (returned, cursor) => *returned = cursor.cloned(),
        }
        Some(delivery)
    }

    /// The next thing. Safe to drop while waiting.
    ///
    /// # Errors
    /// Only what will not get better: the log refuses.
    pub async fn next(&mut self) -> Result<Delivery, ReadError> {
        loop {
            if let Some(delivery) = self.next_read() {
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
