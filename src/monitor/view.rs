//! The document that a monitor shows. A section that nobody contributed to is absent.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::control::workers::AgentReport;
use crate::event::family::model::Usage;
use crate::execution::Status;
use crate::id::{ExecutionId, NodeId, SessionId, StreamId};
use crate::time::Timestamp;

/// The view of one stream, or of all. Bounded: long values are cut, old entries are removed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Monitor {
    /// The stream; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_id: Option<StreamId>,
    /// Whether everything that the log holds of it was looked at. `false`: only the newest part, which is bounded.
    pub complete: bool,
    /// Whether something was left out so that the document keeps within its limit of bytes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reduced: bool,
    /// Calls that wait for a decision. Present since somebody asked for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvals: Option<Approvals>,
    /// The sources and tools of the agents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Context>,
    /// MCP servers by name, and the state of each by contributor: a worker, or `stream/<stream_id>` for an event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mcp: Option<BTreeMap<String, BTreeMap<String, Value>>>,
    /// Where agents run code, by contributor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_execution: Option<BTreeMap<String, Value>>,
    /// Tokens, and their cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Used>,
    /// Executions and their nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graph: Option<Graph>,
}

/// Calls that wait for a decision.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "MonitorApprovals")]
pub struct Approvals {
    /// How many.
    pub count: usize,
    /// They, by id.
    pub pending: BTreeMap<String, Approval>,
}

/// A call that waits for a decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "MonitorApproval")]
pub struct Approval {
    /// The stream.
    pub stream_id: StreamId,
    /// The run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_id: Option<ExecutionId>,
    /// The conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_id: Option<NodeId>,
    /// The call.
    pub tool_use_id: String,
    /// The tool.
    pub tool_name: String,
    /// Its arguments; `{cut, bytes, begins}` when they are long.
    pub tool_input: Value,
    /// SHA-256 of the canonical arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments_digest: Option<String>,
    /// Since when.
    pub requested_at: Timestamp,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// The sources and tools of the agents.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "MonitorContext")]
pub struct Context {
    /// How the agents and graphs are configured, by name: models and tools of each node, as workers report it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub agents: BTreeMap<String, AgentReport>,
    /// Tools by name: those that the agents may call, and those that were called.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tools: BTreeMap<String, Tool>,
    /// The conversations that went on last, by session; by execution where there is no session.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub conversations: BTreeMap<String, Conversation>,
}

/// How often a tool was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "MonitorTool")]
pub struct Tool {
    /// Calls that ended.
    pub calls: u64,
    /// Of these, those that failed.
    pub errors: u64,
}

/// The last messages of a conversation.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Conversation {
    /// Its stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_id: Option<StreamId>,
    /// Its last execution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_id: Option<ExecutionId>,
    /// Messages, oldest first.
    pub messages: Vec<Message>,
    /// Older ones that are not shown.
    #[serde(default)]
    pub omitted: u64,
    /// The last compaction: tokens before and after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compacted: Option<Compacted>,
}

/// The result of a compaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Compacted {
    /// Tokens before.
    pub tokens_before: u64,
    /// Tokens after.
    pub tokens_after: u64,
}

/// The author of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "MonitorRole")]
pub enum Role {
    /// The caller that started the execution, or answered a question.
    User,
    /// The model.
    Assistant,
    /// A tool.
    Tool,
}

/// A message of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "MonitorMessage")]
pub struct Message {
    /// The author.
    pub role: Role,
    /// The content; `{cut, bytes, begins}` when it is long.
    #[serde(default)]
    pub content: Value,
    /// The node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_id: Option<NodeId>,
    /// The tool that answers, and its call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_name: Option<String>,
    /// The call that is answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_use_id: Option<String>,
    /// Calls that the model asks for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<Value>,
    /// When.
    pub at: Timestamp,
}

/// Tokens, and their cost.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Used {
    /// Executions that used any.
    pub executions: u64,
    /// Calls of models.
    pub rounds: u64,
    /// Tokens.
    pub tokens: Usage,
    /// Tokens by model, where events say which.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by_model: BTreeMap<String, Usage>,
    /// The cost. Absent where no event reports it and no price is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
}

/// The cost of tokens.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Cost {
    /// How much, to nine decimals.
    pub amount: f64,
    /// Of what.
    pub currency: String,
    /// Tokens that are not in it, because nobody knows their price.
    #[serde(default)]
    pub unpriced_tokens: u64,
}

/// Executions and their nodes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "MonitorGraph")]
pub struct Graph {
    /// Executions that have not ended, of those shown.
    pub active: usize,
    /// They, by id; those that ended go first when there are many.
    pub executions: BTreeMap<ExecutionId, Run>,
    /// Executions that were shown once and are not any more.
    #[serde(default)]
    pub omitted: u64,
}

/// An execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "MonitorRun")]
pub struct Run {
    /// The stream.
    pub stream_id: StreamId,
    /// Runbus does not run it: others tell it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub external: bool,
    /// The conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The agent or graph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// The node that is at work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_node: Option<NodeId>,
    /// Which pass of the graph's cycle, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iteration: Option<u32>,
    /// The worker's try, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// When it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued_at: Option<Timestamp>,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Calls of models.
    pub rounds: u32,
    /// Tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Its goals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goals: Option<Goals>,
    /// Its nodes, at most 64.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub nodes: BTreeMap<NodeId, Node>,
    /// The error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
}

/// How far an execution has come.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Goals {
    /// 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<f64>,
    /// How the criteria stand, as the producer says.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub criteria_status: Value,
    /// Goals that were achieved.
    #[serde(default)]
    pub achieved: u64,
    /// Constraints that were violated: how often each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub violations: BTreeMap<String, u64>,
}

/// A node of an execution.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "MonitorNode")]
pub struct Node {
    /// Whether it is at work.
    pub at_work: bool,
    /// How often it began.
    pub passes: u32,
    /// The round of its loop, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iteration: Option<u32>,
    /// Its safety valve: rounds at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_iterations: Option<u32>,
    /// Tool calls that ended.
    #[serde(default)]
    pub tool_calls: u64,
    /// Of these, those that failed.
    #[serde(default)]
    pub tool_errors: u64,
    /// Calls of the model that failed and were tried again.
    #[serde(default)]
    pub retries: u64,
    /// Why it makes no progress, until it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stalled: Option<String>,
}
