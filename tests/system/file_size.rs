//! A process whose files may not grow (`ulimit -f`): like a full disk, it refuses for now and goes on.

use serde_json::{Value, json};

use crate::client::PATIENCE;
use crate::telemetry::process::{Process, free, http, ready};

#[tokio::test(flavor = "multi_thread")]
async fn a_file_size_limit_refuses_writes_and_ends_no_process() {
    let dir = tempfile::tempdir().unwrap();
    let (address, http) = (free(), http());
    let settings = [("gateway.listen", address.to_string()), ("model.provider", "scripted".into())];
    // In units of 1,024 bytes: bash counts so.
    let mut process = Process::start_limited("-f 3000", dir.path(), &["dev", "--idle"], &settings);
    let url = |path: &str| format!("http://{address}{path}");
    ready(&http, &url("/readyz")).await;

    let text = "x".repeat(48 * 1024);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut acknowledged = 0_u64;
    let refusal: Value = loop {
        let event =
            json!({ "type": "custom", "stream_id": "s", "execution_id": "e", "data": { "text": text } });
        let answer = http.post(url("/v1/events")).json(&json!({ "events": [event] })).send().await.unwrap();
        if answer.status() == 503 {
            break answer.json().await.unwrap();
        }
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
        acknowledged += 1;
        assert!(tokio::time::Instant::now() < deadline, "{acknowledged} events are taken");
    };
    assert_eq!(refusal["error"]["code"], "unavailable", "{refusal}");
    assert!(acknowledged > 5, "{acknowledged}");

    assert_eq!(http.get(url("/healthz")).send().await.unwrap().status(), 200);
    let stats = http.get(url("/v1/stats")).send().await.unwrap();
    let stats: Value = stats.json().await.unwrap();
    assert!(stats["events"].as_u64().unwrap() >= acknowledged, "acknowledged events are there: {stats}");
    process.end().await;
}
