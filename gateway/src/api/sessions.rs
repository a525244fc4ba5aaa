//! `/v1/sessions`: conversations.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use runbus::control::{SendRequest, Started};
use runbus::id::SessionId;
use runbus::session::view::Session;
use serde_json::{Value, json};

use super::actor::Actor;
use super::body::Body;
use super::caller::Caller;
use super::error::Failure;
use super::parameters::{self, Id};
use crate::auth::permit;
use crate::protocol::body::{Close, Nothing, Reason};
use crate::router::App;

/// What a command that starts an execution answers: 201 when this call started it, 200 when it was there.
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

/// `GET /v1/sessions/{session_id}`: where it stands, and what waits for whom.
///
/// # Errors
/// Nobody has heard of it.
pub async fn get(State(app): State<Arc<App>>, Id(id): Id<SessionId>) -> Result<Json<Session>, Failure> {
    Ok(Json(app.control.session(&id).await?))
}

/// `GET /v1/sessions/{session_id}/messages`: what was said.
///
/// # Errors
/// Nobody has heard of it, or a parameter is wrong.
pub async fn messages(
    State(app): State<Arc<App>>,
    Id(id): Id<SessionId>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Failure> {
    let mut include_compacted = false;
    for (key, value) in parameters::pairs(query.as_deref().unwrap_or(""))? {
        match key.as_str() {
            "include_compacted" => include_compacted = parameters::flag(&key, &value)?,
            _ => return Err(Failure::invalid(key, "there is no such parameter")),
        }
    }
    let messages = app.control.messages(&id, include_compacted).await?;
    Ok(Json(json!({ "session_id": id, "messages": messages })))
}

/// `GET /v1/sessions/{session_id}/pending`: its unresolved calls.
///
/// # Errors
/// Nobody has heard of it.
pub async fn pending(State(app): State<Arc<App>>, Id(id): Id<SessionId>) -> Result<Json<Value>, Failure> {
    let pending = app.control.pending(&id).await?;
    Ok(Json(json!({ "session_id": id, "pending": pending })))
}

/// `POST /v1/sessions/{session_id}/resume`: finishes its unresolved calls and goes on.
///
/// # Errors
/// It is unknown, closed, at work, or has never run.
pub async fn resume(
    State(app): State<Arc<App>>,
    Actor(by): Actor,
    Id(id): Id<SessionId>,
    Body(Nothing {}): Body<Nothing>,
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
    Body(reason): Body<Reason>,
) -> Result<Json<Value>, Failure> {
    let aborted = app.control.abort_pending(&id, reason.text(), by).await?;
    Ok(Json(json!({ "session_id": id, "aborted": aborted })))
}

/// `POST /v1/sessions/{session_id}/close`: it takes no more input, and what is at work stops.
///
/// # Errors
/// It is unknown.
pub async fn close(
    State(app): State<Arc<App>>,
    Actor(by): Actor,
    Id(id): Id<SessionId>,
    Body(Close { cascade, reason }): Body<Close>,
) -> Result<Json<Session>, Failure> {
    Ok(Json(app.control.close_session(&id, cascade, reason, by).await?))
}
