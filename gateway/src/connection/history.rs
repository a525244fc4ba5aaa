//! The history of a broad scope: a reader of its own, ahead of its client by a bounded number of entries.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use runbus::bus::{Delivery, Filter};
use runbus::log::{ReadError, Since};
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::task::AbortOnDropHandle;

use super::pressure::Held;
use super::shared::Shared;
use crate::hub::Entry;
use crate::limits;

/// What the reader says.
#[derive(Debug)]
pub(super) enum Said {
    /// The next entry.
    Entry(Entry),
    /// Everything that was stored has been said.
    CaughtUp,
}

/// What the reader says at once.
#[derive(Debug, Default)]
struct Batch {
    said: VecDeque<Said>,
    bytes: usize,
}

impl Batch {
    fn add(&mut self, delivery: &Delivery) {
        if matches!(delivery, Delivery::CaughtUp) {
            self.said.push_back(Said::CaughtUp);
        } else if let Some(entry) = Entry::delivery(delivery) {
            self.bytes += entry.bytes();
            self.said.push_back(Said::Entry(entry));
        }
    }
}

/// The room that entries take until their client is sent the last of them.
#[derive(Debug)]
struct Share {
    _room: OwnedSemaphorePermit,
    _held: Held,
}

/// A reader on its own task; dropping it ends it.
#[derive(Debug)]
pub(super) struct Ahead {
    batches: mpsc::Receiver<(VecDeque<Said>, Share)>,
    /// The batch that the client is at.
    at: Option<(VecDeque<Said>, Share)>,
    _task: AbortOnDropHandle<()>,
}

impl Ahead {
    /// Begins to read.
    ///
    /// # Errors
    /// The log refuses or does not answer.
    pub(super) async fn start(
        shared: &Shared,
        filter: Filter,
        since: Since,
        wake: Arc<Notify>,
    ) -> Result<Self, ReadError> {
        // Types and times are left to the connection, as for every other source.
        let filter = Filter { types: BTreeSet::new(), after: None, before: None, ..filter };
        let mut reader = shared.bus.read(filter, since).await?;
        let (sender, batches) = mpsc::channel(limits::READ_AHEAD);
        let most = shared.config.client_buffer_bytes;
        let pressure = shared.pressure.clone();
        let room = Arc::new(Semaphore::new(most));
        let task = tokio::spawn(async move {
            loop {
                let mut batch = Batch::default();
                match reader.next().await {
                    Ok(delivery) => batch.add(&delivery),
                    Err(error) => {
                        tracing::error!(%error, "a reader ends: the log refuses");
                        // The client finds out by looking.
                        drop(sender);
                        wake.notify_one();
                        return;
                    }
                }
                // What was read with it goes with it: events of one frame are not waited for one by one.
                while batch.bytes < limits::READ_AHEAD_BYTES
                    && let Some(delivery) = reader.next_read()
                {
                    batch.add(&delivery);
                }
                let Batch { said, bytes } = batch;
                if said.is_empty() {
                    continue;
                }
                // More than all there is waits for all.
                let share = u32::try_from(bytes.min(most)).unwrap_or(u32::MAX);
                let Ok(room) = room.clone().acquire_many_owned(share).await else { return };
                let held = pressure.hold(bytes);
                if sender.send((said, Share { _room: room, _held: held })).await.is_err() {
                    return;
                }
                wake.notify_one();
            }
        });
        Ok(Self { batches, at: None, _task: AbortOnDropHandle::new(task) })
    }

    /// The next thing, if it is there already.
    ///
    /// # Errors
    /// The reader has ended: the log refuses.
    pub(super) fn next(&mut self) -> Result<Option<Said>, ReadError> {
        loop {
            if let Some((said, _share)) = &mut self.at
                && let Some(said) = said.pop_front()
            {
                return Ok(Some(said));
            }
            // Its room is given back when the client asks for more than it held.
            self.at = None;
            match self.batches.try_recv() {
                Ok(batch) => self.at = Some(batch),
                Err(TryRecvError::Empty) => return Ok(None),
                Err(TryRecvError::Disconnected) => {
                    return Err(ReadError::Refused("its reader has ended".into()));
                }
            }
        }
    }
}
