//! The last messages of the most recent conversations, and the called tools.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::view::{Compacted, Conversation, Message, Role, Tool};
use super::{cut, view};
use crate::event::{Event, Payload};
use crate::id::ExecutionId;
use crate::limits;
use crate::session::part::{self, Content};
use crate::time::Timestamp;

/// Conversations and tools.
#[derive(Debug, Clone, Default)]
pub(super) struct Conversations {
    /// Runbus's by session; others' by execution, and apart: they do not speak in a conversation of Runbus's.
    by_name: BTreeMap<(bool, String), (Timestamp, Conversation)>,
    pub(super) tools: BTreeMap<String, Tool>,
}

impl Conversations {
    /// Takes the next event; whether it changed anything.
    pub(super) fn apply(&mut self, event: &Event, payload: &Payload, external: bool) -> bool {
        if let Payload::ToolCallCompleted(call) = payload {
            let name = cut::text(&call.tool_name);
            if self.tools.len() < limits::MONITOR_NAMES || self.tools.contains_key(&name) {
                let tool = self.tools.entry(name).or_default();
                tool.calls = tool.calls.saturating_add(1);
                tool.errors = tool.errors.saturating_add(u64::from(call.is_error));
            }
        }
        if let Payload::ContextCompacted(done) = payload {
            let Some(conversation) = self.of(event, external) else { return false };
            conversation.compacted =
                Some(Compacted { tokens_before: done.tokens_before, tokens_after: done.tokens_after });
            return true;
        }
        let Some(message) = message(event, payload) else { return false };
        let Some(conversation) = self.of(event, external) else { return false };
        conversation.messages.push(message);
        if conversation.messages.len() >= limits::MONITOR_MESSAGES {
            // Half at once: a patch that moves every message is rare then.
            let old = conversation.messages.drain(..limits::MONITOR_MESSAGES / 2).count();
            conversation.omitted += old as u64;
        }
        true
    }

    fn of(&mut self, event: &Event, external: bool) -> Option<&mut Conversation> {
        let execution = event.execution_id.as_ref()?;
        let session = event.session_id.as_ref().filter(|_| !external);
        let name = session.map_or(execution.as_str(), |session| session.as_str());
        let name = (external, name.to_owned());
        if !self.by_name.contains_key(&name) && self.by_name.len() >= limits::MONITOR_CONVERSATIONS {
            let oldest = self.by_name.iter().min_by_key(|(name, (last, _))| (*last, *name));
            let oldest = oldest.map(|(name, (last, _))| (*last, name.clone()))?;
            // A late event does not displace newer ones.
            if oldest.0 > event.timestamp {
                return None;
            }
            self.by_name.remove(&oldest.1);
        }
        let (last, conversation) = self.by_name.entry(name).or_default();
        *last = (*last).max(event.timestamp);
        conversation.stream_id = Some(event.stream_id.clone());
        conversation.execution_id = Some(execution.clone());
        Some(conversation)
    }

    /// The section of the document: at most `messages` of each conversation.
    pub(super) fn view(&self, messages: usize) -> BTreeMap<String, view::Conversation> {
        let shown = |conversation: &Conversation| {
            let more = conversation.messages.len().saturating_sub(messages);
            let mut shown = conversation.clone();
            shown.messages.drain(..more);
            shown.omitted += more as u64;
            shown
        };
        // Where both have one name, Runbus's is shown.
        let all = self.by_name.iter().rev();
        all.map(|((_, name), (_, conversation))| (name.clone(), shown(conversation))).collect()
    }

    /// Forgets what others said of an execution.
    pub(super) fn forget_run(&mut self, id: &ExecutionId) {
        self.by_name.remove(&(true, id.to_string()));
    }
}

fn message(event: &Event, payload: &Payload) -> Option<Message> {
    let said = |role, content: Value| Message {
        role,
        content: cut::value(content),
        node_id: event.node_id.clone(),
        tool_name: None,
        tool_use_id: None,
        tool_calls: Vec::new(),
        at: event.timestamp,
    };
    Some(match payload {
        Payload::ExecutionStarted(started) => {
            let parts =
                part::of_input(&started.input).map(|parts| Content::Parts(parts).described().into_owned());
            said(Role::User, parts.map_or_else(|| started.input.clone(), Value::String))
        }
        Payload::ClientInputReceived(received) => said(Role::User, received.input.clone()),
        Payload::LlmTurnCompleted(turn) => {
            let calls = turn.tool_calls.iter().take(limits::MONITOR_MESSAGES).map(|call| {
                let arguments = cut::value(Value::String(call.arguments.clone()));
                json!({
                    "tool_use_id": cut::text(&call.tool_use_id),
                    "tool_name": cut::text(&call.tool_name),
                    "arguments": arguments,
                })
            });
            let content = turn.content.clone().map_or(Value::Null, Value::String);
            // All of one turn's calls together are no longer than one value.
            let calls = match cut::value(Value::Array(calls.collect())) {
                Value::Array(calls) => calls,
                long => vec![long],
            };
            Message { tool_calls: calls, ..said(Role::Assistant, content) }
        }
        Payload::ToolCallCompleted(call) => Message {
            tool_name: Some(cut::text(&call.tool_name)),
            tool_use_id: Some(cut::text(&call.tool_use_id)),
            ..said(Role::Tool, call.result.clone())
        },
        _ => return None,
    })
}
