//! The history of a broad scope: a reader of its own, ahead of its client by a bounded number of entries.

use std::collections::BTreeSet;
use std::sync::Arc;

use runbus::bus::{Bus, Delivery, Filter};
use runbus::log::{ReadError, Since};
use tokio::sync::{Notify, mpsc};
use tokio_util::task::AbortOnDropHandle;

use crate::hub::Entry;
use crate::limits;

/// What the reader says.
#[derive(Debug)]
pub(super) enum Said {
    /// The next entry.
    Entry(Box<Entry>),
    /// Everything that was stored has been said.
    CaughtUp,
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
        bus: &Bus,
        filter: Filter,
        since: Since,
        wake: Arc<Notify>,
    ) -> Result<Self, ReadError> {
        // Types and times are left to the connection, as for every other source.
        let filter = Filter { types: BTreeSet::new(), after: None, before: None, ..filter };
        let mut reader = bus.read(filter, since).await?;
        let (sender, said) = mpsc::channel(limits::READ_AHEAD);
        let task = tokio::spawn(async move {
            loop {
                let next = match reader.next().await {
                    Ok(Delivery::CaughtUp) => Some(Said::CaughtUp),
                    Ok(delivery) => Entry::delivery(&delivery).map(|entry| Said::Entry(Box::new(entry))),
                    Err(error) => {
                        tracing::error!(%error, "a reader ends: the log refuses");
                        return;
                    }
                };
                if let Some(next) = next
                    && sender.send(next).await.is_err()
                {
                    return;
                }
                wake.notify_one();
            }
        });
        Ok(Self { said, _task: AbortOnDropHandle::new(task) })
    }

    /// The next thing, if it is there already.
    pub(super) fn next(&mut self) -> Option<Said> {
        self.said.try_recv().ok()
    }
}
