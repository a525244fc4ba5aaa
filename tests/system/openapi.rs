//! The gateway against its OpenAPI document: a program that is not ours (schemathesis) reads the document, makes valid and
//! wrong requests of it, and checks each answer.
//!
//! `RUNBUS_FUZZ_SECONDS` (default: as long as the examples take) and `RUNBUS_FUZZ_EXAMPLES` (a request's examples) make it
//! search deeper, `RUNBUS_FUZZ_SEED` elsewhere.
#![expect(clippy::print_stdout, reason = "the seed, and what the fuzzer says")]

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use runbus::bus::Filter;
use runbus::config::Secret;
use runbus::control::StartRequest;
use runbus::event::Kind;
use runbus::event::family::session::DeadLettered;
use runbus::id::{ExecutionId, SessionId};
use runbus::log::{Cursor, Since};
use runbus_gateway::auth::config::{Config as Auth, Mode};
use serde_json::{Value, json};

use crate::api::Bench;
use crate::backends;
use crate::client::{config, gateway, secured};

/// How long the usual run may take before it is ended.
const PATIENCE: Duration = Duration::from_secs(600);

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// Creates one of each resource that paths name; returns their names.
async fn furnish(bench: &Bench) -> Value {
    let control = bench.backend.control();
    for (definition, id) in
        [("talker", "run-1"), ("talker", "chat-1"), ("cleaner", "clean"), ("asker", "ask")]
    {
        let id = Some(ExecutionId::new(id).unwrap());
        control
            .start(StartRequest { execution_id: id, ..StartRequest::new(definition, "go") })
            .await
            .unwrap();
    }
    let (_, approval) = bench.event("clean", [Kind::ToolApprovalRequested]).await;
    let (_, question) = bench.event("ask", [Kind::ClientInputRequested]).await;
    for id in ["run-1", "chat-1"] {
        assert_eq!(bench.ends(id).await, Kind::ExecutionCompleted);
    }
    let letter = DeadLettered {
        session_id: SessionId::new("chat-1").unwrap(),
        execution_id: ExecutionId::new("chat-1").unwrap(),
        definition: "talker".into(),
        reason: "nobody could".into(),
        attempts: 5,
    };
    control.dead_letter(letter).await.unwrap();
    let first = bench.backend.bus().wait_for(Filter::all(), Since::All, PATIENCE).await.unwrap().unwrap();
    let names = json!(["run-1", "chat-1", "clean", "ask"]);
    json!({
        "execution_id": names,
        "dead_letter": ["chat-1"],
        "session_id": names,
        "approval_id": [approval["approval_id"]],
        "request_id": [question["request_id"]],
        "cursors": [first.cursor.to_string(), Cursor::start().to_string()],
    })
}

/// Runs the fuzzer; fails with its output.
async fn fuzz(address: SocketAddr, known: &Value, key: Option<&Secret>, seed: u64) {
    let python = std::env::var("RUNBUS_OPENAPI_PYTHON").expect("run me through ops/tools.sh run");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openapi");
    let seed = setting("RUNBUS_FUZZ_SEED").unwrap_or(seed);
    let examples = setting("RUNBUS_FUZZ_EXAMPLES").unwrap_or(6);
    let seconds = setting("RUNBUS_FUZZ_SECONDS");
    let mut command = tokio::process::Command::new(python);
    command.current_dir(folder).env("PYTHONDONTWRITEBYTECODE", "1").env("SCHEMATHESIS_HOOKS", "hooks");
    command.env("PYTHONPATH", ".").env("RUNBUS_KNOWN", known.to_string());
    command.args(["-m", "schemathesis.cli", "--config-file", "schemathesis.toml", "run", "--no-color"]);
    command.arg(format!("--seed={seed}")).arg(format!("--max-examples={examples}"));
    command.args(seconds.map(|seconds| format!("--max-time={seconds}")));
    match key {
        Some(key) => command.arg(format!("--header=Authorization: Bearer {}", &*key.reveal())),
        // Nobody is asked here.
        None => command.args(["--exclude-checks", "ignored_auth"]),
    };
    command.arg(format!("http://{address}/v1/openapi.json"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    println!("schemathesis: seed {seed}, {examples} examples");
    let patience = PATIENCE + Duration::from_secs(seconds.unwrap_or(0));
    let output = tokio::time::timeout(patience, command.output()).await.expect("it ends in time").unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    println!("{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_answers_as_its_document_says() {
    let bench = Bench::new(backends::embedded());
    let running = bench.worker();
    let served = gateway(&bench.backend, config()).await;
    let known = furnish(&bench).await;
    fuzz(served.address, &known, None, 4).await;
    served.drain.cancel();
    served.task.await.unwrap();
    running.drain.cancel();
    running.cut.cancel();
    running.task.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_with_authentication_answers_as_its_document_says() {
    let bench = Bench::new(backends::nats_and_redis().await);
    let running = bench.worker();
    let (key, entry) = crate::auth::key(&["*", "admin"]);
    let mut auth =
        Auth { mode: Mode::Required, api_keys: [("root".into(), entry)].into(), ..Auth::default() };
    auth.stream_tokens.secret = Some(Secret::new("a secret of stream tokens, of 32 bytes and more"));
    // More than the fuzzer can ask.
    (auth.limits.messages_per_s, auth.limits.burst_messages) = (1_000_000, 1_000_000);
    auth.limits.inbound_bytes_per_s = 1 << 30;
    let served = secured(&bench.backend, config(), auth).await;
    let known = furnish(&bench).await;
    fuzz(served.address, &known, Some(&key), 8).await;
    served.drain.cancel();
    served.task.await.unwrap();
    running.drain.cancel();
    running.cut.cancel();
    running.task.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documents_are_served_and_need_not_be_sent_twice() {
    let backend = backends::embedded();
    let served = gateway(&backend, config()).await;
    let url = format!("http://{}/v1/openapi.json", served.address);
    let answer = crate::sse::http().get(&url).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/json");
    let tag = answer.headers()["etag"].clone();
    let document: Value = answer.json().await.unwrap();
    assert_eq!(document, runbus_gateway::endpoints::document().openapi);
    let again = crate::sse::http().get(&url).header("if-none-match", tag.clone()).send().await.unwrap();
    assert_eq!((again.status().as_u16(), &again.headers()["etag"]), (304, &tag));
    assert!(again.bytes().await.unwrap().is_empty());
    let asyncapi: Value = crate::sse::http()
        .get(format!("http://{}/v1/asyncapi.json", served.address))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(asyncapi, runbus_gateway::contract::asyncapi());
    let index: Value = crate::sse::http()
        .get(format!("http://{}/", served.address))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(index["endpoints"]["GET /v1/openapi.json"], "This document (OpenAPI 3.1)");
}

/// The findings of the fuzzer, and its checks, in short form.
#[tokio::test(flavor = "multi_thread")]
async fn methods_tokens_and_lists_where_they_do_not_belong() {
    let backend = backends::embedded();
    let (_, entry) = crate::auth::key(&["*"]);
    let auth = Auth { mode: Mode::Required, api_keys: [("root".into(), entry)].into(), ..Auth::default() };
    let (open, asks) = (gateway(&backend, config()).await, secured(&backend, config(), auth).await);
    for served in [&open, &asks] {
        // Which methods there are is no secret.
        let answer = crate::sse::http()
            .delete(format!("http://{}/v1/sessions/s/messages", served.address))
            .send()
            .await;
        let answer = answer.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["allow"].to_str().unwrap()),
            (405, &"HEAD, GET, POST")
        );
        assert_eq!(answer.json::<Value>().await.unwrap()["error"]["code"], "method_not_allowed");
    }
    // A client that always shows its token may use a gateway that asks nobody.
    let url = format!("http://{}/v1/events?limit=1&access_token=x", open.address);
    assert_eq!(crate::sse::http().get(url).send().await.unwrap().status(), 200);
    // serde takes lists for objects.
    for (path, body, wrong) in [
        ("executions", json!({ "definition": "d", "budget": [1, 2, 3] }), "budget"),
        ("executions", json!({ "definition": "d", "scheduling": ["high"] }), "scheduling"),
        ("executions/e/pause", json!(["because"]), "."),
        ("executions/e/resume", json!([]), "."),
    ] {
        let request = crate::sse::http().post(format!("http://{}/v1/{path}", open.address)).json(&body);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 400, "{body}");
        assert_eq!(answer.json::<Value>().await.unwrap()["error"]["path"], wrong, "{body}");
    }
}

#[tokio::test]
async fn the_committed_document_is_openapi() {
    let python = std::env::var("RUNBUS_OPENAPI_PYTHON").expect("run me through ops/tools.sh run");
    let mut command = tokio::process::Command::new(python);
    command
        .args(["-m", "openapi_spec_validator", "docs/openapi.json"])
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
