//! `/v1/dead-letters`: executions that no worker could finish.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use runbus::control::{DeadLetter, Started};
use runbus::id::ExecutionId;
use runbus::limits;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::actor::Actor;
use super::body::OptionalBody;
use super::error::Failure;
use super::parameters::{self, Id};
use super::sessions;
use crate::app::{App, Endpoint};
use crate::auth::{Action, Rule};
use crate::openapi::{Operation, Parameter, Problem};
use crate::protocol::body::Nothing;

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    let rule = Rule::Everything(Action::Admin);
    let most = json!({
        "type": "integer", "minimum": 1, "maximum": limits::HISTORY_MAX_EVENTS, "default": limits::HISTORY_DEFAULT_EVENTS,
    });
    vec![
        Endpoint::get(
            "/v1/dead-letters",
            rule,
            Operation::new("list_dead_letters", "Executions that no worker could finish, newest first")
                .takes([Parameter::new("limit", most, "how many at most")])
                .answers::<Listed>(200, "the newest ones"),
            list,
        ),
        Endpoint::get(
            "/v1/dead-letters/{execution_id}",
            rule,
            Operation::new("get_dead_letter", "One of them")
                .answers::<DeadLetter>(200, "the dead letter")
                .refuses([Problem::NotFound]),
            get,
        ),
        Endpoint::post(
            "/v1/dead-letters/{execution_id}/retry",
            rule,
            sessions::starts(
                Operation::new("retry_dead_letter", "Try it again, as a new execution of the same session")
                    .optional_body::<Nothing>(),
            )
            .refuses([Problem::NotFound]),
            retry,
        ),
    ]
}

/// A list of them.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DeadLetters")]
pub struct Listed {
    dead_letters: Vec<DeadLetter>,
}

/// `GET /v1/dead-letters`: the newest first.
///
/// # Errors
/// A parameter is wrong, or the log does not answer.
pub async fn list(State(app): State<Arc<App>>, RawQuery(query): RawQuery) -> Result<Json<Listed>, Failure> {
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
    Ok(Json(Listed { dead_letters: app.control.dead_letters(limit).await? }))
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
    OptionalBody(Nothing {}): OptionalBody<Nothing>,
) -> Result<(StatusCode, Json<Started>), Failure> {
    Ok(sessions::started(app.control.retry_dead_letter(&id, by).await?))
}
