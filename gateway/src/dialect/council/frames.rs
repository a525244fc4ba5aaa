//! The server's frames on `/ws/council/{run_id}`.

use runbus::execution::{Execution, Status};
use serde_json::{Value, json};

use super::view::{self, Outcome};
use crate::config::dropin::Config;

/// Sent first.
#[must_use]
pub fn connected(run: &str, status: Status) -> String {
    json!({ "event": "connected", "run_id": run, "status": view::status(status) }).to_string()
}

/// An error of the connection.
#[must_use]
pub fn error(message: &str) -> String {
    json!({ "event": "error", "message": message }).to_string()
}

/// A `gap`, or an `undecodable` line: this protocol has no frame for it, and its clients ignore frames that they do not know.
#[must_use]
pub fn notice(run: &str, kind: &str, notice: &str) -> String {
    let details: Value = runbus::json::from_str(notice).unwrap_or_default();
    json!({ "event": kind, "run_id": run, "details": details }).to_string()
}

/// The run does not exist.
#[must_use]
pub fn unknown(run: &str) -> String {
    format!("Run '{run}' not found.")
}

/// A node began (`node_start`), or is the one at work (`node_active`).
#[must_use]
pub fn node(event: &str, run: &str, node: &str, iteration: Option<u32>) -> String {
    json!({ "event": event, "run_id": run, "node": node, "iteration": iteration }).to_string()
}

/// A node ended; the score is `null` when it gave none.
#[must_use]
pub fn node_complete(run: &str, node: &str, score: &Value) -> String {
    json!({ "event": "node_complete", "run_id": run, "node": node, "score": score }).to_string()
}

/// The run waits for a person, who sees the draft so far.
#[must_use]
pub fn run_paused(run: &str, next: Option<&str>, draft: Option<&str>, score: &Value) -> String {
    let next: Vec<&str> = next.into_iter().collect();
    json!({
        "event": "run_paused", "run_id": run, "next_nodes": next, "current_draft": draft, "critic_score": score,
    })
    .to_string()
}

/// It goes on.
#[must_use]
pub fn run_resumed(run: &str) -> String {
    json!({ "event": "run_resumed", "run_id": run }).to_string()
}

/// How a run has ended; `None`: it has not.
#[must_use]
pub fn ending(run: &Execution, names: &Config) -> Option<String> {
    if !run.status.is_terminal() {
        return None;
    }
    let (id, outcome) = (run.execution_id.as_str(), Outcome::of(run, names));
    Some(match outcome.error {
        Some(error) => json!({ "event": "run_failed", "run_id": id, "error": error }).to_string(),
        None => json!({
            "event": "run_complete",
            "run_id": id,
            "final_draft": outcome.final_draft,
            "critic_score": outcome.critic_score,
            "iteration_count": outcome.iteration_count,
        })
        .to_string(),
    })
}
