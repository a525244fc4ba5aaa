//! Events from outside that were looked at, and what is known of what they name.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::json;

use super::Error;
use super::rule::{Sayer, approval, at, check, sayer, session};
use crate::bus::publish;
use crate::control::{self, Control};
use crate::event::Event;
use crate::execution::Status;
use crate::id::{EventId, ExecutionId, SessionId, StreamId};
use crate::limits;
use crate::log::Sequence;

/// What is known of an execution that events from outside name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    stream_id: StreamId,
    session_id: Option<SessionId>,
    status: Status,
    /// Runbus's workers run it, have run it, or will.
    is_ours: bool,
}

/// Events from outside that are valid each, and what is known of what they name.
#[derive(Debug)]
pub struct Outside {
    events: Vec<Event>,
    executions: BTreeMap<ExecutionId, Known>,
    /// Sessions of Runbus's that events name which are not of their executions.
    sessions: BTreeSet<SessionId>,
}

impl Outside {
    /// The events whose executions are known in another stream than theirs, and in which.
    pub fn elsewhere(&self) -> impl Iterator<Item = (usize, &Event, &StreamId)> {
        self.events.iter().enumerate().filter_map(|(n, event)| {
            let known = self.known(event)?;
            (known.stream_id != event.stream_id).then_some((n, event, &known.stream_id))
        })
    }

    /// The sessions of Runbus's that events name which are not of their executions: event, field, session.
    pub fn sessions(&self) -> impl Iterator<Item = (usize, &'static str, SessionId)> {
        self.events.iter().enumerate().flat_map(|(n, event)| {
            let known = |(_, session): &(_, SessionId)| self.sessions.contains(session);
            self.foreign(event).filter(known).map(move |(field, session)| (n, field, session))
        })
    }

    fn known(&self, event: &Event) -> Option<&Known> {
        event.execution_id.as_ref().and_then(|id| self.executions.get(id))
    }

    /// The sessions that an event names; none when Runbus runs its execution: there is one that may be named.
    fn foreign(&self, event: &Event) -> impl Iterator<Item = (&'static str, SessionId)> + use<> {
        let is_ours = self.known(event).is_some_and(|known| known.is_ours);
        let found = if is_ours { [None, None] } else { [session(event), approval(event)] };
        found.into_iter().flatten()
    }

    /// Whether they speak for nothing that Runbus runs.
    fn check(&self) -> Result<(), Error> {
        for (n, event) in self.events.iter().enumerate() {
            if let Some(known) = self.known(event).filter(|known| known.is_ours) {
                known.check(n, event)?;
            }
        }
        match self.sessions().next() {
            Some((n, field, id)) => Err(Error::Taken {
                path: at(n, field),
                message: format!("session {id} is Runbus's, and not of this event's execution"),
                standing: json!({ "session_id": id }),
            }),
            None => Ok(()),
        }
    }
}

impl Known {
    /// Whether somebody else may add an event to an execution that Runbus runs.
    fn check(&self, n: usize, event: &Event) -> Result<(), Error> {
        let (field, what) = if sayer(&event.kind) != Sayer::Anybody {
            ("type", format!("only its workers say {} of it", event.kind))
        } else if event.session_id.is_some() && event.session_id != self.session_id {
            ("session_id", "it has another session".into())
        } else if event.attempt.is_some() {
            ("attempt", "only its workers have attempts at it".into())
        } else {
            return Ok(());
        };
        Err(Error::Taken {
            path: at(n, field),
            message: format!("Runbus runs this execution: {what}"),
            standing: json!({ "execution_id": event.execution_id, "status": self.status }),
        })
    }
}

impl Control {
    /// Looks at events from outside before anything of them is stored.
    ///
    /// # Errors
    /// One is not valid, or the log does not answer.
    pub async fn outside(&self, events: Vec<Event>) -> Result<Outside, Error> {
        events.iter().enumerate().try_for_each(|(n, event)| check(n, event))?;
        let ids: BTreeSet<&ExecutionId> =
            events.iter().filter_map(|event| event.execution_id.as_ref()).collect();
        let ids: Vec<ExecutionId> = ids.into_iter().cloned().collect();
        let known = stream::iter(ids).map(|id| self.told(id)).buffered(limits::OUTSIDE_LOOKS);
        let executions: Vec<_> = known.try_collect().await?;
        let executions = executions.into_iter().flatten().collect();
        let mut outside = Outside { events, executions, sessions: BTreeSet::new() };
        let named: BTreeSet<SessionId> =
            outside.events.iter().flat_map(|event| outside.foreign(event)).map(|(_, id)| id).collect();
        let heard = stream::iter(named).map(|id| self.heard_of(id)).buffered(limits::OUTSIDE_LOOKS);
        let heard: Vec<_> = heard.try_collect().await?;
        outside.sessions = heard.into_iter().flatten().collect();
        Ok(outside)
    }

    async fn told(&self, id: ExecutionId) -> Result<Option<(ExecutionId, Known)>, control::Error> {
        let progress = self.progress(&id).await?;
        let Some(execution) = progress.execution else { return Ok(None) };
        let is_ours = match &execution.session_id {
            _ if progress.epoch > 0 => true,
            // Nobody has begun it yet: its session's inbox tells whether somebody will.
            Some(session) => self.state(session).await?.is_some_and(|state| state.knows(&id)),
            None => false,
        };
        let (stream_id, session_id, status) = (execution.stream_id, execution.session_id, execution.status);
        Ok(Some((id, Known { stream_id, session_id, status, is_ours })))
    }

    async fn heard_of(&self, id: SessionId) -> Result<Option<SessionId>, control::Error> {
        Ok(self.state(&id).await?.is_some().then_some(id))
    }

    /// Publishes events from outside, in order. Each has an answer of its own: some may be stored when others are not.
    ///
    /// # Errors
    /// One speaks for what Runbus runs: nothing was stored.
    pub async fn publish(
        &self,
        outside: Outside,
    ) -> Result<Vec<(EventId, Result<Sequence, publish::Error>)>, Error> {
        outside.check()?;
        let ids: Vec<EventId> = outside.events.iter().map(|event| event.id).collect();
        let answers = self.bus.publish_batch(outside.events).await;
        let answers = answers.map_err(|error| control::Error::of(false, &error))?;
        Ok(ids.into_iter().zip(answers).collect())
    }
}
