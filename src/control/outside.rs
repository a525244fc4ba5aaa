//! Events from outside: what somebody who is no worker may publish. A gateway asks here, so that no way in can forget it.
//!
//! Anybody tells what they run themselves. An execution that Runbus runs is told by Runbus alone, and others add to it what
//! changes nothing that is known of it. See docs/adr/0027.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};

use super::{Control, RESERVED_SESSIONS, addressed};
use crate::bus::publish;
use crate::event::{self, Event, Kind, Payload};
use crate::execution::Status;
use crate::id::{EventId, ExecutionId, SessionId, StreamId};
use crate::limits;
use crate::log::Sequence;

/// Streams whose names begin so are Runbus's own.
const RESERVED_STREAMS: [&str; 2] = ["runbus.", RESERVED_SESSIONS];

/// What Runbus publishes openly has ids made of the execution's, so that it is stored once. Somebody else's event with such an
/// id would be stored in its place.
const OWN_IDS: [&str; 6] =
    ["queued", "cancel_requested", "dropped", "dead_letter", "dead_lettered", "dead_letter_retried"];

/// Why events from outside were not taken. Nothing was stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A field of one is wrong.
    #[error("{message}")]
    Invalid {
        /// Which: `events[3].data.content`.
        path: String,
        /// What is wrong with it.
        message: String,
    },
    /// One is larger than [`limits::EVENT_BYTES`].
    #[error("{error}")]
    TooLarge {
        /// Which: `events[3]`.
        path: String,
        /// Its size.
        error: event::Error,
    },
    /// One speaks for what Runbus runs.
    #[error("{message}")]
    Taken {
        /// The field that does.
        path: String,
        /// Why not.
        message: String,
        /// What stands.
        standing: Value,
    },
    /// Whether they may be taken cannot be told now.
    #[error(transparent)]
    Control(#[from] super::Error),
}

/// Who says events of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sayer {
    /// Anybody: they change nothing that is known of an execution.
    Anybody,
    /// Whoever runs the execution.
    Runner,
    /// Runbus, of itself.
    Runbus,
}

const fn sayer(kind: &Kind) -> Sayer {
    match kind {
        Kind::StateChanged
        | Kind::StateConflict
        | Kind::StreamStarted
        | Kind::StreamStopped
        | Kind::Custom
        | Kind::Other(_) => Sayer::Anybody,
        Kind::SessionClosed | Kind::SessionDeadLettered | Kind::DeadLetterRetried | Kind::WebhookFailed => {
            Sayer::Runbus
        }
        _ => Sayer::Runner,
    }
}

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

fn at(n: usize, field: &str) -> String {
    format!("events[{n}].{field}")
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

fn session(event: &Event) -> Option<(&'static str, SessionId)> {
    event.session_id.clone().map(|id| ("session_id", id))
}

/// The session whose approval an event is about, by the approval's id.
fn approval(event: &Event) -> Option<(&'static str, SessionId)> {
    let kinds = [Kind::ToolApprovalRequested, Kind::ToolApprovalDecided, Kind::ToolApprovalExpired];
    if !kinds.contains(&event.kind) {
        return None;
    }
    let id = match event.payload().ok()? {
        Payload::ToolApprovalRequested(asked) => asked.approval_id,
        Payload::ToolApprovalDecided(decided) => decided.approval_id,
        Payload::ToolApprovalExpired(expired) => expired.approval_id,
        _ => return None,
    };
    addressed(&id).map(|session| ("data.approval_id", session))
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

/// Whether an event is one that somebody outside may have, whatever there is.
fn check(n: usize, event: &Event) -> Result<(), Error> {
    let wrong = |field: &str, message: String| Err(Error::Invalid { path: at(n, field), message });
    let reserved = |field| wrong(field, "such names are Runbus's own".into());
    if RESERVED_STREAMS.iter().any(|prefix| event.stream_id.as_str().starts_with(prefix)) {
        return reserved("stream_id");
    }
    if event.execution_id.as_ref().is_some_and(|id| id.as_str().starts_with(RESERVED_SESSIONS)) {
        return reserved("execution_id");
    }
    if event.session_id.as_ref().is_some_and(|id| id.as_str().starts_with(RESERVED_SESSIONS)) {
        return reserved("session_id");
    }
    if sayer(&event.kind) == Sayer::Runbus {
        return wrong("type", format!("only Runbus says {}", event.kind));
    }
    if let Some(execution) = &event.execution_id
        && OWN_IDS.iter().any(|name| EventId::derived(&format!("{execution}/{name}")) == event.id)
    {
        return wrong("id", "is the id of an event of Runbus's own".into());
    }
    if let Err(mismatch) = event.payload() {
        let below = if mismatch.path == "." { String::new() } else { format!(".{}", mismatch.path) };
        return wrong(&format!("data{below}"), mismatch.message);
    }
    match event.encode() {
        Ok(_) => Ok(()),
        Err(error @ event::Error::TooLarge { .. }) => {
            Err(Error::TooLarge { path: format!("events[{n}]"), error })
        }
        Err(error) => wrong("data", error.to_string()),
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

    async fn told(&self, id: ExecutionId) -> Result<Option<(ExecutionId, Known)>, super::Error> {
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

    async fn heard_of(&self, id: SessionId) -> Result<Option<SessionId>, super::Error> {
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
        let answers = answers.map_err(|error| super::Error::of(false, &error))?;
        Ok(ids.into_iter().zip(answers).collect())
    }
}

impl Error {
    /// A stable code for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "invalid_argument",
            Self::TooLarge { .. } => "too_large",
            Self::Taken { .. } => "conflict",
            Self::Control(error) => error.code(),
        }
    }

    /// The field that is wrong, if one is.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Invalid { path, .. } | Self::TooLarge { path, .. } | Self::Taken { path, .. } => Some(path),
            Self::Control(error) => error.path(),
        }
    }

    /// What stands against them, for programs.
    #[must_use]
    pub fn details(&self) -> Option<Value> {
        match self {
            Self::Taken { standing, .. } => Some(json!({ "standing": standing })),
            Self::Control(error) => error.details(),
            Self::Invalid { .. } | Self::TooLarge { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A type that is added to the catalogue is of whoever runs the execution, unless somebody decides otherwise here.
    #[test]
    fn few_types_are_said_by_anybody_and_few_by_runbus_alone() {
        let said_by = |who: Sayer| -> Vec<&str> {
            Kind::ALL.iter().filter(|kind| sayer(kind) == who).map(Kind::as_str).collect()
        };
        let anybody = ["state_changed", "state_conflict", "stream_started", "stream_stopped", "custom"];
        assert_eq!(said_by(Sayer::Anybody), anybody);
        let own = ["session_closed", "session_dead_lettered", "dead_letter_retried", "webhook_failed"];
        assert_eq!(said_by(Sayer::Runbus), own);
        assert_eq!(sayer(&"judge_verdict".parse().unwrap()), Sayer::Anybody);
    }
}
