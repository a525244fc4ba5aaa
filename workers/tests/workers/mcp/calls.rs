//! Calls over both transports: results, refusals, limits, time-outs.

use std::sync::Arc;

use runbus::log::Trace;
use runbus::session::ToolCall;
use runbus::telemetry;
use runbus_workers::mcp::State;
use runbus_workers::mcp::config::{Approval, Server};
use serde_json::json;

use super::kit::{Bench, Http, stdio};

const TOOLS: [&str; 12] = [
    "s__big",
    "s__die",
    "s__echo",
    "s__grow",
    "s__hang",
    "s__meta",
    "s__mixed",
    "s__pid",
    "s__refuse",
    "s__steps",
    "s__variable",
    "s__wide_name_e83ab8c7",
];

async fn lists_and_calls(server: Server) {
    let bench = Bench::of(server);
    let status = bench.ready().await;
    assert_eq!(status.tools, TOOLS);
    let specs = bench.scope("s__echo").specs();
    assert_eq!(specs[0].description, "does echo");
    assert_eq!(specs[0].parameters["properties"]["text"]["type"], "string");
    assert_eq!(bench.text("echo", json!({"text": "hé"})).await, "hé");
    assert_eq!(bench.text(&TOOLS[11][3..], json!({})).await, "wide.name");
    assert_eq!(
        bench.text("mixed", json!({})).await,
        "see\n[image image/png, 3 bytes, attached]\n{\"count\":2}"
    );
    let refused = bench.call("refuse", json!({})).await;
    assert_eq!((refused.error.unwrap().code(), refused.content.as_str()), ("failed", "no such customer"));
    let unknown = bench.call("nothing", json!({})).await;
    assert!(unknown.content.starts_with("no such tool \"s__nothing\""), "{}", unknown.content);

    // The server says that it has one more; nobody asks it.
    assert_eq!(bench.text("grow", json!({})).await, "grown");
    let grown = bench.until(|status| status.tools.iter().any(|tool| tool == "s__late")).await;
    assert_eq!((grown.state, grown.restarts), (State::Ready, 0));
    assert_eq!(bench.scope("s__*").specs().len(), TOOLS.len() + 1);
    assert_eq!(bench.text("late", json!({})).await, "late");
    bench.servers.stop().await;
}

#[tokio::test]
async fn over_stdio() {
    lists_and_calls(stdio("stdio")).await;
}

#[tokio::test]
async fn over_http() {
    let http = Http::start().await;
    lists_and_calls(http.server.clone()).await;
}

async fn calls_carry_the_trace(server: Server) {
    let bench = Bench::of(server);
    bench.ready().await;
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for (state, told) in [(Some("a=b".to_owned()), json!([parent, "a=b"])), (None, json!([parent, null]))] {
        let trace = Trace { parent: parent.into(), state };
        let call = telemetry::passing(Some(Arc::new(trace)), bench.text("meta", json!({})));
        assert_eq!(call.await, told.to_string());
    }
    // Without a trace nothing is made up.
    assert_eq!(bench.text("meta", json!({})).await, "[null,null]");
    bench.servers.stop().await;
}

#[tokio::test]
async fn the_trace_over_stdio() {
    calls_carry_the_trace(stdio("stdio")).await;
}

#[tokio::test]
async fn the_trace_over_http() {
    let http = Http::start().await;
    calls_carry_the_trace(http.server.clone()).await;
}

#[tokio::test]
async fn a_tool_whose_schema_expands_without_end_is_refused_and_the_others_go_on() {
    let bench = Bench::of(Server { require_approval: Approval::Tools(vec!["bomb".into()]), ..stdio("bomb") });
    let status = bench.ready().await;
    assert_eq!((status.tools, status.guards), (TOOLS.map(str::to_owned).to_vec(), None));
    let reason = &status.refused["bomb"];
    assert!(reason.contains("its references expand to more than 4096 schemas"), "{reason}");
    assert_eq!(bench.text("echo", json!({"text": "on"})).await, "on");
    assert_eq!(bench.call("bomb", json!({})).await.error.unwrap().code(), "unknown_tool");
}

#[tokio::test]
async fn a_server_without_the_old_handshake() {
    let bench = Bench::of(stdio("modern"));
    assert_eq!(bench.text("echo", json!({"text": "new"})).await, "new");
    assert_eq!(bench.ready().await.tools, TOOLS);
}

async fn large_results_are_limited(server: Server) {
    let bench = Bench::of(server);
    let cut = bench.call("big", json!({"bytes": 1_000_000})).await;
    assert!(cut.error.is_none() && cut.truncated && cut.content.len() <= 64 * 1024);
    assert!(cut.content.contains("of 1000000 bytes cut"), "{}", cut.content.len());
    let dropped = bench.call("big", json!({"bytes": 50_000_000})).await;
    assert!(dropped.is_error() && dropped.content.len() < 1000, "{} bytes", dropped.content.len());
    assert!(dropped.content.contains("the tool ran, but its result"), "{}", dropped.content);
    // Nothing broke.
    assert_eq!(bench.text("echo", json!({"text": "still"})).await, "still");
    let status = bench.servers.status().remove(0);
    assert_eq!((status.state, status.restarts), (State::Ready, 0));
}

#[tokio::test]
async fn large_results_over_stdio() {
    large_results_are_limited(stdio("stdio")).await;
}

#[tokio::test]
async fn large_results_over_http() {
    let http = Http::start().await;
    large_results_are_limited(http.server.clone()).await;
}

#[tokio::test]
async fn a_call_without_an_answer_times_out_and_the_next_one_works() {
    let bench = Bench::of(Server { call_timeout_ms: 200, ..stdio("stdio") });
    bench.ready().await;
    let outcome = bench.call("hang", json!({})).await;
    assert_eq!(outcome.error.unwrap().code(), "timed_out");
    assert!(outcome.content.contains("within 200 ms"), "{}", outcome.content);
    assert_eq!(bench.text("echo", json!({"text": "on"})).await, "on");
}

#[tokio::test]
async fn a_process_sees_its_own_variables_and_not_the_workers() {
    let bench = Bench::of(stdio("stdio"));
    assert_eq!(bench.text("variable", json!({"name": "MCP_TEST_MODE"})).await, "stdio");
    // Cargo sets it for this process.
    assert_eq!(bench.text("variable", json!({"name": "CARGO_PKG_NAME"})).await, "");
    assert!(!bench.text("variable", json!({"name": "PATH"})).await.is_empty());
}

#[tokio::test]
async fn progress_is_reported_while_a_call_runs() {
    let bench = Bench::of(stdio("stdio"));
    bench.ready().await;
    let call = ToolCall::new("c", "s__steps", "{}");
    let permit = bench.scope("s__*").clear(&call, None).unwrap();
    let mut words = permit.progress();
    let outcome = permit.run("key").await;
    assert_eq!(outcome.content, "done");
    let last = words.borrow_and_update().clone().unwrap();
    assert_eq!((last.progress, last.total, last.message.as_deref()), (3.0, Some(3.0), Some("step 3")));
}
