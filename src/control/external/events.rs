//! External events on their way to the log.

use super::Error;
use super::rule::check;
use crate::bus::publish;
use crate::control::{self, Control};
use crate::event::Event;
use crate::id::EventId;
use crate::log::Sequence;

impl Control {
    /// Publishes external events, in order. Each has an answer of its own: some may be stored when others are not. The log is
    /// not read: external events do not change the state of executions that Runbus runs.
    ///
    /// # Errors
    /// One is not valid: nothing was stored.
    pub async fn publish(
        &self,
        events: Vec<Event>,
    ) -> Result<Vec<(EventId, Result<Sequence, publish::Error>)>, Error> {
        events.iter().enumerate().try_for_each(|(n, event)| check(n, event))?;
        let ids: Vec<EventId> = events.iter().map(|event| event.id).collect();
        let answers = self.bus.publish_batch(events).await;
        let answers = answers.map_err(|error| control::Error::of(false, &error))?;
        Ok(ids.into_iter().zip(answers).collect())
    }
}
