//! The request to a model for one turn.

use serde::Serialize;
use serde_json::{Map, Value};

use super::Message;
use crate::tool;

/// One turn's question.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The model's name at the provider; `None` takes the client's default.
    pub model: Option<String>,
    /// The conversation so far, oldest first.
    pub messages: Vec<Message>,
    /// The tools that the model may call in this turn.
    pub tools: Vec<tool::Spec>,
    /// How the answer is made.
    pub options: Options,
    /// Where in an execution this turn stands; never sent to a provider.
    pub hint: Hint,
}

/// The options of an answer. The provider decides those that are `None`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// Randomness, 0 to 2.
    pub temperature: Option<f64>,
    /// The share of likely tokens that is chosen from.
    pub top_p: Option<f64>,
    /// The most tokens that the answer may have, reasoning included where the provider counts it.
    pub max_tokens: Option<u32>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// How long the model thinks, in the provider's words.
    pub reasoning_effort: Option<String>,
    /// Which tool the answer calls.
    pub tool_choice: Option<ToolChoice>,
    /// Whether the answer may call several tools.
    pub parallel_tool_calls: Option<bool>,
    /// Fields of the request in the provider's words: they replace those of the same name.
    pub extra_body: Map<String, Value>,
    /// The form of the answer's text.
    pub response_format: Option<ResponseFormat>,
}

/// Which tool an answer calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolChoice {
    /// The model decides.
    Auto,
    /// None.
    None,
    /// At least one.
    Required,
    /// This one.
    Tool(String),
}

impl ToolChoice {
    /// From a definition's word.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        match word {
            "auto" => Self::Auto,
            "none" => Self::None,
            "required" => Self::Required,
            tool => Self::Tool(tool.to_owned()),
        }
    }
}

/// The form of an answer's text.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ResponseFormat {
    /// Any JSON object.
    JsonObject,
    /// A JSON value that satisfies a schema.
    JsonSchema {
        /// The schema with its name.
        json_schema: NamedSchema,
    },
}

impl ResponseFormat {
    /// Asks for an answer that satisfies `schema`; `name` is shown to the model (`a-zA-Z0-9_-`, at most 64).
    ///
    /// It is not asked for in the provider's strict mode, which accepts only a subset of JSON Schema: the
    /// caller checks the answer anyway.
    pub fn schema(name: impl Into<String>, schema: Value) -> Self {
        Self::JsonSchema { json_schema: NamedSchema { name: name.into(), schema, strict: false } }
    }
}

impl NamedSchema {
    /// The schema itself.
    #[must_use]
    pub const fn schema(&self) -> &Value {
        &self.schema
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A JSON Schema with the name that the provider wants it to have.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NamedSchema {
    name: String,
    schema: Value,
    strict: bool,
}

/// Where in an execution a turn stands.
///
/// Only the scripted model looks at it: the same hint always gets the same answer, also when another worker
/// asks again after a take-over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hint {
    /// The graph node's id, or the agent's name.
    pub node: String,
    /// The graph's iteration, as in [`crate::graph::Step`]; 1 for an agent.
    pub iteration: u32,
    /// Which turn of this run of the node or agent it is: 1 is the first, 2 the one after the first tool
    /// results.
    pub round: u32,
}
