//! `GET /healthz` and `GET /readyz`: alive is slow to fail, ready is fast to fail.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use crate::auth::Rule;
use crate::limits;
use crate::openapi::{Endpoint, Operation};
use crate::router::App;

/// What is here.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(
            "/healthz",
            Rule::Open,
            Operation::new("get_health", "The process is alive")
                .answers::<Health>(200, "it is")
                .asks_nobody(),
            alive,
        ),
        Endpoint::get(
            "/readyz",
            Rule::Open,
            Operation::new("get_readiness", "Log, queue and store answer")
                .answers::<Readiness>(200, "all of them answer")
                .answers::<Readiness>(503, "one does not, or the gateway ends")
                .asks_nobody(),
            ready,
        ),
    ]
}

/// The process is alive.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Health {
    /// Always `ok`.
    status: &'static str,
}

/// Whether a gateway can serve.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Readiness {
    /// `ready` or `not_ready`.
    status: &'static str,
    checks: Checks,
}

/// Each `ok`, or what is wrong.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Checks {
    log: String,
    queue: String,
    store: String,
    /// There while the gateway ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway: Option<&'static str>,
}

/// The process is alive.
pub async fn alive() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Whether log, queue and store answer; 503 with what does not.
pub async fn ready(State(app): State<Arc<App>>) -> (StatusCode, Json<Readiness>) {
    let bus = &app.shared.bus;
    let (log, queue, store) = tokio::join!(
        check(bus.log().ready()),
        check(app.control.queue().ready()),
        check(bus.store().ready()),
    );
    let drains = app.shared.leaving.is_cancelled();
    let well = !drains && log.is_ok() && queue.is_ok() && store.is_ok();
    let word = |outcome: Result<(), String>| outcome.map_or_else(|wrong| wrong, |()| "ok".into());
    let checks = Checks {
        log: word(log),
        queue: word(queue),
        store: word(store),
        gateway: drains.then_some("drains"),
    };
    let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { status: if well { "ready" } else { "not_ready" }, checks }))
}

async fn check<E: std::fmt::Display>(ready: impl Future<Output = Result<(), E>>) -> Result<(), String> {
    match tokio::time::timeout(limits::READY_PATIENCE, ready).await {
        Ok(outcome) => outcome.map_err(|error| error.to_string()),
        Err(_elapsed) => Err(format!("no answer within {} ms", limits::READY_PATIENCE.as_millis())),
    }
}
