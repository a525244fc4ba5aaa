//! Events that clients publish, whichever way they come in.

use std::sync::Arc;

use runbus::bus::publish;
use runbus::control::{Control, external};
use runbus::event::{Draft, Event, Kind};
use runbus::id::EventId;
use runbus::log::Sequence;
use runbus::metrics::gateway as metrics;
use runbus::time::Clock;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::auth::permit::{self, Uncovered};
use crate::auth::{Principal, Refusal};
use crate::ledger::{Full, Ledger, Table, TableUsage};

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

/// Publishes events for somebody; answers when all are durable.
///
/// # Errors
/// See [`Refused`].
pub async fn publish(
    control: &Control,
    (ledger, usage): (&Arc<Ledger>, &Arc<TableUsage>),
    principal: &Principal,
    drafts: Vec<Draft>,
) -> Result<Published, Refused> {
    let now = Clock::System.now();
    let events: Vec<Event> = drafts.into_iter().map(|draft| draft.into_event(now)).collect();
    let bytes: usize = events.iter().map(|event| event.data.get().len() + ENVELOPE_BYTES).sum();
    permit::publish(principal, &events)?;
    words(&events)?;
    let _room = ledger.take(usage, Table::Publishing, bytes).map_err(Refused::Full)?;
    let answers = control.publish(events).await?;
    let stored = answers.iter().filter(|(_, answer)| answer.is_ok()).count();
    metrics::PUBLISHED.add(stored as u64);
    answered(answers, stored)
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

type Answer = (EventId, Result<Sequence, publish::Error>);

fn answered(answers: Vec<Answer>, stored: usize) -> Result<Published, Refused> {
    let Some(failed) = answers.iter().find_map(|(_, answer)| answer.as_ref().err()) else {
        let all = answers.into_iter().filter_map(|(id, answer)| Some(Stored { id, seq: answer.ok()?.0 }));
        return Ok(Published { events: all.collect() });
    };
    let reason = failed.to_string();
    let failures = answers.iter().filter_map(|(_, answer)| answer.as_ref().err());
    let is_retryable = failures.into_iter().all(publish::Error::is_retryable);
    let say = |(id, answer): Answer| match answer {
        Ok(sequence) => json!({ "id": id, "seq": sequence.0 }),
        Err(error) => json!({ "id": id, "error": { "code": error.code(), "message": error.to_string() } }),
    };
    Err(Refused::Partly { stored, reason, is_retryable, answers: answers.into_iter().map(say).collect() })
}
