//! How events change what is known of a run.

use std::collections::BTreeSet;

use super::{Execution, Status};
use crate::event::{Event, Payload};

impl Execution {
    /// What is known after the first event; `None` when the event is of no execution.
    #[must_use]
    pub fn begin(event: &Event) -> Option<Self> {
        let mut execution = Self {
            execution_id: event.execution_id.clone()?,
            stream_id: event.stream_id.clone(),
            session_id: None,
            correlation_id: None,
            definition: None,
            status: Status::Queued,
            active_node: None,
            iteration: None,
            attempt: None,
            progress: None,
            rounds: 0,
            usage: None,
            queued_at: None,
            started_at: None,
            updated_at: None,
            ended_at: None,
            output: None,
            error: None,
            pending_approvals: BTreeSet::new(),
            pending_inputs: BTreeSet::new(),
            events: 0,
        };
        execution.apply(event);
        Some(execution)
    }

    /// Takes the next event. Events of unknown types, and payloads that are not as their type says, count and change
    /// nothing else.
    pub fn apply(&mut self, event: &Event) {
        self.events += 1;
        self.updated_at = Some(event.timestamp);
        if event.session_id.is_some() {
            self.session_id.clone_from(&event.session_id);
        }
        if event.correlation_id.is_some() {
            self.correlation_id.clone_from(&event.correlation_id);
        }
        self.attempt = self.attempt.max(event.attempt);
        if !self.status.is_terminal()
            && let Ok(payload) = event.payload()
        {
            self.change(event, payload);
        }
    }

    fn change(&mut self, event: &Event, payload: Payload) {
        match payload {
            Payload::ExecutionQueued(queued) => {
                self.queued_at = Some(event.timestamp);
                self.definition = queued.definition.or(self.definition.take());
            }
            Payload::ExecutionStarted(started) => {
                self.started_at.get_or_insert(event.timestamp);
                self.definition = started.definition.or(self.definition.take());
                self.status = Status::Running;
            }
            Payload::ExecutionPaused(_) => self.status = Status::Paused,
            Payload::ExecutionResumed(_) => {
                self.status = Status::Running;
                self.wait();
            }
            Payload::ToolApprovalRequested(asked) => {
                self.pending_approvals.insert(asked.approval_id);
                self.wait();
            }
            Payload::ToolApprovalDecided(decided) => {
                self.pending_approvals.remove(&decided.approval_id);
                self.wait();
            }
            Payload::ToolApprovalExpired(expired) => {
                self.pending_approvals.remove(&expired.approval_id);
                self.wait();
            }
            Payload::ClientInputRequested(asked) => {
                self.pending_inputs.insert(asked.request_id.unwrap_or_default());
                self.wait();
            }
            Payload::ClientInputReceived(received) => {
                self.pending_inputs.remove(&received.request_id.unwrap_or_default());
                self.wait();
            }
            Payload::NodeLoopStarted(node) => {
                self.active_node.clone_from(&event.node_id);
                self.iteration = node.iteration.or(self.iteration);
                self.wait();
            }
            Payload::GoalProgress(goal) => self.progress = Some(goal.progress),
            Payload::GoalAchieved(_) => self.progress = Some(1.0),
            Payload::LlmTurnCompleted(_) => self.rounds += 1,
            Payload::UsageUpdated(used) => self.usage = Some(used.usage),
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

    /// Of several branches, one that waits for somebody counts; a pause counts more.
    fn wait(&mut self) {
        if self.status != Status::Paused {
            self.status = match () {
                () if !self.pending_inputs.is_empty() => Status::WaitingForInput,
                () if !self.pending_approvals.is_empty() => Status::WaitingForApproval,
                () => Status::Running,
            };
        }
    }

    fn end(&mut self, event: &Event, status: Status) {
        self.pending_approvals.clear();
        self.pending_inputs.clear();
        self.status = status;
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
    fn it_waits_until_everybody_has_decided() {
        let id = |text| ExecutionId::new(text).unwrap();
        let source = Source::execution(StreamId::new("s").unwrap(), id("run"), Clock::System);
        let asked = |approval_id: &str| {
            source.tool_approval_requested(crate::event::family::tool::ApprovalRequested {
                approval_id: approval_id.into(),
                tool_use_id: "c".into(),
                tool_name: "t".into(),
                tool_input: json!({}),
                arguments_digest: None,
                expires_at: None,
            })
        };
        let decided = |approval_id: &str| {
            source.tool_approval_decided(crate::event::family::tool::ApprovalDecided {
                approval_id: approval_id.into(),
                tool_use_id: "c".into(),
                approved: true,
                arguments: None,
                note: None,
                decided_by: None,
            })
        };
        let mut run = Execution::begin(&asked("a")).unwrap();
        run.apply(&asked("b"));
        run.apply(&decided("a"));
        assert_eq!(run.status, Status::WaitingForApproval);
        run.apply(&source.execution_paused(execution::Paused { reason: None }));
        run.apply(&decided("b"));
        assert_eq!(run.status, Status::Paused);
        run.apply(&source.execution_resumed(execution::Resumed { reason: None }));
        assert_eq!(run.status, Status::Running);
    }

    #[test]
    fn a_run_from_queue_to_end() {
        let source = Source::execution(
            StreamId::new("council").unwrap(),
            ExecutionId::new("run").unwrap(),
            Clock::System,
        );
        let writer = source.node(NodeId::new("writer").unwrap());
        let mut run =
            Execution::begin(&source.execution_queued(execution::Queued { definition: None })).unwrap();
        assert_eq!(run.status, Status::Queued);
        run.apply(&source.execution_started(execution::Started {
            input: json!("hi"),
            definition: Some("council".into()),
        }));
        run.apply(&writer.node_loop_started(node::LoopStarted { max_iterations: None, iteration: Some(2) }));
        assert_eq!((run.status, run.iteration), (Status::Running, Some(2)));
        assert_eq!(run.active_node, writer.node_id);
        run.apply(&source.execution_completed(execution::Completed { output: json!({"draft": 1}) }));
        // What comes after the end changes nothing.
        run.apply(&source.execution_failed(execution::Failed { error: json!("late") }));
        assert_eq!((run.status, run.output, run.error), (Status::Completed, Some(json!({"draft": 1})), None));
        assert_eq!(run.events, 5);
    }
}
