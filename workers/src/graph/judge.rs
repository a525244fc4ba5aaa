//! Judges outputs against a graph's goal and constraints.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Graph;
use super::route::holds;
use super::spec::OnViolation;

/// How far a goal has come.
#[derive(Debug, Clone, PartialEq)]
pub struct GoalStatus {
    /// From 0 to 1: the weight of the criteria that hold.
    pub progress: f64,
    /// Whether each criterion holds.
    pub criteria: BTreeMap<String, bool>,
    /// Whether all do.
    pub achieved: bool,
}

/// A constraint that an output violates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Names it in events.
    pub id: String,
    /// The description of the constraint, for people.
    pub description: String,
    /// Whether the execution fails.
    pub fatal: bool,
}

impl Graph {
    /// How far the goal has come with these outputs; `None`: there is no goal.
    #[must_use]
    pub fn goal_status(&self, outputs: &BTreeMap<String, Value>) -> Option<GoalStatus> {
        let goal = self.goal.as_ref()?;
        let (mut sum, mut whole) = (0.0, 0.0);
        let mut criteria = BTreeMap::new();
        for criterion in &goal.criteria {
            let met = outputs.get(&criterion.node).is_some_and(|output| match &criterion.when {
                Some(when) => holds(when, output).unwrap_or(false),
                None => true,
            });
            whole += criterion.weight;
            sum += if met { criterion.weight } else { 0.0 };
            criteria.insert(criterion.id.clone(), met);
        }
        let achieved = criteria.values().all(|met| *met);
        let progress = if achieved { 1.0 } else { (sum / whole).clamp(0.0, 1.0) };
        Some(GoalStatus { progress, criteria, achieved })
    }

    /// The constraints that a node's output violates.
    #[must_use]
    pub fn violations(&self, node: &str, output: &Value) -> Vec<Violation> {
        let violated = self.constraints.iter().filter(|constraint| {
            constraint.node == node && holds(&constraint.violated_when, output).unwrap_or(false)
        });
        violated
            .map(|constraint| Violation {
                id: constraint.id.clone(),
                description: constraint.description.clone(),
                fatal: constraint.on_violation == OnViolation::Fail,
            })
            .collect()
    }
}
