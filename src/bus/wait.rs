//! Waiting for the first event that matches.

use std::time::Duration;

use super::delivery::{Delivered, Delivery};
use super::filter::Filter;
use super::{Bus, Reader};
use crate::log::{ReadError, Since};

/// A place in time from which an event is waited for.
///
/// Made before the cause of the event, it cannot miss the event, however late the wait begins.
#[derive(Debug)]
pub struct Watch {
    reader: Reader,
}

impl Watch {
    /// The first event that matches; `None` when there is none in time.
    ///
    /// # Errors
    /// The log refuses.
    pub async fn first(mut self, timeout: Duration) -> Result<Option<Delivered>, ReadError> {
        let found = async {
            loop {
                if let Delivery::Event(delivered) = self.reader.next().await? {
                    return Ok(*delivered);
                }
            }
        };
        tokio::time::timeout(timeout, found).await.ok().transpose()
    }
}

impl Bus {
    /// Begins to watch: every matching event that is stored after this returned will be found.
    ///
    /// # Errors
    /// The log refuses or does not answer.
    pub async fn watch(&self, filter: Filter, since: Since) -> Result<Watch, ReadError> {
        Ok(Watch { reader: Reader::start(self.log.clone(), filter, since).await? })
    }

    /// Waits for the first event that matches; `None` when there is none in time.
    ///
    /// To wait for the effect of something that the caller does, call [`Bus::watch`] first, do it, then
    /// [`Watch::first`]: nothing is missed in between. Or give the cursor from before.
    ///
    /// # Errors
    /// The log refuses or does not answer.
    pub async fn wait_for(
        &self,
        filter: Filter,
        since: Since,
        timeout: Duration,
    ) -> Result<Option<Delivered>, ReadError> {
        let begun = tokio::time::Instant::now();
        let watch = match tokio::time::timeout(timeout, self.watch(filter, since)).await {
            Ok(watch) => watch?,
            Err(_elapsed) => return Ok(None),
        };
        watch.first(timeout.saturating_sub(begun.elapsed())).await
    }
}
