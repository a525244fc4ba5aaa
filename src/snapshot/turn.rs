//! A model's output in one turn, so far.

use serde::{Deserialize, Serialize};

use super::bounded::{Text, name};
use crate::event::family::tool::CallDelta;
use crate::id::NodeId;
use crate::limits;

/// A call that the model is writing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Draft {
    /// Its number in the turn, from 0.
    pub index: u32,
    /// Its id.
    pub tool_use_id: String,
    /// The tool.
    pub tool_name: String,
    /// Its arguments so far: JSON text.
    pub arguments: Text,
}

/// One call of a model, or one message of a producer that has no turns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Turn {
    /// Its number among the turns that began, from 1.
    pub number: u64,
    /// Names the message that it becomes, as its events and the session's messages do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// The node whose turn it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_id: Option<NodeId>,
    /// The worker's try that said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// `seq` of its last event.
    pub seq: u64,
    /// Whether it is over: its text is final.
    pub done: bool,
    /// The answer, of a node that is not client-facing (`llm_text_delta`).
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub text: Text,
    /// The answer, of a client-facing node (`client_output_delta`).
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub output: Text,
    /// The reasoning (`llm_reasoning_delta`).
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub reasoning: Text,
    /// The calls that the model is writing (`tool_call_delta`), the last [`crate::limits::SNAPSHOT_DRAFTS`] at most; of a turn that is
    /// done see `calls`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drafts: Vec<Draft>,
    /// As the provider says, when the turn is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    /// The model that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The provider that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
}

impl Turn {
    pub(super) fn begin(number: u64, node_id: Option<NodeId>, attempt: Option<u32>, seq: u64) -> Self {
        Self {
            number,
            message_id: None,
            node_id,
            attempt,
            seq,
            done: false,
            text: Text::default(),
            output: Text::default(),
            reasoning: Text::default(),
            drafts: Vec::new(),
            finish_reason: None,
            model: None,
            provider: None,
        }
    }

    /// Bytes of its texts.
    pub(super) fn bytes(&self) -> usize {
        let drafts: usize = self.drafts.iter().map(|draft| draft.arguments.content.len()).sum();
        self.text.content.len() + self.output.content.len() + self.reasoning.content.len() + drafts
    }

    /// Takes a piece of a call.
    pub(super) fn draft(&mut self, delta: CallDelta) {
        let CallDelta { index, tool_use_id, tool_name, arguments } = delta;
        let known = self.drafts.iter().rposition(|draft| draft.tool_use_id == tool_use_id);
        let at = known.unwrap_or_else(|| {
            if self.drafts.len() >= limits::SNAPSHOT_DRAFTS {
                self.drafts.remove(0);
            }
            let (tool_name, arguments) = (name(tool_name), Text::default());
            self.drafts.push(Draft { index, tool_use_id, tool_name, arguments });
            self.drafts.len() - 1
        });
        self.drafts[at].arguments.push(&arguments);
    }

    /// It is over.
    pub(super) fn end(&mut self) {
        self.done = true;
        self.drafts.clear();
    }

    /// The text as its provider has it in the end.
    pub(super) fn settle(&mut self, content: &str) {
        let of_clients = self.text.is_empty() && !self.output.is_empty();
        if of_clients { self.output.set(content) } else { self.text.set(content) }
    }

    /// Whether a takeover makes it void: it is being written, and not all of it was there before `void_from`. A call of a
    /// model is never continued by another attempt, so it is void as a whole.
    pub(super) fn is_void(&self, void_from: u64) -> bool {
        !self.done && self.seq >= void_from
    }
}
