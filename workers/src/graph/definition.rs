//! Reading a definition, and the schema of its format.

use std::path::Path;

use runbus::pattern::{Pattern, Patterns};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::limits::MAX_DEFINITION_BYTES;
use super::spec::{AgentSpec, GraphSpec};
use super::{Agent, Graph, LoadFault};
use crate::yaml;

/// A valid agent or graph.
///
/// Its serde form is that of the file (the `kind` inside tells them apart), so that an execution can journal
/// what it runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Definition {
    /// An agent.
    Agent(Agent),
    /// A graph.
    Graph(Graph),
}

/// The one key that both kinds have.
#[derive(Deserialize)]
struct Kind {
    kind: String,
}

impl Definition {
    /// The name under which it is started.
    pub fn name(&self) -> &str {
        match self {
            Self::Agent(agent) => &agent.name,
            Self::Graph(graph) => &graph.name,
        }
    }

    /// The description, for people.
    pub fn description(&self) -> &str {
        match self {
            Self::Agent(agent) => &agent.description,
            Self::Graph(graph) => &graph.description,
        }
    }

    /// The names of the tools that it mentions, each with its path in the file.
    pub fn tools(&self) -> Vec<(String, &str)> {
        let listed = |path: &str, tools: &Patterns| -> Vec<String> {
            (0..tools.len()).map(|index| format!("{path}[{index}]")).collect()
        };
        match self {
            Self::Agent(agent) => listed("tools", &agent.tools)
                .into_iter()
                .zip(agent.tools.iter().map(Pattern::as_str))
                .collect(),
            Self::Graph(graph) => graph
                .nodes
                .iter()
                .flat_map(|(id, node)| {
                    let paths = listed(&format!("nodes.{id}.tools"), &node.tools);
                    paths.into_iter().zip(node.tools.iter().map(Pattern::as_str))
                })
                .collect(),
        }
    }

    /// Reads one from YAML or JSON. `source_name` stands in front of each error.
    ///
    /// # Errors
    ///
    /// When it is too large, is not of the format, or makes no sense.
    pub fn parse(source_name: &str, text: &str) -> Result<Self, LoadFault> {
        if text.len() > MAX_DEFINITION_BYTES {
            let source_name = source_name.to_owned();
            return Err(LoadFault::TooLarge { source_name, bytes: text.len(), limit: MAX_DEFINITION_BYTES });
        }
        let meaning = |path: &str, message: String| LoadFault::Meaning {
            source_name: source_name.to_owned(),
            path: path.to_owned(),
            message,
        };
        let Kind { kind } = read(source_name, text)?;
        match kind.as_str() {
            "agent" => read::<AgentSpec>(source_name, text)?
                .try_into()
                .map(Self::Agent)
                .map_err(|fault: super::validate::Fault| meaning(&fault.path, fault.message)),
            "graph" => read::<GraphSpec>(source_name, text)?
                .try_into()
                .map(Self::Graph)
                .map_err(|fault: super::validate::Fault| meaning(&fault.path, fault.message)),
            other => Err(meaning("kind", format!("{other:?} is neither agent nor graph"))),
        }
    }

    /// Reads one from a file.
    ///
    /// # Errors
    ///
    /// As [`Definition::parse`], and when the file cannot be read.
    pub fn load(path: &Path) -> Result<Self, LoadFault> {
        let failed = |source| LoadFault::Read { path: path.to_owned(), source };
        // The size is asked first, so that a wrong path to something huge is not read.
        let bytes = usize::try_from(std::fs::metadata(path).map_err(failed)?.len()).unwrap_or(usize::MAX);
        let source_name = path.display().to_string();
        if bytes > MAX_DEFINITION_BYTES {
            return Err(LoadFault::TooLarge { source_name, bytes, limit: MAX_DEFINITION_BYTES });
        }
        Self::parse(&source_name, &std::fs::read_to_string(path).map_err(failed)?)
    }
}

/// Reads the shape.
fn read<T: DeserializeOwned>(source_name: &str, text: &str) -> Result<T, LoadFault> {
    let source_name = source_name.to_owned();
    yaml::read(text).map_err(|yaml::Fault { path, message }| LoadFault::Shape { source_name, path, message })
}

/// The JSON Schema of the file format: an agent or a graph.
pub fn schema() -> Value {
    let mut generator = schemars::SchemaGenerator::default();
    let agent = generator.subschema_for::<AgentSpec>();
    let graph = generator.subschema_for::<GraphSpec>();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Runbus definition",
        "oneOf": [agent, graph],
        "$defs": generator.take_definitions(true),
    })
}
