//! Graphs of every shape, walked: each ends, and its branches meet.

use std::collections::BTreeMap;

use proptest::prelude::*;
use runbus_workers::graph::{Definition, Graph, GraphSpec, Next, Step};
use serde_json::{Value, json};

const ITERATIONS: u32 = 4;

/// The shape of a part of a graph.
#[derive(Debug, Clone)]
enum Part {
    /// So many nodes in a row.
    Chain(u8),
    /// Branches that meet; a branch may have a diamond in it.
    Fork(Vec<(u8, bool)>),
    /// Back to an earlier part while the score is below.
    Again { part: u8, below: u8 },
    /// Over the next nodes while the score is below.
    Skip(u8),
}

/// How the last part ends.
#[derive(Debug, Clone)]
struct Shape {
    parts: Vec<Part>,
    /// Branches that never meet, at the end.
    apart: Vec<u8>,
    exhausted: bool,
    kinds: Vec<u8>,
}

/// One accidental change to a graph.
#[derive(Debug, Clone)]
enum Damage {
    Drop(usize),
    Turn { edge: usize, to: usize },
    Widen { edge: usize, to: usize },
    Join(usize),
    Add { from: usize, to: usize },
    Exhausted(usize),
    Entry(usize),
}

fn shapes() -> impl Strategy<Value = Shape> {
    let part = prop_oneof![
        3 => (1u8..4).prop_map(Part::Chain),
        3 => prop::collection::vec((1u8..4, any::<bool>()), 2..5).prop_map(Part::Fork),
        2 => (any::<u8>(), 0u8..12).prop_map(|(part, below)| Part::Again { part, below }),
        1 => (0u8..12).prop_map(Part::Skip),
    ];
    (
        prop::collection::vec(part, 1..7),
        prop_oneof![Just(Vec::new()), prop::collection::vec(1u8..3, 2..4)],
        any::<bool>(),
        prop::collection::vec(any::<u8>(), 1..20),
    )
        .prop_map(|(parts, apart, exhausted, kinds)| Shape { parts, apart, exhausted, kinds })
}

fn damages() -> impl Strategy<Value = Vec<Damage>> {
    let at = || 0usize..64;
    let one = prop_oneof![
        at().prop_map(Damage::Drop),
        (at(), at()).prop_map(|(edge, to)| Damage::Turn { edge, to }),
        (at(), at()).prop_map(|(edge, to)| Damage::Widen { edge, to }),
        at().prop_map(Damage::Join),
        (at(), at()).prop_map(|(from, to)| Damage::Add { from, to }),
        at().prop_map(Damage::Exhausted),
        at().prop_map(Damage::Entry),
    ];
    prop::collection::vec(one, 0..4)
}

/// A graph file as it grows.
#[derive(Default)]
struct Build {
    nodes: Vec<(String, Value)>,
    edges: Vec<Value>,
    kinds: Vec<u8>,
}

impl Build {
    fn node(&mut self, join: bool) -> String {
        let number = self.nodes.len();
        let id = format!("n{number}");
        let fields = json!({"score": {"type": "number"}});
        let kind = self.kinds.get(number % self.kinds.len().max(1)).copied().unwrap_or(0);
        let mut node = match kind % 4 {
            0 => json!({"type": "tool", "tool": "t", "output": fields}),
            _ => json!({"type": "agent", "output": fields}),
        };
        if join {
            node["join"] = json!(true);
        }
        self.nodes.push((id.clone(), node));
        id
    }

    fn edge(&mut self, from: &str, to: Value, below: Option<u8>) {
        let mut edge = json!({"from": from, "to": to});
        if let Some(below) = below {
            edge["when"] = json!({"field": "score", "lt": below});
        }
        self.edges.push(edge);
    }

    fn chain(&mut self, from: &str, length: u8, diamond: bool) -> String {
        let mut last = from.to_owned();
        for _ in 1..length {
            let next = self.node(false);
            self.edge(&last, json!(next), None);
            last = next;
        }
        if diamond {
            let (left, right, below) = (self.node(false), self.node(false), self.node(false));
            self.edge(&last, json!(left), Some(5));
            self.edge(&last, json!(right), None);
            self.edge(&left, json!(below), None);
            self.edge(&right, json!(below), None);
            last = below;
        }
        last
    }
}

fn file(shape: &Shape, damages: &[Damage]) -> Value {
    let mut build = Build { kinds: shape.kinds.clone(), ..Build::default() };
    let mut last = build.node(false);
    let mut heads = vec![last.clone()];
    let mut skipping: Option<(String, u8)> = None;
    for part in &shape.parts {
        match part {
            Part::Chain(length) => last = build.chain(&last, *length + 1, false),
            Part::Fork(branches) => {
                let firsts: Vec<String> = branches.iter().map(|_| build.node(false)).collect();
                build.edge(&last, json!(firsts), None);
                let ends: Vec<String> = firsts
                    .iter()
                    .zip(branches)
                    .map(|(first, (length, diamond))| build.chain(first, *length, *diamond))
                    .collect();
                last = build.node(true);
                for end in ends {
                    build.edge(&end, json!(last), None);
                }
            }
            Part::Again { part, below } => {
                let head = heads[usize::from(*part) % heads.len()].clone();
                build.edge(&last, json!(head), Some(*below));
                last = build.chain(&last, 2, false);
            }
            Part::Skip(below) => {
                let gate = build.chain(&last, 2, false);
                last = build.chain(&gate, 2, false);
                skipping = Some((gate, *below));
            }
        }
        // Where a skip lands: no join, and in no branch.
        let next = build.chain(&last, 2, false);
        if let Some((gate, below)) = skipping.take() {
            build.edge(&gate, json!(next), Some(below));
        }
        last = next;
        heads.push(last.clone());
    }
    let end = build.chain(&last, 2, false);
    if !shape.apart.is_empty() {
        let firsts: Vec<String> = shape.apart.iter().map(|_| build.node(false)).collect();
        build.edge(&end, json!(firsts), None);
        for (first, length) in firsts.iter().zip(&shape.apart) {
            build.chain(first, *length, false);
        }
    }
    let (mut entry, mut exhausted) = ("n0".to_owned(), shape.exhausted.then_some(end));
    let count = build.nodes.len();
    let id = |at: usize| format!("n{}", at % count);
    for damage in damages {
        let edges = build.edges.len();
        match damage {
            Damage::Drop(edge) if edges > 0 => drop(build.edges.remove(edge % edges)),
            Damage::Turn { edge, to } if edges > 0 => build.edges[edge % edges]["to"] = json!(id(*to)),
            Damage::Widen { edge, to } if edges > 0 => {
                let edge = &mut build.edges[edge % edges]["to"];
                let mut all: Vec<Value> = edge.as_array().cloned().unwrap_or_else(|| vec![edge.clone()]);
                all.push(json!(id(*to)));
                *edge = json!(all);
            }
            Damage::Join(node) => build.nodes[node % count].1["join"] = json!(true),
            Damage::Add { from, to } => build.edge(&id(*from), json!(id(*to)), Some(6)),
            Damage::Exhausted(node) => exhausted = Some(id(*node)),
            Damage::Entry(node) => entry = id(*node),
            Damage::Drop(_) | Damage::Turn { .. } | Damage::Widen { .. } => {}
        }
    }
    let loops = shape.parts.iter().any(|part| matches!(part, Part::Again { .. })) || !damages.is_empty();
    if !loops {
        exhausted = None;
    }
    json!({
        "kind": "graph", "name": "g", "entry": entry, "max_iterations": ITERATIONS, "on_exhausted": exhausted,
        "nodes": build.nodes.into_iter().collect::<serde_json::Map<_, _>>(), "edges": build.edges,
    })
}

fn parse(file: &Value) -> Option<Graph> {
    match Definition::parse("test", &file.to_string()) {
        Ok(Definition::Graph(graph)) => Some(graph),
        _ => None,
    }
}

/// How a walk went.
#[derive(Debug, Default)]
struct Walked {
    steps: usize,
    forks: usize,
    joins: usize,
    exhausted: bool,
}

/// Runs a graph as a session does: nodes that may begin do, one at work ends at a time, in any order.
fn walk(graph: &Graph, choices: &[u8]) -> Result<Walked, TestCaseError> {
    let mut choices = choices.iter().copied().cycle();
    let mut choose = move || usize::from(choices.next().unwrap_or(0));
    let mut walked = Walked::default();
    let mut arrivals: Vec<Step> = vec![graph.start()];
    let mut at_work: BTreeMap<String, Step> = BTreeMap::new();
    let bound = graph.nodes.len() * usize::try_from(ITERATIONS).unwrap();
    loop {
        while let Some(step) = arrivals
            .iter()
            .find(|step| {
                graph.is_ready(&step.node, arrivals.iter().filter(|other| other.node == step.node).count())
            })
            .cloned()
        {
            let ways = arrivals.iter().filter(|other| other.node == step.node).count();
            let join = graph.nodes[&step.node].join;
            prop_assert!(join || ways == 1, "{} ways lead to {} at once", ways, step.node);
            prop_assert!(!at_work.contains_key(&step.node), "{} is at work already", step.node);
            let same =
                arrivals.iter().all(|other| other.node != step.node || other.iteration == step.iteration);
            prop_assert!(same, "{} is entered in two iterations", step.node);
            arrivals.retain(|other| other.node != step.node);
            walked.joins += usize::from(join);
            walked.steps += 1;
            prop_assert!(walked.steps <= bound, "more than {} steps", bound);
            prop_assert!(step.iteration <= ITERATIONS);
            at_work.insert(step.node.clone(), step);
        }
        let Some(node) = at_work.keys().nth(choose() % at_work.len().max(1)).cloned() else { break };
        let step = at_work.remove(&node).unwrap();
        let output = json!({"score": choose() % 12});
        match graph.route(&node, &output, step.iteration) {
            Ok(Next::Nodes(next)) => {
                walked.forks += usize::from(next.len() > 1);
                arrivals.extend(next);
            }
            Ok(Next::End) => {}
            Ok(Next::Exhausted { .. }) => {
                prop_assert!(
                    at_work.is_empty() && arrivals.is_empty(),
                    "it fails while branches are at work"
                );
                walked.exhausted = true;
            }
            Err(fault) => return Err(TestCaseError::fail(format!("no route: {fault}"))),
        }
    }
    prop_assert!(arrivals.is_empty(), "these wait for ever: {:?}", arrivals);
    Ok(walked)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// A well-built graph is valid, and every walk through it ends with each fork joined once.
    #[test]
    fn well_built_graphs_are_valid_and_end(
        shape in shapes(),
        choices in prop::collection::vec(any::<u8>(), 1..60),
    ) {
        let file = file(&shape, &[]);
        let parsed = Definition::parse("test", &file.to_string());
        prop_assert!(parsed.is_ok(), "{}: {}", parsed.unwrap_err(), file);
        let graph = parse(&file).unwrap();
        let walked = walk(&graph, &choices)?;
        let apart = usize::from(!shape.apart.is_empty() && !walked.exhausted);
        prop_assert!(walked.forks == walked.joins + apart || walked.forks == walked.joins, "{:?}", walked);
    }

    /// Every other accepted graph ends too.
    #[test]
    fn every_accepted_graph_ends(
        shape in shapes(),
        damages in damages(),
        choices in prop::collection::vec(any::<u8>(), 1..60),
    ) {
        if let Some(graph) = parse(&file(&shape, &damages)) {
            walk(&graph, &choices)?;
        }
    }

    /// A few nodes, any edges among them.
    #[test]
    fn any_small_graph_is_refused_or_ends(
        edges in prop::collection::vec((0usize..6, prop::collection::vec(0usize..6, 1..4), prop::option::of(0u8..12)), 1..10),
        joins in prop::collection::vec(any::<bool>(), 6),
        exhausted in prop::option::of(0usize..6),
        choices in prop::collection::vec(any::<u8>(), 1..60),
    ) {
        let mut build = Build { kinds: vec![1], ..Build::default() };
        joins.iter().for_each(|join| drop(build.node(*join)));
        for (from, to, below) in &edges {
            let to: Vec<String> = to.iter().map(|to| format!("n{to}")).collect();
            build.edge(&format!("n{from}"), if to.len() == 1 { json!(to[0]) } else { json!(to) }, *below);
        }
        // Only nodes that an edge mentions, so that fewer graphs fail for a node that nothing leads to.
        let used = |id: &str| build.edges.iter().any(|edge| edge.to_string().contains(&format!("\"{id}\"")));
        let nodes: serde_json::Map<_, _> =
            build.nodes.iter().filter(|(id, _)| id == "n0" || used(id)).cloned().collect();
        let file = json!({
            "kind": "graph", "name": "g", "entry": "n0", "max_iterations": ITERATIONS,
            "on_exhausted": exhausted.map(|node| format!("n{node}")), "nodes": nodes, "edges": build.edges,
        });
        if let Some(graph) = parse(&file) {
            walk(&graph, &choices)?;
        }
    }

    /// No text and no file of the right shape makes it panic; a valid definition reads back from its JSON.
    #[test]
    fn nothing_makes_reading_panic(
        kind in prop::sample::select(vec!["agent", "graph", "tool"]),
        keys in prop::collection::btree_map(
            prop::sample::select(vec![
                "name", "entry", "nodes", "edges", "goal", "constraints", "budget", "tools", "approve", "subagents",
                "compaction", "max_iterations", "on_exhausted", "stall_after_ms", "model", "system",
            ]),
            values(),
            0..8,
        ),
        node in prop::collection::btree_map(
            prop::sample::select(vec![
                "type", "prompt", "system", "tools", "output", "tool", "arguments", "on", "choices", "timeout_ms",
                "default", "join", "approve", "subagents", "compaction", "stall_after_ms", "max_rounds", "model",
            ]),
            values(),
            0..6,
        ),
        text in "\\PC{0,60}",
    ) {
        drop(Definition::parse("test", &text));
        let mut file = json!({"kind": kind, "name": "g"});
        if kind == "graph" {
            let mut node = json!(node);
            if node["type"].is_null() {
                node["type"] = json!("agent");
            }
            file["entry"] = json!("a");
            file["nodes"] = json!({"a": node, "b": {"type": "router", "on": "a"}});
            file["edges"] = json!([{"from": "a", "to": "b"}]);
        }
        for (key, value) in keys {
            file[key] = value;
        }
        drop(serde_json::from_value::<GraphSpec>(file.clone()).map(Graph::try_from));
        if let Ok(definition) = Definition::parse("test", &file.to_string()) {
            let kept = serde_json::to_value(&definition).unwrap();
            prop_assert_eq!(serde_json::from_value::<Definition>(kept).unwrap(), definition);
        }
    }
}

/// Values as a careless author writes them.
fn values() -> impl Strategy<Value = Value> {
    let plain = prop_oneof![
        prop::sample::select(vec![
            "a",
            "b",
            "agent",
            "tool",
            "router",
            "human",
            "",
            "{{input}}",
            "{{nodes.a.x}}",
            "{{"
        ])
        .prop_map(|text| json!(text)),
        any::<i64>().prop_map(|number| json!(number)),
        (0u32..3000).prop_map(|number| json!(number)),
        any::<f64>().prop_map(|number| json!(number)),
        any::<bool>().prop_map(|flag| json!(flag)),
        Just(Value::Null),
        Just(json!({"at_tokens": 500})),
        Just(json!({"rounds": 3})),
        Just(json!({"x": {"type": "number", "minimum": 1}})),
        Just(json!([{"name": "s", "definition": "d"}])),
        Just(json!([{"from": "a", "to": ["b", "b"]}, {"from": "b", "to": []}])),
        Just(json!({"criteria": [{"id": "i", "node": "a", "weight": 1e308}]})),
    ];
    plain.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|items| json!(items)),
            prop::collection::btree_map(prop::sample::select(vec!["a", "b", "x", "to"]), inner, 0..3)
                .prop_map(|fields| json!(fields)),
        ]
    })
}

/// The generators are worth their time: a good share of their graphs is valid.
#[test]
fn a_good_share_of_damaged_graphs_is_valid() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let (mut valid, mut forked) = (0, 0);
    for _ in 0..400 {
        let (shape, damages) = (shapes(), damages()).new_tree(&mut runner).unwrap().current();
        if let Some(graph) = parse(&file(&shape, &damages)) {
            valid += 1;
            forked += usize::from(graph.nodes.values().any(|node| node.join));
        }
    }
    assert!(valid >= 100 && forked >= 60, "of 400 graphs {valid} are valid, {forked} with joins");
}
