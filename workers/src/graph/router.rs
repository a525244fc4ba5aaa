//! Whether the node that a router looks at has always run before the router does.
//!
//! A router passes the latest output of its `on` node. Where that node may not have run yet, there is none, and the
//! execution would fail at the router's conditions. So each router must be out of reach once its `on` is taken away.

use std::collections::{BTreeMap, BTreeSet};

use super::fork;
use super::spec::{GraphSpec, NodeType};
use super::validate::Fault;

/// Checks every router of a graph whose forks and joins are valid. `closing`: for each edge, whether it closes a cycle.
pub(super) fn check(spec: &GraphSpec, closing: &[bool]) -> Result<(), Fault> {
    let routers = || {
        let routers = spec.nodes.iter().filter(|(_, node)| node.kind == NodeType::Router);
        routers.filter_map(|(id, node)| Some((id.as_str(), node.on.as_deref()?)))
    };
    if routers().next().is_none() {
        return Ok(());
    }
    let ways = Ways::of(spec, closing);
    // Routers often share what they look at: each is walked around once.
    let mut around: BTreeMap<&str, BTreeMap<&str, Option<&str>>> = BTreeMap::new();
    for (id, on) in routers() {
        let reached = around.entry(on).or_insert_with(|| ways.without(on));
        if let Some(before) = reached.get(id) {
            let when = before.map_or_else(|| "first".to_owned(), |before| format!("after {before}"));
            return Err(Fault {
                path: format!("nodes.{id}.on"),
                message: format!("{on} may not have run yet when {id} runs {when}"),
            });
        }
    }
    Ok(())
}

/// The possible successors of each node.
struct Ways<'a> {
    entry: &'a str,
    next: BTreeMap<&'a str, Vec<&'a str>>,
    /// For each join, the nodes of each branch that leads there.
    branches: BTreeMap<&'a str, Vec<BTreeSet<&'a str>>>,
}

impl<'a> Ways<'a> {
    fn of(spec: &'a GraphSpec, closing: &[bool]) -> Self {
        let mut next: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (edge, closing) in spec.edges.iter().zip(closing) {
            let to = edge.to.all().iter().map(String::as_str);
            // An edge that closes a cycle leads to `on_exhausted` once the iterations are used up.
            let instead = spec.on_exhausted.as_deref().filter(|_| *closing);
            next.entry(&edge.from).or_default().extend(to.chain(instead));
        }
        Self { entry: &spec.entry, next, branches: fork::branches(spec) }
    }

    /// The nodes that may run though `without` never did, each with one that it may follow.
    fn without(&self, without: &str) -> BTreeMap<&'a str, Option<&'a str>> {
        let mut reached: BTreeMap<&str, Option<&str>> = BTreeMap::new();
        let mut arrived: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        if self.entry == without {
            return reached;
        }
        reached.insert(self.entry, None);
        let mut open = vec![self.entry];
        while let Some(node) = open.pop() {
            for &to in self.next.get(node).into_iter().flatten() {
                if to == without || reached.contains_key(to) {
                    continue;
                }
                // A join waits for all of its branches: one that has to pass `without` keeps it from beginning.
                if let Some(branches) = self.branches.get(to) {
                    let ways = arrived.entry(to).or_default();
                    ways.extend(branches.iter().position(|branch| branch.contains(node)));
                    if ways.len() < branches.len() {
                        continue;
                    }
                }
                reached.insert(to, Some(node));
                open.push(to);
            }
        }
        reached
    }
}
