//! `GET /v1/stats`: what the log holds, and what this gateway's clients cost.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use runbus::bus::Stats;
use serde::Serialize;

use super::error::Failure;
use crate::connection::pressure::Load;
use crate::router::App;

/// Statistics of the log, and of the gateway that answers.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Answer {
    #[serde(flatten)]
    log: Stats,
    /// Of this gateway alone.
    gateway: Here,
}

/// One gateway.
#[derive(Debug, Serialize, schemars::JsonSchema)]
struct Here {
    /// Clients: WebSockets, event streams, requests that wait.
    connections: usize,
    /// Scopes that are watched.
    hubs: usize,
    #[serde(flatten)]
    load: Load,
}

/// Statistics up to now.
///
/// # Errors
/// The log does not answer.
pub async fn get(State(app): State<Arc<App>>) -> Result<Json<Answer>, Failure> {
    let log = app.shared.bus.stats().await?;
    let most = app.shared.config.max_connections.min(tokio::sync::Semaphore::MAX_PERMITS);
    let gateway = Here {
        connections: most.saturating_sub(app.connections.available_permits()),
        hubs: app.shared.hubs.len(),
        load: app.shared.pressure.load(),
    };
    Ok(Json(Answer { log, gateway }))
}
