//! Agents and graphs by name, each as a plan: what a session asks of either.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use runbus::id::NodeId;
use serde_json::{Value, json};

use crate::graph::{Agent, Context, Definition, Graph, LoadFault, ModelOptions, Next, Step, built_in};
use crate::model::{Hint, Message, Options, Request, ResponseFormat};
use crate::session::state::Run;
use crate::tool::{Registry, RegistryFault};

/// Why definitions were refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A definition cannot be read.
    #[error(transparent)]
    Load(#[from] LoadFault),
    /// A folder cannot be read.
    #[error("{path}: {error}")]
    Folder {
        /// Which.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// A definition names a tool that is not there.
    #[error("{definition}: {fault}")]
    Tool {
        /// Which definition.
        definition: String,
        /// Which tool.
        fault: RegistryFault,
    },
    /// A node's name is no id.
    #[error("{definition}: {error}")]
    Node {
        /// Which definition.
        definition: String,
        /// Why.
        error: runbus::id::Error,
    },
}

/// Agents and graphs by name; a later one of the same name replaces an earlier one.
#[derive(Debug, Clone, Default)]
pub struct Definitions {
    plans: BTreeMap<String, Arc<Plan>>,
}

/// An agent or a graph, as a session follows it.
#[derive(Debug, Clone)]
pub enum Plan {
    /// One node that continues the session's conversation.
    Agent(Agent),
    /// Nodes, each of which begins anew.
    Graph(Graph),
}

/// How a node begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Opening {
    /// The instructions and the question.
    pub messages: Vec<Message>,
    /// Whether it continues the session's conversation.
    pub converses: bool,
}

impl Definitions {
    /// Those that every worker has.
    ///
    /// # Errors
    /// Never in practice: a test reads them.
    pub fn builtin() -> Result<Self, Error> {
        let mut definitions = Self::default();
        for definition in built_in() {
            definitions.add(definition)?;
        }
        Ok(definitions)
    }

    /// Adds a file, or every `.yaml`, `.yml` and `.json` file of a folder.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn load(&mut self, path: &Path) -> Result<(), Error> {
        if !path.is_dir() {
            return self.add(Definition::load(path)?);
        }
        let folder = |error| Error::Folder { path: path.display().to_string(), error };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(path).map_err(folder)? {
            let file = entry.map_err(folder)?.path();
            let known = file.extension().is_some_and(|end| end == "yaml" || end == "yml" || end == "json");
            if known && file.is_file() {
                files.push(file);
            }
        }
        files.sort();
        files.iter().try_for_each(|file| self.add(Definition::load(file)?))
    }

    /// Adds a definition.
    ///
    /// # Errors
    /// A node's name is no id.
    pub fn add(&mut self, definition: Definition) -> Result<(), Error> {
        let (name, plan) = match definition {
            Definition::Agent(agent) => (agent.name.clone(), Plan::Agent(agent)),
            Definition::Graph(graph) => (graph.name.clone(), Plan::Graph(graph)),
        };
        for node in plan.node_names() {
            NodeId::new(node).map_err(|error| Error::Node { definition: name.clone(), error })?;
        }
        self.plans.insert(name, Arc::new(plan));
        Ok(())
    }

    /// A definition by name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Plan> {
        self.plans.get(name).map(AsRef::as_ref)
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.plans.keys().map(String::as_str)
    }

    /// Checks that every tool that a definition names is there.
    ///
    /// # Errors
    /// See [`Error::Tool`].
    pub fn check_tools(&self, registry: &Registry) -> Result<(), Error> {
        for (name, plan) in &self.plans {
            for node in plan.node_names() {
                registry
                    .only(plan.tools(node))
                    .map_err(|fault| Error::Tool { definition: name.clone(), fault })?;
            }
        }
        Ok(())
    }
}

impl Plan {
    fn node_names(&self) -> Vec<&str> {
        match self {
            Self::Agent(agent) => vec![agent.name.as_str()],
            Self::Graph(graph) => graph.nodes.keys().map(String::as_str).collect(),
        }
    }

    fn tools(&self, node: &str) -> &[String] {
        match self {
            Self::Agent(agent) => &agent.tools,
            Self::Graph(graph) => graph.nodes.get(node).map_or(&[], |node| &node.tools),
        }
    }

    fn options(&self, node: &str) -> Option<&ModelOptions> {
        match self {
            Self::Agent(agent) => Some(&agent.model),
            Self::Graph(graph) => graph.nodes.get(node).map(|node| &node.model),
        }
    }

    /// What comes next: the first node, the one behind the node that ended last, or the end.
    ///
    /// # Errors
    /// The text of a fault: the last output does not decide, or passes are used up.
    pub fn next(&self, run: &Run) -> Result<Next, String> {
        let ended = run.last_node.as_ref().and_then(|node| Some((node, run.outputs.get(node)?)));
        match (self, ended) {
            (Self::Agent(agent), None) => {
                Ok(Next::Node(Step { node: agent.name.clone(), iteration: 1, exhausted: false }))
            }
            (Self::Agent(_), Some(_)) => Ok(Next::End),
            (Self::Graph(graph), None) => Ok(Next::Node(graph.start())),
            (Self::Graph(graph), Some((node, output))) => {
                graph.route(node.as_str(), output, run.iteration).map_err(|fault| fault.to_string())
            }
        }
    }

    /// Calls of the model in one pass of a node, at most.
    #[must_use]
    pub fn max_rounds(&self, node: &NodeId) -> u32 {
        match self {
            Self::Agent(agent) => agent.max_rounds,
            Self::Graph(graph) => graph.nodes.get(node.as_str()).map_or(1, |node| node.max_rounds),
        }
    }

    /// Whether a node's text goes to the client.
    #[must_use]
    pub fn is_client_facing(&self, node: &NodeId) -> bool {
        match self {
            Self::Agent(_) => true,
            Self::Graph(graph) => graph.nodes.get(node.as_str()).is_some_and(|node| node.client_facing),
        }
    }

    /// How a node begins: its instructions, and the question with the run's input and earlier outputs in it.
    ///
    /// # Errors
    /// The text of a fault: the question is too long.
    pub fn opening(&self, node: &str, run: &Run, iteration: u32) -> Result<Opening, String> {
        let (system, question) = match self {
            Self::Agent(agent) => (&agent.system, text(&run.start.input)),
            Self::Graph(graph) => {
                let nodes: BTreeMap<String, Value> =
                    run.outputs.iter().map(|(id, output)| (id.to_string(), output.clone())).collect();
                let input = text(&run.start.input);
                let context = Context { input: &input, nodes: &nodes, iteration };
                let Some(found) = graph.nodes.get(node) else { return Err(format!("no such node {node:?}")) };
                let template = graph.prompt(node).ok_or_else(|| format!("no such node {node:?}"))?;
                (&found.system, template.render(context))
            }
        };
        let mut messages = Vec::with_capacity(2);
        if !system.is_empty() {
            messages.push(Message::system(system.clone()));
        }
        messages.push(Message::user(question));
        Ok(Opening { messages, converses: matches!(self, Self::Agent(_)) })
    }

    /// One call of the model for a node.
    #[must_use]
    pub fn request(&self, node: &NodeId, messages: Vec<Message>, registry: &Registry, hint: Hint) -> Request {
        let options = self.options(node.as_str());
        let tools = registry.only(self.tools(node.as_str())).map(|tools| tools.specs()).unwrap_or_default();
        let response_format = match self {
            Self::Agent(_) => None,
            Self::Graph(graph) => graph
                .output(node.as_str())
                .map(|output| ResponseFormat::schema(node.as_str(), output.schema())),
        };
        Request {
            model: options.and_then(|options| options.name.clone()),
            messages,
            tools,
            options: Options {
                temperature: options.and_then(|options| options.temperature),
                max_tokens: options.and_then(|options| options.max_tokens),
                response_format,
            },
            hint,
        }
    }

    /// A node's output from its answer.
    ///
    /// # Errors
    /// The text of a fault, for the model: the answer is not what the node declares.
    pub fn output(&self, node: &NodeId, answer: &str) -> Result<Value, String> {
        let declared = match self {
            Self::Agent(_) => None,
            Self::Graph(graph) => graph.output(node.as_str()),
        };
        declared.map_or_else(
            || Ok(Value::String(answer.into())),
            |output| output.parse(answer).map_err(|fault| fault.to_string()),
        )
    }

    /// The result of a run that ended well: the last node's output, and of a graph every node's.
    #[must_use]
    pub fn result(&self, run: &Run) -> Value {
        let last = run.last_node.as_ref();
        let output = last.and_then(|node| run.outputs.get(node)).cloned().unwrap_or_default();
        match self {
            Self::Agent(_) => json!({ "output": output }),
            Self::Graph(_) => json!({
                "output": output,
                "node": last,
                "iterations": run.iteration,
                "outputs": run.outputs,
            }),
        }
    }
}

/// Input as the question of an agent.
fn text(input: &Value) -> String {
    match input {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
