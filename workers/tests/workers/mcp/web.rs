//! Servers over HTTP that keep no rule: each is a table of answers in this process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use runbus_workers::mcp::State;
use runbus_workers::mcp::config::{Server, Transport};
use serde_json::{Value, json};

use super::kit::Bench;

/// How a server answers a call: status, content type and body; `ID` stands for the request's id.
type Said = (u16, &'static str, &'static str);

struct Odd {
    said: Said,
    /// Sessions that were begun: the latest one is known.
    sessions: AtomicU32,
}

/// Starts a server whose only tool `say` is answered so.
async fn start(said: Said) -> (Server, Arc<Odd>) {
    let odd = Arc::new(Odd { said, sessions: AtomicU32::new(0) });
    let shared = odd.clone();
    let handler = move |headers: HeaderMap, body: String| {
        let shared = shared.clone();
        async move { answer(&shared, &headers, &body) }
    };
    let router = axum::Router::new().route("/mcp", post(handler));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let server = Server {
        transport: Transport::Http,
        url: Some(url),
        call_timeout_ms: 3_600_000,
        ..Server::default()
    };
    (server, odd)
}

fn answer(odd: &Odd, headers: &HeaderMap, body: &str) -> Response {
    let request: Value = serde_json::from_str(body).unwrap();
    let result = |result: Value| {
        let body = json!({"jsonrpc": "2.0", "id": request["id"], "result": result});
        (StatusCode::OK, [("content-type", "application/json")], body.to_string())
    };
    let session = odd.sessions.load(Ordering::SeqCst).to_string();
    match request["method"].as_str().unwrap() {
        "initialize" => {
            let session = odd.sessions.fetch_add(1, Ordering::SeqCst) + 1;
            let about = json!({
                "protocolVersion": request["params"]["protocolVersion"],
                "capabilities": {"tools": {}}, "serverInfo": {"name": "odd", "version": "1"},
            });
            ([("mcp-session-id", session.to_string())], result(about)).into_response()
        }
        // As the reference servers of the TypeScript SDK answer after a restart.
        _ if headers.get("mcp-session-id").is_none_or(|id| *id != *session) => {
            let refusal = json!({"jsonrpc": "2.0", "id": null,
                "error": {"code": -32000, "message": "Bad Request: No valid session ID provided"}});
            (StatusCode::BAD_REQUEST, [("content-type", "application/json")], refusal.to_string())
                .into_response()
        }
        "tools/list" => {
            let tool = json!({"name": "say", "inputSchema": {"type": "object"}});
            let task = json!({"name": "task", "inputSchema": {"type": "object"}, "execution": {"taskSupport": "required"}});
            result(json!({"tools": [tool, task]})).into_response()
        }
        "tools/call" => {
            let (status, kind, body) = odd.said;
            let body = body.replace("ID", &request["id"].to_string());
            (StatusCode::from_u16(status).unwrap(), [("content-type", kind)], body).into_response()
        }
        _ => StatusCode::ACCEPTED.into_response(),
    }
}

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";

#[tokio::test]
async fn an_answer_that_cannot_be_read_or_matched_fails_its_call_at_once() {
    for (said, why) in [
        ((200, JSON, r#"{"jsonrpc":"2.0","id":99,"result":{"content":[]}}"#), "does not answer the request"),
        ((200, JSON, r#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"confused"}}"#), "confused"),
        ((400, JSON, r#"{"jsonrpc":"2.0","id":99,"error":{"code":1,"message":"confused"}}"#), "confused"),
        ((200, JSON, r#"{"jsonrpc":"2.0","id":ID,"result""#), "cannot be read"),
        ((200, JSON, ""), "it is empty"),
        (
            (200, JSON, r#"{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text"}]}}"#),
            "no result of a call",
        ),
        ((202, JSON, ""), "HTTP 202"),
        ((204, JSON, ""), "HTTP 204"),
        ((200, "text/plain", "hello"), "the content type text/plain"),
        ((500, "text/html", "<h1>"), "HTTP 500"),
        ((403, JSON, "{}"), "HTTP 403"),
        (
            (200, EVENTS, "data: {\"jsonrpc\":\"2.0\",\"id\":99,\"result\":{\"content\":[]}}\n\n"),
            "names the request 99",
        ),
        ((200, EVENTS, "data: {\"jsonrpc\":\"2.0\",\"id\":ID,\"result\":{\"con\n\n"), "cannot be read"),
        (
            (
                200,
                EVENTS,
                "data: {\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":1,\"message\":\"confused\"}}\n\n",
            ),
            "confused",
        ),
        ((200, EVENTS, "data: hello\n\n"), "cannot be read"),
        ((200, EVENTS, ": nothing\n\n"), "the connection was closed"),
    ] {
        let bench = Bench::of(start(said).await.0);
        bench.ready().await;
        let outcome = bench.call("say", json!({})).await;
        assert!(outcome.is_error() && outcome.content.contains(why), "{said:?}: {}", outcome.content);
        for rust in ["Some(", "rmcp", "::", "Number("] {
            assert!(!outcome.content.contains(rust), "{}", outcome.content);
        }
    }
}

#[tokio::test]
async fn a_session_that_the_server_does_not_know_any_more_is_made_anew() {
    let body = r#"{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text","text":"here"}]}}"#;
    let (server, odd) = start((200, JSON, body)).await;
    let bench = Bench::of(server);
    bench.ready().await;
    assert_eq!(bench.text("say", json!({})).await, "here");
    for _ in 0..2 {
        let begun = odd.sessions.fetch_add(1, Ordering::SeqCst);
        assert_eq!(bench.text("say", json!({})).await, "here");
        assert!(odd.sessions.load(Ordering::SeqCst) > begun + 1, "a session was begun");
    }
    assert_eq!(bench.servers.status().remove(0).state, State::Ready);
}

#[tokio::test]
async fn a_tool_that_runs_only_as_a_task_is_not_offered() {
    let bench = Bench::of(start((200, JSON, "")).await.0);
    let status = bench.ready().await;
    assert_eq!(status.tools, ["s__say"]);
    assert!(status.refused["task"].contains("only as a task"));
}
