//! The usage of one execution, and of all.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::cost::{Nano, Prices, amount, nano};
use super::{cut, view};
use crate::event::family::model::{TurnCompleted, Usage, UsageUpdated};
use crate::limits;
use crate::session::below::Used;

/// Models beyond [`limits::MONITOR_NAMES`].
const OTHERS: &str = "(others)";

/// The fields of a payload that say what it cost. Runbus's own workers have none; some providers do.
#[derive(Debug, Default, Deserialize)]
struct Said {
    #[serde(default)]
    cost: Option<f64>,
    #[serde(default)]
    usage: Option<SaidUsage>,
}

#[derive(Debug, Default, Deserialize)]
struct SaidUsage {
    #[serde(default)]
    cost: Option<f64>,
}

fn said(data: &str) -> Option<Nano> {
    // Of what cannot be read nothing is said.
    let said: Said = crate::json::from_str(data).unwrap_or_default();
    said.cost.or(said.usage.and_then(|usage| usage.cost)).map(nano)
}

/// The usage of one execution.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    /// Of the execution so far, as its producer says.
    total: Option<Usage>,
    /// The sum over its turns.
    turns: Usage,
    rounds: u64,
    /// Turns that said what they used.
    counted: bool,
    cost_total: Option<Nano>,
    cost_turns: Option<Nano>,
    /// The part of the total that executions below used: they are counted themselves.
    below: Used,
    by_model: BTreeMap<String, Usage>,
}

impl Tally {
    pub(super) fn turn(&mut self, turn: &TurnCompleted, data: &str) {
        self.rounds = self.rounds.saturating_add(1);
        if let Some(used) = &turn.usage {
            self.counted = true;
            self.turns.add(used);
            if let Some(model) = &turn.model {
                entry(&mut self.by_model, model).add(used);
            }
        }
        if let Some(cost) = said(data) {
            self.cost_turns = Some(self.cost_turns.unwrap_or(0).saturating_add(cost));
        }
    }

    pub(super) fn updated(&mut self, updated: &UsageUpdated, data: &str) {
        self.total = Some(updated.usage.clone());
        self.below = updated.below.clone().unwrap_or_default();
        self.rounds = self.rounds.max(u64::from(updated.rounds));
        self.cost_total = said(data).or(self.cost_total);
    }

    /// The usage; `None` when no event reported it.
    pub(super) fn used(&self) -> Option<&Usage> {
        self.total.as_ref().or_else(|| self.counted.then_some(&self.turns))
    }
}

/// The usage of many executions.
#[derive(Debug, Clone, Default)]
pub(super) struct Totals {
    executions: u64,
    rounds: u64,
    used: Usage,
    by_model: BTreeMap<String, Usage>,
    /// Of executions whose cost nobody said.
    unsaid: BTreeMap<String, Usage>,
    unsaid_tokens: u64,
    said: Option<Nano>,
}

impl Totals {
    pub(super) fn add(&mut self, tally: &Tally) {
        let Some(used) = tally.used() else { return };
        self.executions += 1;
        let used = &used.without(&tally.below.usage);
        self.rounds = self.rounds.saturating_add(tally.rounds.saturating_sub(u64::from(tally.below.rounds)));
        self.used.add(used);
        for (model, used) in &tally.by_model {
            entry(&mut self.by_model, model).add(used);
        }
        let below = tally.below.usage.cost.map_or(0, nano);
        match tally.cost_total.map(|cost| cost.saturating_sub(below)).or(tally.cost_turns) {
            Some(cost) => self.said = Some(self.said.unwrap_or(0).saturating_add(cost)),
            None => {
                self.unsaid_tokens = self.unsaid_tokens.saturating_add(used.total_tokens);
                for (model, used) in &tally.by_model {
                    entry(&mut self.unsaid, model).add(used);
                }
            }
        }
    }

    pub(super) fn view(&self, prices: &Prices) -> Option<view::Used> {
        (self.executions > 0).then(|| view::Used {
            executions: self.executions,
            rounds: self.rounds,
            tokens: self.used.clone(),
            by_model: self.by_model.clone(),
            cost: self.cost(prices),
        })
    }

    fn cost(&self, prices: &Prices) -> Option<view::Cost> {
        let mut cost = self.said;
        let mut unpriced = self.unsaid_tokens;
        for (model, used) in &self.unsaid {
            if let Some(found) = prices.cost(model, used) {
                cost = Some(cost.unwrap_or(0).saturating_add(found));
                unpriced = unpriced.saturating_sub(used.total_tokens);
            }
        }
        let currency = prices.currency.clone();
        cost.map(|cost| view::Cost { amount: amount(cost), currency, unpriced_tokens: unpriced })
    }
}

fn entry<'m>(models: &'m mut BTreeMap<String, Usage>, name: &str) -> &'m mut Usage {
    let name = cut::text(name);
    let known = models.contains_key(&name) || models.len() < limits::MONITOR_NAMES;
    models.entry(if known { name } else { OTHERS.into() }).or_default()
}
