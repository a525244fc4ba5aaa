//! The state of an execution: the store's copy, updated with the events that the log has behind it.

use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;

use super::{Control, Error};
use crate::bus::delivery::{Delivery, decode, lines};
use crate::bus::{Bus, Filter};
use crate::execution::{Execution, Gap, fold_event};
use crate::id::ExecutionId;
use crate::limits;
use crate::log::{Cursor, Direction, Epoch, Lag, Missing, Read, Sequence, Stored};
use crate::store::{Applied, Mark, Name, Projection};
use crate::subject::{Key, Shard};

/// How the store names an execution.
#[must_use]
pub fn projection(id: &ExecutionId) -> Name {
    Name { family: "execution", id: id.to_string() }
}

/// A fold of an execution's frames, with its place.
#[derive(Debug, Clone)]
pub struct Progress {
    /// The state; `None` before the first event.
    pub execution: Option<Execution>,
    /// The last frame that is folded in.
    pub sequence: Sequence,
    /// The epoch of the last owner that wrote.
    pub epoch: u64,
    /// Frames that were to be folded in are gone.
    is_partial: bool,
}

impl Progress {
    /// Before the first frame.
    #[must_use]
    pub const fn start() -> Self {
        Self { execution: None, sequence: Sequence(0), epoch: 0, is_partial: false }
    }

    /// Takes the next frame.
    pub fn fold(&mut self, stored: &Arc<Stored>) {
        // Its writer checked which frame stands before it: that one was never read.
        self.is_partial |= stored.prev.is_some_and(|prev| prev > self.sequence);
        self.sequence = stored.sequence;
        self.epoch = self.epoch.max(stored.frame.epoch().unwrap_or(0));
        for line in lines(stored, Epoch::default(), 0) {
            if let Delivery::Event(found) = decode(stored, line, Cursor::start()) {
                fold_event(&mut self.execution, &found.event, found.external);
            }
        }
        self.mark_gap();
    }

    /// The events to fold in are gone: the state records that.
    fn miss(&mut self) {
        self.is_partial = true;
        self.mark_gap();
    }

    fn mark_gap(&mut self) {
        if self.is_partial
            && let Some(execution) = &mut self.execution
        {
            execution.gap = Some(Gap::Expired);
        }
    }

    /// From the store's copy; `None` when it cannot be trusted. Copies without the producer are of earlier versions: those
    /// folded every event, as long as no owner had written.
    fn kept(kept: &Projection) -> Option<Self> {
        #[derive(Deserialize)]
        struct Mark {
            external: Option<bool>,
        }
        let mark: Mark = crate::json::from_slice(&kept.document).ok()?;
        let execution: Execution = crate::json::from_slice(&kept.document).ok()?;
        (mark.external.is_some() || kept.epoch > 0).then_some(Self {
            is_partial: execution.gap.is_some(),
            execution: Some(execution),
            sequence: Sequence(kept.version),
            epoch: kept.epoch,
        })
    }

    /// The state, if Runbus runs the execution.
    fn own(&self) -> Option<&Execution> {
        self.execution.as_ref().filter(|execution| !execution.external)
    }
}

impl Control {
    /// The state of an execution now, of Runbus or external; `None` for an unknown id.
    ///
    /// The store's copy is only where the fold begins: the events that the log has behind it count. A wiped or
    /// unreachable store costs time, not correctness.
    ///
    /// # Errors
    /// The log refuses or does not answer.
    pub async fn status(&self, id: &ExecutionId) -> Result<Option<Execution>, Error> {
        of(&self.bus, id).await
    }

    /// The state of an execution that Runbus runs; `None` when it runs no such one, whether or not external events name it.
    ///
    /// # Errors
    /// The log refuses or does not answer.
    pub async fn own(&self, id: &ExecutionId) -> Result<Option<Execution>, Error> {
        Ok(self.status(id).await?.filter(|known| !known.external))
    }
}

/// The state of an execution, for callers that give no commands.
///
/// # Errors
/// The log refuses or does not answer.
pub async fn of(bus: &Bus, id: &ExecutionId) -> Result<Option<Execution>, Error> {
    Ok(Look { bus }.progress(id).await?.execution)
}

/// A look at an execution.
struct Look<'a> {
    bus: &'a Bus,
}

impl Look<'_> {
    async fn progress(&self, id: &ExecutionId) -> Result<Progress, Error> {
        let kept = match self.bus.store().get(&projection(id)).await {
            Ok(kept) => kept.as_ref().and_then(Progress::kept),
            Err(error) => {
                tracing::warn!(execution = %id, %error, "the store does not answer; reading the log instead");
                None
            }
        };
        let shards = Filter::execution(id.clone()).scope().shards(&self.bus.log().layout());
        let kept = match kept {
            // Nothing follows the end of an execution that Runbus ran. An external execution that ended may begin again.
            Some(kept) if kept.own().is_some_and(|known| known.status.is_terminal()) => return Ok(kept),
            // A place in one shard says nothing of the others.
            Some(kept) if kept.own().is_some() || shards.len() == 1 => kept,
            _ => Progress::start(),
        };
        let mut found = kept.clone();
        for shard in shards {
            let mut here = kept.clone();
            self.fold_on(&mut here, shard, id).await?;
            let is_news = here.sequence > kept.sequence;
            let is_own = here.own().is_some();
            // External events may stand in a younger shard, for an execution of an older one.
            if is_news && (is_own || found.sequence == kept.sequence) {
                found = here;
            }
            if is_own {
                break;
            }
        }
        if found.sequence > kept.sequence {
            self.keep(&found, id).await;
        }
        Ok(found)
    }

    async fn fold_on(&self, progress: &mut Progress, shard: Shard, id: &ExecutionId) -> Result<(), Error> {
        let log = self.bus.log();
        // Read behind the leader's last frame: replicas may lag, and acknowledged frames count.
        let key = progress.execution.as_ref().map(|e| Key::Execution(e.stream_id.clone(), id.clone()));
        let awaited = match key {
            Some(key) => {
                let last = log.last(&key).await?.filter(|stored| stored.shard == shard);
                last.map(|stored| (key, stored.sequence))
            }
            None => None,
        };
        let mut lag = Lag::default();
        loop {
            let read = Read {
                scope: Filter::execution(id.clone()).scope(),
                shard,
                from: progress.sequence.next(),
                direction: Direction::Forward,
                max_frames: limits::PAGE_FRAMES,
                max_bytes: limits::PAGE_BYTES,
            };
            let page = log.read(&read).await?;
            let done = page.done;
            for stored in page.frames {
                progress.fold(&Arc::new(stored));
            }
            if !done {
                continue;
            }
            let Some((key, last)) = awaited.as_ref().filter(|(_, last)| progress.sequence < *last) else {
                return Ok(());
            };
            if lag.look(log.as_ref(), key, *last).await? == Missing::Gone {
                progress.sequence = *last;
                progress.miss();
                return Ok(());
            }
        }
    }

    async fn keep(&self, progress: &Progress, id: &ExecutionId) {
        if let Some(execution) = &progress.execution {
            keep(self.bus.store().as_ref(), execution, progress, id).await;
        }
    }
}

/// Stores what is known of an execution. Failure costs the next reader time, nothing else.
pub async fn keep(
    store: &dyn crate::store::Store,
    execution: &Execution,
    progress: &Progress,
    id: &ExecutionId,
) {
    let Ok(document) = serde_json::to_vec(execution) else { return };
    let mark = Mark { epoch: progress.epoch, from: None, to: progress.sequence.0 };
    match store.apply(&projection(id), mark, Bytes::from(document), Some(limits::PROJECTION_KEPT)).await {
        Ok(Applied::Stored | Applied::Already | Applied::Stale | Applied::Discontinuous) => {}
        Err(error) => tracing::debug!(execution = %id, %error, "the status was not kept"),
    }
}
