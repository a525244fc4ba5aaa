//! How far a goal has come, and which constraints an output violates.

use std::collections::BTreeMap;

use proptest::prelude::*;
use runbus_workers::graph::{Graph, Violation};
use serde_json::{Value, json};

use super::routing::graph;

fn example() -> Graph {
    graph(
        "{kind: graph, name: g, entry: a, nodes: {a: {type: agent, output: {score: {type: number}, word: {type: string}}}, \
         b: {type: human}}, edges: [{from: a, to: b}], goal: {criteria: [{id: good, node: a, when: {field: score, gte: 8}, \
         weight: 3}, {id: said, node: b}, {id: yes, node: b, when: {field: answer, eq: 'yes'}}]}, constraints: [{id: low, \
         description: too low, node: a, violated_when: {field: score, lt: 2}, on_violation: fail}, {id: rude, node: a, \
         violated_when: {field: word, eq: damn}}, {id: no, node: b, violated_when: {field: answer, ne: 'yes'}}]}",
    )
}

fn outputs(all: &[(&str, Value)]) -> BTreeMap<String, Value> {
    all.iter().map(|(node, output)| ((*node).to_owned(), output.clone())).collect()
}

#[test]
fn progress_is_the_weight_of_criteria_that_hold() {
    let graph = example();
    for (all, progress, met) in [
        (vec![], 0.0, [false, false, false]),
        (vec![("a", json!({"score": 8}))], 0.6, [true, false, false]),
        (vec![("a", json!({"score": 7.9}))], 0.0, [false, false, false]),
        // An undecidable criterion does not hold.
        (
            vec![("a", json!({"score": "many"})), ("b", json!({"answer": {"x": 1}}))],
            0.2,
            [false, true, false],
        ),
        (vec![("a", json!("text")), ("b", json!({"answer": "yes"}))], 0.4, [false, true, true]),
        (vec![("a", json!({"score": 9})), ("b", json!({"answer": "yes"}))], 1.0, [true, true, true]),
    ] {
        let status = graph.goal_status(&outputs(&all)).unwrap();
        assert!((status.progress - progress).abs() < 1e-9, "{all:?}: {status:?}");
        let [good, said, yes] = met;
        let criteria = BTreeMap::from([("good".into(), good), ("said".into(), said), ("yes".into(), yes)]);
        assert_eq!(status.criteria, criteria, "{all:?}");
        assert_eq!(status.achieved, good && said && yes, "{all:?}");
    }
    let none = graph_without_goal().goal_status(&BTreeMap::new());
    assert_eq!(none, None);
}

fn graph_without_goal() -> Graph {
    graph("{kind: graph, name: g, entry: a, nodes: {a: {type: agent}}}")
}

#[test]
fn violations_are_those_of_the_node() {
    let graph = example();
    let ids = |node: &str, output: Value| -> Vec<String> {
        graph.violations(node, &output).into_iter().map(|violation| violation.id).collect()
    };
    assert_eq!(
        graph.violations("a", &json!({"score": 1.5, "word": "x"})),
        [Violation { id: "low".into(), description: "too low".into(), fatal: true }]
    );
    assert_eq!(ids("a", json!({"score": 1, "word": "damn"})), ["low", "rude"]);
    assert_eq!(ids("a", json!({"score": 2, "word": "yes"})), [""; 0]);
    assert_eq!(ids("b", json!({"answer": "no"})), ["no"]);
    // An undecidable constraint is not violated.
    assert_eq!(ids("b", json!({})), [""; 0]);
    assert_eq!(ids("nobody", json!({"score": 1})), [""; 0]);
    assert!(graph_without_goal().violations("a", &json!("x")).is_empty());
}

proptest! {
    /// Progress is a share, is whole exactly when all holds, and never falls when one more criterion holds.
    #[test]
    fn progress_is_a_share(weights in prop::collection::vec(1e-9f64..1e6, 1..20), met in any::<u32>()) {
        let criteria: Vec<Value> = weights
            .iter()
            .enumerate()
            .map(|(at, weight)| json!({"id": format!("c{at}"), "node": format!("n{at}"), "weight": weight}))
            .collect();
        let nodes: serde_json::Map<String, Value> =
            (0..weights.len()).map(|at| (format!("n{at}"), json!({"type": "agent"}))).collect();
        let edges: Vec<Value> =
            (1..weights.len()).map(|at| json!({"from": format!("n{}", at - 1), "to": format!("n{at}")})).collect();
        let file = json!({"kind": "graph", "name": "g", "entry": "n0", "nodes": nodes, "edges": edges,
            "goal": {"criteria": criteria}});
        let graph = graph(&file.to_string());
        let mut outputs = BTreeMap::new();
        let mut before = 0.0;
        for at in (0..weights.len()).filter(|at| met >> at & 1 == 1) {
            outputs.insert(format!("n{at}"), Value::Null);
            let status = graph.goal_status(&outputs).unwrap();
            prop_assert!(status.progress >= before && (0.0..=1.0).contains(&status.progress));
            prop_assert_eq!(status.achieved, outputs.len() == weights.len());
            prop_assert!(!status.achieved || status.progress >= 1.0);
            before = status.progress;
        }
    }
}
