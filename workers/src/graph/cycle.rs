//! Which edges close a cycle.
//!
//! They are the edges that lead back to a node on the path of a depth-first walk in file order. Every cycle
//! has at least one, so counting them bounds every execution.

use std::collections::{BTreeMap, BTreeSet};

use super::spec::GraphSpec;

/// For each edge, whether it closes a cycle.
pub(super) fn closing_edges(spec: &GraphSpec) -> Vec<bool> {
    let mut closing = vec![false; spec.edges.len()];
    let mut outgoing: BTreeMap<&str, Vec<(usize, &str)>> = BTreeMap::new();
    for (index, edge) in spec.edges.iter().enumerate() {
        let targets = edge.to.all().iter().map(|to| (index, to.as_str()));
        outgoing.entry(&edge.from).or_default().extend(targets);
    }
    let roots = [Some(&spec.entry), spec.on_exhausted.as_ref()];
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for root in roots.into_iter().flatten() {
        // An explicit stack, since a file decides how deep this goes.
        let mut path: Vec<(&str, usize)> = Vec::new();
        if seen.insert(root) {
            path.push((root, 0));
        }
        while let Some((node, position)) = path.last().copied() {
            let Some(&(index, to)) = outgoing.get(node).and_then(|edges| edges.get(position)) else {
                path.pop();
                continue;
            };
            if let Some(top) = path.last_mut() {
                top.1 += 1;
            }
            if path.iter().any(|(on_path, _)| *on_path == to) {
                closing[index] = true;
            } else if seen.insert(to) {
                path.push((to, 0));
            }
        }
    }
    closing
}

/// The nodes that can follow `start`, itself included.
pub(super) fn reachable<'a>(spec: &'a GraphSpec, start: &'a str) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::from([start]);
    let mut open = vec![start];
    while let Some(node) = open.pop() {
        for edge in spec.edges.iter().filter(|edge| edge.from == node) {
            for to in edge.to.all() {
                if seen.insert(to) {
                    open.push(to);
                }
            }
        }
    }
    seen
}
