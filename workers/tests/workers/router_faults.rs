//! A router runs only after the node that it looks at, on every way.

use runbus_workers::graph::Definition;

/// Reads a graph in which `n` has the output that routers look at; `a` asks a person.
fn read(entry: &str, nodes: &str, edges: &str) -> Result<(), String> {
    let text = format!(
        "kind: graph\nname: g\nentry: {entry}\nmax_iterations: 2\nnodes:\n  a: {{ type: human }}\n  \
         n: {{ type: agent, output: {{ s: {{ type: number }} }} }}\n  end: {{ type: agent }}\n{nodes}edges:\n{edges}"
    );
    Definition::parse("t", &text).map(drop).map_err(|fault| fault.to_string())
}

const ROUTER: &str = "  r: { type: router, on: n }\n";
const LEAVE: &str = "  - { from: r, to: end }\n";

#[test]
fn the_node_of_a_router_has_run_before() {
    let late = |why: &str| Err(format!("t: nodes.r.on: n may not have run yet when r runs {why}"));
    // The router comes first.
    let edges = "  - { from: r, to: n }\n  - { from: n, to: a }\n  - { from: a, to: end }\n";
    assert_eq!(read("r", ROUTER, edges), late("first"));
    // One way goes past it.
    let past = "  - { from: a, to: n, when: { field: answer, eq: x } }\n  - { from: a, to: r }\n  - { from: n, to: r }\n";
    assert_eq!(read("a", ROUTER, &format!("{past}{LEAVE}")), late("after a"));
    // It is at work in another branch.
    let apart = "  - { from: a, to: [n, r] }\n";
    assert_eq!(read("a", ROUTER, &format!("{apart}{LEAVE}")), late("after a"));
    // A later iteration is too late for the first.
    let cycle = "  - { from: a, to: r }\n  - { from: r, to: n }\n  - { from: n, to: a, when: { field: s, lt: 5 } }\n  \
                 - { from: n, to: end }\n";
    assert_eq!(read("a", ROUTER, cycle), late("after a"));
}

#[test]
fn a_router_behind_its_node_is_valid() {
    let before = "  - { from: a, to: n }\n  - { from: n, to: r }\n";
    assert_eq!(read("a", ROUTER, &format!("{before}{LEAVE}")), Ok(()));
    // Behind a join every branch has run, though each way to it passes only one.
    let nodes = format!("{ROUTER}  b: {{ type: agent }}\n  j: {{ type: agent, join: true }}\n");
    let join = "  - { from: a, to: [b, n] }\n  - { from: b, to: j }\n  - { from: n, to: j }\n  - { from: j, to: r }\n";
    assert_eq!(read("a", &nodes, &format!("{join}{LEAVE}")), Ok(()));
}

#[test]
fn keys_that_a_kind_of_node_never_reads_are_refused() {
    let mut cases = Vec::new();
    let agents = ["system: x", "model: { name: m }", "model_tries: 3", "max_rounds: 3", "tools_at_once: 3"];
    for kind in ["type: human", "type: router, on: n", "type: tool, tool: clock"] {
        cases.extend(agents.map(|key| (kind, key, "agent")));
        if kind != "type: human" {
            cases.push((kind, "prompt: x", "agent or human"));
        }
        if !kind.contains("clock") {
            cases.push((kind, "approval_timeout_ms: 2000", "agent or tool"));
            cases.push((kind, "stall_after_ms: 2000", "agent or tool"));
        }
    }
    let edges = format!("  - {{ from: a, to: n }}\n  - {{ from: n, to: r }}\n{LEAVE}");
    for (kind, key, owner) in cases {
        let name = key.split(':').next().unwrap();
        let expected = format!("t: nodes.r.{name}: is for nodes of type {owner}");
        let said = read("a", &format!("  r: {{ {kind}, {key} }}\n"), &edges);
        assert_eq!(said, Err(expected), "{kind}, {key}");
    }
    // A tool node's call can wait for approval and can stall; the defaults, written out, are no fault.
    for node in [
        "type: tool, tool: clock, approve: [clock], approval_timeout_ms: 2000, stall_after_ms: 2000",
        "type: human, max_rounds: 16",
    ] {
        assert_eq!(read("a", &format!("  r: {{ {node} }}\n"), &edges), Ok(()), "{node}");
    }
}
