//! The rules for external events that need no state.

use super::Error;
use crate::control::RESERVED_SESSIONS;
use crate::event::{self, Event, Kind};
use crate::id::EventId;

/// Streams whose names begin so are Runbus's own.
const RESERVED_STREAMS: [&str; 2] = ["runbus.", RESERVED_SESSIONS];

/// Events that Runbus publishes without being an owner have ids derived from the execution's, so that each is stored once. An
/// external event with such an id is stored beside it, but readers that identify events by id would confuse the two.
const OWN_IDS: [&str; 6] =
    ["queued", "cancel_requested", "dropped", "dead_letter", "dead_lettered", "dead_letter_retried"];

/// Whether only Runbus may publish events of this type: execution events of its own executions count from Runbus alone, for
/// every type.
const fn is_own(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::SessionClosed | Kind::SessionDeadLettered | Kind::DeadLetterRetried | Kind::WebhookFailed
    )
}

/// A field of the `n`th event.
pub(super) fn at(n: usize, field: &str) -> String {
    format!("events[{n}].{field}")
}

/// Whether an external producer may publish this event. Reads no state.
pub(super) fn check(n: usize, event: &Event) -> Result<(), Error> {
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
    if is_own(&event.kind) {
        return wrong("type", format!("only Runbus publishes {}", event.kind));
    }
    if let Some(execution) = &event.execution_id
        && OWN_IDS.iter().any(|name| EventId::derived(&format!("{execution}/{name}")) == event.id)
    {
        return wrong("id", "is the id of an event of Runbus's own".into());
    }
    if let Err(event::Error::Field { path, message }) = event.check_depth() {
        return wrong(&path, message);
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
