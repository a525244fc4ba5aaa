//! `/v1/sessions`: conversations.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use runbus::control::{SendRequest, Started};
use runbus::id::SessionId;
use runbus::session::view::{PendingCall, SaidMessage, Session};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Value, json};

use super::actor::Actor;
use super::body::{Body, OptionalBody};
use super::caller::Caller;
use super::error::Failure;
use super::parameters::{self, Id};
use crate::app::{App, Endpoint};
use crate::auth::{Action, Rule, permit};
use crate::openapi::{Operation, Parameter, Problem};
use crate::protocol::body::{Aborted, Close, Nothing, Reason};

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    let mut all = conversation();
    all.extend(unresolved());
    all
}

fn conversation() -> Vec<Endpoint> {
    let all = json!({ "type": "boolean", "default": false });
    vec![
        Endpoint::post(
            "/v1/sessions",
            Rule::Handler(Some(Action::Start)),
            starts(Operation::new("begin_session", "Say something to a new session").body::<Begin>(
                json!({ "definition": "assistant", "input": "What time is it?", "execution_id": "chat-1" }),
            )),
            begin,
        ),
        Endpoint::get(
            "/v1/sessions/{session_id}",
            Rule::Session(Action::Read),
            Operation::new("get_session", "Its state, and its pending approvals and questions")
                .answers::<Session>(200, "the session")
                .refuses([Problem::NotFound]),
            get,
        ),
        Endpoint::get(
            "/v1/sessions/{session_id}/messages",
            Rule::Session(Action::Read),
            Operation::new("list_messages", "Read its messages, oldest first")
                .says("As many as have 4 MiB: ask again with `from`, where there is a `next`.")
                .takes([
                    Parameter::new("include_compacted", all, "also what was folded into notes"),
                    Parameter::new(
                        "from",
                        json!({ "type": "integer", "minimum": 0 }),
                        "an earlier answer's `next`; 0 by default",
                    ),
                ])
                .answers::<Messages>(200, "the messages")
                .refuses([Problem::NotFound]),
            messages,
        ),
        Endpoint::post(
            "/v1/sessions/{session_id}/messages",
            Rule::Handler(Some(Action::Start)),
            starts(
                Operation::new("send_message", "Say something to it")
                    .body::<Say>(json!({ "input": "And in UTC?", "execution_id": "chat-2" })),
            )
            .refuses([Problem::NotFound]),
            send,
        ),
        Endpoint::post(
            "/v1/sessions/{session_id}/close",
            Rule::Session(Action::Cancel),
            Operation::new("close_session", "Take no more input, and stop what is at work")
                .optional_body::<Close>()
                .answers::<Session>(200, "the session")
                .refuses([Problem::NotFound]),
            close,
        ),
    ]
}

fn unresolved() -> Vec<Endpoint> {
    vec![
        Endpoint::get(
            "/v1/sessions/{session_id}/pending",
            Rule::Session(Action::Read),
            Operation::new("list_pending_calls", "Its calls without an answer")
                .answers::<Pending>(200, "the calls")
                .refuses([Problem::NotFound]),
            pending,
        ),
        Endpoint::post(
            "/v1/sessions/{session_id}/resume",
            Rule::Session(Action::Start),
            starts(
                Operation::new("resume_session", "Finish its unresolved calls and go on")
                    .optional_body::<Nothing>(),
            )
            .refuses([Problem::NotFound]),
            resume,
        ),
        Endpoint::post(
            "/v1/sessions/{session_id}/abort_pending",
            Rule::Session(Action::Cancel),
            Operation::new("abort_pending_calls", "Answer its unresolved calls with the reason, and go on")
                .optional_body::<Reason>()
                .answers::<Aborted>(200, "the calls that were answered")
                .refuses([Problem::NotFound]),
            abort_pending,
        ),
    ]
}

/// Adds the answers of an operation that starts an execution.
pub(crate) fn starts(operation: Operation) -> Operation {
    let example = |created: bool| {
        json!({
            "execution_id": "run-1", "stream_id": "council", "session_id": "run-1", "created": created,
        })
    };
    operation
        .answers::<Started>(201, "the start is durable; a worker takes it from there")
        .such_as(example(true))
        .answers::<Started>(200, "it was started before")
        .such_as(example(false))
        .refuses([Problem::Pending, Problem::Busy, Problem::Closed, Problem::Conflict])
}

/// The body of an input, without `session_id`: the path has it, or there is none.
struct Say;

impl JsonSchema for Say {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SayRequest".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = SendRequest::json_schema(generator);
        if let Some(fields) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            fields.remove("session_id");
        }
        schema
    }
}

/// The same for a session that has not run anything.
struct Begin;

impl JsonSchema for Begin {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "BeginRequest".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Say::json_schema(generator);
        schema.insert("required".into(), json!(["definition"]));
        if let Some(definition) = schema.pointer_mut("/properties/definition") {
            definition.as_object_mut().map(|definition| definition.remove("default"));
            definition["type"] = "string".into();
            definition["description"] = "The agent or graph. At most 128 bytes.".into();
        }
        schema
    }
}

/// The messages.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Messages {
    session_id: SessionId,
    messages: Vec<SaidMessage>,
    /// Where the next ones are; absent: these are the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<usize>,
}

/// Calls without an answer.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PendingCalls")]
pub struct Pending {
    session_id: SessionId,
    pending: Vec<PendingCall>,
}

/// The answer of a command that starts an execution: 201 when this call started it, 200 when it existed.
pub(super) fn started(started: Started) -> (StatusCode, Json<Started>) {
    let status = if started.created { StatusCode::CREATED } else { StatusCode::OK };
    (status, Json(started))
}

/// `POST /v1/sessions`: says something to a new session.
///
/// # Errors
/// The request is wrong, or the log does not answer; the same call with the same `execution_id` is safe.
pub async fn begin(
    State(app): State<Arc<App>>,
    caller: Caller,
    Actor(by): Actor,
    Body(request): Body<SendRequest>,
) -> Result<(StatusCode, Json<Started>), Failure> {
    if request.session_id.is_some() {
        return Err(Failure::invalid("session_id", "a session that exists is spoken to at its messages"));
    }
    permit::send(&app.control, &caller.principal, &request).await?;
    Ok(started(app.control.send(request, by).await?))
}

/// `POST /v1/sessions/{session_id}/messages`: says something to a session.
///
/// # Errors
/// The session is unknown, closed, has unresolved calls, or is busy.
pub async fn send(
    State(app): State<Arc<App>>,
    caller: Caller,
    Actor(by): Actor,
    Id(id): Id<SessionId>,
    Body(request): Body<SendRequest>,
) -> Result<(StatusCode, Json<Started>), Failure> {
    if request.session_id.is_some() {
        return Err(Failure::invalid("session_id", "the path has it"));
    }
    let request = SendRequest { session_id: Some(id), ..request };
    permit::send(&app.control, &caller.principal, &request).await?;
    Ok(started(app.control.send(request, by).await?))
}

/// `GET /v1/sessions/{session_id}`: its status, and its waiting requests.
///
/// # Errors
/// It does not exist.
pub async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<SessionId>,
) -> Result<Json<Session>, Failure> {
    let account = caller.account();
    let _turn = app.folding(&account).await?;
    Ok(Json(app.control.session(&id).await?))
}

/// `GET /v1/sessions/{session_id}/messages`: the messages.
///
/// # Errors
/// It does not exist, or a parameter is wrong.
pub async fn messages(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<SessionId>,
    RawQuery(query): RawQuery,
) -> Result<Json<Messages>, Failure> {
    let (mut include_compacted, mut from) = (false, 0);
    for (key, value) in parameters::pairs(query.as_deref().unwrap_or(""))? {
        match key.as_str() {
            "include_compacted" => include_compacted = parameters::flag(&key, &value)?,
            "from" => {
                from = value.parse().map_err(|_no_number| Failure::invalid(&key, "a number is needed"))?;
            }
            _ => return Err(Failure::invalid(key, "there is no such parameter")),
        }
    }
    let account = caller.account();
    let _turn = app.folding(&account).await?;
    let bytes = app.shared.ledger.page_bytes();
    let (messages, next) = app.control.some_messages(&id, include_compacted, from, bytes).await?;
    Ok(Json(Messages { session_id: id, messages, next }))
}

/// `GET /v1/sessions/{session_id}/pending`: its unresolved calls.
///
/// # Errors
/// It does not exist.
pub async fn pending(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<SessionId>,
) -> Result<Json<Pending>, Failure> {
    let account = caller.account();
    let _turn = app.folding(&account).await?;
    let pending = app.control.pending(&id).await?;
    Ok(Json(Pending { session_id: id, pending }))
}

/// `POST /v1/sessions/{session_id}/resume`: finishes its unresolved calls and goes on.
///
/// # Errors
/// It is unknown, closed, at work, or has never run.
pub async fn resume(
    State(app): State<Arc<App>>,
    Actor(by): Actor,
    Id(id): Id<SessionId>,
    OptionalBody(Nothing {}): OptionalBody<Nothing>,
) -> Result<(StatusCode, Json<Started>), Failure> {
    Ok(started(app.control.resume(&id, by).await?))
}

/// `POST /v1/sessions/{session_id}/abort_pending`: answers its unresolved calls and goes on.
///
/// # Errors
/// It is unknown, or the reason is too long.
pub async fn abort_pending(
    State(app): State<Arc<App>>,
    Actor(by): Actor,
    Id(id): Id<SessionId>,
    OptionalBody(reason): OptionalBody<Reason>,
) -> Result<Json<Aborted>, Failure> {
    let aborted = app.control.abort_pending(&id, reason.text(), by).await?;
    Ok(Json(Aborted { session_id: id, aborted }))
}

/// `POST /v1/sessions/{session_id}/close`: it takes no more input, and the execution at work stops.
///
/// # Errors
/// It is unknown.
pub async fn close(
    State(app): State<Arc<App>>,
    Actor(by): Actor,
    Id(id): Id<SessionId>,
    OptionalBody(Close { cascade, reason }): OptionalBody<Close>,
) -> Result<Json<Session>, Failure> {
    Ok(Json(app.control.close_session(&id, cascade, reason, by).await?))
}
