//! The file format: what may be written in a definition, before it is checked.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::limits::DEFAULT_ROUNDS;

/// An agent: one model with tools, working until it answers without calling one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentSpec {
    /// Says that this is an agent.
    pub kind: AgentKind,
    /// The name under which it is started; also the default stream.
    pub name: String,
    /// What it does, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The instructions that stand above the conversation.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub system: String,
    /// The names of the tools that it may call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<String>,
    /// The most model turns of one execution.
    #[serde(default = "default_rounds")]
    pub max_rounds: u32,
    /// How the model answers.
    #[serde(default, skip_serializing_if = "ModelOptions::is_default")]
    pub model: ModelOptions,
}

/// The word `agent`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AgentKind {
    /// An agent.
    #[default]
    Agent,
}

/// The word `graph`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GraphKind {
    /// A graph.
    #[default]
    Graph,
}

/// A graph: nodes, and edges that decide after each node which one runs next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GraphSpec {
    /// Says that this is a graph.
    pub kind: GraphKind,
    /// The name under which it is started; also the default stream.
    pub name: String,
    /// What it does, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The node that runs first.
    pub entry: String,
    /// How many iterations an execution may have. A new one begins with every edge that closes a cycle.
    /// Required when there is a cycle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_iterations: Option<u32>,
    /// The node that runs instead of one iteration too many; without it the execution fails then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_exhausted: Option<String>,
    /// The nodes by id.
    pub nodes: BTreeMap<String, Node>,
    /// Which node follows which. A node without an outgoing edge ends the execution.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<Edge>,
}

/// One step of a graph.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// What kind of step it is.
    #[serde(rename = "type")]
    pub kind: NodeType,
    /// The instructions that stand above the conversation.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub system: String,
    /// The template of the user message; see [`super::Template`].
    #[serde(default = "default_prompt")]
    pub prompt: String,
    /// The names of the tools that it may call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<String>,
    /// The fields of its answer, when that is to be a JSON object; without it the answer is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<BTreeMap<String, FieldSpec>>,
    /// Whether its text goes to the client as it is written, or stays internal.
    #[serde(default)]
    pub client_facing: bool,
    /// The most model turns of one run of the node.
    #[serde(default = "default_rounds")]
    pub max_rounds: u32,
    /// How the model answers.
    #[serde(default, skip_serializing_if = "ModelOptions::is_default")]
    pub model: ModelOptions,
}

/// The kinds of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeType {
    /// A model with tools.
    Agent,
}

/// How the model answers; what is absent is left to the worker and the provider.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelOptions {
    /// The model's name at the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Randomness, 0 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// The most tokens of one answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
}

impl ModelOptions {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// One field of a structured answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldSpec {
    /// The JSON type.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// What belongs there, for the model.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The least number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<f64>,
    /// The greatest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<f64>,
    /// Whether it may be absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

/// The JSON types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    /// Text.
    String,
    /// Any number.
    Number,
    /// A whole number.
    Integer,
    /// True or false.
    Boolean,
    /// A list.
    Array,
    /// An object.
    Object,
}

/// What may follow a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Edge {
    /// The node that has ended.
    pub from: String,
    /// The node that runs next.
    pub to: String,
    /// When this edge is taken. Conditions are tried in file order; the edge without one is taken when none
    /// holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<When>,
}

/// A condition on one field of the ended node's structured answer. It has exactly one comparison.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// The field; dots lead into objects.
    pub field: String,
    /// Holds when the field is less than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lt: Option<f64>,
    /// Holds when the field is at most this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lte: Option<f64>,
    /// Holds when the field is greater than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gt: Option<f64>,
    /// Holds when the field is at least this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gte: Option<f64>,
    /// Holds when the field equals this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eq: Option<Value>,
    /// Holds when the field does not equal this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ne: Option<Value>,
}

fn default_rounds() -> u32 {
    DEFAULT_ROUNDS
}

fn default_prompt() -> String {
    "{{input}}".to_owned()
}
