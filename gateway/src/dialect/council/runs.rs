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
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::frames;
use super::socket::readable;
use super::view::{self, Outcome};
use crate::api::actor::Actor;
use crate::api::body::OptionalBody;
use crate::api::caller::Caller;
use crate::api::error::Failure;
use crate::api::parameters;
use crate::app::{App, Endpoint};
use crate::auth::{Action, Refusal, Rule, permit};
use crate::openapi::{self, Operation};

/// Characters of a topic, at most, as the server that this one stands in for had it.
const TOPIC_CHARS: usize = 10_000;

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    use openapi::Problem::{Busy, Closed, Conflict, Pending};
    vec![
        Endpoint::post(
            "/api/councils/run",
            Rule::Handler(Some(Action::Start)),
            Operation::new("start_council", "Start a council, as its own server did (docs/dropin.md)")
                .says("The same `run_id` again starts nothing. Other fields are ignored.")
                .body::<Request>(json!({ "input_topic": "Is a monolith a good start?" }))
                .answers::<Begun>(202, "the run")
                .refuses_as::<Detail>(422, "the topic is missing, empty or too long")
                .refuses([Busy, Closed, Conflict, Pending]),
            post,
        ),
        Endpoint::get(
            "/api/councils/run/{run_id}",
            Rule::Handler(Some(Action::Read)),
            Operation::new("get_council", "Its result")
                .answers::<Run>(200, "its status, and what it came to; `null` where there is nothing yet")
                .refuses_as::<Detail>(404, "unknown id"),
            get,
        ),
    ]
}

/// The fault, in the form of the replaced server.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CouncilDetail")]
pub struct Detail {
    detail: String,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Problem {
    /// In the format of the emulated server: `{"detail"}`.
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
            Self::Detail(status, detail) => (status, Json(Detail { detail })).into_response(),
            Self::Failure(failure) => failure.into_response(),
        }
    }
}

/// The council to start. Other fields are ignored.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "CouncilRequest", transform = needs_topic)]
pub struct Request {
    /// The topic of the council. 1 to 10000 characters.
    #[schemars(length(min = 1, max = 10_000))]
    input_topic: String,
    /// The run; starting the same one twice starts one. Absent: a fresh one.
    run_id: Option<ExecutionId>,
}

/// Without a topic a request is answered as a wrong one is, so its schema has no default; unknown fields are ignored.
fn needs_topic(schema: &mut Schema) {
    schema.insert("required".into(), json!(["input_topic"]));
    schema.insert("additionalProperties".into(), true.into());
    if let Some(topic) = schema.pointer_mut("/properties/input_topic").and_then(Value::as_object_mut) {
        topic.remove("default");
    }
}

/// A run that was asked for.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CouncilStarted")]
pub struct Begun {
    run_id: ExecutionId,
    /// `pending`, `running`, `paused`, `completed` or `failed`.
    status: &'static str,
    /// For people.
    message: String,
}

/// A run's status, and its outcome.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CouncilRun")]
pub struct Run {
    run_id: ExecutionId,
    /// `pending`, `running`, `paused`, `completed` or `failed`.
    status: &'static str,
    #[serde(flatten)]
    outcome: Outcome,
}

/// Starts a council: 202.
///
/// # Errors
/// The request is wrong, the caller may not, or the log does not answer.
pub async fn post(
    State(app): State<Arc<App>>,
    caller: Caller,
    Actor(by): Actor,
    OptionalBody(request): OptionalBody<Request>,
) -> Result<(StatusCode, Json<Begun>), Problem> {
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
    let answer = Begun { run_id: id, status: view::status(status), message };
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

async fn now(control: &Control, id: &ExecutionId) -> Result<Status, Problem> {
    Ok(control.status(id).await?.map_or(Status::Queued, |known| known.status))
}

/// A run's status, and its outcome.
///
/// # Errors
/// It does not exist, the caller may not read it, or the log does not answer.
pub async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Run>, Problem> {
    let id = parameters::execution(id)?;
    let known = app.control.status(&id).await?;
    let (_, known) = readable(&caller.principal, id.clone(), known).ok_or(Refusal::Forbidden)?;
    let Some(run) = known else {
        return Err(Problem::Detail(StatusCode::NOT_FOUND, frames::unknown(id.as_str())));
    };
    let outcome = Outcome::of(&run, &app.shared.config.dropin);
    Ok(Json(Run { run_id: id, status: view::status(run.status), outcome }))
}
