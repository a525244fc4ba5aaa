//! A valid graph.

use std::ops::Deref;

use serde::{Deserialize, Serialize};

use super::spec::GraphSpec;
use super::template::Template;
use super::{Output, cycle, validate};

/// A valid graph; its parts are those of its [`GraphSpec`].
///
/// Its serde form is that of the file, so that an execution can journal the graph it runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "GraphSpec", into = "GraphSpec")]
pub struct Graph {
    spec: GraphSpec,
    /// For each edge, whether it closes a cycle.
    closing: Vec<bool>,
}

impl Graph {
    /// Whether taking the edge at place `index` begins a new iteration.
    pub fn closes_cycle(&self, index: usize) -> bool {
        self.closing.get(index).copied().unwrap_or(false)
    }

    /// The template of the node's user message; `None` when there is no such node.
    pub fn prompt(&self, node: &str) -> Option<Template> {
        self.nodes.get(node).map(|node| Template::parse(&node.prompt).expect("validation parsed it before"))
    }

    /// What the node's answer must look like; `None` when it may be any text, or there is no such node.
    pub fn output(&self, node: &str) -> Option<Output> {
        self.nodes.get(node)?.output.clone().map(Output::new)
    }
}

impl Deref for Graph {
    type Target = GraphSpec;

    fn deref(&self) -> &GraphSpec {
        &self.spec
    }
}

impl TryFrom<GraphSpec> for Graph {
    type Error = validate::Fault;

    fn try_from(spec: GraphSpec) -> Result<Self, validate::Fault> {
        validate::graph(&spec)?;
        let closing = cycle::closing_edges(&spec);
        Ok(Self { spec, closing })
    }
}

impl From<Graph> for GraphSpec {
    fn from(graph: Graph) -> Self {
        graph.spec
    }
}
