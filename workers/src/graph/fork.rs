//! Forks and joins: which nodes belong to a branch, and whether the branches of a fork keep apart and meet again.
//!
//! A branch is what its first node reaches without passing a join. The rules make three things certain: no node is at work
//! twice at once, a join gets exactly one arrival of each branch, and no branch waits for ever.

use std::collections::{BTreeMap, BTreeSet};

use super::spec::GraphSpec;
use super::validate::Fault;

/// The joins, each with the number of branches that it waits for.
pub(super) type Joins = BTreeMap<String, usize>;

/// Checks every fork and join.
pub(super) fn check(spec: &GraphSpec, closing: &[bool]) -> Result<Joins, Fault> {
    let forks = forks(spec);
    let mut joins = Joins::new();
    let mut inside: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, edge) in spec.edges.iter().enumerate() {
        let path = format!("edges[{index}].to");
        let targets = edge.to.all();
        if targets.is_empty() {
            return fault(path, "names no node");
        }
        if !edge.to.is_fork() || forks[index] != index {
            continue;
        }
        let mut meet: Option<Option<String>> = None;
        for (place, first) in targets.iter().enumerate() {
            let path = format!("{path}[{place}]");
            if spec.nodes.get(first).is_some_and(|node| node.join) {
                return fault(path, format!("{first} is a join: a branch has at least one node of its own"));
            }
            let branch = Branch::of(spec, first);
            branch.check(spec, closing, &forks, &path, index)?;
            for node in &branch.nodes {
                if inside.insert(node, index).is_some() {
                    let what = format!(
                        "{node} belongs to more than one branch; give each branch nodes of its own, or let every edge into the \
                         fork name all of its branches"
                    );
                    return fault(path, what);
                }
            }
            let join = branch.join(spec, &path)?;
            match &meet {
                None => meet = Some(join),
                Some(other) if *other == join => {}
                Some(_) => return fault(path, "its branches do not all lead to the same join"),
            }
        }
        if let Some(Some(join)) = meet
            && joins.insert(join.clone(), targets.len()).is_some()
        {
            let what = "branches of more than one fork lead there; give each fork a join of its own, or let the edges into one fork \
                        name the same branches";
            return fault(format!("nodes.{join}.join"), what);
        }
    }
    entered_once(spec, &forks, &inside, &joins)?;
    Ok(joins)
}

/// For each edge the first one into the same fork: edges with the same branches lead into one. Only one of them is taken at a time, since
/// none of them stands in a branch. An edge that is no fork stands for itself.
fn forks(spec: &GraphSpec) -> Vec<usize> {
    let mut known: BTreeMap<BTreeSet<&str>, usize> = BTreeMap::new();
    let mut first = Vec::with_capacity(spec.edges.len());
    for (index, edge) in spec.edges.iter().enumerate() {
        first.push(if edge.to.is_fork() {
            let branches = edge.to.all().iter().map(String::as_str).collect();
            *known.entry(branches).or_insert(index)
        } else {
            index
        });
    }
    first
}

/// For each join of a valid graph, the nodes of each branch that leads there.
pub(super) fn branches(spec: &GraphSpec) -> BTreeMap<&str, Vec<BTreeSet<&str>>> {
    let mut found: BTreeMap<&str, Vec<BTreeSet<&str>>> = BTreeMap::new();
    let first = forks(spec);
    let edges = spec.edges.iter().enumerate();
    let begun = edges.filter(|(index, edge)| edge.to.is_fork() && first[*index] == *index);
    for first in begun.flat_map(|(_, edge)| edge.to.all()) {
        let Branch { nodes, joins, .. } = Branch::of(spec, first);
        if let Some(&join) = joins.first() {
            found.entry(join).or_default().push(nodes);
        }
    }
    found
}

/// The nodes that one branch reaches.
struct Branch<'a> {
    nodes: BTreeSet<&'a str>,
    joins: BTreeSet<&'a str>,
    ends: bool,
}

impl<'a> Branch<'a> {
    fn of(spec: &'a GraphSpec, first: &'a str) -> Self {
        let mut branch = Self { nodes: BTreeSet::from([first]), joins: BTreeSet::new(), ends: false };
        let mut open = vec![first];
        while let Some(node) = open.pop() {
            let mut outgoing = spec.edges.iter().filter(|edge| edge.from == node).peekable();
            branch.ends |= outgoing.peek().is_none();
            for to in outgoing.flat_map(|edge| edge.to.all()) {
                if spec.nodes.get(to).is_some_and(|node| node.join) {
                    branch.joins.insert(to);
                } else if branch.nodes.insert(to) {
                    open.push(to);
                }
            }
        }
        branch
    }

    fn check(
        &self,
        spec: &GraphSpec,
        closing: &[bool],
        forks: &[usize],
        path: &str,
        fork: usize,
    ) -> Result<(), Fault> {
        for (index, edge) in
            spec.edges.iter().enumerate().filter(|(_, e)| self.nodes.contains(e.from.as_str()))
        {
            if edge.to.is_fork() {
                let what = if forks[index] == fork {
                    format!(
                        "it leads back to its own fork at edges[{index}], which is not supported; let the node behind the join lead back"
                    )
                } else {
                    format!(
                        "it forks again at edges[{index}], which is not supported; join the branches before the next fork"
                    )
                };
                return fault(path, what);
            }
            if closing.get(index).copied().unwrap_or(false) && self.nodes.contains(edge.to.all()[0].as_str())
            {
                return fault(
                    path,
                    format!("edges[{index}] closes a cycle within it, which is not supported"),
                );
            }
        }
        match &spec.on_exhausted {
            Some(target) if self.nodes.contains(target.as_str()) => {
                fault("on_exhausted", format!("{target} belongs to a branch"))
            }
            _ => Ok(()),
        }
    }

    /// The join that it always leads to; `None`: it always ends by itself.
    fn join(&self, spec: &GraphSpec, path: &str) -> Result<Option<String>, Fault> {
        let mut joins = self.joins.iter();
        match (joins.next(), joins.next(), self.ends) {
            (None, _, _) => Ok(None),
            (Some(join), None, false) => Ok(Some((*join).to_owned())),
            (Some(join), None, true) => {
                let end = self.nodes.iter().find(|node| !spec.edges.iter().any(|edge| edge.from == **node));
                let end = end.copied().unwrap_or_default();
                fault(path, format!("it may end at {end} and never come to {join}"))
            }
            (Some(a), Some(b), _) => fault(path, format!("it leads to two joins, {a} and {b}")),
        }
    }
}

/// Checks that branches are entered at their fork only, and joins from branches only.
fn entered_once(
    spec: &GraphSpec,
    forks: &[usize],
    inside: &BTreeMap<&str, usize>,
    joins: &Joins,
) -> Result<(), Fault> {
    for (index, edge) in spec.edges.iter().enumerate() {
        for to in edge.to.all() {
            let from = inside.get(edge.from.as_str());
            if let Some(fork) = inside.get(to.as_str())
                && *fork != forks[index]
                && from != Some(fork)
            {
                let all = spec.edges[*fork].to.all().join(", ");
                let what = format!(
                    "{to} belongs to a branch of the fork at edges[{fork}]; to begin that fork here too, name all its branches: \
                     to: [{all}]"
                );
                return fault(format!("edges[{index}].to"), what);
            }
            if spec.nodes.get(to).is_some_and(|node| node.join) && from.is_none() {
                return fault(
                    format!("edges[{index}].to"),
                    format!("{to} is a join, and {} is in no branch", edge.from),
                );
            }
        }
    }
    if let Some(target) = &spec.on_exhausted
        && spec.nodes.get(target).is_some_and(|node| node.join)
    {
        return fault("on_exhausted", format!("{target} is a join, which waits for its branches"));
    }
    let lonely = spec.nodes.iter().find(|(id, node)| node.join && !joins.contains_key(*id));
    match lonely {
        Some((id, _)) => fault(format!("nodes.{id}.join"), "no branches lead there"),
        None if spec.nodes.get(&spec.entry).is_some_and(|node| node.join) => {
            fault("entry", "a join cannot be the entry")
        }
        None => match inside.get(spec.entry.as_str()) {
            Some(_) => fault("entry", "belongs to a branch"),
            None => Ok(()),
        },
    }
}

fn fault<T>(path: impl Into<String>, message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault { path: path.into(), message: message.into() })
}
