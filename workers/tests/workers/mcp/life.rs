//! A server's life: it dies and comes back, never comes up, is stopped.

use std::collections::BTreeMap;

use runbus::config::Secret;
use runbus_workers::mcp::State;
use runbus_workers::mcp::config::Server;
use serde_json::json;

use super::kit::{Bench, Http, is_alive, kill, stdio};

#[tokio::test]
async fn a_killed_server_is_started_again() {
    let bench = Bench::of(stdio("stdio"));
    let first = bench.text("pid", json!({})).await;
    kill(&first);
    let lost = bench.until(|status| status.state != State::Ready || status.restarts > 0).await;
    if let State::Failed { reason } = lost.state {
        assert!(reason.contains("signal: 9"), "{reason}");
    }
    // The descriptions for models stay the same meanwhile.
    assert_eq!(bench.scope("s__echo").specs().len(), 1);
    // A call waits for it.
    let second = bench.text("pid", json!({})).await;
    assert_ne!(first, second);
    let status = bench.ready().await;
    assert_eq!(status.restarts, 1);
    assert!(!is_alive(&first) && is_alive(&second));
}

#[tokio::test]
async fn a_call_whose_server_dies_says_that_its_outcome_is_unknown() {
    let bench = Bench::of(stdio("stdio"));
    let outcome = bench.call("die", json!({})).await;
    assert_eq!(outcome.error.as_ref().unwrap().code(), "failed");
    assert!(outcome.content.contains("mcp server s was lost during the call"), "{}", outcome.content);
    assert!(outcome.content.contains("whether the call had an effect is unknown"), "{}", outcome.content);
    // The reason is the process's, not the pipe's.
    assert!(outcome.content.contains("exit status: 9"), "{}", outcome.content);
    assert_eq!(bench.text("echo", json!({"text": "back"})).await, "back");
}

#[tokio::test]
async fn a_missing_program_is_a_reason_and_calls_fail_at_once() {
    let missing = Server { command: Some("no-such-program-of-runbus".into()), ..Server::default() };
    let bench = Bench::of(missing);
    let reason = bench.failed().await;
    assert!(reason.contains("cannot run \"no-such-program-of-runbus\""), "{reason}");
    bench.servers.settled().await;
    let outcome = bench.call("echo", json!({})).await;
    let never = "mcp server s is not available: it has never come up since the worker started (tries: ";
    assert!(outcome.content.starts_with(never), "{}", outcome.content);
    assert!(outcome.content.contains("cannot run"), "{}", outcome.content);
    // It is tried again for as long as the worker lives.
    bench.until(|status| status.restarts >= 2).await;
}

#[tokio::test]
async fn a_program_that_ends_is_quoted() {
    let bench = Bench::of(stdio("fail"));
    let reason = bench.failed().await;
    assert!(reason.contains("exit status: 3") && reason.contains("no database at all"), "{reason}");
}

#[tokio::test]
async fn a_server_that_never_answers_is_a_reason() {
    let bench = Bench::of(Server { start_timeout_ms: 300, ..stdio("mute") });
    // The first call waits with the server, no longer.
    let outcome = bench.call("echo", json!({})).await;
    let never = "mcp server s is not available: it has never come up since the worker started";
    assert!(outcome.content.starts_with(never), "{}", outcome.content);
    assert_eq!(bench.failed().await, "it was not ready within 300 ms");
}

#[tokio::test]
async fn an_http_server_that_is_away_is_a_reason_and_is_found_again() {
    let mut http = Http::start().await;
    let bench = Bench::of(http.server.clone());
    bench.ready().await;
    http.process.kill().await.unwrap();
    let outcome = bench.call("echo", json!({"text": "x"})).await;
    assert!(outcome.content.contains("mcp server s "), "{}", outcome.content);
    // The call's fault makes the supervisor look.
    let reason = bench.failed().await;
    assert!(!reason.contains("secret"), "{reason}");
    let address = http.server.url.as_deref().unwrap().trim_start_matches("http://").trim_end_matches("/mcp");
    let _again = Http::start_at(address).await;
    bench.ready().await;
    assert_eq!(bench.text("echo", json!({"text": "found"})).await, "found");
}

#[tokio::test]
async fn a_wrong_key_is_a_reason() {
    let http = Http::start().await;
    let headers = BTreeMap::from([("x-key".to_owned(), Secret::new("wrong-one"))]);
    let bench = Bench::of(Server { headers, ..http.server.clone() });
    let reason = bench.failed().await;
    assert!(reason.contains("401") && !reason.contains("wrong-one"), "{reason}");
}

#[tokio::test]
async fn stopping_ends_the_whole_process_group() {
    // A shell that stays, with the server as its child. A background process of a shell has no standard input by
    // default.
    let server = stdio("stdio");
    let script =
        format!("exec 3<&0; {} {} <&3 & wait", server.command.as_ref().unwrap(), server.args.join(" "));
    let wrapped = Server { command: Some("sh".into()), args: vec!["-c".into(), script], ..server };
    let bench = Bench::of(wrapped);
    let pid = bench.text("pid", json!({})).await;
    assert!(is_alive(&pid));
    bench.servers.stop().await;
    assert_eq!(bench.servers.status()[0].state, State::Stopped);
    assert!(!is_alive(&pid));
    let outcome = bench.call("echo", json!({})).await;
    assert_eq!(outcome.content, "mcp server s is not available: it was stopped");
}

#[tokio::test]
async fn dropping_the_handle_stops_the_servers() {
    let bench = Bench::of(stdio("stdio"));
    let pid = bench.text("pid", json!({})).await;
    let mut board = bench.servers.subscribe();
    drop(bench);
    let stopped = board.wait_for(|all| all[0].state == State::Stopped);
    tokio::time::timeout(super::kit::PATIENCE, stopped).await.unwrap().unwrap();
    assert!(!is_alive(&pid));
}
