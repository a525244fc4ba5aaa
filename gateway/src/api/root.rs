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
            "GET /metrics": "counters and gauges of this process (OpenMetrics)",
            "POST /v1/executions": "start an execution",
            "GET /v1/executions/{execution_id}": "its status",
            "GET /v1/executions/{execution_id}/events": "its stored events, or the next ones (wait_ms)",
            "GET /v1/executions/{execution_id}/events/stream": "its events as they happen (SSE)",
            "GET /v1/executions/{execution_id}/snapshot": "what it has come to, with all text so far",
            "POST /v1/executions/{execution_id}/cancel": "stop it",
            "POST /v1/executions/{execution_id}/pause": "begin no further step",
            "POST /v1/executions/{execution_id}/resume": "go on",
            "GET /v1/executions/{execution_id}/approvals": "calls that wait for a decision",
            "GET /v1/executions/{execution_id}/questions": "questions that wait for an answer",
            "GET /v1/executions/{execution_id}/presence": "who watches it",
            "GET /v1/approvals/{approval_id}": "an approval",
            "POST /v1/approvals/{approval_id}/decision": "decide it",
            "POST /v1/questions/{request_id}/answer": "answer a question",
            "POST /v1/sessions": "say something to a new session",
            "GET /v1/sessions/{session_id}": "where it stands",
            "GET /v1/sessions/{session_id}/messages": "what was said",
            "POST /v1/sessions/{session_id}/messages": "say something",
            "GET /v1/sessions/{session_id}/pending": "its unresolved calls",
            "POST /v1/sessions/{session_id}/resume": "finish its unresolved calls and go on",
            "POST /v1/sessions/{session_id}/abort_pending": "answer its unresolved calls and go on",
            "POST /v1/sessions/{session_id}/close": "take no more input",
            "GET /v1/dead-letters": "executions that no worker could finish",
            "GET /v1/dead-letters/{execution_id}": "one of them",
            "POST /v1/dead-letters/{execution_id}/retry": "try it again",
            "GET /v1/events": "stored events, or the next ones (wait_ms)",
            "GET /v1/events/stream": "events as they happen (SSE)",
            "GET /v1/monitor": "approvals, context, MCP servers, usage and graphs of all streams",
            "GET /v1/monitor/stream": "the same as it changes: a snapshot, then JSON Patch (SSE)",
            "GET /v1/monitor/{stream_id}": "of one stream",
            "GET /v1/monitor/{stream_id}/stream": "the same as it changes (SSE)",
            "POST /v1/auth/tokens": "mint a short-lived token",
            "POST /v1/auth/revocations": "end a credential everywhere",
            "GET /v1/stats": "what the log holds",
            "GET /v1/workers": "which workers there are, their tools and MCP servers",
            "GET /ws/tasks/{task_id}": "a task as its own server served it (WebSocket, docs/dropin.md)",
            "GET /ws/agents/{agent_id}": "an agent as its own server served it (WebSocket)",
            "GET /ws/agents": "all agents (WebSocket)",
            "GET /ws/council/{run_id}": "a council as its own server served it (WebSocket)",
            "POST /api/councils/run": "start a council",
            "GET /api/councils/run/{run_id}": "its result",
            "GET /v1/ws": "events as they happen (WebSocket, subprotocol runbus.v1, or runbus.v1.cbor)",
        },
    }))
}
