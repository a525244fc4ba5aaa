//! Agents and graphs by name, each as a plan: the questions that a session asks of either.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use runbus::control::workers::{AgentReport, NodeReport};
use runbus::id::NodeId;
use runbus::pattern::{Pattern, Patterns};
use runbus::session::command::Budget;
use runbus::session::entry::{Arrival, Judgement};
use runbus::session::run::{Answer, Run};
use runbus::session::{Content, part};
use serde_json::{Value, json};

use crate::compaction;
use crate::graph::{
    Agent, CompactionSpec, Context, Definition, Graph, LoadFault, ModelOptions, Next, Node, NodeType, Step,
    SubagentTool, built_in,
};
use crate::limits;
use crate::model::{Hint, Message, Options, Request, ResponseFormat, ToolChoice};
use crate::tool::{self, Registry, RegistryFault, Scope};

/// Why definitions were refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A definition cannot be read.
    #[error(transparent)]
    Load(#[from] LoadFault),
    /// Two files define the same name.
    #[error("{second} defines {name:?}, which {first} defines too: rename one of them")]
    Twice {
        /// The name.
        name: String,
        /// The file that was read first.
        first: String,
        /// The other.
        second: String,
    },
    /// A folder cannot be read.
    #[error("{path}: {error}")]
    Folder {
        /// Which.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// A list of tools in a definition has a name or a pattern that covers none.
    #[error("{definition}: {path}{fault}")]
    Tool {
        /// Which definition.
        definition: String,
        /// Which node, as in `nodes.work.`; empty for an agent.
        path: String,
        /// The fault.
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

/// Agents and graphs by name; one of a file replaces the built-in one of its name.
#[derive(Debug, Clone, Default)]
pub struct Definitions {
    plans: BTreeMap<String, Arc<Plan>>,
    kept: BTreeMap<String, Arc<Value>>,
    /// The file of each name that was read from one.
    files: BTreeMap<String, PathBuf>,
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
    /// The call that the node consists of: tool and arguments.
    pub call: Option<(String, Value)>,
}

/// The work of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// It talks to the model.
    Model,
    /// It is one call of a tool.
    Call,
    /// It asks a person.
    Ask,
    /// It does nothing: its edges decide.
    Pass,
}

/// How a node asks a person.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Asks {
    /// The answers to choose from; empty: any.
    pub choices: Vec<String>,
    /// How long the answer is waited for.
    pub timeout: Option<Duration>,
    /// The answer that counts then; `None`: the execution fails.
    pub default: Option<Value>,
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
            return self.load_file(path);
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
        files.iter().try_for_each(|file| self.load_file(file))
    }

    fn load_file(&mut self, path: &Path) -> Result<(), Error> {
        let definition = Definition::load(path)?;
        let name = match &definition {
            Definition::Agent(agent) => agent.name.clone(),
            Definition::Graph(graph) => graph.name.clone(),
        };
        // A file that is listed twice is one.
        let file = path.canonicalize().unwrap_or_else(|_unreadable| path.to_owned());
        if let Some(first) = self.files.get(&name).filter(|first| **first != file) {
            let shown = |path: &Path| path.display().to_string();
            return Err(Error::Twice { name, first: shown(first), second: shown(path) });
        }
        self.files.insert(name, file);
        self.add(definition)
    }

    /// Adds a definition.
    ///
    /// # Errors
    /// A node's name is no id.
    pub fn add(&mut self, definition: Definition) -> Result<(), Error> {
        let kept = serde_json::to_value(&definition).unwrap_or_default();
        let (name, plan) = match definition {
            Definition::Agent(agent) => (agent.name.clone(), Plan::Agent(agent)),
            Definition::Graph(graph) => (graph.name.clone(), Plan::Graph(graph)),
        };
        for node in plan.node_names() {
            NodeId::new(node).map_err(|error| Error::Node { definition: name.clone(), error })?;
        }
        if kept.to_string().len() <= limits::KEPT_DEFINITION_BYTES {
            self.kept.insert(name.clone(), Arc::new(kept));
        } else {
            self.kept.remove(&name);
        }
        self.plans.insert(name, Arc::new(plan));
        Ok(())
    }

    /// A definition by name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Plan>> {
        self.plans.get(name)
    }

    /// The definition of a run: the one that its journal keeps, else the one of its name here.
    #[must_use]
    pub fn of(&self, run: &Run) -> Option<Arc<Plan>> {
        let name = &run.start.definition;
        let Some(kept) = &run.definition else { return self.get(name).cloned() };
        if self.kept.get(name) == Some(kept) {
            return self.get(name).cloned();
        }
        match runbus::json::from_value::<Definition>((**kept).clone()) {
            Ok(Definition::Agent(agent)) => Some(Arc::new(Plan::Agent(agent))),
            Ok(Definition::Graph(graph)) => Some(Arc::new(Plan::Graph(graph))),
            Err(error) => {
                tracing::error!(definition = name, %error, "the journal's definition cannot be read");
                self.get(name).cloned()
            }
        }
    }

    /// A definition as a journal keeps it; `None` when there is none of this name, or when it is too large to keep.
    #[must_use]
    pub fn kept(&self, name: &str) -> Option<Arc<Value>> {
        self.kept.get(name).cloned()
    }

    /// How they are configured, by name; nothing when that is more than a report may carry.
    #[must_use]
    pub fn report(&self) -> BTreeMap<String, AgentReport> {
        let report: BTreeMap<String, AgentReport> =
            self.plans.iter().map(|(name, plan)| (name.clone(), plan.report())).collect();
        let bytes = serde_json::to_vec(&report).map_or(usize::MAX, |text| text.len());
        if bytes <= runbus::limits::REPORT_AGENTS_BYTES { report } else { BTreeMap::new() }
    }

    /// The names of models that they ask for, fallbacks included; some more than once.
    pub fn models(&self) -> impl Iterator<Item = &str> {
        let options = self.plans.values().flat_map(|plan| {
            plan.node_names().into_iter().filter_map(move |node| plan.options(node)).collect::<Vec<_>>()
        });
        options.flat_map(|options| options.name.iter().chain(&options.fallbacks).map(String::as_str))
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.plans.keys().map(String::as_str)
    }

    /// Checks that each tool and guard that a definition names is there, as far as the tools are known.
    ///
    /// # Errors
    /// The first [`Error::Tool`].
    pub fn check_tools(&self, registry: &Registry) -> Result<(), Error> {
        self.faults(registry).next().map_or(Ok(()), Err)
    }

    /// Every [`Error::Tool`] of the definitions, as far as the tools are known.
    pub fn faults<'a>(&'a self, registry: &'a Registry) -> impl Iterator<Item = Error> + 'a {
        self.plans.iter().flat_map(move |(name, plan)| {
            plan.node_names().into_iter().filter_map(move |node| {
                let fault = plan.scope(node, registry).check().err()?;
                let path = if plan.node(node).is_some() { format!("nodes.{node}.") } else { String::new() };
                Some(Error::Tool { definition: name.clone(), path, fault })
            })
        })
    }
}

/// The scope of each node of a run.
#[derive(Debug, Clone)]
pub struct Scopes {
    nodes: BTreeMap<String, Scope>,
    nothing: Scope,
}

impl Scopes {
    /// Of a run that follows nothing: no tool is in it.
    #[must_use]
    pub fn none(registry: &Registry) -> Self {
        let nothing = registry.scope(Patterns::default(), Patterns::default());
        Self { nodes: BTreeMap::new(), nothing }
    }

    /// Of a node.
    #[must_use]
    pub fn of(&self, node: &NodeId) -> &Scope {
        self.nodes.get(node.as_str()).unwrap_or(&self.nothing)
    }
}

impl Plan {
    fn node_names(&self) -> Vec<&str> {
        match self {
            Self::Agent(agent) => vec![agent.name.as_str()],
            Self::Graph(graph) => graph.nodes.keys().map(String::as_str).collect(),
        }
    }

    fn node(&self, node: &str) -> Option<&Node> {
        match self {
            Self::Agent(_) => None,
            Self::Graph(graph) => graph.nodes.get(node),
        }
    }

    fn subagents(&self, node: &str) -> &[SubagentTool] {
        match self {
            Self::Agent(agent) => &agent.subagents,
            Self::Graph(_) => self.node(node).map_or(&[], |node| &node.subagents),
        }
    }

    /// The tools that a node may call.
    fn tools(&self, node: &str) -> Patterns {
        let listed = match self {
            Self::Agent(agent) => agent.tools.clone(),
            Self::Graph(_) => self.node(node).map_or_else(Patterns::default, |node| node.tools.clone()),
        };
        let own = self.node(node).and_then(|node| node.tool.as_deref());
        let children = self.subagents(node).iter().map(|child| child.name.as_str());
        // Definitions are checked: each is a name.
        let named = own.into_iter().chain(children).filter_map(|name| Pattern::new(name).ok());
        listed.iter().cloned().chain(named).collect()
    }

    fn approve(&self, node: &str) -> Patterns {
        match self {
            Self::Agent(agent) => agent.approve.clone(),
            Self::Graph(_) => self.node(node).map_or_else(Patterns::default, |node| node.approve.clone()),
        }
    }

    /// The tools that a node may call, of a worker's tools and its own children, with its guards.
    fn scope(&self, node: &str, worker: &Registry) -> Scope {
        let mut registry = worker.clone();
        for child in self.subagents(node) {
            let SubagentTool { name, description, definition, ephemeral } = child;
            let tool = tool::subagent(name.clone(), description.clone(), definition.clone(), *ephemeral);
            match registry.clone().with(tool) {
                Ok(with) => registry = with,
                // The worker has a tool of that name, which counts.
                Err(fault) => tracing::debug!(%fault, "a child is not added as a tool"),
            }
        }
        registry.scope(self.tools(node), self.approve(node))
    }

    /// A tool, or a pattern of tools, that it names and that a worker does not have.
    #[must_use]
    pub(crate) fn missing_tool(&self, worker: &Registry) -> Option<String> {
        self.node_names().into_iter().find_map(|node| match self.scope(node, worker).check() {
            Err(RegistryFault::Idle { pattern, .. }) => Some(pattern),
            _ => None,
        })
    }

    /// The scope of each node, in a run on a worker with these tools.
    #[must_use]
    pub fn scopes(&self, worker: &Registry) -> Scopes {
        let scope = |node: &str| (node.to_owned(), self.scope(node, worker));
        let nodes = self.node_names().into_iter().map(scope).collect();
        Scopes { nodes, ..Scopes::none(worker) }
    }

    /// How it is configured, for people.
    #[must_use]
    pub fn report(&self) -> AgentReport {
        let description = match self {
            Self::Agent(agent) => agent.description.clone(),
            Self::Graph(graph) => graph.description.clone(),
        };
        let nodes = self.node_names().into_iter().map(|node| {
            let options = self.options(node).filter(|options| **options != ModelOptions::default());
            let model = options.and_then(|options| serde_json::to_value(options).ok());
            let tools = self.tools(node).iter().map(ToString::to_string).collect();
            (node.to_owned(), NodeReport { model, tools })
        });
        AgentReport { description, nodes: nodes.collect() }
    }

    fn options(&self, node: &str) -> Option<&ModelOptions> {
        match self {
            Self::Agent(agent) => Some(&agent.model),
            Self::Graph(graph) => graph.nodes.get(node).map(|node| &node.model),
        }
    }

    /// Whether its node continues the session's conversation.
    #[must_use]
    pub const fn converses(&self) -> bool {
        matches!(self, Self::Agent(_))
    }

    /// Where an execution begins.
    #[must_use]
    pub fn first(&self) -> Arrival {
        let name = match self {
            Self::Agent(agent) => agent.name.clone(),
            Self::Graph(graph) => graph.start().node,
        };
        Arrival { from: None, to: id(&name), iteration: 1 }
    }

    /// Whether a node that earlier ones have led to may begin.
    #[must_use]
    pub fn is_ready(&self, run: &Run, node: &NodeId) -> bool {
        let arrivals = run.arrivals.iter().filter(|arrival| arrival.to == *node).count();
        match self {
            Self::Agent(_) => true,
            Self::Graph(graph) => graph.is_ready(node.as_str(), arrivals),
        }
    }

    /// Where a node leads that ended with `output`.
    ///
    /// # Errors
    /// A code and a text: the output does not decide, or passes are used up.
    pub fn route(
        &self,
        node: &NodeId,
        output: &Value,
        iteration: u32,
    ) -> Result<Vec<Arrival>, (&'static str, String)> {
        let Self::Graph(graph) = self else { return Ok(Vec::new()) };
        match graph.route(node.as_str(), output, iteration) {
            Ok(Next::Nodes(steps)) => {
                let arrival = |Step { node: to, iteration, .. }| {
                    let from = Some(node.clone());
                    Arrival { from, to: id(&to), iteration }
                };
                Ok(steps.into_iter().map(arrival).collect())
            }
            Ok(Next::End) => Ok(Vec::new()),
            Ok(Next::Exhausted { max_iterations }) => Err((
                "iterations_exhausted",
                format!("the graph did not end within {max_iterations} iterations"),
            )),
            Err(fault) => Err(("no_route", fault.to_string())),
        }
    }

    /// Judges a node's output against the goal and the constraints; `outputs` has it among those of all nodes.
    #[must_use]
    pub fn judge(&self, node: &NodeId, output: &Value, outputs: &BTreeMap<NodeId, Value>) -> Judgement {
        let Self::Graph(graph) = self else { return Judgement::default() };
        let before = |outputs: &BTreeMap<NodeId, Value>| {
            let named = outputs.iter().map(|(id, output)| (id.to_string(), output.clone())).collect();
            graph.goal_status(&named)
        };
        let mut judgement = Judgement::default();
        if let Some(goal) = before(outputs) {
            judgement.progress = Some(goal.progress);
            judgement.criteria = json!(goal.criteria);
            judgement.achieved = goal.achieved;
        }
        for violation in graph.violations(node.as_str(), output) {
            if violation.fatal {
                judgement.fatal.get_or_insert_with(|| format!("{}: {}", violation.id, violation.description));
            }
            judgement.violations.push((violation.id, violation.description));
        }
        judgement
    }

    /// The work of a node.
    #[must_use]
    pub fn work(&self, node: &NodeId) -> Work {
        match self.node(node.as_str()).map(|node| node.kind) {
            None | Some(NodeType::Agent) => Work::Model,
            Some(NodeType::Tool) => Work::Call,
            Some(NodeType::Human) => Work::Ask,
            Some(NodeType::Router) => Work::Pass,
        }
    }

    /// The output that a router passes on: the one of the node that it looks at.
    #[must_use]
    pub fn passed(&self, node: &NodeId, run: &Run) -> Value {
        let on = self.node(node.as_str()).and_then(|node| node.on.as_deref());
        on.and_then(|on| run.outputs.get(&id(on))).cloned().unwrap_or_default()
    }

    /// How a node asks a person.
    #[must_use]
    pub fn asks(&self, node: &NodeId) -> Asks {
        let Some(node) = self.node(node.as_str()) else { return Asks::default() };
        Asks {
            choices: node.choices.clone(),
            timeout: node.timeout_ms.map(Duration::from_millis),
            default: node.default.clone(),
        }
    }

    /// The limits of an execution.
    #[must_use]
    pub fn budget(&self) -> Budget {
        match self {
            Self::Agent(agent) => agent.budget,
            Self::Graph(graph) => graph.budget,
        }
    }

    /// How long a node's approvals are waited for.
    #[must_use]
    pub fn approval_timeout(&self, node: &NodeId) -> Duration {
        let ms = match self {
            Self::Agent(agent) => agent.approval_timeout_ms,
            Self::Graph(_) => self.node(node.as_str()).and_then(|node| node.approval_timeout_ms),
        };
        ms.map_or(limits::APPROVAL_TIMEOUT, Duration::from_millis)
    }

    /// Tool calls of a node that run at the same time.
    #[must_use]
    pub fn tools_at_once(&self, node: &NodeId) -> usize {
        let count = match self {
            Self::Agent(agent) => agent.tools_at_once,
            Self::Graph(_) => self.node(node.as_str()).and_then(|node| node.tools_at_once),
        };
        count.map_or(limits::TOOLS_AT_ONCE, |count| usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// Tries of one call of the model; `otherwise`: where the definition does not say.
    #[must_use]
    pub fn model_tries(&self, node: &NodeId, otherwise: u32) -> u32 {
        let tries = match self {
            Self::Agent(agent) => agent.model_tries,
            Self::Graph(_) => self.node(node.as_str()).and_then(|node| node.model_tries),
        };
        tries.unwrap_or(otherwise)
    }

    /// After how long without progress a node has stalled.
    #[must_use]
    pub fn stall_after(&self, node: &NodeId) -> Option<Duration> {
        let ms = match self {
            Self::Agent(agent) => agent.stall_after_ms,
            Self::Graph(graph) => {
                self.node(node.as_str()).and_then(|node| node.stall_after_ms).or(graph.stall_after_ms)
            }
        };
        ms.map(Duration::from_millis)
    }

    /// When a node's context is folded.
    #[must_use]
    pub fn compaction(&self, node: &NodeId) -> Option<compaction::Settings> {
        let CompactionSpec { at_tokens, keep_recent_messages, prompt } = match self {
            Self::Agent(agent) => agent.compaction.as_ref(),
            Self::Graph(_) => self.node(node.as_str()).and_then(|node| node.compaction.as_ref()),
        }?;
        Some(compaction::Settings {
            at_tokens: *at_tokens,
            keep_recent: *keep_recent_messages,
            prompt: prompt.clone(),
        })
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
    /// The text of a fault: there is no such node.
    pub fn opening(&self, node: &NodeId, run: &Run, iteration: u32) -> Result<Opening, String> {
        let content = content(&run.start.input);
        let (system, question, call) = match self {
            Self::Agent(agent) => (&agent.system, content, None),
            Self::Graph(graph) => {
                let nodes: BTreeMap<String, Value> =
                    run.outputs.iter().map(|(id, output)| (id.to_string(), output.clone())).collect();
                let input = content.text();
                let context = Context { input: &input, given: &run.start.input, nodes: &nodes, iteration };
                let node = node.as_str();
                let Some(found) = graph.nodes.get(node) else { return Err(format!("no such node {node:?}")) };
                let template = graph.prompt(node).ok_or_else(|| format!("no such node {node:?}"))?;
                let call = found.tool.clone().map(|tool| (tool, graph.arguments(node, context)));
                (&found.system, Content::with(template.render(context), template.media(context)), call)
            }
        };
        let mut messages = Vec::with_capacity(2);
        if !system.is_empty() {
            messages.push(Message::system(system.clone()));
        }
        if !run.start.resumes && call.is_none() {
            messages.push(Message::user(question));
        }
        Ok(Opening { messages, converses: self.converses(), call })
    }

    /// One call of the model for a node, without its tools: they are those that are there when it is made.
    #[must_use]
    pub fn request(&self, node: &NodeId, messages: Vec<Message>, hint: Hint) -> Request {
        let response_format = match self {
            Self::Agent(_) => None,
            Self::Graph(graph) => graph
                .output(node.as_str())
                .map(|output| ResponseFormat::schema(node.as_str(), output.schema())),
        };
        let given = self.options(node.as_str()).cloned().unwrap_or_default();
        // A call that every answer must make would never end.
        let choice =
            given.tool_choice.filter(|choice| hint.round <= 1 || choice == "none" || choice == "auto");
        Request {
            model: given.name,
            messages,
            tools: Vec::new(),
            options: Options {
                temperature: given.temperature,
                top_p: given.top_p,
                max_tokens: given.max_tokens,
                stop: given.stop,
                reasoning_effort: given.reasoning_effort,
                tool_choice: choice.as_deref().map(ToolChoice::parse),
                parallel_tool_calls: given.parallel_tool_calls,
                extra_body: given.extra_body,
                response_format,
            },
            hint,
        }
    }

    /// The model of a place in a node's list, from 0: its own, then the fallbacks.
    #[must_use]
    pub fn model(&self, node: &NodeId, place: usize) -> Option<&str> {
        let options = self.options(node.as_str())?;
        match place.checked_sub(1) {
            None => options.name.as_deref(),
            Some(place) => options.fallbacks.get(place).map(String::as_str),
        }
    }

    /// A node's output from its answer.
    ///
    /// # Errors
    /// The text of a fault, for the model: the answer is not what the node declares.
    pub fn output(&self, node: &NodeId, answer: &Answer) -> Result<Value, String> {
        let answer = match answer {
            Answer::Text(text) => text,
            Answer::Value(value) => return Ok(json!({ "answer": value })),
            Answer::Failed(why) => return Err(why.clone()),
        };
        let declared = match self {
            Self::Agent(_) => None,
            Self::Graph(graph) => graph.output(node.as_str()),
        };
        declared.map_or_else(
            || Ok(Value::String(answer.clone())),
            |output| output.parse(answer).map_err(|fault| fault.to_string()),
        )
    }

    /// The result of a run that ended well: the last node's output, and of a graph every node's. It names the nodes whose answer was cut
    /// off: their output is a success that lacks its end.
    #[must_use]
    pub fn result(&self, run: &Run) -> Value {
        let last = run.last_node.as_ref();
        let output = last.and_then(|node| run.outputs.get(node)).cloned().unwrap_or_default();
        let mut result = match self {
            Self::Agent(_) => json!({ "output": output }),
            Self::Graph(_) => json!({
                "output": output,
                "node": last,
                "iterations": run.iteration,
                "outputs": run.outputs,
            }),
        };
        if !run.cut_off.is_empty() {
            result["cut_off"] = json!(run.cut_off);
        }
        result
    }
}

/// Input as the question of an agent.
fn content(input: &Value) -> Content {
    match input {
        Value::String(text) => text.as_str().into(),
        Value::Null => "".into(),
        other => part::of_input(other).map_or_else(|| other.to_string().into(), Content::Parts),
    }
}

/// A node's name as its id: definitions are checked when they are added.
fn id(name: &str) -> NodeId {
    NodeId::new(name).unwrap_or_else(|_checked| NodeId::generate())
}
