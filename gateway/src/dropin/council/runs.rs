//! `POST /api/councils/run` and `GET /api/councils/run/{run_id}`: start a council, read its result.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use runbus::control::{Control, StartRequest};
use runbus::execution::Status;
use runbus::id::ExecutionId;
use serde::Deserialize;
use serde_json::{Value, json};

use super::frames;
use super::socket::readable;
use super::view::{self, Outcome};
use crate::api::actor::Actor;
use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::api::error::Failure;
use crate::api::parameters;
use crate::auth::{Refusal, permit};
use crate::router::App;

/// Characters of a topic, at most, as the server that this one stands in for had it.
const TOPIC_CHARS: usize = 10_000;

/// Why there is no answer.
#[derive(Debug)]
pub enum Problem {
    /// In the words of the server that this one stands in for: `{"detail"}`.
    Detail(StatusCode, String),
    /// Any other.
    Failure(Failure),
}

impl<E: Into<Failure>> From<E> for Problem {
    fn from(error: E) -> Self {
        Self::Failure(error.into())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        match self {
            Self::Detail(status, detail) => (status, Json(json!({ "detail": detail }))).into_response(),
            Self::Failure(failure) => failure.into_response(),
        }
    }
}

/// What to start. Other fields are ignored.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Request {
    /// What the council is to write about. 1 to 10000 characters.
    input_topic: String,
    /// The run; starting the same one twice starts one. Absent: a fresh one.
    run_id: Option<ExecutionId>,
}

/// Starts a council: 202.
///
/// # Errors
/// The request is wrong, the caller may not, or the log does not answer.
pub async fn post(
    State(app): State<Arc<App>>,
    caller: Caller,
    Actor(by): Actor,
    Body(request): Body<Request>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    if request.input_topic.is_empty() || request.input_topic.chars().count() > TOPIC_CHARS {
        let detail = format!("input_topic: must have 1 to {TOPIC_CHARS} characters");
        return Err(Problem::Detail(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    let id = request.run_id.unwrap_or_else(ExecutionId::generate);
    let definition = app.shared.config.dropin.council.clone();
    let start =
        StartRequest { execution_id: Some(id.clone()), ..StartRequest::new(definition, request.input_topic) };
    permit::start(&app.control, &caller.principal, &start).await?;
    let started = app.control.start_as(start, by).await?;
    let status = if started.created { Status::Queued } else { now(&app.control, &id).await? };
    let message = format!("Council run started. Connect to /ws/council/{id} for live updates.");
    let answer = json!({ "run_id": id, "status": view::status(status), "message": message });
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

async fn now(control: &Control, id: &ExecutionId) -> Result<Status, Problem> {
    Ok(control.status(id).await?.map_or(Status::Queued, |known| known.status))
}

/// A run's status, and what it came to.
///
/// # Errors
/// Nobody has heard of it, the caller may not read it, or the log does not answer.
pub async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Problem> {
    let id = parameters::execution(id)?;
    let known = app.control.status(&id).await?;
    let (_, known) = readable(&caller.principal, id.clone(), known).ok_or(Refusal::Forbidden)?;
    let Some(run) = known else {
        return Err(Problem::Detail(StatusCode::NOT_FOUND, frames::unknown(id.as_str())));
    };
    let outcome = Outcome::of(&run, &app.shared.config.dropin);
    Ok(Json(json!({
        "run_id": id,
        "status": view::status(run.status),
        "final_draft": outcome.final_draft,
        "critic_score": outcome.critic_score,
        "iteration_count": outcome.iteration_count,
        "error": outcome.error,
    })))
}
