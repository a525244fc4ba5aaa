//! `GET /v1/stats`: the content of the log, and the costs of this gateway's clients.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use runbus::bus::Stats;
use serde::Serialize;

use super::error::Failure;
use crate::app::{App, Endpoint};
use crate::auth::{Action, Rule};
use crate::openapi::Operation;
use crate::pressure::Load;

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get(
        "/v1/stats",
        Rule::Everything(Action::Read),
        Operation::new("get_stats", "Read the size of the log, and the costs of this gateway's clients")
            .answers::<Answer>(200, "statistics up to now"),
        get,
    )]
}

/// Statistics of the log, and of the gateway that answers.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "Statistics")]
pub struct Answer {
    #[serde(flatten)]
    log: Stats,
    /// Of this gateway alone.
    gateway: Here,
}

/// One gateway.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "GatewayStatistics")]
struct Here {
    /// Clients: WebSockets, event streams, requests that wait.
    connections: usize,
    /// How many there may be: `gateway.max_connections`, or less where the limit of open files is too low.
    max_connections: usize,
    /// The limit of open files.
    open_files: u64,
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
    let gateway = Here {
        connections: app.shared.max_connections.saturating_sub(app.shared.connections.available_permits()),
        max_connections: app.shared.max_connections,
        open_files: app.capacity.files,
        hubs: app.shared.hubs.len(),
        load: app.shared.pressure.load(),
    };
    Ok(Json(Answer { log, gateway }))
}
