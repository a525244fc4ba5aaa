//! Events that clients publish, whichever way they come in.

use std::sync::Arc;

use runbus::bus::publish::{self, Group};
use runbus::control::Control;
use runbus::control::external::{self, Answer};
use runbus::event::{self, Draft, Event, Kind};
use runbus::id::EventId;
use runbus::log::{Pipeline, Trace};
use runbus::metrics::gateway as metrics;
use runbus::time::Clock;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::auth::permit::{self, Uncovered};
use crate::auth::{Principal, Refusal};
use crate::ledger::{Full, Ledger, Table, TableUsage, Taken};

/// The gateway's own messages among events: a reader of an event stream takes such a type for the gateway's.
const WORDS: [&str; 6] = ["subscribed", "snapshot", "caught_up", "gap", "undecodable", "closed"];

/// Bytes that each event takes beside its data.
const ENVELOPE_BYTES: usize = 1024;

/// Events that are durable.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Published")]
pub struct Published {
    /// In the order in which they were given.
    pub events: Vec<Stored>,
}

/// An event that is durable.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StoredEvent")]
pub struct Stored {
    /// Its id, made by the gateway if it had none.
    id: EventId,
    /// Its `seq`, as readers see it. An event that was there already has the one that it had.
    seq: u64,
}

/// Why events were not published, or not all of them.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The caller may not publish there. Nothing was stored.
    #[error("{}", Refusal::Forbidden)]
    Forbidden {
        /// The event's field.
        path: String,
    },
    /// They cannot be taken. Nothing was stored.
    #[error(transparent)]
    External(#[from] external::Error),
    /// Too much is on its way already. Nothing was stored.
    #[error("too much is on its way to the log: {0}")]
    Full(Full),
    /// The log did not take all of them, or did not say so in time.
    #[error("{stored} of {} events are durable: {reason}", answers.len())]
    Partly {
        /// How many.
        stored: usize,
        /// Why the first of the others is not.
        reason: String,
        /// Whether the same request may succeed later.
        is_retryable: bool,
        /// The result of each event.
        answers: Vec<Value>,
    },
}

impl From<Uncovered> for Refused {
    fn from(Uncovered(path): Uncovered) -> Self {
        Refusal::Forbidden.count();
        Self::Forbidden { path }
    }
}

impl Refused {
    /// A stable code for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Forbidden { .. } => Refusal::Forbidden.code(),
            Self::External(error) => error.code(),
            Self::Full(_) | Self::Partly { is_retryable: true, .. } => "unavailable",
            Self::Partly { .. } => "internal",
        }
    }

    /// The field that is wrong, if one is.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Forbidden { path } => Some(path),
            Self::External(error) => error.path(),
            Self::Full(_) | Self::Partly { .. } => None,
        }
    }

    /// The conflicting state; the result of each event.
    #[must_use]
    pub fn details(&self) -> Option<Value> {
        match self {
            Self::External(error) => error.details(),
            Self::Partly { answers, .. } => Some(json!({ "events": answers })),
            Self::Forbidden { .. } | Self::Full(_) => None,
        }
    }
}

/// Events that may be published, with their room on the way to the log.
#[derive(Debug)]
pub struct Ready {
    /// In order.
    pub groups: Vec<Group>,
    /// Given back when they are durable.
    pub room: Taken,
}

/// Looks at the events of somebody. Nothing is stored.
///
/// # Errors
/// See [`Refused`].
pub fn check(
    (ledger, usage): (&Arc<Ledger>, &Arc<TableUsage>),
    principal: &Principal,
    events: Vec<Event>,
) -> Result<Ready, Refused> {
    let bytes: usize = events.iter().map(|event| event.data.get().len() + ENVELOPE_BYTES).sum();
    permit::publish(principal, &events)?;
    words(&events)?;
    let room = ledger.take(usage, Table::Publishing, bytes).map_err(Refused::Full)?;
    Ok(Ready { groups: external::checked(events)?, room })
}

/// Publishes events in the order of a pipeline; answers when all are durable. They are handed in when this is polled first.
///
/// # Errors
/// See [`Refused`].
pub async fn publish(
    control: &Control,
    pipeline: &Pipeline,
    ready: Ready,
    trace: Option<Trace>,
) -> Result<Published, Refused> {
    let Ready { groups, room: _room } = ready;
    answered(control.publish(pipeline, groups, trace).await)
}

/// The events of a request, with ids where they have none.
#[must_use]
pub fn events(drafts: Vec<Draft>) -> Vec<Event> {
    event::events(drafts, Clock::System.now())
}

/// The answer for events whose outcome is known.
///
/// # Errors
/// Not all of them are durable.
pub fn answered(answers: Vec<Answer>) -> Result<Published, Refused> {
    let stored = answers.iter().filter(|answer| answer.outcome.is_ok());
    let stored = stored.map(|answer| answer.ids.len()).sum();
    metrics::PUBLISHED.add(stored as u64);
    let Some(failed) = answers.iter().find_map(|answer| answer.outcome.as_ref().err()) else {
        let mut events = Vec::with_capacity(stored);
        for Answer { ids, outcome } in answers {
            if let Ok(sequence) = outcome {
                events.extend(ids.into_iter().map(|id| Stored { id, seq: sequence.0 }));
            }
        }
        return Ok(Published { events });
    };
    let reason = failed.to_string();
    let failures = answers.iter().filter_map(|answer| answer.outcome.as_ref().err());
    let is_retryable = failures.into_iter().all(publish::Error::is_retryable);
    let say = |Answer { ids, outcome }: Answer| {
        let outcome = match outcome {
            Ok(sequence) => ("seq", json!(sequence.0)),
            Err(error) => ("error", json!({ "code": error.code(), "message": error.to_string() })),
        };
        let (field, value) = outcome;
        ids.into_iter().map(move |id| json!({ "id": id, field: value }))
    };
    Err(Refused::Partly {
        stored,
        reason,
        is_retryable,
        answers: answers.into_iter().flat_map(say).collect(),
    })
}

/// Refuses types that are words of the gateway.
fn words(events: &[Event]) -> Result<(), Refused> {
    let is_word = |event: &Event| match &event.kind {
        Kind::Other(name) => WORDS.contains(&&**name),
        _ => false,
    };
    match events.iter().position(is_word) {
        Some(n) => {
            let message = format!("{} is a word of the gateway's", events[n].kind);
            Err(external::Error::Invalid { path: format!("events[{n}].type"), message }.into())
        }
        None => Ok(()),
    }
}
