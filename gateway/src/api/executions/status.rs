//! `GET /v1/executions/{execution_id}`: the state of a run.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use runbus::bus::Filter;
use runbus::execution::Execution;

use crate::api::caller::Caller;
use crate::api::error::Failure;
use crate::api::parameters;
use crate::app::{App, Endpoint};
use crate::auth::{Action, Rule};
use crate::openapi::{Operation, Problem};

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get(
        "/v1/executions/{execution_id}",
        Rule::Handler(Some(Action::Read)),
        Operation::new("get_execution", "Read the state of an execution")
            .answers::<Execution>(200, "the state after its events so far")
            .refuses([Problem::NotFound]),
        get,
    )]
}

/// The state of a run now.
///
/// # Errors
/// It does not exist, or the log does not answer.
pub async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Execution>, Failure> {
    let id = parameters::execution(id)?;
    // Callers without read access to every execution of this id do not learn whether there is one.
    let all = caller.may_read_whole(&Filter::execution(id.clone()));
    match app.control.status(&id).await? {
        Some(execution) => {
            caller.may_read_whole(&Filter::execution_of(execution.stream_id.clone(), id))?;
            Ok(Json(execution))
        }
        None => Err(match all {
            Err(forbidden) => forbidden,
            Ok(()) => Failure::not_found(format!("there is no execution {id:?}")),
        }),
    }
}
