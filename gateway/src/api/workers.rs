//! `GET /v1/workers`: the present workers, and their reports.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use runbus::control::workers::WorkerReport;
use schemars::JsonSchema;
use serde::Serialize;

use super::error::Failure;
use crate::app::{App, Endpoint};
use crate::auth::{Action, Rule};
use crate::openapi::Operation;

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get(
        "/v1/workers",
        Rule::Everything(Action::Read),
        Operation::new("list_workers", "Which workers there are, their tools and MCP servers")
            .answers::<Workers>(200, "the reports of the workers"),
        get,
    )]
}

/// The workers' reports.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Workers {
    workers: Vec<WorkerReport>,
}

/// The workers' reports.
///
/// # Errors
/// The store does not answer.
pub async fn get(State(app): State<Arc<App>>) -> Result<Json<Workers>, Failure> {
    Ok(Json(Workers { workers: app.control.workers().await? }))
}
