//! The history of a broad scope: a reader of its own, ahead of its client by a bounded number of entries.

use std::collections::BTreeSet;
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
    /// The next entry, with its share of the bytes that may be prepared.
    Entry(Box<Entry>, Share),
    /// Everything that was stored has been said.
    CaughtUp,
}

/// The room that an entry takes until its client is sent it.
#[derive(Debug)]
pub(super) struct Share {
    _room: OwnedSemaphorePermit,
    _held: Held,
}

/// A reader on its own task; dropping it ends it.
#[derive(Debug)]
pub(super) struct Ahead {
    said: mpsc::Receiver<Said>,
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
        let (sender, said) = mpsc::channel(limits::READ_AHEAD);
        let most = u32::try_from(shared.config.client_buffer_bytes).unwrap_or(u32::MAX);
        let pressure = shared.pressure.clone();
        let room = Arc::new(Semaphore::new(shared.config.client_buffer_bytes));
        let task = tokio::spawn(async move {
            loop {
                let said = match reader.next().await {
                    Ok(Delivery::CaughtUp) => Said::CaughtUp,
                    Ok(delivery) => {
                        let Some(entry) = Entry::delivery(&delivery) else { continue };
                        // One that is larger than all there is waits for all.
                        let share = u32::try_from(entry.bytes()).unwrap_or(u32::MAX).min(most);
                        let Ok(room) = room.clone().acquire_many_owned(share).await else { return };
                        let held = pressure.hold(entry.bytes());
                        Said::Entry(Box::new(entry), Share { _room: room, _held: held })
                    }
                    Err(error) => {
                        tracing::error!(%error, "a reader ends: the log refuses");
                        // The client finds out by looking.
                        drop(sender);
                        wake.notify_one();
                        return;
                    }
                };
                if sender.send(said).await.is_err() {
                    return;
                }
                wake.notify_one();
            }
        });
        Ok(Self { said, _task: AbortOnDropHandle::new(task) })
    }

    /// The next thing, if it is there already.
    ///
    /// # Errors
    /// The reader has ended: the log refuses.
    pub(super) fn next(&mut self) -> Result<Option<Said>, ReadError> {
        match self.said.try_recv() {
            Ok(said) => Ok(Some(said)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(ReadError::Refused("its reader has ended".into())),
        }
    }
}
