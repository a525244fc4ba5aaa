//! The file format: the content of a definition, before it is checked.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use runbus::pattern::Patterns;
use runbus::session::command::Budget;

use super::fields::Fields;
use super::limits::{DEFAULT_KEEP_MESSAGES, DEFAULT_PROMPT, DEFAULT_ROUNDS};

/// An agent: one model with tools, working until it answers without calling one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentSpec {
    /// Says that this is an agent.
    pub kind: AgentKind,
    /// The name under which it is started; also the default stream.
    pub name: String,
    /// The description, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The instructions that stand above the conversation.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub system: String,
    /// The tools that it may call: names, or patterns with `*` for any run of characters.
    #[serde(default, skip_serializing_if = "Patterns::is_empty")]
    pub tools: Patterns,
    /// The most model turns of one execution.
    #[serde(default = "default_rounds")]
    pub max_rounds: u32,
    /// The tools among those whose every call waits for a person's approval: names or patterns, each of which covers one.
    #[serde(default, skip_serializing_if = "Patterns::is_empty")]
    pub approve: Patterns,
    /// How long an approval is waited for, in milliseconds: 1,000 to 7,776,000,000 (90 days). Default: 24 hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_timeout_ms: Option<u64>,
    /// Other agents and graphs that it may call as tools.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subagents: Vec<SubagentTool>,
    /// Tool calls that run at the same time: 1 to 64. Default: 8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools_at_once: Option<u32>,
    /// Tries of one call of the model, with the first: 1 to 20. Default: 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_tries: Option<u32>,
    /// After so many milliseconds without progress (a token, a tool's answer) `node_stalled` is emitted: 100 to 86,400,000.
    /// Default: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stall_after_ms: Option<u64>,
    /// When old messages are folded into a note. Default: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compaction: Option<CompactionSpec>,
    /// The limits of one execution.
    #[serde(default, skip_serializing_if = "Budget::is_unlimited")]
    pub budget: Budget,
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
    /// The description, for people.
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
    /// Which node follows which. A node without an outgoing edge ends the execution, or its branch of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<Edge>,
    /// The goal: progress shows in `goal_progress` and `goal_achieved`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal: Option<GoalSpec>,
    /// The constraints: violations show in `constraint_violation`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<Constraint>,
    /// The limits of one execution.
    #[serde(default, skip_serializing_if = "Budget::is_unlimited")]
    pub budget: Budget,
    /// `stall_after_ms` of nodes that do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stall_after_ms: Option<u64>,
}

/// One step of a graph.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// The kind of the step.
    #[serde(rename = "type")]
    pub kind: NodeType,
    /// The instructions that stand above the conversation.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub system: String,
    /// The template of the user message; see [`super::Template`].
    #[serde(default = "default_prompt")]
    pub prompt: String,
    /// The tools that it may call: names, or patterns with `*` for any run of characters.
    #[serde(default, skip_serializing_if = "Patterns::is_empty")]
    pub tools: Patterns,
    /// The fields of its answer, when that is to be a JSON object; without it the answer is text. Their order is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<BTreeMap<String, FieldSpec>>")]
    pub output: Option<Fields>,
    /// Whether its text goes to the client as it is written, or stays internal.
    #[serde(default)]
    pub client_facing: bool,
    /// The most model turns of one run of the node.
    #[serde(default = "default_rounds")]
    pub max_rounds: u32,
    /// The tools among those whose every call waits for a person's approval: names or patterns, each of which covers one.
    #[serde(default, skip_serializing_if = "Patterns::is_empty")]
    pub approve: Patterns,
    /// How long an approval is waited for, in milliseconds: 1,000 to 7,776,000,000 (90 days). Default: 24 hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_timeout_ms: Option<u64>,
    /// Other agents and graphs that it may call as tools.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subagents: Vec<SubagentTool>,
    /// Tool calls that run at the same time: 1 to 64. Default: 8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools_at_once: Option<u32>,
    /// Tries of one call of the model, with the first: 1 to 20. Default: 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_tries: Option<u32>,
    /// After so many milliseconds without progress (a token, a tool's answer) `node_stalled` is emitted: 100 to 86,400,000.
    /// Default: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stall_after_ms: Option<u64>,
    /// When old messages are folded into a note. Default: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compaction: Option<CompactionSpec>,
    /// How the model answers.
    #[serde(default, skip_serializing_if = "ModelOptions::is_default")]
    pub model: ModelOptions,
    /// Of a tool node: the tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// Of a tool node: the tool's arguments, an object. Every string in it is a template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Value>,
    /// Of a router: the node whose output its edges look at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// Of a human node: the answers to choose from; none: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// Of a human node: how long the answer is waited for, in milliseconds: 1,000 to 7,776,000,000. Default: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Of a human node: the answer that counts when the time is up; without it the execution fails then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// It begins when every branch of the fork before it has arrived.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub join: bool,
}

/// Another agent or graph as a tool: its one argument `input` is what the child is given, its answer the child's output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubagentTool {
    /// The tool's name.
    pub name: String,
    /// When to use it, for the model.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The definition that the child runs.
    pub definition: String,
    /// Whether every call is a new session; else the child remembers earlier calls.
    #[serde(default)]
    pub ephemeral: bool,
}

/// When old messages are folded into a note that the model writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompactionSpec {
    /// Tokens of the context from which on messages are folded: at least 100.
    pub at_tokens: u64,
    /// Messages at the end that are left as they are: 1 to 1000.
    #[serde(default = "default_keep")]
    pub keep_recent_messages: usize,
    /// The instruction for the model that writes the note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
}

/// The goal of a graph, as conditions on its nodes' outputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GoalSpec {
    /// The description, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The criteria that must hold.
    pub criteria: Vec<Criterion>,
}

/// One thing that must hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Criterion {
    /// Names it in events.
    pub id: String,
    /// The description, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The node whose output decides.
    pub node: String,
    /// When it holds; without it: when the node has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<When>,
    /// Its share of the progress.
    #[serde(default = "default_weight")]
    pub weight: f64,
}

/// A condition that outputs must not violate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Constraint {
    /// Names it in events.
    pub id: String,
    /// The description, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The node whose output decides.
    pub node: String,
    /// When it is violated.
    pub violated_when: When,
    /// The effect of a violation.
    #[serde(default)]
    pub on_violation: OnViolation,
}

/// The effect of a violated constraint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnViolation {
    /// An event.
    #[default]
    Warn,
    /// An event, and the execution fails.
    Fail,
}

/// The kinds of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeType {
    /// A model with tools.
    Agent,
    /// One call of a tool. Its output is the tool's answer, or the object in it when the node declares `output`.
    Tool,
    /// Nothing: its output is that of the node `on`, and its edges decide.
    Router,
    /// A question to a person. Its output is `{answer}`.
    Human,
}

/// Options of the model's answer; the worker and the provider decide absent ones.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelOptions {
    /// The model: its name at the provider, or `PROVIDER/MODEL` with the name of a provider of the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The next models, in this order, each as `name`: one is asked when the one before it is down or refuses. At most 8.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallbacks: Vec<String>,
    /// Randomness, 0 to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// The share of likely tokens that is chosen from, above 0 up to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Texts that end the answer: at most 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// How long the model thinks, in the provider's words: `low`, `medium`, `high`, ...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_effort: Option<String>,
    /// `auto`, `none`, `required`, or the name of the tool that the first answer must call. Later answers are free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<String>,
    /// Whether one answer may call several tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    /// Fields that are added to the request as they are, in place of those of the same name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra_body: Map<String, Value>,
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
    /// The content of the field, for the model.
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

impl FieldType {
    /// Whether a value is of this type.
    pub(super) fn fits(self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Number => value.is_number(),
            Self::Integer => value.as_f64().is_some_and(|number| number.fract() == 0.0),
            Self::Boolean => value.is_boolean(),
            Self::Array => value.is_array(),
            Self::Object => value.is_object(),
        }
    }

    /// Its word in a file.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Array => "array",
            Self::Object => "object",
        }
    }
}

/// A possible successor of a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Edge {
    /// The node that has ended.
    pub from: String,
    /// The node that runs next; several: each begins a branch, and all run at the same time.
    pub to: Targets,
    /// When this edge is taken. Conditions are tried in file order; the edge without one is taken when none
    /// holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<When>,
}

/// One node, or the first nodes of branches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a node's name, or a list of them")]
pub enum Targets {
    /// One node.
    One(String),
    /// Branches.
    Many(Vec<String>),
}

impl Targets {
    /// The nodes.
    #[must_use]
    pub fn all(&self) -> &[String] {
        match self {
            Self::One(node) => std::slice::from_ref(node),
            Self::Many(nodes) => nodes,
        }
    }

    /// Whether branches begin here.
    #[must_use]
    pub fn is_fork(&self) -> bool {
        self.all().len() > 1
    }
}

impl std::fmt::Display for Targets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.all().join(", "))
    }
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

fn default_keep() -> usize {
    DEFAULT_KEEP_MESSAGES
}

fn default_weight() -> f64 {
    1.0
}

fn default_prompt() -> String {
    DEFAULT_PROMPT.to_owned()
}
