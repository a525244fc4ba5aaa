//! From events to the frames of a task. Pure: the same events give the same frames, for every caller at every gateway.

use std::collections::BTreeMap;

use runbus::event::{Event, Kind};
use runbus::execution::{Execution, Folded, fold_event};
use runbus::id::{ExecutionId, NodeId};
use runbus::time::Timestamp;

use super::frames;
use crate::limits;

/// A task, as far as its events were read.
#[derive(Debug)]
pub struct Task {
    id: ExecutionId,
    /// Its state before its events were read.
    known: Option<Execution>,
    /// Runbus runs it: external events about it are not sent.
    own: bool,
    /// The state of its events.
    run: Option<Execution>,
    /// Calls of models that were begun.
    begun: u32,
    /// The last call of each node, and whether it goes on.
    rounds: BTreeMap<Option<NodeId>, (u32, bool)>,
    /// The frame that ended it.
    ending: Option<String>,
}

impl Task {
    /// Before its first event; `own`: Runbus runs it.
    #[must_use]
    pub const fn new(id: ExecutionId, known: Option<Execution>, own: bool) -> Self {
        Self { id, known, own, run: None, begun: 0, rounds: BTreeMap::new(), ending: None }
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> &ExecutionId {
        &self.id
    }

    /// The frame that ended it; `None`: it has not ended.
    #[must_use]
    pub fn ending(&self) -> Option<&str> {
        self.ending.as_deref()
    }

    /// The frame of the next event; `None`: it is none of its own.
    pub fn event(&mut self, event: &Event, external: bool) -> Option<String> {
        if self.own && external {
            return None;
        }
        match fold_event(&mut self.run, event, external) {
            Folded::Begins => {
                (self.begun, self.ending) = (0, None);
                self.rounds.clear();
                self.own |= !external;
            }
            Folded::Counts => {}
            Folded::Nothing => return None,
        }
        let step = self.step(event);
        let ending = self.run.as_ref().and_then(|run| frames::ending(self.id.as_str(), run));
        Some(match ending {
            Some(ending) => self.ending.insert(ending).clone(),
            None => frames::step(event, step),
        })
    }

    /// The frame of a `gap`, or of an `undecodable` line, which is a step like others: these clients have no message for it.
    #[must_use]
    pub fn notice(&self, kind: &str, json: &str, at: Timestamp) -> String {
        frames::raw_step(kind, self.begun, json, at)
    }

    /// All stored events were read; the ending that should have been among them, when it is there no more.
    pub fn caught_up(&mut self) -> Option<String> {
        if self.ending.is_some() {
            return None;
        }
        self.ending = self.known.as_ref().and_then(|run| frames::ending(self.id.as_str(), run));
        self.ending.clone()
    }

    /// The call of a model that an event belongs to, counted from 1; 0 before the first one.
    fn step(&mut self, event: &Event) -> u32 {
        let goes_on = match event.kind {
            Kind::NodeLoopIteration
            | Kind::LlmTextDelta
            | Kind::LlmReasoningDelta
            | Kind::ClientOutputDelta
            | Kind::ToolCallDelta
            | Kind::LlmRetry => Some(true),
            Kind::LlmTurnCompleted => Some(false),
            _ => None,
        };
        let last = self.rounds.get(&event.node_id).copied();
        let Some(goes_on) = goes_on else {
            return last.map_or(self.begun, |(step, _)| step);
        };
        let step = match last {
            Some((step, true)) => step,
            _ => {
                self.begun += 1;
                self.begun
            }
        };
        // Other producers may have any number of nodes.
        if self.rounds.len() >= limits::TRANSLATED_NODES && last.is_none() {
            self.rounds.pop_first();
        }
        self.rounds.insert(event.node_id.clone(), (step, goes_on));
        step
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use runbus::event::Source;
    use runbus::event::family::{execution, model, node, tool};
    use runbus::id::StreamId;
    use runbus::time::Clock;
    use serde_json::{Value, json};

    use super::*;

    fn source() -> Source {
        let (stream, id) = (StreamId::new("s").unwrap(), ExecutionId::new("t").unwrap());
        Source::execution(stream, id, Clock::System)
    }

    fn task() -> Task {
        Task::new(ExecutionId::new("t").unwrap(), None, true)
    }

    fn said(task: &mut Task, event: &Event) -> Value {
        serde_json::from_str(&task.event(event, false).unwrap()).unwrap()
    }

    fn delta(text: &str) -> model::TextDelta {
        model::TextDelta { content: text.into(), snapshot: None }
    }

    fn turn() -> model::TurnCompleted {
        model::TurnCompleted::default()
    }

    #[test]
    fn steps_count_the_calls_of_models_and_the_result_ends_them() {
        let (source, mut task) = (source(), task());
        let agent = self::source().node(NodeId::new("agent").unwrap());
        let usage = model::Usage { total_tokens: 12, ..model::Usage::default() };
        let called =
            tool::CallStarted { tool_use_id: "c".into(), tool_name: "clock".into(), tool_input: json!({}) };
        let started = execution::Started { input: json!("hi"), definition: None };
        for (event, kind, step) in [
            (source.execution_started(started), "execution_started", 0),
            (
                agent.node_loop_iteration(node::LoopIteration { iteration: 1, message_id: None }),
                "node_loop_iteration",
                1,
            ),
            (agent.llm_text_delta(delta("a")), "llm_text_delta", 1),
            (agent.llm_turn_completed(turn()), "llm_turn_completed", 1),
            (agent.tool_call_started(called), "tool_call_started", 1),
            (agent.llm_text_delta(delta("b")), "llm_text_delta", 2),
            (agent.llm_turn_completed(turn()), "llm_turn_completed", 2),
            (agent.usage_updated(model::UsageUpdated { usage, rounds: 2, below: None }), "usage_updated", 2),
        ] {
            let frame = said(&mut task, &event);
            assert_eq!((&frame["type"], frame.as_object().unwrap().len()), (&json!("step"), 2));
            let data = frame["data"].as_object().unwrap();
            let names: BTreeSet<&str> = data.keys().map(String::as_str).collect();
            assert_eq!(names, ["data", "event_type", "step", "timestamp"].into());
            assert_eq!((&data["event_type"], &data["step"]), (&json!(kind), &json!(step)), "{frame}");
            assert_eq!(data["timestamp"], json!(event.timestamp.to_string()));
        }
        let output = json!({ "output": "done" });
        let end = said(&mut task, &source.execution_completed(execution::Completed { output }));
        let data = json!({ "output": "done", "total_steps": 2, "total_tokens": 12 });
        assert_eq!(end, json!({ "type": "result", "data": data }));
        assert_eq!(task.ending().map(|text| serde_json::from_str::<Value>(text).unwrap()), Some(end));
    }

    #[test]
    fn data_is_the_events_own_with_its_node() {
        let agent = source().node(NodeId::new("a \"quoted\" one").unwrap());
        let frame = said(&mut task(), &agent.llm_text_delta(delta("x")));
        assert_eq!(frame["data"]["data"], json!({ "node_id": "a \"quoted\" one", "content": "x" }));
        for (data, expected) in [("{}", json!("n")), ("{ \n }", json!("n")), ("{\"node_id\":1}", json!(1))] {
            let line = format!(
                r#"{{"id":"{}","type":"x","stream_id":"s","execution_id":"t","node_id":"n","data":{data},"timestamp":"2026-01-01T00:00:00Z"}}"#,
                runbus::id::EventId::generate()
            );
            let frame = said(&mut task(), &Event::decode(line.as_bytes()).unwrap());
            assert_eq!(frame["data"]["data"]["node_id"], expected);
        }
    }

    #[test]
    fn every_end_has_its_frame() {
        let source = source();
        let failed = |error: Value| source.execution_failed(execution::Failed { error });
        let cancelled = source.execution_cancelled(execution::Cancelled { reason: None });
        for (event, expected) in [
            (cancelled, json!({ "type": "result", "data": { "status": "cancelled", "task_id": "t" } })),
            (failed(json!("boom")), json!({ "type": "error", "data": { "message": "boom" } })),
            (
                failed(json!({ "code": "x", "message": "no" })),
                json!({ "type": "error", "data": { "message": "no" } }),
            ),
            (
                failed(json!({ "code": "unknown_definition", "message": "no" })),
                json!({ "type": "error", "data": { "message": "No agent available for task t" } }),
            ),
            (
                source.execution_completed(execution::Completed { output: json!(7) }),
                json!({ "type": "result", "data": { "output": 7, "total_steps": 0, "total_tokens": 0 } }),
            ),
        ] {
            assert_eq!(said(&mut task(), &event), expected);
        }
    }

    #[test]
    fn an_end_that_the_log_no_longer_has_is_sent_from_the_status() {
        let mut known = None;
        fold_event(&mut known, &source().execution_cancelled(execution::Cancelled { reason: None }), false);
        let mut task = Task::new(ExecutionId::new("t").unwrap(), known, true);
        assert!(task.caught_up().unwrap().contains("cancelled"));
        assert!(task.ending().is_some() && task.caught_up().is_none());
    }

    #[test]
    fn external_events_about_it_are_not_sent() {
        let source = source();
        let delta = source.node(NodeId::new("agent").unwrap()).llm_text_delta(delta("psst"));
        let end = source.execution_completed(execution::Completed { output: json!("forged") });
        let mut own = task();
        assert_eq!((own.event(&delta, true), own.event(&end, true), own.ending()), (None, None, None));
        // Others began to tell it, then Runbus did.
        let mut theirs = Task::new(ExecutionId::new("t").unwrap(), None, false);
        assert!(theirs.event(&end, true).is_some() && theirs.ending().is_some());
        assert!(theirs.event(&source.execution_queued(execution::Queued::default()), false).is_some());
        assert_eq!((theirs.event(&end, true), theirs.ending()), (None, None));
    }

    proptest! {
        /// For any event of a publisher: a frame is JSON, of the one shape.
        #[test]
        fn any_event_becomes_a_frame(kind in "[a-z][a-z_]{0,12}", node in proptest::option::of("\\PC{1,8}"), key in "\\PC{0,5}", value in "\\PC{0,9}") {
            let data = json!({ key: value });
            let mut event = json!({
                "id": runbus::id::EventId::generate(), "type": kind, "stream_id": "s", "execution_id": "t",
                "data": data, "timestamp": "2026-01-01T00:00:00Z",
            });
            if let Some(node) = node {
                event["node_id"] = node.into();
            }
            if let Ok(event) = Event::decode(event.to_string().as_bytes()) {
                let frame = said(&mut task(), &event);
                prop_assert!(["step", "result", "error"].contains(&frame["type"].as_str().unwrap()));
            }
        }
    }
}
