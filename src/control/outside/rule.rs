//! What somebody outside may say, whatever there is.

use super::Error;
use crate::control::{RESERVED_SESSIONS, addressed};
use crate::event::{self, Event, Kind, Payload};
use crate::id::{EventId, SessionId};

/// Streams whose names begin so are Runbus's own.
const RESERVED_STREAMS: [&str; 2] = ["runbus.", RESERVED_SESSIONS];

/// What Runbus publishes openly has ids made of the execution's, so that it is stored once. Somebody else's event with such an
/// id would be stored in its place.
const OWN_IDS: [&str; 6] =
    ["queued", "cancel_requested", "dropped", "dead_letter", "dead_lettered", "dead_letter_retried"];

/// Who says events of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sayer {
    /// Anybody: they change nothing that is known of an execution.
    Anybody,
    /// Whoever runs the execution.
    Runner,
    /// Runbus, of itself.
    Runbus,
}

/// Who says events of this type.
pub(super) const fn sayer(kind: &Kind) -> Sayer {
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

/// A field of the `n`th event.
pub(super) fn at(n: usize, field: &str) -> String {
    format!("events[{n}].{field}")
}

/// The session that an event names, with the field's name.
pub(super) fn session(event: &Event) -> Option<(&'static str, SessionId)> {
    event.session_id.clone().map(|id| ("session_id", id))
}

/// The session whose approval an event is about, by the approval's id.
pub(super) fn approval(event: &Event) -> Option<(&'static str, SessionId)> {
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

/// Whether an event is one that somebody outside may have, whatever there is.
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
