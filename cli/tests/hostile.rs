//! Control characters in ids, events and errors never reach the reader's terminal.
#![expect(clippy::unwrap_used, reason = "a test says by panicking")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

use runbus::visible::is_hostile;
use serde_json::{Value, json};

/// Characters that ids may hold although a terminal obeys them.
const ID: &str = "a\u{202e}b\u{2066}c\u{200f}d\u{feff}e\u{2028}f\u{e0041}g";

/// Everything else: a title, colours, a carriage return, another line, C1.
const TEXT: &str =
    "x\u{1b}]0;owned\u{7}\u{1b}[31m\r\n2026-01-01T00:00:00Z  INFO forged\u{9b}2J\u{85}\u{7f}\u{202e}y";

fn runbus(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_runbus"))
        .current_dir(dir)
        .args(["--set", "model.scripted_pace_ms=0"])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// The printed text; newlines are its only control characters.
fn harmless(output: &Output, what: &[&str]) -> String {
    let mut all = String::new();
    for bytes in [&output.stdout, &output.stderr] {
        let text = String::from_utf8(bytes.clone()).unwrap();
        let found = text.chars().find(|c| *c != '\n' && is_hostile(*c));
        assert_eq!(found, None, "{what:?} prints {text:?}");
        assert!(text.lines().all(|line| !line.starts_with("2026-01-01")), "{what:?} prints {text:?}");
        all.push_str(&text);
    }
    all
}

fn event(kind: &str, data: &Value) -> String {
    json!({
        "type": kind, "stream_id": ID, "node_id": ID, "execution_id": ID, "session_id": ID,
        "timestamp": "2026-11-29T10:00:00Z", "data": data,
    })
    .to_string()
}

#[test]
fn events_ids_and_errors_are_shown_and_not_obeyed() {
    let dir = tempfile::tempdir().unwrap();
    let kinds = [
        ("llm_text_delta", json!({ "content": TEXT })),
        ("client_output_delta", json!({ "content": TEXT })),
        ("execution_started", json!({ "input": { "text": TEXT }, "definition": TEXT })),
        ("tool_call_started", json!({ "tool_name": TEXT, "tool_use_id": TEXT, "tool_input": { "a": TEXT } })),
        (
            "tool_call_completed",
            json!({ "tool_name": TEXT, "tool_use_id": TEXT, "result": TEXT, "is_error": true }),
        ),
        ("node_internal_output", json!({ "content": TEXT })),
        ("llm_turn_completed", json!({ "finish_reason": TEXT })),
        ("attempt_superseded", json!({ "attempt": 1, "reason": TEXT })),
        ("x_custom", json!({ TEXT: TEXT })),
        ("execution_failed", json!({ "error": TEXT })),
    ];
    let mut lines: String = kinds.iter().map(|(kind, data)| event(kind, data) + "\n").collect();
    lines.push_str(&event(TEXT, &json!({})));
    let file = dir.path().join("events.jsonl");
    std::fs::write(&file, lines).unwrap();
    let input = std::fs::File::open(&file).unwrap();
    let published = Command::new(env!("CARGO_BIN_EXE_runbus"))
        .current_dir(dir.path())
        .args(["publish", "--stdin", "--keep-going"])
        .stdin(input)
        .output()
        .unwrap();
    let said = harmless(&published, &["publish"]);
    assert!(said.contains("events are durable"), "{said}");

    let shown = ["history", "--oldest", "--limit", "100"];
    let said = harmless(&runbus(dir.path(), &shown), &shown);
    assert!(said.contains("\\x1b") && said.contains("\\u{202e}"), "{said}");
    for arguments in [
        &["history", "--json"][..],
        &["stats"],
        &["stats", "--json"],
        &["tail", "--since", "all", "--execution", ID, "--until-end"],
        &["tail", "--since", "snapshot", "--execution", ID, "--until-end"],
        &["wait", "--execution", ID, "--timeout", "1"],
        &["wait", "--type", TEXT, "--timeout", "1"],
        &["session", "show", ID],
        &["session", "messages", ID],
        &["session", "pending", ID],
        &["session", "resume", ID],
        &["session", "close", ID],
        &["session", "show", TEXT],
        &["cancel", ID],
        &["pause", ID],
        &["unpause", ID],
        &["approvals", "list", ID],
        &["approvals", "approve", ID],
        &["answer", ID, TEXT],
        &["dead-letters", "retry", ID],
        &["start", TEXT],
        &["start", "council", "--execution", TEXT],
        &["auth", "new", "--name", TEXT],
        &["doctor", "--set", "mcp.servers.a.command=/nowhere\u{1b}[31m"],
        &["doctor", "--config", "no\u{1b}[31mfile"],
        &["--set", "no.such\u{1b}[31m=1", "stats"],
        &["no\u{1b}such"],
        &["history", "--limit", "\u{1b}[31m"],
    ] {
        harmless(&runbus(dir.path(), arguments), arguments);
    }
}

#[test]
fn a_log_entry_is_one_line() {
    let dir = tempfile::tempdir().unwrap();
    for format in ["text", "json"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_runbus"))
            .current_dir(dir.path())
            .args(["publish", "--stdin", "--set", &format!("telemetry.format={format}")])
            .args(["--set", "telemetry.filter=trace"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = [event(TEXT, &json!({})), event("x", &json!(TEXT))].join("\n");
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), lines.as_bytes()).unwrap();
        harmless(&child.wait_with_output().unwrap(), &["publish", format]);
    }
}
