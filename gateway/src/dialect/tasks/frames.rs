//! The server's frames on `/ws/tasks/{task_id}`.

use runbus::event::Event;
use runbus::execution::{Execution, Status};
use runbus::time::Timestamp;
use serde_json::{Value, json};

/// Sent first.
#[must_use]
pub fn connected(task: &str) -> String {
    json!({ "type": "connected", "task_id": task }).to_string()
}

/// The answer to `ping`.
#[must_use]
pub fn pong() -> String {
    json!({ "type": "pong" }).to_string()
}

/// An error.
#[must_use]
pub fn error(message: &str) -> String {
    json!({ "type": "error", "data": { "message": message } }).to_string()
}

/// Nothing would run the task.
#[must_use]
pub fn no_agent(task: &str) -> String {
    error(&format!("No agent available for task {task}"))
}

/// An event. Its `data` is the event's own, with the event's `node_id` before it.
#[must_use]
pub fn step(event: &Event, step: u32) -> String {
    let data = event.data.get();
    let Some(node) = &event.node_id else {
        return raw_step(event.kind.as_str(), step, data, event.timestamp);
    };
    // Of two fields with one name parsers take the last: a payload that has the field keeps its own.
    let rest = data.strip_prefix('{').unwrap_or("}");
    let comma = if rest.trim_start().starts_with('}') { "" } else { "," };
    let data = format!("{{\"node_id\":{}{comma}{rest}", Value::from(node.as_str()));
    raw_step(event.kind.as_str(), step, &data, event.timestamp)
}

/// A notice that has its place among events.
#[must_use]
pub fn raw_step(kind: &str, step: u32, data: &str, at: Timestamp) -> String {
    format!(
        r#"{{"type":"step","data":{{"event_type":"{kind}","step":{step},"data":{data},"timestamp":"{at}"}}}}"#
    )
}

/// How a task has ended; `None`: it has not.
#[must_use]
pub fn ending(task: &str, run: &Execution) -> Option<String> {
    Some(match run.status {
        Status::Completed => {
            // Agents and graphs of Runbus put what they came to into this field.
            let output = run.output.as_ref();
            let output = output.and_then(|output| output.get("output")).or(output);
            let tokens = run.usage.as_ref().map_or(0, |usage| usage.total_tokens);
            let data = json!({ "output": output, "total_steps": run.rounds, "total_tokens": tokens });
            json!({ "type": "result", "data": data }).to_string()
        }
        Status::Cancelled => {
            json!({ "type": "result", "data": { "status": "cancelled", "task_id": task } }).to_string()
        }
        Status::Failed => match run.error.as_ref() {
            Some(why) if why.get("code").is_some_and(|code| code == "unknown_definition") => no_agent(task),
            why => error(&super::super::error_text::reason(why)),
        },
        _ => return None,
    })
}
