//! `GET /v1/executions/{execution_id}`: what is known of a run.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use runbus::execution::Execution;

use crate::api::error::Failure;
use crate::api::parameters;
use crate::router::App;

/// What is known of a run now.
///
/// # Errors
/// Nobody has heard of it, or the log does not answer.
pub async fn get(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Execution>, Failure> {
    let id = parameters::execution(id)?;
    match app.control.status(&id).await? {
        Some(execution) => Ok(Json(execution)),
        None => Err(Failure::not_found(format!("there is no execution {id:?}"))),
    }
}
