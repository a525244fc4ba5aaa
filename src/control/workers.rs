//! The present workers, and their reports.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Control, Error};
use crate::id::WorkerId;
use crate::store::Name;
use crate::time::Timestamp;

/// How long a worker's word stands without being renewed: that long a dead one is still listed.
pub const STANDS: Duration = Duration::from_secs(15);

/// The report of a worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct WorkerReport {
    /// Which.
    pub worker: WorkerId,
    /// Since when it works.
    pub since: Timestamp,
    /// When it said this.
    pub at: Timestamp,
    /// Sessions that it has at work.
    pub sessions: usize,
    /// Sessions that it would have at work at most.
    pub concurrency: usize,
    /// The agents and graphs that it knows.
    pub definitions: Vec<String>,
    /// The tools that it has, those of MCP servers included.
    pub tools: Vec<String>,
    /// How its tool calls ended, by outcome.
    pub tool_calls: Value,
    /// Its MCP servers: name, state, tools, restarts, since when; refused tools and faulty guards, when there are any.
    pub mcp_servers: Value,
    /// Names and guards of its definitions that cover no tool: calls that they may be meant for need an approval.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guard_faults: Vec<String>,
    /// How its agents and graphs are configured, by name; left out when that is more than 64 KiB.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub agents: BTreeMap<String, AgentReport>,
    /// Where it lets agents run code, and how that is; absent: it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_execution: Option<Value>,
}

/// How an agent or a graph is configured.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AgentReport {
    /// The description of the agent, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Its nodes; an agent is one node of its own name.
    #[serde(default)]
    pub nodes: BTreeMap<String, NodeReport>,
}

/// How a node is configured.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct NodeReport {
    /// The model and how it is asked: `name`, `temperature`, `max_tokens`; absent where it is the worker's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Value>,
    /// The tools that it may call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<String>,
}

/// Where workers are listed.
#[must_use]
pub fn place() -> Name {
    Name { family: "workers", id: "all".into() }
}

impl Control {
    /// The workers that there are, by name: each is listed for 15 s after its last word.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn workers(&self) -> Result<Vec<WorkerReport>, Error> {
        let present = self.bus.store().present(&place()).await;
        let present = present.map_err(|error| Error::of(error.is_retryable(), &error))?;
        let mut reports: Vec<WorkerReport> =
            present.iter().filter_map(|(_, report)| crate::json::from_slice(report).ok()).collect();
        reports.sort_by(|a, b| a.worker.cmp(&b.worker));
        Ok(reports)
    }
}
