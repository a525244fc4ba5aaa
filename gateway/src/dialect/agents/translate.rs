//! From events and monitors to the messages of an agent. Pure.

use std::collections::{BTreeMap, VecDeque};

use runbus::control::addressed;
use runbus::event::{Class, Event, Payload};
use runbus::id::{ExecutionId, StreamId};
use runbus::monitor::Monitor;
use runbus::time::Timestamp;
use serde_json::{Map, Value};

use super::approval::{Record, Status};
use super::envelope::envelope;
use super::snapshot;
use crate::limits;

/// The note of an expired approval.
const EXPIRED: &str = "expired";

/// An agent, or all of them, as one client knows it.
#[derive(Debug)]
pub struct Agent {
    stream: Option<StreamId>,
    /// Approvals that wait: a decision's event does not contain the request.
    pending: BTreeMap<String, Record>,
    /// The last executions that Runbus is known to run: their external events are not sent.
    own: VecDeque<ExecutionId>,
}

impl Agent {
    /// Before anything was said; `None`: all agents.
    #[must_use]
    pub const fn new(stream: Option<StreamId>) -> Self {
        Self { stream, pending: BTreeMap::new(), own: VecDeque::new() }
    }

    /// Its id; `None`: all agents.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.stream.as_ref().map(StreamId::as_str)
    }

    /// The approval that a call waits for.
    #[must_use]
    pub fn approval_of(&self, call: &str) -> Option<&str> {
        let of_call = || self.pending.values().filter(|record| record.tool_call_id == call);
        // External events may name any call; only Runbus's approvals can be decided.
        let own = of_call().find(|record| addressed(&record.id).is_some());
        own.or_else(|| of_call().next()).map(|record| record.id.as_str())
    }

    /// The message of the next event; `None` for deltas, which this protocol leaves to others, and for external events about
    /// executions that Runbus runs.
    pub fn event(&mut self, event: &Event, external: bool) -> Option<String> {
        if event.kind.class() == Class::Coalescible {
            return None;
        }
        match &event.execution_id {
            Some(id) if !external => self.runs(id),
            Some(id) if self.own.contains(id) => return None,
            _ => {}
        }
        if external && names_own_approval(event) {
            return None;
        }
        let at = event.timestamp;
        let record = match event.payload() {
            // The execution below is of the same stream, and tells it itself.
            Ok(Payload::ToolApprovalRequested(asked)) if asked.below.is_some() => return None,
            Ok(Payload::ToolApprovalDecided(decided)) if decided.below.is_some() => return None,
            Ok(Payload::ToolApprovalExpired(expired)) if expired.below.is_some() => return None,
            Ok(Payload::ToolApprovalRequested(asked)) => {
                let record = Record::requested(asked, &event.stream_id, at);
                self.note(record.clone());
                record
            }
            Ok(Payload::ToolApprovalDecided(decided)) => self
                .taken(&decided.approval_id, &decided.tool_use_id, &event.stream_id)
                .decided(decided.approved, decided.arguments, decided.note, at),
            Ok(Payload::ToolApprovalExpired(expired)) => self
                .taken(&expired.approval_id, &expired.tool_use_id, &event.stream_id)
                .decided(false, None, Some(EXPIRED.into()), at),
            _ => {
                return Some(envelope(
                    event.kind.as_str(),
                    Some(event.stream_id.as_str()),
                    at,
                    &plain(event),
                ));
            }
        };
        Some(self.approval(&record, at))
    }

    /// The message of an approval as it stands.
    #[must_use]
    pub fn approval(&self, record: &Record, at: Timestamp) -> String {
        let agent = record.agent_id.as_deref().or(self.id());
        envelope(record.status.kind(), agent, at, &record.payload())
    }

    /// The message of a monitor.
    pub fn snapshot(&mut self, monitor: &Monitor, at: Timestamp) -> String {
        let waiting = monitor.approvals.iter().flat_map(|approvals| &approvals.pending);
        let runs = monitor.graph.iter().flat_map(|graph| &graph.executions);
        runs.filter(|(_, run)| !run.external).for_each(|(id, _)| self.runs(id));
        for (id, approval) in waiting {
            self.note(Record::pending(id, approval));
        }
        envelope("agent.snapshot", self.id(), at, &snapshot::payload(self.id(), monitor))
    }

    fn runs(&mut self, id: &ExecutionId) {
        if !self.own.contains(id) {
            if self.own.len() >= limits::TRANSLATED_RUNS {
                self.own.pop_front();
            }
            self.own.push_back(id.clone());
        }
    }

    fn note(&mut self, record: Record) {
        debug_assert_eq!(record.status, Status::Pending, "only what waits is kept");
        if self.pending.len() >= limits::TRANSLATED_APPROVALS && !self.pending.contains_key(&record.id) {
            self.pending.pop_first();
        }
        self.pending.insert(record.id.clone(), record);
    }

    fn taken(&mut self, id: &str, call: &str, stream: &StreamId) -> Record {
        self.pending.remove(id).unwrap_or_else(|| Record::unseen(id, call, stream))
    }
}

/// Whether an event is about an approval that only Runbus asks for.
fn names_own_approval(event: &Event) -> bool {
    let id = match event.payload() {
        Ok(Payload::ToolApprovalRequested(asked)) => asked.approval_id,
        Ok(Payload::ToolApprovalDecided(decided)) => decided.approval_id,
        Ok(Payload::ToolApprovalExpired(expired)) => expired.approval_id,
        _ => return false,
    };
    addressed(&id).is_some()
}

/// An event's payload with the envelope's fields that have no place; a payload's own fields stay.
fn plain(event: &Event) -> Value {
    let mut payload: Map<String, Value> = runbus::json::from_str(event.data.get()).unwrap_or_default();
    let mut add = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            payload.entry(name).or_insert_with(|| value.into());
        }
    };
    add("execution_id", event.execution_id.as_ref().map(|id| id.as_str()));
    add("node_id", event.node_id.as_ref().map(|id| id.as_str()));
    add("session_id", event.session_id.as_ref().map(|id| id.as_str()));
    Value::Object(payload)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use runbus::event::Source;
    use runbus::event::family::{execution, model, tool};
    use runbus::id::{ExecutionId, NodeId};
    use runbus::monitor::view::{Approval, Approvals};
    use runbus::time::Clock;
    use serde_json::json;

    use super::*;

    fn source() -> Source {
        let (stream, id) = (StreamId::new("clerk").unwrap(), ExecutionId::new("e").unwrap());
        Source::execution(stream, id, Clock::System).node(NodeId::new("clerk").unwrap())
    }

    fn asked() -> Event {
        source().tool_approval_requested(tool::ApprovalRequested {
            approval_id: "a".into(),
            tool_use_id: "c".into(),
            tool_name: "pay".into(),
            tool_input: json!({ "n": 1 }),
            arguments_digest: None,
            expires_at: None,
            below: None,
        })
    }

    fn decided(approved: bool) -> Event {
        source().tool_approval_decided(tool::ApprovalDecided {
            approval_id: "a".into(),
            tool_use_id: "c".into(),
            approved,
            arguments: None,
            note: Some("why".into()),
            decided_by: None,
            below: None,
        })
    }

    fn said(agent: &mut Agent, event: &Event) -> Value {
        let message: Value = serde_json::from_str(&agent.event(event, false).unwrap()).unwrap();
        let names: BTreeSet<&str> = message.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["agentId", "data", "event", "payload", "timestamp", "type", "version"].into());
        assert_eq!((&message["event"], &message["data"]), (&message["type"], &message["payload"]));
        assert_eq!((&message["version"], &message["agentId"]), (&json!("1.0"), &json!("clerk")));
        message
    }

    #[test]
    fn approvals_have_their_words_and_keep_the_request() {
        for (approved, kind) in [(true, "tool_approval_approved"), (false, "tool_approval_rejected")] {
            let mut agent = Agent::new(StreamId::new("clerk").ok());
            let created = said(&mut agent, &asked());
            assert_eq!(
                (&created["type"], agent.approval_of("c")),
                (&json!("tool_approval_created"), Some("a"))
            );
            let payload = created["payload"].as_object().unwrap();
            let names: BTreeSet<&str> = payload.keys().map(String::as_str).collect();
            let expected = [
                "agent_id",
                "created_at",
                "id",
                "note",
                "pod_name",
                "status",
                "tool_args",
                "tool_call_id",
                "tool_name",
                "updated_at",
            ];
            assert_eq!(names, expected.into());
            assert_eq!(created["payload"]["status"], "pending");
            let message = said(&mut agent, &decided(approved));
            assert_eq!((&message["type"], agent.approval_of("c")), (&json!(kind), None));
            let payload = &message["payload"];
            assert_eq!((&payload["tool_name"], &payload["note"]), (&json!("pay"), &json!("why")));
            assert_eq!(payload["created_at"], created["payload"]["created_at"]);
        }
        let unseen = said(&mut Agent::new(None), &decided(true));
        assert_eq!((&unseen["payload"]["id"], &unseen["payload"]["tool_name"]), (&json!("a"), &Value::Null));
    }

    #[test]
    fn other_events_are_sent_and_deltas_are_not() {
        let mut agent = Agent::new(None);
        let delta = source().llm_text_delta(model::TextDelta { content: "x".into(), snapshot: None });
        assert_eq!(agent.event(&delta, false), None);
        let done = said(&mut agent, &source().execution_completed(execution::Completed { output: json!(1) }));
        assert_eq!(done["type"], "execution_completed");
        assert_eq!(done["payload"], json!({ "output": 1, "execution_id": "e", "node_id": "clerk" }));
    }

    #[test]
    fn a_snapshot_has_every_field_and_null_without_a_contribution() {
        let mut agent = Agent::new(StreamId::new("clerk").ok());
        let at = Clock::System.now();
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap()["payload"].clone();
        let empty = read(&agent.snapshot(&Monitor::default(), at));
        assert_eq!(
            empty,
            json!({
                "agentId": "clerk", "approvals": [], "pendingApprovalCount": 0, "contextSnapshot": null,
                "costUsage": null, "mcpStatus": null, "codemodeStatus": null, "fullContext": null,
                "graphTelemetry": null,
            })
        );
        let approval = Approval {
            stream_id: StreamId::new("clerk").unwrap(),
            execution_id: None,
            session_id: None,
            node_id: None,
            tool_use_id: "c".into(),
            tool_name: "pay".into(),
            tool_input: json!({}),
            arguments_digest: None,
            requested_at: at,
            expires_at: None,
        };
        let approvals = Approvals { count: 1, pending: [("a".to_owned(), approval)].into() };
        let server = json!({ "state": "ready", "tools": ["x", "y"] });
        let monitor = Monitor {
            approvals: Some(approvals),
            mcp: Some([("files".to_owned(), [("w".to_owned(), server)].into())].into()),
            ..Monitor::default()
        };
        let payload = read(&agent.snapshot(&monitor, at));
        assert_eq!(
            (&payload["pendingApprovalCount"], &payload["approvals"][0]["id"]),
            (&json!(1), &json!("a"))
        );
        assert_eq!(payload["mcpStatus"]["enabled_tools_by_server"], json!({ "files": ["x", "y"] }));
        assert_eq!(payload["mcpStatus"]["ready_servers"], json!(["files"]));
        assert_eq!(agent.approval_of("c"), Some("a"));
    }

    #[test]
    fn external_events_about_executions_of_runbus_are_not_sent() {
        let end = source().execution_completed(execution::Completed { output: json!("forged") });
        let mut agent = Agent::new(None);
        assert!(agent.event(&end, true).is_some(), "external events of external executions are sent");
        agent.event(&asked(), false);
        assert_eq!(agent.event(&end, true), None);
        assert_eq!(agent.approval_of("c"), Some("a"));
    }
}
