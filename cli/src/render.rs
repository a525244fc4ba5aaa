//! Events for people: one line an event, tokens as running text.

use std::io;

use runbus::bus::{Delivered, Delivery};
use runbus::event::{Event, Payload};
use runbus::session::part::{self, Content};
use serde_json::Value;

use crate::output::{self, Line};

const TEXT_CHARS: usize = 160;

/// Prints deliveries one after the other.
#[derive(Debug)]
pub(crate) struct Printer {
    json: bool,
    colour: bool,
    /// The stream of tokens that the last line belongs to, while it is open.
    open: Option<String>,
}

impl Printer {
    /// For programs (`json`), or for people.
    #[must_use]
    pub(crate) fn new(json: bool) -> Self {
        Self { json, colour: !json && output::is_terminal(), open: None }
    }

    /// Prints one.
    ///
    /// # Errors
    /// Nobody reads it any more.
    pub(crate) fn print(&mut self, delivery: &Delivery) -> io::Result<()> {
        if self.json {
            return as_json(delivery);
        }
        match delivery {
            Delivery::Event(delivered) => self.event(delivered),
            Delivery::Undecodable(found) => {
                let raw = String::from_utf8_lossy(&found.line);
                self.line(&format!("?? undecodable at {}: {} | {}", found.seq, found.reason, short(&raw)))
            }
            Delivery::Gap(gap) => self.line(&format!(
                "-- gap in shard {}: asked for {}, goes on at {} ({:?})",
                gap.shard, gap.requested.sequence, gap.first_available, gap.reason
            )),
            Delivery::CaughtUp => Ok(()),
        }
    }

    /// Ends an open line of tokens.
    ///
    /// # Errors
    /// Nobody reads it any more.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        if self.open.take().is_some() { output::end() } else { Ok(()) }
    }

    fn line(&mut self, text: &str) -> io::Result<()> {
        self.finish()?;
        output::line(text)
    }

    fn event(&mut self, delivered: &Delivered) -> io::Result<()> {
        let event = &delivered.event;
        let payload = event.payload();
        let (label, piece) = match &payload {
            Ok(Payload::LlmTextDelta(delta)) => ("writes".into(), &delta.content),
            Ok(Payload::ClientOutputDelta(delta)) => ("says".into(), &delta.content),
            Ok(Payload::LlmReasoningDelta(delta)) => ("thinks".into(), &delta.content),
            Ok(Payload::ToolCallDelta(delta)) => (format!("calls {}", delta.tool_name), &delta.arguments),
            _ => {
                let what = payload
                    .map_or_else(|_mismatch| short(event.data.get()), |payload| about(event, &payload));
                self.finish()?;
                return output::styled(&self.head(event).plain(" ").dim(&what));
            }
        };
        let stream = format!("{:?} {:?} {label}", event.execution_id, event.node_id);
        if self.open.as_ref() != Some(&stream) {
            self.finish()?;
            let node = event.node_id.as_ref().map_or("-", |id| id.as_str());
            output::open(&self.time(event).plain(" ").bold(node).plain(&format!(" {label}: ")))?;
            self.open = Some(stream);
        }
        output::running(piece)
    }

    fn head(&self, event: &Event) -> Line {
        let node =
            event.node_id.as_ref().or(None).map_or_else(|| event.stream_id.to_string(), ToString::to_string);
        self.time(event).plain(" ").bold(&node).plain(&format!(" {}", event.kind))
    }

    fn time(&self, event: &Event) -> Line {
        let time = event.timestamp.to_string();
        Line::new(self.colour).dim(time.get(11..23).unwrap_or(&time))
    }
}

/// An event as readers get it: the stored line as it is, with its place. Of two fields with one name parsers take the last: no publisher can
/// give its event another place.
fn text(delivered: &Delivered) -> String {
    let line = delivered.line.trim_ascii_end();
    let line = line.strip_suffix('}').unwrap_or(line);
    let external = if delivered.external { ",\"external\":true" } else { "" };
    format!("{line},\"seq\":{}{external},\"cursor\":\"{}\"}}", delivered.seq, delivered.cursor)
}

fn as_json(delivery: &Delivery) -> io::Result<()> {
    match delivery {
        Delivery::Event(delivered) => output::json_text(&text(delivered)),
        Delivery::Undecodable(found) => output::line(&found.json()),
        Delivery::Gap(gap) => output::json(&serde_json::json!({
            "type": "gap",
            "shard": gap.shard.0,
            "requested": gap.requested.sequence,
            "first_available": gap.first_available,
            "reason": gap.reason,
        })),
        Delivery::CaughtUp => Ok(()),
    }
}

/// A text on one line, cut when it is long.
#[must_use]
pub(crate) fn short(text: &str) -> String {
    let flat: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(TEXT_CHARS).collect();
    if text.chars().count() > TEXT_CHARS { format!("{flat}...") } else { flat }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => short(text),
        other => short(&other.to_string()),
    }
}

fn about(event: &Event, payload: &Payload) -> String {
    match payload {
        Payload::ExecutionStarted(started) => {
            let id = event.execution_id.as_ref().map_or("", |id| id.as_str());
            match part::of_input(&started.input) {
                Some(parts) => format!("{id} {}", short(&Content::Parts(parts).described())),
                None => format!("{id} {}", plain(&started.input)),
            }
        }
        Payload::ExecutionWaiting(waiting) => format!("for {}", waiting.waits_for),
        Payload::ExecutionCompleted(completed) => plain(&completed.output),
        Payload::ExecutionFailed(failed) => plain(&failed.error),
        Payload::NodeLoopStarted(node) => node.iteration.map_or_else(String::new, |n| format!("pass {n}")),
        Payload::NodeLoopIteration(node) => format!("round {}", node.iteration),
        Payload::NodeLoopCompleted(_) => String::new(),
        Payload::NodeInternalOutput(output) => short(&output.content),
        Payload::LlmTurnCompleted(turn) => {
            let tokens = turn.usage.as_ref().map_or(0, |usage| usage.total_tokens);
            format!("{} {tokens} tokens", turn.finish_reason.as_deref().unwrap_or("-"))
        }
        Payload::UsageUpdated(used) => {
            format!("{} tokens in {} rounds", used.usage.total_tokens, used.rounds)
        }
        Payload::ToolCallStarted(call) => format!("{} {}", call.tool_name, plain(&call.tool_input)),
        Payload::ToolCallCompleted(call) => {
            format!(
                "{}{} {}",
                call.tool_name,
                if call.is_error { " failed" } else { "" },
                plain(&call.result)
            )
        }
        Payload::AttemptSuperseded(attempt) => {
            format!("attempt {} goes on: {}", attempt.attempt, attempt.reason)
        }
        _ => {
            if event.data.get() == "{}" {
                String::new()
            } else {
                short(event.data.get())
            }
        }
    }
}
