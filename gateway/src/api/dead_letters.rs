//! `/v1/dead-letters`: executions that no worker could finish.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use runbus::control::{DeadLetter, Started};
use runbus::id::ExecutionId;
use runbus::limits;
use serde_json::{Value, json};

use super::actor::Actor;
use super::body::Body;
use super::error::Failure;
use super::parameters::{self, Id};
use super::sessions;
use crate::protocol::body::Nothing;
use crate::router::App;

/// `GET /v1/dead-letters`: the newest first.
///
/// # Errors
/// A parameter is wrong, or the log does not answer.
pub async fn list(State(app): State<Arc<App>>, RawQuery(query): RawQuery) -> Result<Json<Value>, Failure> {
    let mut limit = limits::HISTORY_DEFAULT_EVENTS;
    for (key, value) in parameters::pairs(query.as_deref().unwrap_or(""))? {
        match key.as_str() {
            "limit" => {
                let allowed = 1..=limits::HISTORY_MAX_EVENTS;
                let number = value.parse().ok().filter(|number| allowed.contains(number));
                let wrong =
                    || Failure::invalid(&key, format!("1 to {} is needed", limits::HISTORY_MAX_EVENTS));
                limit = number.ok_or_else(wrong)?;
            }
            _ => return Err(Failure::invalid(key, "there is no such parameter")),
        }
    }
    Ok(Json(json!({ "dead_letters": app.control.dead_letters(limit).await? })))
}

/// `GET /v1/dead-letters/{execution_id}`: one.
///
/// # Errors
/// There is none of this execution.
pub async fn get(State(app): State<Arc<App>>, Id(id): Id<ExecutionId>) -> Result<Json<DeadLetter>, Failure> {
    Ok(Json(app.control.dead_letter_of(&id).await?))
}

/// `POST /v1/dead-letters/{execution_id}/retry`: tries it again, as a new execution of the same session.
///
/// # Errors
/// There is none of this execution, it was tried again already, or its input is gone.
pub async fn retry(
    State(app): State<Arc<App>>,
    Actor(by): Actor,
    Id(id): Id<ExecutionId>,
    Body(Nothing {}): Body<Nothing>,
) -> Result<(StatusCode, Json<Started>), Failure> {
    Ok(sessions::started(app.control.retry_dead_letter(&id, by).await?))
}
