//! From events to the frames of a run. Pure.
//!
//! A client gets events from its connection on, not earlier ones: events up to there are folded in
//! silence, so that it hears which node is at work and, if the run has ended, how.

use std::collections::BTreeMap;

use runbus::event::{Event, Payload};
use runbus::execution::{Execution, Folded, fold_event};
use runbus::id::NodeId;
use serde_json::Value;

use super::{frames, view};
use crate::config::dropin::Config;
use crate::limits;

/// A run, as far as its events were read.
#[derive(Debug)]
pub struct Run {
    names: Config,
    /// Its state before its events were read.
    known: Execution,
    /// The state of its events.
    run: Option<Execution>,
    /// The events from before the client connected are read.
    live: bool,
    /// The client has had the message that the run waits.
    told_paused: bool,
    /// The node that waits for a person, or was at work last.
    node: Option<NodeId>,
    /// The last text that a node wrote.
    draft: Option<String>,
    /// The last score that a node gave.
    score: Value,
    /// The scores of nodes that have not ended.
    scores: BTreeMap<NodeId, Value>,
    ended: bool,
}

impl Run {
    /// Before its first event.
    #[must_use]
    pub const fn new(known: Execution, names: Config) -> Self {
        Self {
            names,
            known,
            run: None,
            live: false,
            told_paused: false,
            node: None,
            draft: None,
            score: Value::Null,
            scores: BTreeMap::new(),
            ended: false,
        }
    }

    /// Whether its end was sent.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        self.ended
    }

    /// Earlier events do not count.
    fn forget(&mut self) {
        (self.node, self.draft, self.score) = (None, None, Value::Null);
        self.scores.clear();
        // It was external when the client came, and Runbus runs it now.
        if let Some(own) = self.run.as_ref().filter(|run| self.known.external && !run.external) {
            self.known.clone_from(own);
        }
    }

    /// The frame of a `gap`, or of an `undecodable` line.
    #[must_use]
    pub fn notice(&self, kind: &str, json: &str) -> String {
        frames::notice(self.id(), kind, json)
    }

    fn id(&self) -> &str {
        self.known.execution_id.as_str()
    }

    /// The frames of the next event.
    pub fn event(&mut self, event: &Event, external: bool) -> Vec<String> {
        if external && !self.known.external {
            return Vec::new();
        }
        match fold_event(&mut self.run, event, external) {
            Folded::Begins => self.forget(),
            Folded::Counts => {}
            Folded::Nothing => return Vec::new(),
        }
        let mut said = self.note(event);
        if let Some(ending) = self.run.as_ref().and_then(|run| frames::ending(run, &self.names)) {
            self.ended = true;
            return vec![ending];
        }
        if !self.live {
            return Vec::new();
        }
        said.extend(self.paused());
        said
    }

    /// The client has the state at its connection.
    pub fn caught_up(&mut self) -> Vec<String> {
        if self.live || self.ended {
            return Vec::new();
        }
        self.live = true;
        // The log may have lost the end of an old run; its status has not.
        if let Some(ending) = frames::ending(&self.known, &self.names) {
            self.ended = true;
            return vec![ending];
        }
        let run = self.run.as_ref();
        let active = run.and_then(|run| Some((run.active_node.as_ref()?, run.iteration)));
        let active =
            active.map(|(node, iteration)| frames::node("node_active", self.id(), node.as_str(), iteration));
        active.into_iter().chain(self.paused()).collect()
    }

    /// Folds an event of a node.
    fn note(&mut self, event: &Event) -> Vec<String> {
        let (Some(node), Ok(payload)) = (&event.node_id, event.payload()) else { return Vec::new() };
        let (id, name) = (self.known.execution_id.as_str(), node.as_str());
        match payload {
            Payload::NodeLoopStarted(started) => {
                let iteration = started.iteration.or(self.run.as_ref().and_then(|run| run.iteration));
                self.node = Some(node.clone());
                ["node_start", "node_active"].map(|event| frames::node(event, id, name, iteration)).into()
            }
            Payload::LlmTurnCompleted(turn) => {
                // A score is no draft: whether it is one is known with the node's output.
                if let Some(content) = turn.content.filter(|content| !content.trim_start().starts_with('{')) {
                    self.draft = Some(content);
                }
                Vec::new()
            }
            Payload::NodeInternalOutput(output) => {
                let score = output.output.as_ref().and_then(|output| output.get(&self.names.council_score));
                match score {
                    Some(score) => {
                        self.score = score.clone();
                        if self.scores.len() < limits::TRANSLATED_NODES {
                            self.scores.insert(node.clone(), score.clone());
                        }
                    }
                    None => self.draft = Some(output.content),
                }
                Vec::new()
            }
            Payload::NodeLoopCompleted(_) => {
                let score = self.scores.remove(node).unwrap_or_default();
                vec![frames::node_complete(id, name, &score)]
            }
            Payload::ToolApprovalRequested(_) | Payload::ClientInputRequested(_) => {
                self.node = Some(node.clone());
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// Whether the run waits, when the client does not know.
    fn paused(&mut self) -> Option<String> {
        let run = self.run.as_ref()?;
        let is_paused = view::is_paused(run.status);
        if is_paused == self.told_paused {
            return None;
        }
        self.told_paused = is_paused;
        let node = self.node.as_ref().or(run.active_node.as_ref()).map(NodeId::as_str);
        Some(if is_paused {
            frames::run_paused(self.id(), node, self.draft.as_deref(), &self.score)
        } else {
            frames::run_resumed(self.id())
        })
    }
}

#[cfg(test)]
mod tests {
    use runbus::event::Source;
    use runbus::event::family::{execution, node, tool};
    use runbus::id::{ExecutionId, StreamId};
    use runbus::time::Clock;
    use serde_json::json;

    use super::*;

    fn source() -> Source {
        let (stream, id) = (StreamId::new("council").unwrap(), ExecutionId::new("r").unwrap());
        Source::execution(stream, id, Clock::System)
    }

    fn of(node: &str) -> Source {
        source().node(NodeId::new(node).unwrap())
    }

    fn known(event: &Event) -> Execution {
        let mut known = None;
        fold_event(&mut known, event, false);
        known.unwrap()
    }

    fn run() -> Run {
        let queued = source().execution_queued(execution::Queued::default());
        Run::new(known(&queued), Config::default())
    }

    fn json(frames: Vec<String>) -> Vec<Value> {
        frames.iter().map(|frame| serde_json::from_str(frame).unwrap()).collect()
    }

    fn started(node: &str, iteration: u32) -> Event {
        of(node).node_loop_started(node::LoopStarted { max_iterations: None, iteration: Some(iteration) })
    }

    fn wrote(node: &str, content: &str, output: Option<Value>) -> Event {
        of(node).node_internal_output(node::InternalOutput { content: content.into(), output })
    }

    fn ended(node: &str) -> Event {
        of(node).node_loop_completed(node::LoopCompleted { iterations: 1 })
    }

    fn completed() -> Event {
        let output = json!({
            "output": "final", "node": "writer_agent", "iterations": 2,
            "outputs": { "critic_agent": { "score": 8.5 } },
        });
        source().execution_completed(execution::Completed { output })
    }

    #[test]
    fn a_run_is_sent_as_it_happens() {
        let mut run = run();
        assert!(run.caught_up().is_empty() && run.caught_up().is_empty());
        let said = json(run.event(&started("master_agent", 1), false));
        let active = json!({ "event": "node_active", "run_id": "r", "node": "master_agent", "iteration": 1 });
        assert_eq!((said[0]["event"].as_str(), &said[1]), (Some("node_start"), &active));
        assert!(run.event(&wrote("master_agent", "a draft", None), false).is_empty());
        let said = json(run.event(&ended("master_agent"), false));
        let complete = |node: &str, score: Value| {
            vec![json!({ "event": "node_complete", "run_id": "r", "node": node, "score": score })]
        };
        assert_eq!(said, complete("master_agent", Value::Null));
        run.event(&started("critic_agent", 1), false);
        run.event(&wrote("critic_agent", "{}", Some(json!({ "score": 6.5 }))), false);
        assert_eq!(json(run.event(&ended("critic_agent"), false)), complete("critic_agent", json!(6.5)));
        let paused = json(run.event(&source().execution_paused(execution::Paused { reason: None }), false));
        let expected = json!({
            "event": "run_paused", "run_id": "r", "next_nodes": ["critic_agent"], "current_draft": "a draft",
            "critic_score": 6.5,
        });
        assert_eq!(paused, [expected]);
        let resumed = source().execution_resumed(execution::Resumed { reason: None });
        assert_eq!(json(run.event(&resumed, false)), [json!({ "event": "run_resumed", "run_id": "r" })]);
        let end = json!({
            "event": "run_complete", "run_id": "r", "final_draft": "final", "critic_score": 8.5,
            "iteration_count": 2,
        });
        assert_eq!((json(run.event(&completed(), false)), run.has_ended()), (vec![end], true));
    }

    #[test]
    fn a_later_client_gets_the_state_and_the_last_one_the_end() {
        let mut late = run();
        for event in [started("master_agent", 1), ended("master_agent"), started("critic_agent", 2)] {
            assert!(late.event(&event, false).is_empty());
        }
        let active = json!({ "event": "node_active", "run_id": "r", "node": "critic_agent", "iteration": 2 });
        assert_eq!(json(late.caught_up()), [active]);

        let mut last = run();
        last.event(&started("master_agent", 1), false);
        assert_eq!(json(last.event(&completed(), false))[0]["event"], "run_complete");
        assert!(last.caught_up().is_empty());

        let mut forgotten = Run::new(known(&completed()), Config::default());
        assert_eq!(json(forgotten.caught_up())[0]["event"], "run_complete");
    }

    #[test]
    fn an_approval_pauses_and_failures_are_sent() {
        let mut run = run();
        run.caught_up();
        run.event(&started("master_agent", 1), false);
        let asked = tool::ApprovalRequested {
            approval_id: "a".into(),
            tool_use_id: "c".into(),
            tool_name: "publish".into(),
            tool_input: json!({}),
            arguments_digest: None,
            expires_at: None,
            below: None,
        };
        let said = json(run.event(&of("master_agent").tool_approval_requested(asked), false));
        assert_eq!((said.len(), &said[0]["next_nodes"]), (1, &json!(["master_agent"])));
        let cancelled = source().execution_cancelled(execution::Cancelled { reason: None });
        let failed = json!({ "event": "run_failed", "run_id": "r", "error": "cancelled" });
        assert_eq!(json(run.event(&cancelled, false)), [failed]);
    }

    #[test]
    fn names_are_configurable() {
        let names = Config {
            council_final_draft: "/text".into(),
            council_critic_score: "/points".into(),
            council_iteration_count: "/rounds".into(),
            ..Config::default()
        };
        let output = json!({ "text": "t", "points": 3, "rounds": 4 });
        let event = source().execution_completed(execution::Completed { output });
        let mut run = Run::new(known(&event), names);
        let said = json(run.event(&event, false));
        let found = ["final_draft", "critic_score", "iteration_count"].map(|name| said[0][name].clone());
        assert_eq!(found, [json!("t"), json!(3), json!(4)]);
    }

    #[test]
    fn external_events_about_it_are_not_sent() {
        let mut run = run();
        run.caught_up();
        assert!(run.event(&started("master_agent", 1), true).is_empty());
        assert!(run.event(&completed(), true).is_empty() && !run.has_ended());
    }
}
