//! `GET /v1/stats`: what the log holds.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use runbus::bus::Stats;

use super::error::Failure;
use crate::router::App;

/// Statistics up to now.
///
/// # Errors
/// The log does not answer.
pub async fn get(State(app): State<Arc<App>>) -> Result<Json<Stats>, Failure> {
    Ok(Json(app.shared.bus.stats().await?))
}
