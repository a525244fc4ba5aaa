//! Which node runs next: a pure function of the graph, the ended node and its output.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Edge, Graph, RouteFault, When};

/// The successor of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "next", rename_all = "snake_case")]
pub enum Next {
    /// Another node runs, or several at the same time.
    Nodes(Vec<Step>),
    /// Nothing follows: the execution is complete, or this branch of it.
    End,
    /// The graph's iterations are used up, and it has no `on_exhausted`: the execution fails.
    Exhausted {
        /// The limit that was hit.
        max_iterations: u32,
    },
}

/// A node's turn to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The node's id.
    pub node: String,
    /// The iteration in which it runs; 1 is the first.
    pub iteration: u32,
    /// Whether it runs because the iterations are used up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exhausted: bool,
}

impl Graph {
    /// The first step of an execution.
    pub fn start(&self) -> Step {
        Step { node: self.entry.clone(), iteration: 1, exhausted: false }
    }

    /// The successor of `node`, which ended with `output` in `iteration`.
    ///
    /// # Errors
    ///
    /// When there is no such node, or a condition's field is missing or not comparable. For an output that
    /// [`super::Output::parse`] accepted only an optional field can be missing.
    pub fn route(&self, node: &str, output: &Value, iteration: u32) -> Result<Next, RouteFault> {
        if !self.nodes.contains_key(node) {
            return Err(RouteFault::UnknownNode(node.to_owned()));
        }
        let Some(index) = self.choose(node, output)? else {
            return Ok(Next::End);
        };
        let to = |iteration| {
            let nodes = self.edges[index].to.all().iter();
            Next::Nodes(nodes.map(|node| Step { node: node.clone(), iteration, exhausted: false }).collect())
        };
        if !self.closes_cycle(index) {
            return Ok(to(iteration));
        }
        let max_iterations = self.max_iterations.expect("validation: a graph with a cycle has a limit");
        if iteration < max_iterations {
            return Ok(to(iteration + 1));
        }
        Ok(match &self.on_exhausted {
            Some(target) => Next::Nodes(vec![Step { node: target.clone(), iteration, exhausted: true }]),
            None => Next::Exhausted { max_iterations },
        })
    }

    /// The place of the edge that is taken; `None` when the node has no outgoing edge.
    fn choose(&self, node: &str, output: &Value) -> Result<Option<usize>, RouteFault> {
        let outgoing = || self.edges.iter().enumerate().filter(|(_, edge)| edge.from == node);
        for (index, edge) in outgoing() {
            if let Some(when) = &edge.when
                && holds(when, output).map_err(|message| fault(index, edge, when, message))?
            {
                return Ok(Some(index));
            }
        }
        Ok(outgoing().find(|(_, edge)| edge.when.is_none()).map(|(index, _)| index))
    }
}

fn fault(edge: usize, Edge { from, .. }: &Edge, when: &When, message: String) -> RouteFault {
    RouteFault::Field { edge, node: from.clone(), field: when.field.clone(), message }
}

/// Whether a condition holds, or why it cannot be said.
pub(super) fn holds(when: &When, output: &Value) -> Result<bool, String> {
    let value = when.field.split('.').try_fold(output, |value, key| value.get(key));
    let Some(value) = value else {
        return Err("is missing in its output".to_owned());
    };
    let number = || value.as_f64().ok_or_else(|| format!("is not a number but {value}"));
    let When { field: _, lt, lte, gt, gte, eq, ne } = when;
    match (lt, lte, gt, gte, eq, ne) {
        (Some(limit), ..) => Ok(number()? < *limit),
        (_, Some(limit), ..) => Ok(number()? <= *limit),
        (_, _, Some(limit), ..) => Ok(number()? > *limit),
        (_, _, _, Some(limit), ..) => Ok(number()? >= *limit),
        (_, _, _, _, Some(other), _) => Ok(equal(value, other)),
        (_, _, _, _, _, Some(other)) => Ok(!equal(value, other)),
        _ => Err("has no comparison".to_owned()),
    }
}

/// Equality that does not tell 8 from 8.0: models write either.
fn equal(left: &Value, right: &Value) -> bool {
    match (left.as_f64(), right.as_f64()) {
        (Some(left), Some(right)) => left == right,
        _ => left == right,
    }
}
