//! Definitions, as everybody sees them: made of the form in which files and journals keep them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Control, Error};
use crate::id::{ExecutionId, WorkerId};
use crate::limits;
use crate::pattern::Pattern;
use crate::session::approval;
use crate::store::Name;

/// How long a worker's word about a definition stands without being renewed.
pub const STANDS: Duration = super::workers::STANDS;

/// An agent or a graph.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "DefinitionView")]
pub struct Definition {
    /// The name under which it is started.
    pub name: String,
    /// `agent` or `graph`.
    pub kind: String,
    /// Its purpose, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Names its content: another content has another one.
    pub version: String,
    /// The workers that have it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workers: Vec<WorkerId>,
    /// The node that runs first.
    pub entry: String,
    /// How many iterations an execution may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_iterations: Option<u64>,
    /// The nodes. An agent is one node of its own name.
    pub nodes: Vec<Node>,
    /// Which node follows which.
    pub edges: Vec<Edge>,
    /// The tools that its nodes may call, as far as they are known.
    pub tools: Vec<Tool>,
    /// JSON Schema of the input, as far as its templates read it; `{}`: anything.
    pub input_schema: Value,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "DefinitionNode")]
pub struct Node {
    /// Its id.
    pub id: String,
    /// `agent`, `tool`, `router` or `human`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The model and how it is asked; absent where it is the worker's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Value>,
    /// The tools that it may call: names or patterns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<String>,
    /// Tools whose calls wait for an approval: names or patterns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approve: Vec<String>,
    /// Other agents and graphs that it may call as tools.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subagents: Vec<Subagent>,
    /// Whether its text goes to the client.
    pub client_facing: bool,
    /// It begins when every branch before it has arrived.
    pub join: bool,
    /// Answers to choose from, of a human node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
}

/// Another agent or graph as a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "DefinitionSubagent")]
pub struct Subagent {
    /// The tool's name.
    pub name: String,
    /// The definition that it runs.
    pub definition: String,
}

/// A transition from a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "DefinitionEdge")]
pub struct Edge {
    /// The node that has ended.
    pub from: String,
    /// The nodes that run next; several are branches.
    pub to: Vec<String>,
    /// When it is taken; absent: when no other one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Value>,
}

/// A tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "DefinitionTool")]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// When and how to use it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// JSON Schema of its arguments.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub input_schema: Value,
}

/// A definition in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "DefinitionSummary")]
pub struct Summary {
    /// The name under which it is started.
    pub name: String,
    /// `agent` or `graph`.
    pub kind: String,
    /// Its purpose, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Names its content.
    pub version: String,
    /// How many nodes it has.
    pub nodes: usize,
    /// How many workers have it.
    pub workers: usize,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(one) => vec![one.clone()],
        Value::Array(all) => all.iter().map(text).collect(),
        _ => Vec::new(),
    }
}

fn present(value: &Value) -> Option<Value> {
    Some(value.clone()).filter(|value| !value.is_null())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn node(id: &str, kind: &str, spec: &Value) -> Node {
    let subagent =
        |spec: &Value| Subagent { name: text(&spec["name"]), definition: text(&spec["definition"]) };
    let mut tools = texts(&spec["tools"]);
    tools.extend(spec["tool"].as_str().map(str::to_owned));
    Node {
        id: id.to_owned(),
        kind: kind.to_owned(),
        model: present(&spec["model"]),
        tools,
        approve: texts(&spec["approve"]),
        subagents: list(&spec["subagents"]).iter().map(subagent).collect(),
        client_facing: kind == "agent" && spec["client_facing"].as_bool().unwrap_or(false),
        join: spec["join"].as_bool().unwrap_or(false),
        choices: texts(&spec["choices"]),
    }
}

impl Definition {
    /// Of the form in which files and journals keep one; `None`: it is none.
    #[must_use]
    pub fn of(spec: &Value) -> Option<Self> {
        let (name, kind) = (spec["name"].as_str()?, spec["kind"].as_str()?);
        let version = approval::digest(spec);
        let edge = |spec: &Value| Edge {
            from: text(&spec["from"]),
            to: texts(&spec["to"]),
            when: present(&spec["when"]),
        };
        let (entry, nodes) = match kind {
            "agent" => (name.to_owned(), vec![Node { client_facing: true, ..node(name, "agent", spec) }]),
            "graph" => {
                let nodes = spec["nodes"].as_object()?;
                let of =
                    |(id, spec): (&String, &Value)| node(id, spec["type"].as_str().unwrap_or("agent"), spec);
                (text(&spec["entry"]), nodes.iter().map(of).collect())
            }
            _ => return None,
        };
        Some(Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            description: text(&spec["description"]),
            version,
            workers: Vec::new(),
            entry,
            max_iterations: spec["max_iterations"].as_u64(),
            nodes,
            edges: list(&spec["edges"]).iter().map(edge).collect(),
            tools: Vec::new(),
            input_schema: input_schema(spec),
        })
    }

    /// The same with those of these tools that its nodes may call; without their schemas where those are too long.
    #[must_use]
    pub fn with_tools(mut self, tools: impl IntoIterator<Item = Tool>) -> Self {
        let patterns: Vec<Pattern> = self
            .nodes
            .iter()
            .flat_map(|node| &node.tools)
            .filter_map(|pattern| Pattern::new(pattern).ok())
            .collect();
        let is_meant = |tool: &Tool| patterns.iter().any(|pattern| pattern.matches(&tool.name));
        self.tools = tools.into_iter().filter(is_meant).collect();
        if self.bytes() > limits::DEFINITION_BYTES {
            self.tools.iter_mut().for_each(|tool| tool.input_schema = Value::Null);
        }
        if self.bytes() > limits::DEFINITION_BYTES {
            self.tools.clear();
        }
        self
    }

    fn bytes(&self) -> usize {
        serde_json::to_vec(self).map_or(usize::MAX, |text| text.len())
    }

    /// As it stands in a list.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary {
            name: self.name.clone(),
            kind: self.kind.clone(),
            description: self.description.clone(),
            version: self.version.clone(),
            nodes: self.nodes.len(),
            workers: self.workers.len(),
        }
    }
}

/// The fields of the input that templates read: `{{input.<field>}}`.
fn input_schema(spec: &Value) -> Value {
    let mut fields = BTreeSet::new();
    let mut rest = vec![spec];
    // The tree was read, so it has an end.
    while let Some(value) = rest.pop() {
        match value {
            Value::String(text) => read_fields(text, &mut fields),
            Value::Array(all) => rest.extend(all),
            Value::Object(all) => rest.extend(all.values()),
            _ => {}
        }
    }
    if fields.is_empty() {
        return json!({});
    }
    let properties: Map<String, Value> = fields.iter().map(|field| (field.clone(), json!({}))).collect();
    json!({ "type": "object", "properties": properties })
}

fn read_fields(text: &str, fields: &mut BTreeSet<String>) {
    for place in text.split("{{").skip(1) {
        let Some((inside, _)) = place.split_once("}}") else { continue };
        let inside = inside.trim().trim_start_matches("#if ").trim();
        let Some(path) = inside.strip_prefix("input.") else { continue };
        let field = path.split('.').next().unwrap_or_default();
        if !field.is_empty() && fields.len() < limits::DEFINITION_FIELDS {
            fields.insert(field.to_owned());
        }
    }
}

/// Where workers say what they know of a definition.
#[must_use]
pub fn place(name: &str) -> Name {
    Name { family: "definition", id: name.to_owned() }
}

impl Control {
    /// The agents and graphs that workers have, by name.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn definitions(&self) -> Result<Vec<Definition>, Error> {
        let workers = self.workers().await?;
        let names: BTreeSet<&String> = workers.iter().flat_map(|worker| &worker.definitions).collect();
        let mut found = Vec::new();
        for name in names.into_iter().take(limits::DEFINITIONS) {
            found.extend(self.definition(name).await?);
        }
        Ok(found)
    }

    /// An agent or a graph by name; `None`: no worker has it. Where workers differ, that of most of them.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn definition(&self, name: &str) -> Result<Option<Definition>, Error> {
        let present = self.bus.store().present(&place(name)).await;
        let present = present.map_err(|error| Error::of(error.is_retryable(), &error))?;
        let mut versions: BTreeMap<String, Definition> = BTreeMap::new();
        for (worker, word) in &present {
            let (Ok(said), Ok(worker)) =
                (crate::json::from_slice::<Definition>(word), WorkerId::new(worker.as_str()))
            else {
                continue;
            };
            versions.entry(said.version.clone()).or_insert(said).workers.push(worker);
        }
        Ok(versions.into_values().max_by_key(|version| version.workers.len()))
    }

    /// The definition that an execution runs, as it was when the execution began; `None`: it is not known any more.
    ///
    /// # Errors
    /// The execution does not exist, or the log or the store does not answer.
    pub async fn definition_of(&self, id: &ExecutionId) -> Result<Option<Definition>, Error> {
        let unknown = || Error::NotFound { what: "execution", id: id.to_string() };
        let known = self.status(id).await?.ok_or_else(unknown)?;
        // Others run no definition of Runbus's, and whoever may publish could name one that they may not read.
        let Some(name) = known.definition.clone().filter(|_| !known.external) else { return Ok(None) };
        let current = self.definition(&name).await?;
        let state = match known.session_id {
            Some(session) => self.state(&session).await?,
            None => None,
        };
        let kept = state.and_then(|state| state.run).filter(|run| run.start.execution_id == *id);
        let kept = kept.and_then(|run| Definition::of(run.definition.as_deref()?));
        Ok(match (kept, current) {
            (Some(kept), Some(current)) if kept.version == current.version => {
                Some(Definition { workers: Vec::new(), ..current })
            }
            (Some(kept), current) => Some(kept.with_tools(current.map(|now| now.tools).unwrap_or_default())),
            (None, current) => current.map(|current| Definition { workers: Vec::new(), ..current }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_one_node() {
        let spec =
            json!({ "kind": "agent", "name": "clerk", "tools": ["mail__*"], "approve": ["mail__send"] });
        let tool =
            |name: &str| Tool { name: name.into(), description: String::new(), input_schema: json!({}) };
        let found = Definition::of(&spec).unwrap().with_tools([tool("mail__send"), tool("other")]);
        assert_eq!((found.entry.as_str(), found.nodes.len(), found.edges.len()), ("clerk", 1, 0));
        assert_eq!(found.nodes[0].approve, ["mail__send"]);
        assert_eq!(found.tools.len(), 1);
        assert_eq!(found.input_schema, json!({}));
    }

    #[test]
    fn a_graph_has_nodes_edges_and_the_input_that_it_reads() {
        let spec = json!({
            "kind": "graph", "name": "flow", "entry": "a", "max_iterations": 3,
            "nodes": {
                "a": { "type": "agent", "prompt": "{{input.topic}} {{ input.who.name }} {{#if input.tone}}x{{/if}}" },
                "b": { "type": "tool", "tool": "clock", "arguments": { "zone": "{{input.zone}}" } },
            },
            "edges": [{ "from": "a", "to": ["b"], "when": { "field": "x", "lt": 1 } }, { "from": "b", "to": "a" }],
        });
        let found = Definition::of(&spec).unwrap();
        let ids: Vec<_> = found.nodes.iter().map(|node| (node.id.as_str(), node.kind.as_str())).collect();
        assert_eq!(ids, [("a", "agent"), ("b", "tool")]);
        assert_eq!(found.edges[1].to, ["a"]);
        let fields: Vec<&String> = found.input_schema["properties"].as_object().unwrap().keys().collect();
        assert_eq!(fields, ["tone", "topic", "who", "zone"]);
        assert_ne!(
            found.version,
            Definition::of(&json!({ "kind": "graph", "name": "flow", "nodes": {} })).unwrap().version
        );
        assert_eq!(Definition::of(&json!({ "kind": "other", "name": "x" })), None);
    }
}
