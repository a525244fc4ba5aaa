//! Commands that clients give over the WebSocket.

use runbus::control::{AnswerRequest, DecideRequest, SendRequest, StartRequest};
use runbus::id::{ExecutionId, SessionId};
use runbus::log::Trace;
use runbus::telemetry;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::body::{Cancel, Close, Nothing, Reason};
use super::client::{Invalid, typed};
use super::publish::Publish;

/// A command with the id that its answer will carry.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// The client's id for this request.
    pub id: String,
    /// The action.
    pub action: Action,
    /// The trace that it belongs to, when the message says so: else that of the connection.
    pub trace: Option<Trace>,
}

/// The action of a command.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Start an execution.
    Start(Box<StartRequest>),
    /// Say something to a session.
    Send(Box<SendRequest>),
    /// Finish a session's unresolved calls and go on.
    Resume(SessionId),
    /// Answer a session's unresolved calls and go on.
    AbortPending(SessionId, Reason),
    /// A session takes no more input.
    Close(SessionId, Close),
    /// Stop an execution.
    Cancel(ExecutionId, Cancel),
    /// Begin no further step of an execution.
    Pause(ExecutionId, Reason),
    /// Continue a paused execution.
    Unpause(ExecutionId),
    /// Decide an approval.
    Decide(String, DecideRequest),
    /// Answer a question.
    Answer(String, AnswerRequest),
    /// Publish events.
    Publish(Publish),
}

impl Command {
    /// Reads a command from a message's fields without `type`; `None`: there is no command of this name.
    ///
    /// # Errors
    /// A field is missing, unknown or wrong.
    pub fn decode(kind: &str, mut fields: Map<String, Value>) -> Option<Result<Self, Invalid>> {
        let id = fields.get("id").and_then(Value::as_str).map(str::to_owned);
        let read: fn(&mut Reader) -> Result<Action, Invalid> = match kind {
            "start" => |found| Ok(Action::Start(found.rest()?)),
            "send" => |found| Ok(Action::Send(found.rest()?)),
            "resume" => |found| {
                let session = found.take("session_id")?;
                found.rest().map(|Nothing {}| Action::Resume(session))
            },
            "abort_pending" => |found| Ok(Action::AbortPending(found.take("session_id")?, found.rest()?)),
            "close" => |found| Ok(Action::Close(found.take("session_id")?, found.rest()?)),
            "cancel" => |found| Ok(Action::Cancel(found.take("execution_id")?, found.rest()?)),
            "pause" => |found| Ok(Action::Pause(found.take("execution_id")?, found.rest()?)),
            "unpause" => |found| {
                let execution = found.take("execution_id")?;
                found.rest().map(|Nothing {}| Action::Unpause(execution))
            },
            "decide" => |found| Ok(Action::Decide(found.take("approval_id")?, found.rest()?)),
            "publish" => |found| found.rest().map(Action::Publish),
            "answer" => |found| Ok(Action::Answer(found.take("request_id")?, found.rest()?)),
            _ => return None,
        };
        let Some(known) = id.clone() else {
            let message = "a command needs a text that its answer will carry".into();
            return Some(Err(Invalid::Field { path: "id".into(), message, id }));
        };
        fields.remove("id");
        let mut reader = Reader { fields, id };
        Some(
            reader
                .trace()
                .and_then(|trace| read(&mut reader).map(|action| Self { id: known, action, trace })),
        )
    }
}

/// A message's fields, read one after the other.
struct Reader {
    fields: Map<String, Value>,
    id: Option<String>,
}

impl Reader {
    /// The trace context. As in a header, a malformed one is none; but another type than text is a wrong field.
    fn trace(&mut self) -> Result<Option<Trace>, Invalid> {
        let mut text = |name| match self.fields.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => {
                let (path, message) = (String::from(name), "a text is needed".into());
                Err(Invalid::Field { path, message, id: self.id.clone() })
            }
        };
        let (parent, state) = (text(telemetry::TRACEPARENT)?, text(telemetry::TRACESTATE)?);
        Ok(telemetry::read(parent.as_deref(), state.as_deref()))
    }

    /// A field that must be there.
    fn take<T: DeserializeOwned>(&mut self, name: &str) -> Result<T, Invalid> {
        let wrong = |message: String| Invalid::Field { path: name.into(), message, id: self.id.clone() };
        let value = self.fields.remove(name).ok_or_else(|| wrong("is missing".into()))?;
        runbus::json::from_value(value).map_err(|error| wrong(error.to_string()))
    }

    /// All the others.
    fn rest<T: DeserializeOwned>(&mut self) -> Result<T, Invalid> {
        typed(Value::Object(std::mem::take(&mut self.fields)), self.id.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::client::Message;

    fn read(text: &str) -> Result<Command, Invalid> {
        match Message::decode(text)? {
            Message::Command(command) => Ok(*command),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn commands_are_read() {
        let session = SessionId::new("s").unwrap();
        let execution = ExecutionId::new("e").unwrap();
        let reason = || Reason { reason: Some("r".into()) };
        for (text, action) in [
            (
                r#"{"type":"start","id":"1","definition":"council"}"#,
                Action::Start(Box::new(StartRequest::new("council", Value::Null))),
            ),
            (
                r#"{"type":"send","id":"1","session_id":"s","input":"hello"}"#,
                Action::Send(Box::new(SendRequest {
                    session_id: Some(session.clone()),
                    input: "hello".into(),
                    ..SendRequest::default()
                })),
            ),
            (r#"{"type":"resume","id":"1","session_id":"s"}"#, Action::Resume(session.clone())),
            (
                r#"{"type":"abort_pending","id":"1","session_id":"s","reason":"r"}"#,
                Action::AbortPending(session.clone(), reason()),
            ),
            (
                r#"{"type":"close","id":"1","session_id":"s","cascade":true}"#,
                Action::Close(session, Close { cascade: true, reason: None }),
            ),
            (
                r#"{"type":"cancel","id":"1","execution_id":"e"}"#,
                Action::Cancel(execution.clone(), Cancel::default()),
            ),
            (
                r#"{"type":"pause","id":"1","execution_id":"e","reason":"r"}"#,
                Action::Pause(execution.clone(), reason()),
            ),
            (r#"{"type":"unpause","id":"1","execution_id":"e"}"#, Action::Unpause(execution)),
            (
                r#"{"type":"decide","id":"1","approval_id":"a@s","approved":true}"#,
                Action::Decide("a@s".into(), DecideRequest { approved: true, ..DecideRequest::default() }),
            ),
            (
                r#"{"type":"answer","id":"1","request_id":"q@s","input":7}"#,
                Action::Answer("q@s".into(), AnswerRequest { input: 7.into(), answer_id: None }),
            ),
        ] {
            assert_eq!(read(text).unwrap(), Command { id: "1".into(), action, trace: None }, "{text}");
        }
    }

    #[test]
    fn a_command_may_name_its_trace() {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let of = |more: &str| {
            let command = read(&format!(r#"{{"type":"resume","id":"1","session_id":"s"{more}}}"#)).unwrap();
            command.trace.map(|trace| (trace.parent, trace.state))
        };
        let both = format!(r#","traceparent":"{parent}","tracestate":"a=b""#);
        assert_eq!(of(&both), Some((parent.into(), Some("a=b".into()))));
        assert_eq!(of(&format!(r#","traceparent":"{parent}""#)), Some((parent.into(), None)));
        // As in headers: a malformed value, or one that stands alone, does not count.
        for none in ["", r#","traceparent":"00-0-0-0""#, r#","tracestate":"a=b""#] {
            assert_eq!(of(none), None, "{none}");
        }
    }

    /// Payloads are as they were written.
    #[test]
    fn events_to_publish_are_kept_as_they_are() {
        let data = r#"{ "large": 12345678901234567890123, "float": 1.50e2 }"#;
        let event = format!(r#"{{"type":"custom","stream_id":"s","data":{data}}}"#);
        let command = read(&format!(r#"{{"type":"publish","id":"1","events":[{event},{event}]}}"#)).unwrap();
        let Action::Publish(Publish { events }) = command.action else { panic!("{command:?}") };
        for draft in events {
            assert_eq!(draft.into_event(runbus::time::Timestamp::default()).data.get(), data);
        }
    }

    #[test]
    fn faults_name_the_field_and_the_request() {
        for (text, wrong, about) in [
            (r#"{"type":"publish","id":"1"}"#, ".", Some("1")),
            (r#"{"type":"publish","id":"1","events":[]}"#, "events", Some("1")),
            (r#"{"type":"publish","id":"1","events":[7]}"#, "events[0]", Some("1")),
            (
                r#"{"type":"publish","id":"1","events":[{"type":"custom","stream_id":"","data":{}}]}"#,
                "events[0].stream_id",
                Some("1"),
            ),
            (
                r#"{"type":"publish","id":"1","events":[{"type":"custom","stream_id":"s","data":[]}]}"#,
                "events[0].data",
                Some("1"),
            ),
            (
                r#"{"type":"publish","id":"1","events":[{"type":"custom","stream_id":"s"}]}"#,
                "events[0]",
                Some("1"),
            ),
            (r#"{"type":"start","definition":"x"}"#, "id", None),
            (r#"{"type":"start","id":7,"definition":"x"}"#, "id", None),
            (r#"{"type":"start","id":"","definition":"x"}"#, "id", None),
            (r#"{"type":"start","id":"1"}"#, ".", Some("1")),
            (r#"{"type":"resume","id":"1","session_id":"s","colour":1}"#, "colour", Some("1")),
            (r#"{"type":"cancel","id":"1"}"#, "execution_id", Some("1")),
            (r#"{"type":"cancel","id":"1","execution_id":""}"#, "execution_id", Some("1")),
            (r#"{"type":"decide","id":"1","approval_id":"a@s"}"#, ".", Some("1")),
            (r#"{"type":"decide","id":"1","approval_id":"a@s","approved":"yes"}"#, "approved", Some("1")),
            (r#"{"type":"resume","id":"1","session_id":"s","traceparent":7}"#, "traceparent", Some("1")),
            (r#"{"type":"resume","id":"1","session_id":"s","tracestate":[]}"#, "tracestate", Some("1")),
        ] {
            let Invalid::Field { path, id, .. } = read(text).unwrap_err() else { panic!("{text}") };
            assert_eq!((path.as_str(), id.as_deref()), (wrong, about), "{text}");
        }
    }
}
