//! External events on their way to the log.

use futures_util::StreamExt as _;

use super::Error;
use super::rule::check;
use crate::bus::publish::{self, Group};
use crate::control::Control;
use crate::event::Event;
use crate::id::EventId;
use crate::limits;
use crate::log::{Pipeline, Sequence, Trace};

/// The result of events that stand in one frame.
#[derive(Debug)]
pub struct Answer {
    /// Which.
    pub ids: Vec<EventId>,
    /// Their place, or why they are not known to be durable.
    pub outcome: Result<Sequence, publish::Error>,
}

/// Checks external events. The log is not read: they do not change the state of executions that Runbus runs.
///
/// # Errors
/// One may not be published.
pub fn checked(events: Vec<Event>) -> Result<Vec<Group>, Error> {
    let lines = events.iter().enumerate().map(|(n, event)| check(n, event));
    let lines = lines.collect::<Result<Vec<_>, _>>()?;
    Ok(Group::of(events.into_iter().zip(lines)))
}

impl Control {
    /// Publishes external events in the order of a pipeline. Each group has an answer of its own: some may be stored when others
    /// are not. All are handed in when this is polled first.
    pub async fn publish(
        &self,
        pipeline: &Pipeline,
        groups: Vec<Group>,
        trace: Option<Trace>,
    ) -> Vec<Answer> {
        match <[Group; 1]>::try_from(groups) {
            Ok([group]) => vec![self.publish_group(pipeline, group, trace).await],
            Err(groups) => {
                let publish = |group| self.publish_group(pipeline, group, trace.clone());
                let all = futures_util::stream::iter(groups).map(publish);
                all.buffered(limits::PIPELINE_IN_FLIGHT).collect().await
            }
        }
    }

    async fn publish_group(&self, pipeline: &Pipeline, group: Group, trace: Option<Trace>) -> Answer {
        let ids = group.ids().to_vec();
        Answer { ids, outcome: self.bus.hand_in(pipeline, group, trace).await }
    }
}
