//! A valid agent.

use std::ops::Deref;

use serde::{Deserialize, Serialize};

use super::spec::AgentSpec;
use super::validate;

/// A valid agent; it has the parts and the serde form of its [`AgentSpec`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "AgentSpec", into = "AgentSpec")]
pub struct Agent(AgentSpec);

impl Deref for Agent {
    type Target = AgentSpec;

    fn deref(&self) -> &AgentSpec {
        &self.0
    }
}

impl TryFrom<AgentSpec> for Agent {
    type Error = validate::Fault;

    fn try_from(spec: AgentSpec) -> Result<Self, validate::Fault> {
        validate::agent(&spec)?;
        Ok(Self(spec))
    }
}

impl From<Agent> for AgentSpec {
    fn from(agent: Agent) -> Self {
        agent.0
    }
}
