//! How events change a snapshot.

use serde_json::Value;

use super::bounded::{Excerpt, Text, head, name};
use super::{Approval, At, Call, CallState, Node, NodeState, Question, Snapshot, Turn};
use crate::event::{Event, Kind, Payload};
use crate::execution::{Folded, fold_event};
use crate::id::NodeId;
use crate::limits;
use crate::log::Cursor;

impl Snapshot {
    /// Before the first event. `whole`: it is known that nothing of the execution was removed from the log; else the first
    /// event tells, when it is one that executions begin with.
    #[must_use]
    pub fn begin(cursor: Cursor, whole: bool) -> Self {
        Self {
            cursor,
            complete: whole,
            execution: None,
            output_truncated_bytes: 0,
            error_truncated_bytes: 0,
            nodes: std::collections::BTreeMap::new(),
            nodes_omitted_events: 0,
            turns: Vec::new(),
            turns_omitted: 0,
            turns_begun: 0,
            calls: Vec::new(),
            calls_omitted: 0,
            approvals: Vec::new(),
            questions: Vec::new(),
            waiting_omitted: 0,
        }
    }

    /// Events between here and the next one are gone.
    pub const fn miss(&mut self) {
        self.complete = false;
    }

    /// Takes the next event. Payloads that are not as their type says, and types that are not known, count and change
    /// nothing else.
    pub fn apply(&mut self, event: &Event, at: At<'_>) {
        self.cursor.clone_from(at.cursor);
        let ended = self.execution.as_ref().is_some_and(|known| known.status.is_terminal());
        match fold_event(&mut self.execution, event, at.external) {
            Folded::Begins => {
                let complete = self.complete || event.kind == Kind::ExecutionQueued;
                let execution = self.execution.take();
                // Earlier external events do not count.
                *self = Self { execution, ..Self::begin(self.cursor.clone(), complete) };
            }
            Folded::Counts if ended => return self.count(at),
            Folded::Counts => {}
            // Of no execution, or not of the one that this is of.
            Folded::Nothing => return,
        }
        self.count(at);
        if let Ok(payload) = event.payload() {
            self.change(event, at.seq, payload);
        }
        if event.kind.class() != crate::event::Class::Coalescible {
            self.settle();
        }
    }

    /// An event may stand for several.
    fn count(&mut self, at: At<'_>) {
        if let Some(execution) = &mut self.execution {
            execution.events = execution.events.saturating_add(at.merged.saturating_sub(1));
        }
    }

    fn change(&mut self, event: &Event, seq: u64, payload: Payload) {
        match payload {
            Payload::LlmTextDelta(delta) => {
                self.write(event, seq, |turn| {
                    extend(&mut turn.text, &delta.content, delta.snapshot.as_deref())
                });
            }
            Payload::ClientOutputDelta(delta) => {
                self.write(event, seq, |turn| {
                    extend(&mut turn.output, &delta.content, delta.snapshot.as_deref());
                });
            }
            Payload::LlmReasoningDelta(delta) => {
                self.write(event, seq, |turn| turn.reasoning.push(&delta.content));
            }
            Payload::ToolCallDelta(delta) if is_short(&delta.tool_use_id) => {
                self.write(event, seq, |turn| turn.draft(delta));
            }
            Payload::LlmTurnCompleted(completed) => {
                self.write(event, seq, |turn| {
                    completed.content.iter().for_each(|content| turn.settle(content));
                    completed.reasoning.iter().for_each(|reasoning| turn.reasoning.set(reasoning));
                    turn.message_id = completed.message_id.map(name).or(turn.message_id.take());
                    turn.finish_reason = completed.finish_reason.map(name);
                    turn.model = completed.model.map(name);
                    turn.provider = completed.provider.map(name);
                    turn.end();
                });
                for call in completed.tool_calls {
                    let arguments = Value::String(call.arguments);
                    self.call(event, call.tool_use_id, call.tool_name, CallState::Requested, Some(arguments));
                }
                self.node(event, |node| {
                    node.state = NodeState::Running;
                    node.message_id = None;
                });
            }
            Payload::LlmRetry(_) => {
                self.turns.retain(|turn| turn.done || turn.node_id != event.node_id);
                self.node(event, |node| {
                    node.retries += 1;
                    node.message_id = None;
                });
            }
            Payload::AttemptSuperseded(superseded) => {
                if let Some(from) = superseded.void_from {
                    self.turns.retain(|turn| !turn.is_void(from));
                }
            }
            Payload::NodeLoopStarted(started) => {
                self.close_turns(event.node_id.as_ref());
                self.node(event, |node| {
                    node.state = NodeState::Running;
                    node.visits += 1;
                    node.iteration = started.iteration;
                    node.round = 0;
                    node.message_id = None;
                });
            }
            Payload::NodeLoopIteration(begun) => self.node(event, |node| {
                node.state = NodeState::Running;
                node.round = begun.iteration;
                node.message_id = begun.message_id.map(name);
            }),
            Payload::NodeLoopCompleted(_) => {
                self.close_turns(event.node_id.as_ref());
                self.node(event, |node| node.state = NodeState::Completed);
            }
            Payload::NodeInternalOutput(output) => {
                let value = output.output.unwrap_or(Value::String(output.content));
                let output = Excerpt::of(value, limits::SNAPSHOT_OUTPUT_BYTES);
                self.node(event, |node| node.output = Some(output));
            }
            Payload::NodeStalled(_) => self.node(event, |node| node.state = NodeState::Stalled),
            Payload::ClientInputRequested(asked) => {
                let request_id = asked.request_id.unwrap_or_default();
                self.questions.retain(|known| known.request_id != request_id);
                let mut prompt = Text::default();
                prompt.set(head(&asked.prompt, limits::SNAPSHOT_VALUE_BYTES));
                prompt.truncated_bytes = (asked.prompt.len() - prompt.content.len()) as u64;
                let choices = asked.choices.into_iter().take(limits::SNAPSHOT_CHOICES).map(name);
                let question = Question {
                    prompt,
                    node_id: event.node_id.clone(),
                    choices: choices.collect(),
                    expires_at: asked.expires_at,
                    tool_use_id: asked.tool_use_id.map(name),
                    below: asked.below,
                    request_id,
                };
                if is_short(&question.request_id) && self.questions.len() < limits::SNAPSHOT_WAITING {
                    self.questions.push(question);
                } else {
                    self.waiting_omitted += 1;
                }
                self.node(event, |_| {});
            }
            payload => self.change_calls(event, payload),
        }
    }

    fn change_calls(&mut self, event: &Event, payload: Payload) {
        match payload {
            Payload::ToolCallStarted(started) => {
                let (id, tool, input) = (started.tool_use_id, started.tool_name, started.tool_input);
                self.call(event, id, tool, CallState::Running, Some(input));
            }
            Payload::ToolCallCompleted(completed) => {
                let state = if completed.is_error { CallState::Failed } else { CallState::Completed };
                let result = Excerpt::of(completed.result, limits::SNAPSHOT_VALUE_BYTES);
                let call = self.call(event, completed.tool_use_id, completed.tool_name, state, None);
                if let Some(call) = call {
                    call.result = Some(result);
                }
            }
            Payload::ToolApprovalRequested(asked) => {
                let approval = Approval {
                    approval_id: asked.approval_id,
                    tool_use_id: asked.tool_use_id.clone(),
                    tool_name: name(asked.tool_name.clone()),
                    node_id: event.node_id.clone(),
                    below: asked.below.clone(),
                    arguments: Excerpt::of(asked.tool_input.clone(), limits::SNAPSHOT_VALUE_BYTES),
                    arguments_digest: asked.arguments_digest.map(name),
                    expires_at: asked.expires_at,
                };
                self.approvals.retain(|known| known.approval_id != approval.approval_id);
                let room = self.approvals.len() < limits::SNAPSHOT_WAITING;
                if room && is_short(&approval.approval_id) && is_short(&approval.tool_use_id) {
                    self.approvals.push(approval);
                } else {
                    self.waiting_omitted += 1;
                }
                if asked.below.is_some() {
                    return;
                }
                let input = Some(asked.tool_input);
                self.call(event, asked.tool_use_id, asked.tool_name, CallState::AwaitingApproval, input);
            }
            // A call below is no call of this execution: the waiting list follows the status.
            Payload::ToolApprovalDecided(decided) if decided.below.is_some() => {}
            Payload::ToolApprovalExpired(expired) if expired.below.is_some() => {}
            Payload::ToolApprovalDecided(decided) => {
                let state = if decided.approved { CallState::Approved } else { CallState::Refused };
                self.decide(&decided.tool_use_id, state, decided.arguments);
            }
            Payload::ToolApprovalExpired(expired) => {
                self.decide(&expired.tool_use_id, CallState::Refused, None);
            }
            Payload::ExecutionCompleted(_) | Payload::ExecutionFailed(_) | Payload::ExecutionCancelled(_) => {
                self.end();
            }
            _ => {}
        }
    }

    /// Changes the node's open turn; begins one when there is none. A turn of an earlier attempt that no event made void
    /// is over: no attempt continues another one's turn.
    fn write(&mut self, event: &Event, seq: u64, change: impl FnOnce(&mut Turn)) {
        let open = |turn: &Turn| !turn.done && turn.node_id == event.node_id;
        let mut found = self.turns.iter().rposition(open);
        if let Some(at) = found
            && let (Some(own), Some(attempt)) = (self.turns[at].attempt, event.attempt)
            && own < attempt
        {
            self.turns[at].end();
            found = None;
        }
        let at = found.unwrap_or_else(|| {
            self.turns_begun += 1;
            let mut turn = Turn::begin(self.turns_begun, event.node_id.clone(), event.attempt, seq);
            let node = event.node_id.as_ref().and_then(|id| self.nodes.get(id));
            turn.message_id = node.and_then(|node| node.message_id.clone());
            self.turns.push(turn);
            self.turns.len() - 1
        });
        let turn = &mut self.turns[at];
        turn.seq = seq;
        change(turn);
        let mut bytes: usize = self.turns.iter().map(Turn::bytes).sum();
        while self.turns.len() > limits::SNAPSHOT_TURNS
            || (bytes > limits::SNAPSHOT_TEXT_BYTES && self.turns.len() > 1)
        {
            // The turns being written go last.
            let oldest = self.turns.iter().position(|turn| turn.done).unwrap_or(0);
            bytes -= self.turns.remove(oldest).bytes();
            self.turns_omitted += 1;
        }
    }

    /// A producer that has no turns ends its message with its node.
    fn close_turns(&mut self, node: Option<&NodeId>) {
        for turn in self.turns.iter_mut().filter(|turn| turn.node_id.as_ref() == node) {
            turn.end();
        }
    }

    fn node(&mut self, event: &Event, change: impl FnOnce(&mut Node)) {
        let Some(id) = &event.node_id else { return };
        if !self.nodes.contains_key(id) && self.nodes.len() >= limits::SNAPSHOT_NODES {
            self.nodes_omitted_events += 1;
            return;
        }
        let node = self.nodes.entry(id.clone()).or_default();
        node.updated_at = event.timestamp;
        change(node);
    }

    fn call(
        &mut self,
        event: &Event,
        id: String,
        tool: String,
        state: CallState,
        arguments: Option<Value>,
    ) -> Option<&mut Call> {
        if !is_short(&id) {
            self.calls_omitted += 1;
            return None;
        }
        let at = self.calls.iter().rposition(|call| call.tool_use_id == id).unwrap_or_else(|| {
            if self.calls.len() >= limits::SNAPSHOT_CALLS {
                let oldest = self.calls.iter().position(|call| call.state.is_over()).unwrap_or(0);
                self.calls.remove(oldest);
                self.calls_omitted += 1;
            }
            self.calls.push(Call {
                tool_use_id: id,
                tool_name: name(tool),
                node_id: event.node_id.clone(),
                state,
                arguments: Excerpt::default(),
                result: None,
            });
            self.calls.len() - 1
        });
        let call = &mut self.calls[at];
        call.state = state;
        if let Some(arguments) = arguments {
            call.arguments = Excerpt::of(arguments, limits::SNAPSHOT_VALUE_BYTES);
        }
        Some(call)
    }

    fn decide(&mut self, tool_use_id: &str, state: CallState, arguments: Option<Value>) {
        let call = self.calls.iter_mut().rfind(|call| call.tool_use_id == tool_use_id);
        if let Some(call) = call.filter(|call| call.state == CallState::AwaitingApproval) {
            call.state = state;
            if let Some(arguments) = arguments {
                call.arguments = Excerpt::of(arguments, limits::SNAPSHOT_VALUE_BYTES);
            }
        }
    }

    fn end(&mut self) {
        for node in self.nodes.values_mut().filter(|node| node.state != NodeState::Completed) {
            node.state = NodeState::Stopped;
        }
        self.turns.iter_mut().for_each(Turn::end);
        let Some(execution) = &mut self.execution else { return };
        let bounded = |value: Option<Value>| {
            value.map(|value| Excerpt::of(value, limits::SNAPSHOT_RESULT_BYTES)).unwrap_or_default()
        };
        if execution.output.is_some() {
            let Excerpt { value, truncated_bytes } = bounded(execution.output.take());
            (execution.output, self.output_truncated_bytes) = (Some(value), truncated_bytes);
        }
        if execution.error.is_some() {
            let Excerpt { value, truncated_bytes } = bounded(execution.error.take());
            (execution.error, self.error_truncated_bytes) = (Some(value), truncated_bytes);
        }
    }

    /// The status decides the waiting items, and the nodes show which of them wait.
    fn settle(&mut self) {
        let Some(execution) = &mut self.execution else { return };
        execution.definition = execution.definition.take().map(name);
        execution.waiting.retain(|id, _| is_short(id));
        while execution.waiting.len() > 2 * limits::SNAPSHOT_WAITING {
            execution.waiting.pop_last();
        }
        self.approvals.retain(|approval| execution.waiting.contains_key(&approval.approval_id));
        self.questions.retain(|question| execution.waiting.contains_key(&question.request_id));
        let asks = |id: &NodeId| {
            let approvals = self.approvals.iter().map(|approval| &approval.node_id);
            approvals.chain(self.questions.iter().map(|q| &q.node_id)).any(|node| node.as_ref() == Some(id))
        };
        for (id, node) in &mut self.nodes {
            match node.state {
                NodeState::Running if asks(id) => node.state = NodeState::Waiting,
                NodeState::Waiting if !asks(id) => node.state = NodeState::Running,
                _ => {}
            }
        }
    }
}

/// A producer that sends the text so far is believed.
fn extend(text: &mut Text, piece: &str, so_far: Option<&str>) {
    match so_far {
        Some(so_far) => text.set(so_far),
        None => text.push(piece),
    }
}

const fn is_short(id: &str) -> bool {
    id.len() <= limits::SNAPSHOT_NAME_BYTES
}
