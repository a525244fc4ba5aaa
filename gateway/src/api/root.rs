//! `GET /`: what there is.

use axum::Json;
use serde_json::{Value, json};

/// Lists the endpoints.
pub async fn get() -> Json<Value> {
    Json(json!({
        "name": "runbus gateway",
        "version": env!("CARGO_PKG_VERSION"),
        "endpoints": {
            "GET /healthz": "the process is alive",
            "GET /readyz": "log, queue and store answer",
            "POST /v1/executions": "start an execution",
            "GET /v1/executions/{execution_id}": "its status",
            "GET /v1/executions/{execution_id}/events": "its stored events, or the next ones (wait_ms)",
            "GET /v1/executions/{execution_id}/events/stream": "its events as they happen (SSE)",
            "GET /v1/events": "stored events, or the next ones (wait_ms)",
            "GET /v1/events/stream": "events as they happen (SSE)",
            "GET /v1/stats": "what the log holds",
            "GET /v1/workers": "which workers there are, their tools and MCP servers",
            "GET /v1/ws": "events as they happen (WebSocket, subprotocol runbus.v1)",
        },
    }))
}
