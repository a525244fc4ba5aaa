//! What makes a definition valid. Each fault names the key at which it is.

use std::collections::BTreeSet;

use super::cycle;
use super::limits::{MAX_EDGES, MAX_ITERATIONS, MAX_NAME_BYTES, MAX_NODES, MAX_ROUNDS};
use super::spec::{AgentSpec, Edge, FieldSpec, FieldType, GraphSpec, ModelOptions, Node, When};
use super::template::{Reference, Template};

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct Fault {
    /// The key, as in `edges[1].to`.
    pub path: String,
    /// What is wrong there.
    pub message: String,
}

fn fault<T>(path: impl Into<String>, message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault { path: path.into(), message: message.into() })
}

/// Checks an agent.
pub(super) fn agent(spec: &AgentSpec) -> Result<(), Fault> {
    name("name", &spec.name)?;
    rounds("max_rounds", spec.max_rounds)?;
    tools("tools", &spec.tools)?;
    model("model", &spec.model)
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
    exists(spec, "entry", &spec.entry)?;
    if let Some(target) = &spec.on_exhausted {
        exists(spec, "on_exhausted", target)?;
    }
    edges(spec)?;
    reachable(spec)?;
    iterations(spec)
}

/// Checks one node by itself.
fn node(spec: &GraphSpec, id: &str, step: &Node) -> Result<(), Fault> {
    let path = format!("nodes.{id}");
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if id.is_empty() || id.len() > MAX_NAME_BYTES || !id.bytes().all(plain) {
        return fault(path, format!("a node's id takes 1 to {MAX_NAME_BYTES} of a-z, A-Z, 0-9, _ and -"));
    }
    rounds(format!("{path}.max_rounds"), step.max_rounds)?;
    tools(&format!("{path}.tools"), &step.tools)?;
    model(&format!("{path}.model"), &step.model)?;
    for (field, declared) in step.output.iter().flatten() {
        output_field(&format!("{path}.output.{field}"), field, declared)?;
    }
    if step.output.as_ref().is_some_and(std::collections::BTreeMap::is_empty) {
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
    let Some(step) = spec.nodes.get(id) else {
        return fault(path, no_such_node(spec, id));
    };
    let (Some(field), Some(declared)) = (field.first(), &step.output) else {
        return match field.first() {
            Some(field) => fault(path, format!("{id} declares no output, so there is no field {field:?}")),
            None => Ok(()),
        };
    };
    if declared.contains_key(field) {
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
        exists(spec, &format!("edges[{index}].to"), &edge.to)?;
        match &edge.when {
            Some(when) => condition(spec, index, edge, when)?,
            None if !with_default.insert(edge.from.as_str()) => {
                return fault(
                    format!("edges[{index}]"),
                    format!("{} has two edges without `when`", edge.from),
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
fn condition(spec: &GraphSpec, index: usize, edge: &Edge, when: &When) -> Result<(), Fault> {
    let path = format!("edges[{index}].when");
    let numeric = [when.lt, when.lte, when.gt, when.gte];
    let comparisons = numeric.iter().flatten().count() + [&when.eq, &when.ne].into_iter().flatten().count();
    if comparisons != 1 {
        return fault(path, format!("needs exactly one of lt, lte, gt, gte, eq, ne, and has {comparisons}"));
    }
    let path = format!("{path}.field");
    let (first, rest) = when.field.split_once('.').map_or((when.field.as_str(), None), |(a, b)| (a, Some(b)));
    let declared = spec.nodes.get(&edge.from).and_then(|node| node.output.as_ref()?.get(first));
    let Some(declared) = declared else {
        return fault(path, format!("{} declares no output field {first:?}", edge.from));
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
    Ok(())
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

fn tools(path: &str, tools: &[String]) -> Result<(), Fault> {
    let mut seen = BTreeSet::new();
    match tools.iter().position(|tool| !seen.insert(tool)) {
        Some(index) => fault(format!("{path}[{index}]"), format!("{:?} is named twice", tools[index])),
        None => Ok(()),
    }
}

fn model(path: &str, options: &ModelOptions) -> Result<(), Fault> {
    match options {
        ModelOptions { temperature: Some(value), .. } if !(0.0..=2.0).contains(value) => {
            fault(format!("{path}.temperature"), format!("{value} is not within 0..=2"))
        }
        ModelOptions { max_tokens: Some(0), .. } => fault(format!("{path}.max_tokens"), "must be at least 1"),
        _ => Ok(()),
    }
}
