//! Group commit: which waiting groups go into the next frame.

use tokio::sync::mpsc;

use super::Group;
use crate::log::has_room;

/// The queue of groups, with the one that did not fit into the last frame.
#[derive(Debug)]
pub(super) struct Groups {
    receiver: mpsc::Receiver<Group>,
    held: Option<Group>,
}

impl Groups {
    pub(super) const fn new(receiver: mpsc::Receiver<Group>) -> Self {
        Self { receiver, held: None }
    }

    /// Waits for a group, then takes what else waits, of the same node, while it fits. `None`: no writer is left.
    pub(super) async fn next(&mut self) -> Option<Vec<Group>> {
        let first = match self.held.take() {
            Some(group) => group,
            None => self.receiver.recv().await?,
        };
        let (mut count, mut bytes) = (first.lines.len(), first.bytes);
        let mut batch = vec![first];
        // A group that reflects a journal entry ends its frame: then a new owner sees where the events that nothing
        // closed begin.
        while batch.last().is_some_and(|group| group.journal.is_none())
            && let Ok(group) = self.receiver.try_recv()
        {
            let fits = batch[0].node == group.node
                && has_room(count + group.lines.len().saturating_sub(1), bytes, group.bytes);
            if !fits {
                self.held = Some(group);
                break;
            }
            count += group.lines.len();
            bytes += group.bytes;
            batch.push(group);
        }
        Some(batch)
    }

    /// Everything that waits, without waiting: to answer it when the writer closes.
    pub(super) fn rest(&mut self) -> Vec<Group> {
        self.receiver.close();
        let mut rest: Vec<Group> = self.held.take().into_iter().collect();
        while let Ok(group) = self.receiver.try_recv() {
            rest.push(group);
        }
        rest
    }
}
