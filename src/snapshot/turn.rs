//! A model's output in one turn, so far.

use serde::{Deserialize, Serialize};

use super::bounded::Text;
use crate::id::NodeId;

/// One call of a model, or one message of a producer that has no turns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Turn {
    /// Its number among the turns that began, from 1.
    pub number: u64,
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
    /// As the provider says, when the turn is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    /// The model that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

impl Turn {
    pub(super) fn begin(number: u64, node_id: Option<NodeId>, attempt: Option<u32>, seq: u64) -> Self {
        Self {
            number,
            node_id,
            attempt,
            seq,
            done: false,
            text: Text::default(),
            output: Text::default(),
            reasoning: Text::default(),
            finish_reason: None,
            model: None,
        }
    }

    /// Bytes of its texts.
    pub(super) const fn bytes(&self) -> usize {
        self.text.content.len() + self.output.content.len() + self.reasoning.content.len()
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
