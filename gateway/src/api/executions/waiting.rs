//! `GET /v1/executions/{execution_id}/approvals` and `/questions`: what waits for a person.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use runbus::id::ExecutionId;
use serde_json::{Value, json};

use crate::api::error::Failure;
use crate::api::parameters::Id;
use crate::router::App;

/// The approvals that wait for a decision.
///
/// # Errors
/// Nobody has heard of the execution.
pub async fn approvals(State(app): State<Arc<App>>, Id(id): Id<ExecutionId>) -> Result<Json<Value>, Failure> {
    Ok(Json(json!({ "approvals": app.control.approvals(&id).await? })))
}

/// The questions that wait for an answer.
///
/// # Errors
/// Nobody has heard of the execution.
pub async fn questions(State(app): State<Arc<App>>, Id(id): Id<ExecutionId>) -> Result<Json<Value>, Failure> {
    Ok(Json(json!({ "questions": app.control.questions(&id).await? })))
}
