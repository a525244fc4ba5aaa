//! `GET /healthz` and `GET /readyz`: alive is slow to fail, ready is fast to fail.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::limits;
use crate::router::App;

/// The process is alive.
pub async fn alive() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// Whether log, queue and store answer; 503 with what does not.
pub async fn ready(State(app): State<Arc<App>>) -> Response {
    let bus = &app.shared.bus;
    let (log, queue, store) = tokio::join!(
        check(bus.log().ready()),
        check(app.control.queue().ready()),
        check(bus.store().ready()),
    );
    let mut parts = Map::new();
    let mut well = !app.shared.drain.is_cancelled();
    for (name, outcome) in [("log", log), ("queue", queue), ("store", store)] {
        well &= outcome.is_ok();
        parts.insert(name.into(), outcome.map_or_else(Value::from, |()| Value::from("ok")));
    }
    if app.shared.drain.is_cancelled() {
        parts.insert("gateway".into(), "drains".into());
    }
    let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let word = if well { "ready" } else { "not_ready" };
    (status, Json(json!({ "status": word, "checks": parts }))).into_response()
}

async fn check<E: std::fmt::Display>(ready: impl Future<Output = Result<(), E>>) -> Result<(), String> {
    match tokio::time::timeout(limits::READY_PATIENCE, ready).await {
        Ok(outcome) => outcome.map_err(|error| error.to_string()),
        Err(_elapsed) => Err(format!("no answer within {} ms", limits::READY_PATIENCE.as_millis())),
    }
}
