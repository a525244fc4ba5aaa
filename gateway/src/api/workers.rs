//! `GET /v1/workers`: which workers there are, and what each says of itself.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::error::Failure;
use crate::router::App;

/// The workers' reports.
///
/// # Errors
/// The store does not answer.
pub async fn get(State(app): State<Arc<App>>) -> Result<Json<Value>, Failure> {
    Ok(Json(json!({ "workers": app.control.workers().await? })))
}
