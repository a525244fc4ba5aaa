//! How events change what is known of a run.

use std::collections::BTreeMap;

use super::{Execution, Status, Waiting};
use crate::event::{Class, Event, Payload};
use crate::id::SessionId;
use crate::labels::Labels;

/// A question that its producer gave no id: the next step of the execution answers it.
const UNNAMED: &str = "";

impl Execution {
    /// The state after the first event; `None` when the event is of no execution.
    #[must_use]
    pub(super) fn begin(event: &Event, external: bool) -> Option<Self> {
        let mut execution = Self {
            execution_id: event.execution_id.clone()?,
            stream_id: event.stream_id.clone(),
            external,
            session_id: None,
            correlation_id: None,
            definition: None,
            request_digest: None,
            labels: Labels::default(),
            parent: None,
            status: Status::Queued,
            waiting: BTreeMap::new(),
            active_node: None,
            iteration: None,
            attempt: None,
            progress: None,
            rounds: 0,
            usage: None,
            waits_for: None,
            queued_at: None,
            started_at: None,
            updated_at: None,
            ended_at: None,
            output: None,
            error: None,
            events: 0,
            gap: None,
        };
        execution.apply(event);
        Some(execution)
    }

    /// Takes the next event. Events of unknown types, and payloads that are not as their type says, count and change
    /// nothing else.
    pub(super) fn apply(&mut self, event: &Event) {
        self.events = self.events.saturating_add(1);
        self.updated_at = Some(event.timestamp);
        if event.session_id.is_some() {
            self.session_id.clone_from(&event.session_id);
        }
        if event.correlation_id.is_some() {
            self.correlation_id.clone_from(&event.correlation_id);
        }
        self.attempt = self.attempt.max(event.attempt);
        // Deltas say nothing here: most events need not be read.
        if !self.status.is_terminal()
            && event.kind.class() != Class::Coalescible
            && let Ok(payload) = event.payload()
        {
            self.change(event, payload);
        }
    }

    fn change(&mut self, event: &Event, payload: Payload) {
        self.waits_for = match &payload {
            Payload::ExecutionWaiting(waiting) => Some(waiting.waits_for.clone()),
            // The command that begins it may be recorded later than the worker that cannot run it speaks.
            Payload::ExecutionQueued(_) => self.waits_for.take(),
            _ => None,
        };
        match payload {
            Payload::ExecutionQueued(queued) => {
                self.queued_at = Some(event.timestamp);
                self.definition = queued.definition.or(self.definition.take());
                self.request_digest = self.request_digest.take().or(queued.request_digest);
                self.labels = Labels(queued.labels).sound();
                self.parent = queued.parent;
            }
            Payload::ExecutionStarted(started) => {
                self.started_at.get_or_insert(event.timestamp);
                self.definition = started.definition.or(self.definition.take());
                self.status = Status::Running;
            }
            Payload::ExecutionPaused(_) => self.status = Status::Paused,
            Payload::ExecutionResumed(_) => {
                self.waiting.remove(UNNAMED);
                self.status = self.at_work();
            }
            Payload::ToolApprovalRequested(asked) => {
                let status = Status::WaitingForApproval;
                let tool_use_id = asked.below.is_none().then_some(asked.tool_use_id);
                let waiting = Waiting { status, tool_use_id, below: asked.below };
                self.waits(asked.approval_id, waiting);
            }
            Payload::ToolApprovalDecided(decided) => self.goes_on(|id, _| *id == decided.approval_id),
            Payload::ToolApprovalExpired(expired) => self.goes_on(|id, _| *id == expired.approval_id),
            Payload::ClientInputRequested(asked) => {
                let tool_use_id = asked.tool_use_id.filter(|_| asked.below.is_none());
                let waiting = Waiting { status: Status::WaitingForInput, tool_use_id, below: asked.below };
                self.waits(asked.request_id.unwrap_or_else(|| UNNAMED.into()), waiting);
            }
            Payload::ClientInputReceived(received) => {
                let named = received.request_id.unwrap_or_else(|| UNNAMED.into());
                self.goes_on(|id, _| *id == named);
            }
            // A call that was answered otherwise, by an abort, waits for nobody.
            Payload::ToolCallCompleted(completed) => {
                self.goes_on(|_, waiting| waiting.tool_use_id.as_ref() == Some(&completed.tool_use_id));
            }
            Payload::SubagentCompleted(ended) if ended.below.is_none() => self.child_ended(&ended.session_id),
            Payload::SubagentFailed(ended) if ended.below.is_none() => self.child_ended(&ended.session_id),
            Payload::NodeLoopStarted(node) => {
                self.active_node.clone_from(&event.node_id);
                self.iteration = node.iteration.or(self.iteration);
                self.goes_on(|id, _| id == UNNAMED);
            }
            Payload::GoalProgress(goal) => self.progress = Some(goal.progress),
            Payload::GoalAchieved(_) => self.progress = Some(1.0),
            Payload::LlmTurnCompleted(_) => self.rounds = self.rounds.saturating_add(1),
            Payload::UsageUpdated(used) => {
                self.usage = Some(used.usage);
                self.rounds = self.rounds.max(used.rounds);
            }
            Payload::ExecutionCompleted(completed) => {
                self.end(event, Status::Completed);
                self.output = Some(completed.output);
            }
            Payload::ExecutionFailed(failed) => {
                self.end(event, Status::Failed);
                self.error = Some(failed.error);
            }
            Payload::ExecutionCancelled(_) => self.end(event, Status::Cancelled),
            _ => {}
        }
    }

    /// Nothing waits below a child that has ended.
    fn child_ended(&mut self, session: &SessionId) {
        self.goes_on(|_, waiting| waiting.below.as_ref().is_some_and(|below| below.through == *session));
    }

    fn waits(&mut self, id: String, waiting: Waiting) {
        self.waiting.insert(id, waiting);
        self.goes_on(|_, _| false);
    }

    /// Removes some of the waiting items. A paused execution stays paused until it is resumed.
    fn goes_on(&mut self, answered: impl Fn(&String, &Waiting) -> bool) {
        self.waiting.retain(|id, waiting| !answered(id, waiting));
        if self.status != Status::Paused {
            self.status = self.at_work();
        }
    }

    fn at_work(&self) -> Status {
        let mut waits = self.waiting.values().map(|waiting| waiting.status);
        let approval = waits.clone().any(|status| status == Status::WaitingForApproval);
        if approval { Status::WaitingForApproval } else { waits.next().unwrap_or(Status::Running) }
    }

    fn end(&mut self, event: &Event, status: Status) {
        self.status = status;
        self.waiting.clear();
        self.active_node = None;
        self.ended_at = Some(event.timestamp);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::event::Source;
    use crate::event::family::{execution, node};
    use crate::id::{ExecutionId, NodeId, StreamId};
    use crate::time::Clock;

    #[test]
    fn a_run_from_queue_to_end() {
        let source = Source::execution(
            StreamId::new("council").unwrap(),
            ExecutionId::new("run").unwrap(),
            Clock::System,
        );
        let writer = source.node(NodeId::new("writer").unwrap());
        let mut run =
            Execution::begin(&source.execution_queued(execution::Queued::default()), false).unwrap();
        assert_eq!(run.status, Status::Queued);
        run.apply(&source.execution_started(execution::Started {
            input: json!("hi"),
            definition: Some("council".into()),
        }));
        run.apply(&writer.node_loop_started(node::LoopStarted { max_iterations: None, iteration: Some(2) }));
        assert_eq!((run.status, run.iteration), (Status::Running, Some(2)));
        assert_eq!(run.active_node, writer.node_id);
        run.apply(&source.execution_completed(execution::Completed { output: json!({"draft": 1}) }));
        // Events after the end change nothing.
        run.apply(&source.execution_failed(execution::Failed { error: json!("late") }));
        assert_eq!((run.status, run.output, run.error), (Status::Completed, Some(json!({"draft": 1})), None));
        assert_eq!(run.events, 5);
    }
}
