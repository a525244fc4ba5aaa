//! The rules of a valid definition. Each fault names the key at which it is.

use std::collections::{BTreeMap, BTreeSet};

use runbus::pattern::{PATTERNS, Pattern, Patterns};
use runbus::session::command::Budget;

use super::cycle;
use super::fields::Fields;
use super::limits::{
    DEFAULT_PROMPT, DEFAULT_ROUNDS, MAX_CHOICES, MAX_CONDITIONS, MAX_EDGES, MAX_ITERATIONS,
    MAX_KEEP_MESSAGES, MAX_MODEL_TRIES, MAX_NAME_BYTES, MAX_NODES, MAX_ROUNDS, MAX_SUBAGENTS,
    MAX_TOOL_NAME_BYTES, MAX_TOOLS_AT_ONCE, MAX_WEIGHT, MIN_COMPACTION_TOKENS, PERSON_TIMEOUT_MS,
    STALL_AFTER_MS,
};
use super::model_options;
use super::spec::{
    AgentSpec, CompactionSpec, Edge, FieldSpec, FieldType, GraphSpec, ModelOptions, Node, NodeType,
    SubagentTool, When,
};
use super::template::{Reference, Template};

/// A fault, with its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct Fault {
    /// The key, as in `edges[1].to`.
    pub path: String,
    /// The fault.
    pub message: String,
}

pub(super) fn fault<T>(path: impl Into<String>, message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault { path: path.into(), message: message.into() })
}

/// Checks an agent.
pub(super) fn agent(spec: &AgentSpec) -> Result<(), Fault> {
    name("name", &spec.name)?;
    rounds("max_rounds", spec.max_rounds)?;
    tools("tools", &spec.tools)?;
    policy(
        "",
        &Policy {
            tools: &spec.tools,
            approve: &spec.approve,
            approval_timeout_ms: spec.approval_timeout_ms,
            subagents: &spec.subagents,
            tools_at_once: spec.tools_at_once,
            model_tries: spec.model_tries,
            stall_after_ms: spec.stall_after_ms,
            compaction: spec.compaction.as_ref(),
        },
    )?;
    budget(spec.budget)?;
    model_options::check("model", &spec.model)
}

/// The common settings of agents and nodes.
struct Policy<'a> {
    tools: &'a Patterns,
    approve: &'a Patterns,
    approval_timeout_ms: Option<u64>,
    subagents: &'a [SubagentTool],
    tools_at_once: Option<u32>,
    model_tries: Option<u32>,
    stall_after_ms: Option<u64>,
    compaction: Option<&'a CompactionSpec>,
}

fn policy(prefix: &str, policy: &Policy<'_>) -> Result<(), Fault> {
    let path = |key: &str| if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") };
    if policy.subagents.len() > MAX_SUBAGENTS {
        return fault(path("subagents"), format!("at most {MAX_SUBAGENTS} are allowed"));
    }
    let mut all = policy.tools.clone();
    for (index, sub) in policy.subagents.iter().enumerate() {
        let at = format!("{}[{index}]", path("subagents"));
        name(&format!("{at}.definition"), &sub.definition)?;
        let Some(child) = Pattern::new(&sub.name).ok().filter(|_| is_tool_name(&sub.name)) else {
            return fault(format!("{at}.name"), "a tool's name takes 1 to 64 of a-z, A-Z, 0-9, _ and -");
        };
        if all.iter().any(|named| *named == child) {
            return fault(format!("{at}.name"), format!("two tools are called {:?}", sub.name));
        }
        all = all.with(child);
    }
    tools(&path("approve"), policy.approve)?;
    // Whether a pattern covers a tool that is there is checked when the tools are known.
    let covers = |guard: &Pattern| all.iter().any(|named| named.meets(guard));
    if let Some((index, guard)) = policy.approve.iter().enumerate().find(|(_, guard)| !covers(guard)) {
        let listed: Vec<&str> = all.iter().map(Pattern::as_str).collect();
        let listed = if listed.is_empty() { "none".to_owned() } else { listed.join(", ") };
        return fault(
            format!("{}[{index}]", path("approve")),
            format!("{:?} covers none of its tools; they are: {listed}", guard.as_str()),
        );
    }
    within(path("approval_timeout_ms"), policy.approval_timeout_ms, &PERSON_TIMEOUT_MS)?;
    within(path("stall_after_ms"), policy.stall_after_ms, &STALL_AFTER_MS)?;
    within(path("tools_at_once"), policy.tools_at_once, &(1..=MAX_TOOLS_AT_ONCE))?;
    within(path("model_tries"), policy.model_tries, &(1..=MAX_MODEL_TRIES))?;
    let Some(compaction) = policy.compaction else { return Ok(()) };
    if compaction.at_tokens < MIN_COMPACTION_TOKENS {
        let message = format!("{} is less than {MIN_COMPACTION_TOKENS}", compaction.at_tokens);
        return fault(path("compaction.at_tokens"), message);
    }
    within(
        path("compaction.keep_recent_messages"),
        Some(compaction.keep_recent_messages),
        &(1..=MAX_KEEP_MESSAGES),
    )
}

fn within<T: PartialOrd + std::fmt::Display>(
    path: String,
    value: Option<T>,
    range: &std::ops::RangeInclusive<T>,
) -> Result<(), Fault> {
    match value {
        Some(value) if !range.contains(&value) => {
            fault(path, format!("{value} is not within {}..={}", range.start(), range.end()))
        }
        _ => Ok(()),
    }
}

fn budget(budget: Budget) -> Result<(), Fault> {
    let zero = [
        ("budget.rounds", budget.rounds == Some(0)),
        ("budget.tokens", budget.tokens == Some(0)),
        ("budget.wall_time_ms", budget.wall_time_ms == Some(0)),
    ];
    match zero.iter().find(|(_, zero)| *zero) {
        Some((path, _)) => fault(*path, "must be at least 1"),
        None => Ok(()),
    }
}

/// Checks a graph.
pub(super) fn graph(spec: &GraphSpec) -> Result<(), Fault> {
    name("name", &spec.name)?;
    if spec.nodes.is_empty() {
        return fault("nodes", "a graph needs at least one node");
    }
    for (path, count, limit) in
        [("nodes", spec.nodes.len(), MAX_NODES), ("edges", spec.edges.len(), MAX_EDGES)]
    {
        if count > limit {
            return fault(path, format!("{count} are more than the limit of {limit}"));
        }
    }
    for (id, step) in &spec.nodes {
        node(spec, id, step)?;
    }
    children(spec)?;
    exists(spec, "entry", &spec.entry)?;
    if let Some(target) = &spec.on_exhausted {
        exists(spec, "on_exhausted", target)?;
    }
    edges(spec)?;
    reachable(spec)?;
    iterations(spec)?;
    budget(spec.budget)?;
    within("stall_after_ms".into(), spec.stall_after_ms, &STALL_AFTER_MS)?;
    goal(spec)?;
    constraints(spec)
}

fn goal(spec: &GraphSpec) -> Result<(), Fault> {
    let Some(goal) = &spec.goal else { return Ok(()) };
    if goal.criteria.is_empty() || goal.criteria.len() > MAX_CONDITIONS {
        return fault("goal.criteria", format!("needs 1 to {MAX_CONDITIONS}"));
    }
    let mut seen = BTreeSet::new();
    for (index, criterion) in goal.criteria.iter().enumerate() {
        let path = format!("goal.criteria[{index}]");
        name(&format!("{path}.id"), &criterion.id)?;
        if !seen.insert(&criterion.id) {
            return fault(format!("{path}.id"), format!("{:?} is named twice", criterion.id));
        }
        if !(criterion.weight > 0.0 && criterion.weight <= MAX_WEIGHT) {
            let message = format!("must be greater than 0 and at most {MAX_WEIGHT}");
            return fault(format!("{path}.weight"), message);
        }
        exists(spec, &format!("{path}.node"), &criterion.node)?;
        if let Some(when) = &criterion.when {
            condition(spec, &format!("{path}.when"), &criterion.node, when)?;
        }
    }
    Ok(())
}

fn constraints(spec: &GraphSpec) -> Result<(), Fault> {
    if spec.constraints.len() > MAX_CONDITIONS {
        return fault("constraints", format!("at most {MAX_CONDITIONS} are allowed"));
    }
    let mut seen = BTreeSet::new();
    for (index, constraint) in spec.constraints.iter().enumerate() {
        let path = format!("constraints[{index}]");
        name(&format!("{path}.id"), &constraint.id)?;
        if !seen.insert(&constraint.id) {
            return fault(format!("{path}.id"), format!("{:?} is named twice", constraint.id));
        }
        exists(spec, &format!("{path}.node"), &constraint.node)?;
        condition(spec, &format!("{path}.violated_when"), &constraint.node, &constraint.violated_when)?;
    }
    Ok(())
}

/// The fields that a node's output certainly has: declared, or given by its kind.
fn declared<'a>(spec: &'a GraphSpec, id: &str) -> Option<std::borrow::Cow<'a, Fields>> {
    use std::borrow::Cow;
    let node = spec.nodes.get(id)?;
    match node.kind {
        NodeType::Agent | NodeType::Tool => node.output.as_ref().map(Cow::Borrowed),
        NodeType::Human => {
            let answer = FieldSpec {
                kind: FieldType::String,
                description: String::new(),
                minimum: None,
                maximum: None,
                optional: false,
            };
            Some(Cow::Owned([("answer".to_owned(), answer)].into_iter().collect::<Fields>()))
        }
        // A router looks at no router: checked before.
        NodeType::Router => {
            let on = spec.nodes.get(node.on.as_ref()?)?;
            if on.kind == NodeType::Router { None } else { declared(spec, node.on.as_ref()?) }
        }
    }
}

/// Checks that a node has the fields of its kind, and none of another kind.
fn kind(spec: &GraphSpec, path: &str, step: &Node) -> Result<(), Fault> {
    let (is_tool, is_router, is_human) =
        (step.kind == NodeType::Tool, step.kind == NodeType::Router, step.kind == NodeType::Human);
    let is_agent = step.kind == NodeType::Agent;
    // A tool call can need approval and can stall.
    let works = is_agent || is_tool;
    let misplaced = [
        ("tool", step.tool.is_some() && !is_tool, "tool"),
        ("arguments", step.arguments.is_some() && !is_tool, "tool"),
        ("on", step.on.is_some() && !is_router, "router"),
        ("choices", !step.choices.is_empty() && !is_human, "human"),
        ("timeout_ms", step.timeout_ms.is_some() && !is_human, "human"),
        ("default", step.default.is_some() && !is_human, "human"),
        ("tools", !step.tools.is_empty() && !is_agent, "agent"),
        ("subagents", !step.subagents.is_empty() && !is_agent, "agent"),
        ("compaction", step.compaction.is_some() && !is_agent, "agent"),
        ("system", !step.system.is_empty() && !is_agent, "agent"),
        ("model", step.model != ModelOptions::default() && !is_agent, "agent"),
        ("model_tries", step.model_tries.is_some() && !is_agent, "agent"),
        ("max_rounds", step.max_rounds != DEFAULT_ROUNDS && !is_agent, "agent"),
        ("tools_at_once", step.tools_at_once.is_some() && !is_agent, "agent"),
        ("prompt", step.prompt != DEFAULT_PROMPT && (is_tool || is_router), "agent or human"),
        ("approval_timeout_ms", step.approval_timeout_ms.is_some() && !works, "agent or tool"),
        ("stall_after_ms", step.stall_after_ms.is_some() && !works, "agent or tool"),
        ("output", step.output.is_some() && (is_human || is_router), "agent or tool"),
    ];
    if let Some((key, _, owner)) = misplaced.iter().find(|(_, misplaced, _)| *misplaced) {
        return fault(format!("{path}.{key}"), format!("is for nodes of type {owner}"));
    }
    if is_tool && !step.tool.as_deref().is_some_and(is_tool_name) {
        let message = "a tool node names its tool: 1 to 64 of a-z, A-Z, 0-9, _ and -, and no pattern";
        return fault(format!("{path}.tool"), message);
    }
    if let Some(arguments) = &step.arguments {
        if !arguments.is_object() {
            return fault(format!("{path}.arguments"), "is no object");
        }
        texts(spec, &format!("{path}.arguments"), arguments)?;
    }
    if is_router {
        let Some(on) = &step.on else {
            return fault(format!("{path}.on"), "a router names the node whose output its edges look at");
        };
        exists(spec, &format!("{path}.on"), on)?;
        if spec.nodes[on].kind == NodeType::Router {
            return fault(format!("{path}.on"), format!("{on} is a router itself"));
        }
    }
    within(format!("{path}.timeout_ms"), step.timeout_ms, &PERSON_TIMEOUT_MS)?;
    if step.choices.len() > MAX_CHOICES {
        return fault(format!("{path}.choices"), format!("at most {MAX_CHOICES} are allowed"));
    }
    match &step.default {
        Some(_) if step.timeout_ms.is_none() => {
            fault(format!("{path}.default"), "is of no use without timeout_ms")
        }
        Some(default)
            if !step.choices.is_empty()
                && !default.as_str().is_some_and(|text| step.choices.iter().any(|choice| choice == text)) =>
        {
            fault(format!("{path}.default"), "is none of the choices")
        }
        _ => Ok(()),
    }
}

/// Checks the templates in a tool's arguments.
fn texts(spec: &GraphSpec, path: &str, value: &serde_json::Value) -> Result<(), Fault> {
    use serde_json::Value;
    match value {
        Value::String(text) => match Template::parse(text) {
            Ok(template) => {
                template.references().iter().try_for_each(|reference| refers(spec, path, reference))
            }
            Err(message) => fault(path, message),
        },
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(index, item)| texts(spec, &format!("{path}[{index}]"), item)),
        Value::Object(fields) => {
            fields.iter().try_for_each(|(key, field)| texts(spec, &format!("{path}.{key}"), field))
        }
        _ => Ok(()),
    }
}

/// Checks that a sub-agent's name means the same in every node: a run has one registry.
fn children(spec: &GraphSpec) -> Result<(), Fault> {
    let mut known: BTreeMap<&str, (&str, &SubagentTool)> = BTreeMap::new();
    for (id, step) in &spec.nodes {
        for (index, sub) in step.subagents.iter().enumerate() {
            let (other, first) = *known.entry(&sub.name).or_insert((id, sub));
            if first != sub {
                let path = format!("nodes.{id}.subagents[{index}]");
                return fault(path, format!("nodes.{other} has another sub-agent {:?}", sub.name));
            }
        }
    }
    Ok(())
}

/// Checks one node by itself.
fn node(spec: &GraphSpec, id: &str, step: &Node) -> Result<(), Fault> {
    let path = format!("nodes.{id}");
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if id.is_empty() || id.len() > MAX_NAME_BYTES || !id.bytes().all(plain) {
        return fault(path, format!("a node's id takes 1 to {MAX_NAME_BYTES} of a-z, A-Z, 0-9, _ and -"));
    }
    kind(spec, &path, step)?;
    rounds(format!("{path}.max_rounds"), step.max_rounds)?;
    tools(&format!("{path}.tools"), &step.tools)?;
    let own: Patterns = step.tool.iter().filter_map(|tool| Pattern::new(tool).ok()).collect();
    policy(
        &path,
        &Policy {
            tools: if step.kind == NodeType::Tool { &own } else { &step.tools },
            approve: &step.approve,
            approval_timeout_ms: step.approval_timeout_ms,
            subagents: &step.subagents,
            tools_at_once: step.tools_at_once,
            model_tries: step.model_tries,
            stall_after_ms: step.stall_after_ms,
            compaction: step.compaction.as_ref(),
        },
    )?;
    model_options::check(&format!("{path}.model"), &step.model)?;
    for (field, declared) in step.output.iter().flat_map(Fields::entries) {
        output_field(&format!("{path}.output.{field}"), field, declared)?;
    }
    if step.output.as_ref().is_some_and(Fields::is_empty) {
        return fault(format!("{path}.output"), "declares no field; leave it out for an answer in text");
    }
    let at = format!("{path}.prompt");
    let template = match Template::parse(&step.prompt) {
        Ok(template) => template,
        Err(message) => return fault(at, message),
    };
    template.references().iter().try_for_each(|reference| refers(spec, &at, reference))
}

/// Checks what a template refers to.
fn refers(spec: &GraphSpec, path: &str, reference: &Reference) -> Result<(), Fault> {
    let Reference::Node { id, field } = reference else {
        return Ok(());
    };
    if !spec.nodes.contains_key(id) {
        return fault(path, no_such_node(spec, id));
    }
    let (Some(field), Some(declared)) = (field.first(), declared(spec, id)) else {
        return match field.first() {
            Some(field) => fault(path, format!("{id} declares no output, so there is no field {field:?}")),
            None => Ok(()),
        };
    };
    if declared.get(field).is_some() {
        Ok(())
    } else {
        fault(path, format!("{id} declares no output field {field:?}"))
    }
}

fn output_field(path: &str, field: &str, declared: &FieldSpec) -> Result<(), Fault> {
    if field.is_empty() || field.len() > MAX_NAME_BYTES || field.contains('.') || field == "output" {
        return fault(path, "a field's name is not empty, short, not `output`, and has no dot");
    }
    let FieldSpec { kind, minimum, maximum, .. } = declared;
    let is_number = matches!(kind, FieldType::Number | FieldType::Integer);
    if (minimum.is_some() || maximum.is_some()) && !is_number {
        return fault(path, "minimum and maximum are for numbers");
    }
    match (minimum, maximum) {
        (Some(minimum), Some(maximum)) if minimum > maximum => fault(path, "minimum is greater than maximum"),
        _ => Ok(()),
    }
}

/// Checks every edge, and that each node's edges always decide.
fn edges(spec: &GraphSpec) -> Result<(), Fault> {
    let mut with_default = BTreeSet::new();
    for (index, edge) in spec.edges.iter().enumerate() {
        exists(spec, &format!("edges[{index}].from"), &edge.from)?;
        let mut targets = BTreeSet::new();
        for (place, to) in edge.to.all().iter().enumerate() {
            let path = if edge.to.is_fork() {
                format!("edges[{index}].to[{place}]")
            } else {
                format!("edges[{index}].to")
            };
            exists(spec, &path, to)?;
            if !targets.insert(to) {
                return fault(path, format!("{to} is named twice"));
            }
        }
        match &edge.when {
            Some(when) => condition(spec, &format!("edges[{index}].when"), &edge.from, when)?,
            None if !with_default.insert(edge.from.as_str()) => {
                return fault(
                    format!("edges[{index}]"),
                    format!(
                        "{0} has two edges without `when`; to run both nodes at the same time, write one edge from {0} with a list \
                         of them in `to`",
                        edge.from
                    ),
                );
            }
            None => {}
        }
    }
    let undecided = spec.edges.iter().position(|edge| !with_default.contains(edge.from.as_str()));
    match undecided {
        Some(index) => fault(
            format!("edges[{index}]"),
            format!("{} needs one edge without `when`, for the case that none holds", spec.edges[index].from),
        ),
        None => Ok(()),
    }
}

/// Checks that a condition can always be evaluated.
fn condition(spec: &GraphSpec, path: &str, node: &str, when: &When) -> Result<(), Fault> {
    let numeric = [when.lt, when.lte, when.gt, when.gte];
    let comparisons = numeric.iter().flatten().count() + [&when.eq, &when.ne].into_iter().flatten().count();
    if comparisons != 1 {
        return fault(path, format!("needs exactly one of lt, lte, gt, gte, eq, ne, and has {comparisons}"));
    }
    let path = format!("{path}.field");
    let (first, rest) = when.field.split_once('.').map_or((when.field.as_str(), None), |(a, b)| (a, Some(b)));
    let fields = declared(spec, node);
    let Some(declared) = fields.as_ref().and_then(|fields| fields.get(first)) else {
        return fault(path, format!("{node} declares no output field {first:?}"));
    };
    if declared.optional {
        return fault(path, format!("{first:?} is optional, so the condition could not always be decided"));
    }
    let is_number = matches!(declared.kind, FieldType::Number | FieldType::Integer);
    if rest.is_some() && declared.kind != FieldType::Object {
        return fault(path, format!("{first:?} is not an object"));
    }
    if rest.is_none() && numeric.iter().any(Option::is_some) && !is_number {
        return fault(path, format!("{first:?} is not a number"));
    }
    match when.eq.as_ref().or(when.ne.as_ref()) {
        Some(value) if rest.is_none() && !is_free(spec, node) && !declared.kind.fits(value) => {
            let kind = declared.kind.name();
            let quotes = if declared.kind == FieldType::String { "; does it lack quotes?" } else { "" };
            fault(path, format!("{first:?} is of type {kind} and never {value}{quotes}"))
        }
        _ => Ok(()),
    }
}

/// Whether a node's output is a person's answer of any type.
fn is_free(spec: &GraphSpec, node: &str) -> bool {
    let node = spec.nodes.get(node);
    let asked = node.and_then(|node| node.on.as_ref()).and_then(|on| spec.nodes.get(on)).or(node);
    asked.is_some_and(|node| node.kind == NodeType::Human && node.choices.is_empty())
}

fn reachable(spec: &GraphSpec) -> Result<(), Fault> {
    let mut reached = cycle::reachable(spec, &spec.entry);
    if let Some(target) = &spec.on_exhausted {
        reached.extend(cycle::reachable(spec, target));
    }
    match spec.nodes.keys().find(|id| !reached.contains(id.as_str())) {
        Some(id) => fault(format!("nodes.{id}"), format!("no edge leads there from {}", spec.entry)),
        None => Ok(()),
    }
}

/// Checks that every execution ends.
fn iterations(spec: &GraphSpec) -> Result<(), Fault> {
    let closing = cycle::closing_edges(spec);
    let first = closing.iter().position(|closing| *closing);
    match (spec.max_iterations, first) {
        (Some(limit), _) if !(1..=MAX_ITERATIONS).contains(&limit) => {
            return fault("max_iterations", format!("{limit} is not within 1..={MAX_ITERATIONS}"));
        }
        (None, Some(index)) => {
            let Edge { from, to, .. } = &spec.edges[index];
            let message = format!("is required, since edges[{index}] from {from} to {to} closes a cycle");
            return fault("max_iterations", message);
        }
        _ => {}
    }
    let Some(target) = &spec.on_exhausted else {
        return Ok(());
    };
    if first.is_none() {
        return fault("on_exhausted", "is of no use in a graph without a cycle");
    }
    let after = cycle::reachable(spec, target);
    let looping =
        spec.edges.iter().zip(closing).any(|(edge, closing)| closing && after.contains(edge.from.as_str()));
    if looping { fault("on_exhausted", format!("{target} leads back into a cycle")) } else { Ok(()) }
}

fn exists(spec: &GraphSpec, path: &str, id: &str) -> Result<(), Fault> {
    if spec.nodes.contains_key(id) { Ok(()) } else { fault(path, no_such_node(spec, id)) }
}

fn no_such_node(spec: &GraphSpec, id: &str) -> String {
    let known: Vec<&str> = spec.nodes.keys().map(String::as_str).take(16).collect();
    format!("no such node {id:?}; there are {}", known.join(", "))
}

fn name(path: &str, name: &str) -> Result<(), Fault> {
    if name.trim().is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
        return fault(path, format!("takes 1 to {MAX_NAME_BYTES} bytes without control characters"));
    }
    Ok(())
}

fn rounds(path: impl Into<String>, rounds: u32) -> Result<(), Fault> {
    if (1..=MAX_ROUNDS).contains(&rounds) {
        return Ok(());
    }
    fault(path, format!("{rounds} is not within 1..={MAX_ROUNDS}"))
}

/// Names that an error lists of those beyond a limit.
const SHOWN_BEYOND: usize = 16;

/// Checks a list of tool names and patterns.
fn tools(path: &str, tools: &Patterns) -> Result<(), Fault> {
    if let Some(excess) = tools.len().checked_sub(PATTERNS).filter(|excess| *excess > 0) {
        let shown: Vec<&str> = tools.iter().skip(PATTERNS).take(SHOWN_BEYOND).map(Pattern::as_str).collect();
        let more = match excess.saturating_sub(shown.len()) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let message = format!(
            "{} are more than the limit of {PATTERNS}; those beyond it, by the order of the list: {}{more}; name fewer, or use \
             patterns",
            tools.len(),
            shown.join(", ")
        );
        return fault(path, message);
    }
    let mut seen = BTreeSet::new();
    for (index, tool) in tools.iter().enumerate() {
        let path = || format!("{path}[{index}]");
        if !tool.as_str().bytes().all(|byte| is_plain(byte) || byte == b'*') {
            let message = "a tool's name takes a-z, A-Z, 0-9, _ and -; a pattern also takes *";
            return fault(path(), format!("{:?}: {message}", tool.as_str()));
        }
        if !seen.insert(tool) {
            return fault(path(), format!("{:?} is named twice", tool.as_str()));
        }
    }
    Ok(())
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn is_tool_name(name: &str) -> bool {
    (1..=MAX_TOOL_NAME_BYTES).contains(&name.len()) && name.bytes().all(is_plain)
}
