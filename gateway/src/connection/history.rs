//! The history of a broad scope: a reader of its own, ahead of its client by a bounded number of entries.

use std::collections::VecDeque;
use std::sync::Arc;

use runbus::bus::{Beginning, Filter, beginning};
use runbus::log::{Follower, ReadError, Since};
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::task::AbortOnDropHandle;

use crate::app::Shared;
use crate::hub::{Entries, Entry, LogMessage};
use crate::ledger::TableUsage;
use crate::limits;
use crate::pressure::Held;

/// The room that entries take until their client is sent the last of them.
#[derive(Debug)]
struct Share {
    _room: OwnedSemaphorePermit,
    _held: Held,
}

/// A reader on its own task; dropping it ends it.
#[derive(Debug)]
pub(super) struct Ahead {
    batches: mpsc::Receiver<(VecDeque<LogMessage>, Share)>,
    /// Gaps before all of it.
    gone: VecDeque<LogMessage>,
    /// The batch that the client is at.
    at: Option<(VecDeque<LogMessage>, Share)>,
    _task: AbortOnDropHandle<()>,
}

impl Ahead {
    /// Begins to read.
    ///
    /// # Errors
    /// The log refuses or does not answer.
    pub(super) async fn start(
        shared: &Shared,
        usage: &Arc<TableUsage>,
        filter: &Filter,
        since: Since,
        wake: Arc<Notify>,
    ) -> Result<Self, ReadError> {
        let mut gone = VecDeque::new();
        if since == Since::All {
            let (log, scope) = (shared.bus.log(), filter.scope());
            for shard in scope.shards(&log.layout()) {
                let bounds = shared.hubs.bounds.ask(log.as_ref(), scope.lane(), shard).await?;
                if let Beginning::Cut(gap) = beginning(log, &scope, shard, &bounds).await? {
                    gone.push_back(LogMessage::Entry(Entry::gap(&gap)));
                }
            }
        }
        let follower = Follower::start(shared.bus.log().clone(), filter.scope(), since.clone()).await?;
        // Until something was read, the reader stands where it asked to stand.
        let cursor = match since {
            Since::After(cursor) => cursor,
            Since::New | Since::All => follower.cursor(),
        };
        let mut entries = Entries::new(follower, cursor);
        let (sender, batches) = mpsc::channel(limits::READ_AHEAD);
        let most = shared.config.client_buffer_bytes;
        let (pressure, usage) = (shared.pressure.clone(), usage.clone());
        let room = Arc::new(Semaphore::new(most));
        let task = tokio::spawn(async move {
            loop {
                let mut messages = Vec::new();
                let mut bytes = match entries.next(&mut messages).await {
                    Ok(bytes) => bytes,
                    Err(error) => {
                        tracing::error!(%error, "a reader ends: the log refuses");
                        // The client finds out by looking.
                        drop(sender);
                        wake.notify_one();
                        return;
                    }
                };
                // Entries that were read with it come with it: frames of one page are not awaited one by one.
                while bytes < limits::READ_AHEAD_BYTES
                    && let Some(more) = entries.next_now(&mut messages)
                {
                    bytes += more;
                }
                let bytes: usize = messages.iter().map(LogMessage::bytes).sum();
                // More than all there is waits for all.
                let share = u32::try_from(bytes.min(most)).unwrap_or(u32::MAX);
                let Ok(room) = room.clone().acquire_many_owned(share).await else { return };
                let held = pressure.hold(&usage, bytes);
                if sender.send((messages.into(), Share { _room: room, _held: held })).await.is_err() {
                    return;
                }
                wake.notify_one();
            }
        });
        Ok(Self { batches, gone, at: None, _task: AbortOnDropHandle::new(task) })
    }

    /// The next thing, if it is there already.
    ///
    /// # Errors
    /// The reader has ended: the log refuses.
    pub(super) fn next(&mut self) -> Result<Option<LogMessage>, ReadError> {
        if let Some(gap) = self.gone.pop_front() {
            return Ok(Some(gap));
        }
        loop {
            if let Some((messages, _share)) = &mut self.at
                && let Some(message) = messages.pop_front()
            {
                return Ok(Some(message));
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
