//! A valid graph.

use std::ops::Deref;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::limits::MAX_PROMPT_BYTES;
use super::spec::GraphSpec;
use super::template::Template;
use super::{Context, Output, cycle, fork, router, validate};

/// A valid graph; its parts are those of its [`GraphSpec`].
///
/// Its serde form is that of the file, so that an execution can journal the graph it runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "GraphSpec", into = "GraphSpec")]
pub struct Graph {
    spec: GraphSpec,
    /// For each edge, whether it closes a cycle.
    closing: Vec<bool>,
    /// For each join, the branches that it waits for.
    joins: fork::Joins,
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

    /// Whether a node may begin to which `arrivals` ways lead that are not consumed yet.
    pub fn is_ready(&self, node: &str, arrivals: usize) -> bool {
        arrivals >= self.joins.get(node).copied().unwrap_or(1)
    }

    /// A tool node's arguments with their templates filled in.
    pub fn arguments(&self, node: &str, context: Context<'_>) -> Value {
        let arguments = self.nodes.get(node).and_then(|node| node.arguments.clone());
        let mut arguments = arguments.unwrap_or_else(|| Value::Object(serde_json::Map::new()));
        let mut left = MAX_PROMPT_BYTES;
        fill(&mut arguments, context, &mut left);
        arguments
    }

    /// The required form of the node's answer; `None` when it may be any text, or there is no such node.
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
        let joins = fork::check(&spec, &closing)?;
        router::check(&spec, &closing)?;
        Ok(Self { spec, closing, joins })
    }
}

impl From<Graph> for GraphSpec {
    fn from(graph: Graph) -> Self {
        graph.spec
    }
}

/// Fills in templates; all texts together take what is `left` of bytes.
fn fill(value: &mut Value, context: Context<'_>, left: &mut usize) {
    match value {
        Value::String(text) => {
            let Ok(template) = Template::parse(text) else { return };
            match template.value(context).map(|value| (value.to_string().len(), value)) {
                Some((bytes, whole)) if bytes <= *left && !whole.is_string() => {
                    *left -= bytes;
                    *value = whole;
                }
                _ => {
                    *text = template.render_within(*left, context);
                    *left -= text.len();
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, context, left)),
        Value::Object(fields) => fields.values_mut().for_each(|field| fill(field, context, left)),
        _ => {}
    }
}
