//! Stranded executions: queued in the log, and no wake-up says so any more. The one that there was went to a worker that did not
//! find the command, or was never pushed. A sweep wakes them again.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Control, Error};
use crate::bus::history::{Order, Query};
use crate::bus::{Delivery, Filter};
use crate::event::{Event, Kind};
use crate::execution::Status;
use crate::id::{ExecutionId, SessionId};
use crate::limits;
use crate::log::{Cursor, Sequence};
use crate::store::{Applied, Mark, Name};
use crate::time::Timestamp;

/// Pages of events that one sweep reads.
const PAGES: usize = 20;

/// Executions that one sweep wakes.
const WOKEN: usize = 100;

/// How often the pause before the next wake-up of the same execution is doubled at most.
const DOUBLINGS: u32 = 6;

/// The state that a sweep keeps for the next one. It can be lost: the next sweep then reads everything.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Sweep {
    sweeps: u64,
    read: Cursor,
    queued: BTreeMap<ExecutionId, Queued>,
}

/// An execution that has not begun as far as was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Queued {
    session_id: SessionId,
    /// When it is looked at.
    look_at: Timestamp,
    woken: u32,
}

impl Sweep {
    fn take(&mut self, event: &Event, patience: Duration) {
        let Some(id) = &event.execution_id else { return };
        if event.kind != Kind::ExecutionQueued {
            self.queued.remove(id);
            return;
        }
        let session_id = match &event.session_id {
            Some(session) => session.clone(),
            None => match SessionId::new(id.as_str()) {
                Ok(session) => session,
                Err(_never) => return,
            },
        };
        let look_at = later(event.timestamp, patience);
        self.queued.entry(id.clone()).or_insert(Queued { session_id, look_at, woken: 0 });
    }

    fn due(&self, now: Timestamp) -> Vec<(ExecutionId, Queued)> {
        let due = self.queued.iter().filter(|(_, queued)| queued.look_at <= now);
        due.take(WOKEN).map(|(id, queued)| (id.clone(), queued.clone())).collect()
    }
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    Timestamp::from_micros(time.micros().saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
}

fn name() -> Name {
    Name { family: "sweep", id: "executions".into() }
}

impl Control {
    /// Wakes executions that have been queued for longer than `patience`; how many. One process at a time should do it. An
    /// execution that waits for others of its session is woken in vain, at growing intervals.
    ///
    /// # Errors
    /// The log, the queue or the store does not answer.
    pub async fn wake_stranded(&self, patience: Duration) -> Result<usize, Error> {
        let kept = self.bus.store().get(&name()).await.map_err(|error| Error::of(true, &error))?;
        let mut sweep: Sweep =
            kept.and_then(|kept| crate::json::from_slice(&kept.document).ok()).unwrap_or_default();
        self.read_on(&mut sweep, patience).await?;
        let now = self.clock.now();
        let mut count = 0;
        for (id, queued) in sweep.due(now) {
            if self.own(&id).await?.is_none_or(|known| known.status != Status::Queued) {
                sweep.queued.remove(&id);
                continue;
            }
            self.wake_again(&id, &queued).await?;
            count += 1;
            if let Some(entry) = sweep.queued.get_mut(&id) {
                entry.woken += 1;
                entry.look_at = later(now, patience * 2_u32.pow(entry.woken.min(DOUBLINGS)));
            }
        }
        self.keep(&mut sweep).await;
        Ok(count)
    }

    async fn read_on(&self, sweep: &mut Sweep, patience: Duration) -> Result<(), Error> {
        let kinds = [
            Kind::ExecutionQueued,
            Kind::ExecutionStarted,
            Kind::ExecutionCompleted,
            Kind::ExecutionFailed,
            Kind::ExecutionCancelled,
        ];
        let mut query = Query {
            filter: Filter::default().types(kinds),
            order: Order::Oldest,
            limit: limits::HISTORY_MAX_EVENTS,
            cursor: Some(sweep.read.clone()),
            ..Query::default()
        };
        for _ in 0..PAGES {
            if sweep.queued.len() >= limits::SWEEP_EXECUTIONS {
                break;
            }
            let page = self.bus.history(&query).await?;
            for delivery in page.events {
                if let Delivery::Event(found) = delivery
                    && !found.external
                {
                    sweep.take(&found.event, patience);
                }
            }
            sweep.read = page.end;
            let Some(next) = page.next else { break };
            query.cursor = Some(next);
        }
        Ok(())
    }

    async fn wake_again(&self, id: &ExecutionId, queued: &Queued) -> Result<(), Error> {
        let starts = self.starts(&queued.session_id).await?;
        // Without the command there is nothing to begin; giving it again wakes the session.
        let Some(start) = starts.into_iter().find(|start| start.execution_id == *id) else { return Ok(()) };
        tracing::info!(execution = %id, session = %queued.session_id, "an execution is still queued; its session is woken again");
        let key = format!("stranded/{id}/{}", uuid::Uuid::new_v4());
        let definition = Some(start.definition);
        self.wake(&queued.session_id, Sequence::default(), start.scheduling, definition, &key).await
    }

    async fn keep(&self, sweep: &mut Sweep) {
        sweep.sweeps += 1;
        let document = Bytes::from(serde_json::to_vec(&sweep).unwrap_or_default());
        let mark = Mark { epoch: 0, from: None, to: sweep.sweeps };
        match self.bus.store().apply(&name(), mark, document, None).await {
            Ok(Applied::Stored) => {}
            outcome => tracing::debug!(?outcome, "the sweep's progress was not kept"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Source;
    use crate::event::family::execution::{Queued as IsQueued, Started};
    use crate::id::StreamId;
    use crate::time::Clock;

    #[test]
    fn an_execution_that_began_is_not_stranded() {
        let run = |id: &str| {
            Source::execution(StreamId::new("s").unwrap(), ExecutionId::new(id).unwrap(), Clock::System)
        };
        let patience = Duration::from_secs(60);
        let mut sweep = Sweep::default();
        for id in ["a", "b"] {
            sweep.take(&run(id).event(IsQueued::default()), patience);
        }
        let now = Clock::System.now();
        assert!(sweep.due(now).is_empty());
        sweep.take(&run("a").event(Started { input: serde_json::Value::Null, definition: None }), patience);
        let due: Vec<_> = sweep.due(later(now, patience)).into_iter().map(|(id, _)| id.to_string()).collect();
        assert_eq!(due, ["b"]);
    }
}
