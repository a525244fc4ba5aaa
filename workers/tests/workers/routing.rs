//! Where a graph goes: always to an end.

use proptest::prelude::*;
use runbus_workers::graph::{Definition, Graph, Next, RouteFault, Step};
use serde_json::{Value, json};

pub(crate) fn graph(text: &str) -> Graph {
    match Definition::parse("test.yaml", text).unwrap() {
        Definition::Graph(graph) => graph,
        Definition::Agent(_) => panic!("no graph"),
    }
}

/// Runs a graph with the given outputs of its nodes; the nodes it ran.
pub(crate) fn walk(graph: &Graph, mut output: impl FnMut(&Step) -> Value) -> (Vec<Step>, Next) {
    let mut steps = vec![graph.start()];
    loop {
        let step = steps.last().unwrap();
        match graph.route(&step.node, &output(step), step.iteration).unwrap() {
            Next::Nodes(next) => steps.extend(next),
            end => return (steps, end),
        }
        assert!(steps.len() < 100_000, "it does not end");
    }
}

fn with_condition(condition: &str) -> Graph {
    graph(&format!(
        "{{kind: graph, name: g, entry: a, nodes: {{a: {{type: agent, output: {{n: {{type: number}}, \
         s: {{type: string}}, o: {{type: object}}}}}}, yes: {{type: agent}}, no: {{type: agent}}}}, edges: \
         [{{from: a, to: no}}, {{from: a, to: yes, when: {condition}}}]}}"
    ))
}

#[test]
fn conditions_compare_numbers_and_values() {
    let output = json!({"n": 8, "s": "x", "o": {"deep": true}});
    for (condition, holds) in [
        ("{field: n, lt: 8}", false),
        ("{field: n, lte: 8}", true),
        ("{field: n, gt: 7.5}", true),
        ("{field: n, gte: 8.1}", false),
        ("{field: n, eq: 8.0}", true),
        ("{field: s, eq: x}", true),
        ("{field: s, ne: x}", false),
        ("{field: o.deep, eq: true}", true),
    ] {
        let next = with_condition(condition).route("a", &output, 1).unwrap();
        let node = if holds { "yes" } else { "no" }.to_owned();
        assert_eq!(next, Next::Nodes(vec![Step { node, iteration: 1, exhausted: false }]), "{condition}");
    }
}

#[test]
fn an_undecidable_route_is_a_fault() {
    let graph = with_condition("{field: n, lt: 8}");
    for output in [json!({}), json!("text"), json!({"n": "many"}), Value::Null] {
        let fault = graph.route("a", &output, 1).unwrap_err();
        assert!(fault.to_string().starts_with(r#"edges[1].when.field: "n" of "a" is"#), "{fault}");
    }
    assert_eq!(graph.route("b", &json!({}), 1), Err(RouteFault::UnknownNode("b".to_owned())));
    assert_eq!(graph.route("yes", &json!({}), 1), Ok(Next::End));
}

#[test]
fn a_node_may_repeat_itself_until_the_limit() {
    let text = "{kind: graph, name: g, entry: a, max_iterations: 3, nodes: {a: {type: agent}}, edges: [{from: a, to: a}]}";
    let (steps, end) = walk(&graph(text), |_| Value::Null);
    assert_eq!(steps.iter().map(|step| step.iteration).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(end, Next::Exhausted { max_iterations: 3 });
}

proptest! {
    /// For any edges of a graph and any answers of its nodes, the graph is refused or it ends.
    #[test]
    fn every_valid_graph_ends(
        edges in prop::collection::vec((0usize..5, 0usize..5, prop::option::of(0u8..10)), 0..12),
        exhausted in prop::option::of(0usize..5),
        scores in prop::collection::vec(0u8..10, 1..30),
    ) {
        let edges: Vec<Value> = edges
            .iter()
            .map(|(from, to, limit)| {
                let when = limit.map(|limit| json!({"field": "n", "lt": limit}));
                let mut edge = json!({"from": format!("n{from}"), "to": format!("n{to}")});
                if let Some(when) = when {
                    edge["when"] = when;
                }
                edge
            })
            .collect();
        let used: std::collections::BTreeSet<String> = edges
            .iter()
            .flat_map(|edge| [&edge["from"], &edge["to"]])
            .map(|id| id.as_str().unwrap().to_owned())
            .chain(["n0".to_owned()])
            .collect();
        let nodes: serde_json::Map<String, Value> = used
            .into_iter()
            .map(|id| (id, json!({"type": "agent", "output": {"n": {"type": "number"}}})))
            .collect();
        let mut text = json!({"kind": "graph", "name": "g", "entry": "n0", "max_iterations": 4, "nodes": nodes, "edges": edges});
        if let Some(target) = exhausted {
            text["on_exhausted"] = json!(format!("n{target}"));
        }
        if let Ok(Definition::Graph(graph)) = Definition::parse("test", &text.to_string()) {
            let mut scores = scores.into_iter().cycle();
            let (steps, _) = walk(&graph, |_| json!({"n": scores.next()}));
            prop_assert!(steps.iter().all(|step| step.iteration <= 4));
            prop_assert!(steps.len() <= 5 * 5);
        }
    }
}
