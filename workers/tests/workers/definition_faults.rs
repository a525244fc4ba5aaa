//! Faults in kinds of nodes, forks, goals and limits, each with its key and its message.

use runbus_workers::graph::Definition;

/// A graph of every kind of node, with a fork, a goal and a constraint.
const GRAPH: &str = r#"
kind: graph
name: everything
entry: triage
max_iterations: 3
on_exhausted: last
nodes:
  triage: { type: agent, tools: [clock], output: { score: { type: number }, why: { type: string, optional: true } } }
  route: { type: router, on: triage }
  work: { type: tool, tool: calculator, arguments: { expression: "{{nodes.triage.score}} * 2", list: ["{{input}}"] } }
  ask: { type: human, prompt: "Go?", choices: [go, stop], timeout_ms: 5000, default: stop }
  left: { type: agent }
  right: { type: agent }
  further: { type: agent }
  meet: { type: agent, join: true, output: { score: { type: number } } }
  last: { type: agent }
edges:
  - { from: triage, to: route }
  - { from: route, to: work, when: { field: score, lt: 5 } }
  - { from: route, to: ask }
  - { from: work, to: ask }
  - { from: ask, to: [left, right] }
  - { from: left, to: further }
  - { from: further, to: meet }
  - { from: right, to: meet }
  - { from: meet, to: triage, when: { field: score, lt: 3 } }
  - { from: meet, to: last }
goal:
  criteria:
    - { id: good, node: meet, when: { field: score, gte: 7 }, weight: 2 }
    - { id: done, node: last }
constraints:
  - { id: bad, node: meet, violated_when: { field: score, lt: 1 }, on_violation: fail }
"#;

const AGENT: &str = "kind: agent\nname: a\ntools: [clock]\n";

fn fault(text: &str) -> String {
    Definition::parse("t", text).unwrap_err().to_string()
}

/// Replaces one place in the graph by another text, and expects exactly this fault.
#[track_caller]
fn refused(old: &str, new: &str, expected: &str) {
    assert_eq!(GRAPH.matches(old).count(), 1, "{old} is not there once");
    let said = fault(&GRAPH.replacen(old, new, 1));
    assert_eq!(said, format!("t: {expected}"), "{old} -> {new}");
}

#[test]
fn the_graph_itself_is_valid() {
    Definition::parse("t", GRAPH).unwrap();
}

#[test]
fn options_of_a_model_are_checked_by_their_key() {
    for (options, expected) in [
        ("name: ''", "model.name: a model's name has 1 to 256 bytes, none of them a control character"),
        (
            "fallbacks: [a, '']",
            "model.fallbacks[1]: a model's name has 1 to 256 bytes, none of them a control character",
        ),
        ("fallbacks: [a, a, a, a, a, a, a, a, a]", "model.fallbacks: at most 8 are allowed"),
        ("top_p: 0", "model.top_p: 0 is not above 0 and at most 1"),
        ("stop: ['']", "model.stop: at most 16 texts, none of them empty, are allowed"),
        ("tool_choice: 'a b'", "model.tool_choice: \"a b\" is no word of 1 to 64 of a-z, A-Z, 0-9, _ and -"),
        ("extra_body: { stream: false }", "model.extra_body.stream: Runbus writes this field itself"),
    ] {
        assert_eq!(fault(&format!("{AGENT}model: {{ {options} }}\n")), format!("t: {expected}"), "{options}");
    }
    let all = "name: p/m, fallbacks: [q/m], top_p: 1, stop: [END], reasoning_effort: low, tool_choice: clock, \
               parallel_tool_calls: false, extra_body: { seed: 1 }";
    Definition::parse("t", &format!("{AGENT}model: {{ {all} }}\n")).unwrap();
}

#[test]
fn keys_of_another_kind_of_node_are_refused() {
    const ROUTER: &str = "route: { type: router,";
    const TOOL: &str = "work: { type: tool,";
    const HUMAN: &str = "ask: { type: human,";
    const AGENT: &str = "left: { type: agent }";
    for (old, key, owner) in [
        (AGENT, "tool: x", "tool"),
        (AGENT, "arguments: {}", "tool"),
        (AGENT, "on: triage", "router"),
        (AGENT, "choices: [x]", "human"),
        (AGENT, "timeout_ms: 5000", "human"),
        (AGENT, "default: x", "human"),
        (ROUTER, "tool: x", "tool"),
        (ROUTER, "tools: [x]", "agent"),
        (ROUTER, "output: { a: { type: string } }", "agent or tool"),
        (ROUTER, "choices: [x]", "human"),
        (ROUTER, "subagents: [{ name: s, definition: d }]", "agent"),
        (TOOL, "tools: [x]", "agent"),
        (TOOL, "on: triage", "router"),
        (TOOL, "compaction: { at_tokens: 1000 }", "agent"),
        (TOOL, "timeout_ms: 5000", "human"),
        (HUMAN, "output: { a: { type: string } }", "agent or tool"),
        (HUMAN, "tool: x", "tool"),
        (HUMAN, "compaction: { at_tokens: 1000 }", "agent"),
    ] {
        let node = old.split(':').next().unwrap();
        let name = key.split(':').next().unwrap();
        let new = match old.strip_suffix(" }") {
            Some(open) => format!("{open}, {key} }}"),
            None => format!("{old} {key},"),
        };
        refused(old, &new, &format!("nodes.{node}.{name}: is for nodes of type {owner}"));
    }
}

#[test]
fn nodes_have_the_fields_of_their_kind() {
    let tool =
        "nodes.work.tool: a tool node names its tool: 1 to 64 of a-z, A-Z, 0-9, _ and -, and no pattern";
    refused("type: tool, tool: calculator,", "type: tool,", tool);
    refused("tool: calculator,", "tool: '',", tool);
    refused("tool: calculator,", "tool: 'calc*',", tool);
    let on = "nodes.route.on: a router names the node whose output its edges look at";
    refused("type: router, on: triage", "type: router", on);
    refused("on: triage }", "on: route }", "nodes.route.on: route is a router itself");
    let known = "there are ask, further, last, left, meet, right, route, triage, work";
    refused("on: triage }", "on: tirage }", &format!("nodes.route.on: no such node \"tirage\"; {known}"));
    let field = "edges[1].when.field: route declares no output field \"score\"";
    refused("on: triage }", "on: ask }", field);
}

#[test]
fn arguments_are_an_object_of_good_templates() {
    let old = r#"arguments: { expression: "{{nodes.triage.score}} * 2", list: ["{{input}}"] }"#;
    let known = "there are ask, further, last, left, meet, right, route, triage, work";
    for (new, expected) in [
        ("[1]", ": is no object".to_owned()),
        ("text", ": is no object".to_owned()),
        ("{ a: '{{input' }", ".a: `{{input` is not closed".to_owned()),
        (
            "{ a: { b: [x, '{{nope}}'] } }",
            ".a.b[1]: `{{nope}}` is none of input, input.<field>, iteration, nodes.<id>.output or \
          nodes.<id>.<field>"
                .to_owned(),
        ),
        ("{ a: '{{nodes.nope.output}}' }", format!(".a: no such node \"nope\"; {known}")),
        ("{ a: '{{nodes.triage.nope}}' }", ".a: triage declares no output field \"nope\"".to_owned()),
        (
            "{ a: '{{nodes.left.nope}}' }",
            ".a: left declares no output, so there is no field \"nope\"".to_owned(),
        ),
        ("{ a: '{{nodes.ask.nope}}' }", ".a: ask declares no output field \"nope\"".to_owned()),
    ] {
        refused(old, &format!("arguments: {new}"), &format!("nodes.work.arguments{expected}"));
    }
    let good = GRAPH.replacen(
        old,
        "arguments: { a: '{{nodes.ask.answer}} {{nodes.route.score}}', n: 1, t: true }",
        1,
    );
    Definition::parse("t", &good).unwrap();
}

#[test]
fn people_are_asked_sensibly() {
    refused("default: stop }", "default: no }", "nodes.ask.default: is none of the choices");
    refused("default: stop }", "default: 1 }", "nodes.ask.default: is none of the choices");
    refused("timeout_ms: 5000, ", "", "nodes.ask.default: is of no use without timeout_ms");
    let range = "is not within 1000..=7776000000";
    refused("timeout_ms: 5000", "timeout_ms: 999", &format!("nodes.ask.timeout_ms: 999 {range}"));
    refused(
        "timeout_ms: 5000",
        "timeout_ms: 7776000001",
        &format!("nodes.ask.timeout_ms: 7776000001 {range}"),
    );
    let many: Vec<String> = (0..65).map(|n| format!("c{n}")).collect();
    let many = format!("choices: [stop, {}]", many.join(", "));
    refused("choices: [go, stop]", &many, "nodes.ask.choices: at most 64 are allowed");
    let number = "edges[4].when.field: \"answer\" is not a number";
    refused(
        "{ from: ask, to: [left, right] }",
        "{ from: ask, to: last, when: { field: answer, lt: 1 } }\n  - { from: ask, to: [left, right] }",
        number,
    );
}

#[test]
fn invalid_tool_names_and_patterns_are_refused_with_key_and_value() {
    for (text, reason) in [
        ("''", "it is empty"),
        ("' clock'", "it begins or ends with white space"),
        ("'shop__**'", "it has two `*` in a row"),
        ("\"clo\\nck\"", "it has a control character"),
        ("'shop.order'", "a tool's name takes a-z, A-Z, 0-9, _ and -; a pattern also takes *"),
        ("'caf\u{e9}'", "a tool's name takes a-z, A-Z, 0-9, _ and -; a pattern also takes *"),
        ("'shop order'", "a tool's name takes a-z, A-Z, 0-9, _ and -; a pattern also takes *"),
    ] {
        for key in ["tools", "approve"] {
            let agent = format!("{{kind: agent, name: a, tools: [clock, '*'], {key}: [clock, {text}]}}");
            let agent = if key == "tools" { agent.replacen("tools: [clock, '*'], ", "", 1) } else { agent };
            let said = fault(&agent);
            assert!(said.starts_with(&format!("t: {key}[1]: ")) && said.contains(reason), "{said}");
            let node = format!("left: {{ type: agent, tools: [clock, '*'], approve: [clock, {text}] }}");
            let said = fault(&GRAPH.replacen("left: { type: agent }", &node, 1));
            assert!(said.starts_with("t: nodes.left.approve[1]: ") && said.contains(reason), "{said}");
        }
    }
}

/// Each level has nine of the level before: 9^9 texts in a few hundred bytes.
#[test]
fn a_yaml_bomb_is_refused() {
    let mut text = "kind: graph\nname: g\nentry: n\nx0: &x0 [a, a, a, a, a, a, a, a, a]\n".to_owned();
    for n in 1..9 {
        let nine = vec![format!("*x{}", n - 1); 9].join(", ");
        text += &format!("x{n}: &x{n} [{nine}]\n");
    }
    text += "nodes: { n: { type: tool, tool: t, arguments: { a: *x8 } } }\n";
    Definition::parse("t", &text).unwrap_err();
}

#[test]
fn guards_meet_the_tools_that_they_are_for() {
    for (tools, approve, meets) in [
        ("'shop__*'", "'shop__*'", true),
        ("'shop__*'", "shop__order", true),
        ("shop__order", "'shop__*'", true),
        ("'*__order'", "'shop__*'", true),
        ("'shop__*'", "shpo__order", false),
        ("'shop__*'", "'Shop__*'", false),
        ("shop__order", "'*_x'", false),
    ] {
        let agent = format!("{{kind: agent, name: a, tools: [{tools}], approve: [{approve}]}}");
        assert_eq!(Definition::parse("t", &agent).is_ok(), meets, "{tools} {approve}");
    }
}

#[test]
fn policies_are_within_their_ranges() {
    for (key, expected) in [
        ("approve: [clock]", "approve[0]: \"clock\" covers none of its tools; they are: none"),
        ("tools: [clock], approve: [clock, clock]", "approve[1]: \"clock\" is named twice"),
        (
            "tools: [clock], approve: [clock, fetch]",
            "approve[1]: \"fetch\" covers none of its tools; they are: clock",
        ),
        ("approval_timeout_ms: 999", "approval_timeout_ms: 999 is not within 1000..=7776000000"),
        ("stall_after_ms: 99", "stall_after_ms: 99 is not within 100..=86400000"),
        ("stall_after_ms: 86400001", "stall_after_ms: 86400001 is not within 100..=86400000"),
        ("tools_at_once: 0", "tools_at_once: 0 is not within 1..=64"),
        ("tools_at_once: 65", "tools_at_once: 65 is not within 1..=64"),
        ("model_tries: 0", "model_tries: 0 is not within 1..=20"),
        ("model_tries: 21", "model_tries: 21 is not within 1..=20"),
        ("compaction: { at_tokens: 99 }", "compaction.at_tokens: 99 is less than 100"),
        (
            "compaction: { at_tokens: 100, keep_recent_messages: 0 }",
            "compaction.keep_recent_messages: 0 is not within 1..=1000",
        ),
        (
            "compaction: { at_tokens: 100, keep_recent_messages: 1001 }",
            "compaction.keep_recent_messages: 1001 is not within 1..=1000",
        ),
        (
            "subagents: [{ name: a b, definition: d }]",
            "subagents[0].name: a tool's name takes 1 to 64 of a-z, A-Z, 0-9, _ and -",
        ),
        (
            "subagents: [{ name: s, definition: '' }]",
            "subagents[0].definition: takes 1 to 128 bytes without control characters",
        ),
        (
            "subagents: [{ name: s, definition: d }, { name: s, definition: e }]",
            "subagents[1].name: two tools are called \"s\"",
        ),
        (
            "tools: [s], subagents: [{ name: s, definition: d }]",
            "subagents[0].name: two tools are called \"s\"",
        ),
    ] {
        refused(
            "left: { type: agent }",
            &format!("left: {{ type: agent, {key} }}"),
            &format!("nodes.left.{expected}"),
        );
        // The same at the top of an agent, unless it is about the agent's tools.
        if !key.contains("clock") && !key.contains("tools: [s]") {
            let said = fault(&format!("{{kind: agent, name: a, {key}}}"));
            assert_eq!(said, format!("t: {expected}"));
        }
    }
    let children: Vec<String> = (0..33).map(|n| format!("{{ name: s{n}, definition: d }}")).collect();
    refused(
        "left: { type: agent }",
        &format!("left: {{ type: agent, subagents: [{}] }}", children.join(", ")),
        "nodes.left.subagents: at most 32 are allowed",
    );
    // A tool node's own tool, and a child, may need approval.
    for (old, new) in [
        ("tool: calculator,", "tool: calculator, approve: [calculator],"),
        (
            "left: { type: agent }",
            "left: { type: agent, subagents: [{ name: s, definition: d }], approve: [s], approval_timeout_ms: 1000 }",
        ),
    ] {
        Definition::parse("t", &GRAPH.replacen(old, new, 1)).unwrap();
    }
    refused(
        "entry: triage",
        "entry: triage\nstall_after_ms: 1",
        "stall_after_ms: 1 is not within 100..=86400000",
    );
    for key in ["rounds", "tokens", "wall_time_ms"] {
        let expected = format!("budget.{key}: must be at least 1");
        refused("entry: triage", &format!("entry: triage\nbudget: {{ {key}: 0 }}"), &expected);
        assert_eq!(fault(&format!("{AGENT}budget: {{ {key}: 0 }}\n")), format!("t: {expected}"));
    }
}

#[test]
fn branches_keep_apart_and_meet_again() {
    const FORK: &str = "to: [left, right] }";
    const JOIN: &str = "{ from: right, to: meet }";
    refused(FORK, "to: [] }", "nodes.further: no edge leads there from triage");
    refused(FORK, "to: [left, left] }", "edges[4].to[1]: left is named twice");
    refused(FORK, "to: [left, meet] }", "nodes.right: no edge leads there from triage");
    refused(
        FORK,
        "to: [left, right, meet] }",
        "edges[4].to[2]: meet is a join: a branch has at least one node of its own",
    );
    let twice = "further belongs to more than one branch; give each branch nodes of its own, or let every edge into the fork name all \
                 of its branches";
    refused(FORK, "to: [left, right, further] }", &format!("edges[4].to[2]: {twice}"));
    refused(JOIN, "{ from: right, to: further }", &format!("edges[4].to[1]: {twice}"));
    refused(&format!("  - {JOIN}\n"), "", "edges[4].to[1]: its branches do not all lead to the same join");
    refused(
        JOIN,
        "{ from: right, to: triage }",
        "edges[4].to[1]: it leads back to its own fork at edges[4], which is not supported; let the node behind the join lead back",
    );
    refused(
        "{ from: further, to: meet }",
        "{ from: further, to: [meet, more] }",
        "edges[6].to[1]: no such node \"more\"; there are ask, further, last, left, meet, right, route, triage, work",
    );
}

#[test]
fn branches_do_not_fork_nor_cycle_nor_end_early() {
    const ABOVE: &str = "  last: { type: agent }\n";
    let with = |nodes: &str, old: &str, new: &str| {
        assert_eq!(GRAPH.matches(old).count(), 1, "{old}");
        fault(&GRAPH.replacen(ABOVE, &format!("{ABOVE}{nodes}"), 1).replacen(old, new, 1))
    };
    let pick = "  pick: { type: human }\n  more: { type: agent }\n";
    for (nodes, edges, expected) in [
        (
            "  more: { type: agent }\n  most: { type: agent }\n",
            "{ from: right, to: [more, most] }\n  - { from: more, to: meet }\n  - { from: most, to: meet }",
            "edges[4].to[1]: it forks again at edges[7], which is not supported; join the branches before the next fork",
        ),
        (
            pick,
            "{ from: right, to: pick }\n  - { from: pick, to: more, when: { field: answer, eq: x } }\n  \
             - { from: pick, to: meet }",
            "edges[4].to[1]: it may end at more and never come to meet",
        ),
        (
            pick,
            "{ from: right, to: pick }\n  - { from: pick, to: right, when: { field: answer, eq: x } }\n  \
             - { from: pick, to: more }\n  - { from: more, to: meet }",
            "edges[4].to[1]: edges[8] closes a cycle within it, which is not supported",
        ),
        (
            "  pick: { type: human }\n  other: { type: agent, join: true }\n",
            "{ from: right, to: pick }\n  - { from: pick, to: other, when: { field: answer, eq: x } }\n  \
             - { from: pick, to: meet }",
            "edges[4].to[1]: it leads to two joins, meet and other",
        ),
        (
            "  other: { type: agent, join: true }\n",
            "{ from: right, to: other }",
            "edges[4].to[1]: its branches do not all lead to the same join",
        ),
    ] {
        assert_eq!(with(nodes, "{ from: right, to: meet }", edges), format!("t: {expected}"), "{edges}");
    }
}

#[test]
fn joins_are_entered_from_one_fork_only() {
    refused(
        "last: { type: agent }",
        "last: { type: agent, join: true }",
        "edges[9].to: last is a join, and meet is in no branch",
    );
    refused(
        ", join: true",
        "",
        "edges[4].to[0]: it leads back to its own fork at edges[4], which is not supported; let the node behind the join lead back",
    );
    refused(
        "{ from: work, to: ask }",
        "{ from: work, to: meet }",
        "edges[3].to: meet is a join, and work is in no branch",
    );
    refused(
        "{ from: work, to: ask }",
        "{ from: work, to: right }",
        "edges[3].to: right belongs to a branch of the fork at edges[4]; to begin that fork here too, name all its branches: \
         to: [left, right]",
    );
    refused("on_exhausted: last", "on_exhausted: right", "on_exhausted: right leads back into a cycle");
    let simple = |entry: &str, exhausted: &str, more: &str| {
        format!(
            "{{kind: graph, name: g, entry: {entry}, {exhausted} nodes: {{a: {{type: agent, output: {{n: {{type: number}}}}}}, \
             b: {{type: agent}}, c: {{type: agent}}, j: {{type: agent, join: true}}}}, edges: [{{from: a, to: [b, c]}}, \
             {{from: b, to: j}}, {{from: c, to: j}}{more}]}}"
        )
    };
    Definition::parse("t", &simple("a", "", "")).unwrap();
    let again = ", {from: a, to: a, when: {field: n, lt: 1}}";
    let limit = "max_iterations: 2, on_exhausted:";
    for (text, expected) in [
        (
            simple("b", "", ", {from: j, to: a}"),
            "max_iterations: is required, since edges[0] from a to b, c closes a cycle",
        ),
        (simple("b", "max_iterations: 2,", ", {from: j, to: a}"), "entry: belongs to a branch"),
        (simple("j", "max_iterations: 2,", ", {from: j, to: a}"), "entry: a join cannot be the entry"),
        (simple("a", &format!("{limit} b,"), again), "on_exhausted: b belongs to a branch"),
        (
            simple("a", &format!("{limit} j,"), again),
            "on_exhausted: j is a join, which waits for its branches",
        ),
    ] {
        assert_eq!(fault(&text), format!("t: {expected}"), "{text}");
    }
    let lonely = "{kind: graph, name: g, entry: j, nodes: {j: {type: agent, join: true}}}";
    assert_eq!(fault(lonely), "t: nodes.j.join: no branches lead there");
    let shared = "{kind: graph, name: g, entry: h, nodes: {h: {type: human}, a: {type: agent}, b: {type: agent}, \
                  c: {type: agent}, d: {type: agent}, j: {type: agent, join: true}}, edges: [{from: h, to: [a, b], when: \
                  {field: answer, eq: x}}, {from: h, to: [c, d]}, {from: a, to: j}, {from: b, to: j}, {from: c, to: j}, \
                  {from: d, to: j}]}";
    assert_eq!(
        fault(shared),
        "t: nodes.j.join: branches of more than one fork lead there; give each fork a join of its own, or let the edges into one \
         fork name the same branches"
    );
    let number = "{kind: graph, name: g, entry: a, nodes: {a: {type: agent}}, edges: [{from: a, to: 1}]}";
    assert!(
        fault(number).starts_with("t: edges[0].to: expected a node's name, or a list of them"),
        "{}",
        fault(number)
    );
    let empty = "{kind: graph, name: g, entry: a, nodes: {a: {type: agent}}, edges: [{from: a, to: []}]}";
    assert_eq!(fault(empty), "t: edges[0].to: names no node");
}

#[test]
fn goals_and_constraints_can_be_decided() {
    const WEIGHT: &str = "[0].weight: must be greater than 0 and at most 1000000";
    const GOOD: &str = "{ id: good, node: meet, when: { field: score, gte: 7 }, weight: 2 }";
    const BAD: &str = "{ id: bad, node: meet, violated_when: { field: score, lt: 1 }, on_violation: fail }";
    let known = "there are ask, further, last, left, meet, right, route, triage, work";
    for (new, expected) in [
        ("{ id: '', node: meet }", "[0].id: takes 1 to 128 bytes without control characters".to_owned()),
        ("{ id: done, node: meet }", "[1].id: \"done\" is named twice".to_owned()),
        ("{ id: x, node: nope }", format!("[0].node: no such node \"nope\"; {known}")),
        ("{ id: x, node: meet, weight: 0 }", WEIGHT.to_owned()),
        ("{ id: x, node: meet, weight: -1 }", WEIGHT.to_owned()),
        ("{ id: x, node: meet, weight: 1e300 }", WEIGHT.to_owned()),
        (
            "{ id: x, node: left, when: { field: s, eq: 1 } }",
            "[0].when.field: left declares no output field \"s\"".to_owned(),
        ),
        (
            "{ id: x, node: triage, when: { field: why, eq: 1 } }",
            "[0].when.field: \"why\" is optional, so the condition could not always be decided".to_owned(),
        ),
        (
            "{ id: x, node: meet, when: { field: score } }",
            "[0].when: needs exactly one of lt, lte, gt, gte, eq, ne, and has 0".to_owned(),
        ),
    ] {
        let said = fault(&GRAPH.replacen(GOOD, new, 1));
        assert!(said.starts_with(&format!("t: goal.criteria{expected}")), "{new}: {said}");
    }
    let none = &GRAPH[..GRAPH.find("goal:").unwrap()];
    assert_eq!(fault(&format!("{none}goal: {{ criteria: [] }}\n")), "t: goal.criteria: needs 1 to 64");
    let many = |key: &str, more: &str| -> String {
        let all: Vec<String> = (0..65).map(|n| format!("{{ {key}{n}, node: meet{more} }}")).collect();
        all.join(", ")
    };
    let criteria = format!("{none}goal: {{ criteria: [{}] }}\n", many("id: c", ""));
    assert_eq!(fault(&criteria), "t: goal.criteria: needs 1 to 64");
    let constraints =
        format!("{none}constraints: [{}]\n", many("id: c", ", violated_when: { field: score, lt: 1 }"));
    assert_eq!(fault(&constraints), "t: constraints: at most 64 are allowed");
    for (new, expected) in [
        (
            "{ id: '', node: meet, violated_when: { field: score, lt: 1 } }",
            "[0].id: takes 1 to 128 bytes without control characters".to_owned(),
        ),
        (
            "{ id: x, node: nope, violated_when: { field: score, lt: 1 } }",
            format!("[0].node: no such node \"nope\"; {known}"),
        ),
        (
            "{ id: x, node: meet, violated_when: { field: nope, lt: 1 } }",
            "[0].violated_when.field: meet declares no output field \"nope\"".to_owned(),
        ),
        (
            "{ id: x, node: meet, violated_when: { field: score, lt: 1, gt: 2 } }",
            "[0].violated_when: needs exactly one of lt, lte, gt, gte, eq, ne, and has 2".to_owned(),
        ),
        (&format!("{BAD}\n  - {BAD}"), "[1].id: \"bad\" is named twice".to_owned()),
    ] {
        refused(BAD, new, &format!("constraints{expected}"));
    }
    let shape = fault(&GRAPH.replacen("on_violation: fail", "on_violation: explode", 1));
    assert!(shape.contains("constraints[0].on_violation"), "{shape}");
}

#[test]
fn numbers_are_finite_so_that_a_journal_keeps_them() {
    for (old, new, path) in [
        ("score, lt: 5 }", "score, lt: .nan }", "edges[1].when.lt"),
        ("score, lt: 5 }", "score, gte: -.inf }", "edges[1].when.gte"),
        ("weight: 2", "weight: .inf", "goal.criteria[0].weight"),
    ] {
        let said = fault(&GRAPH.replacen(old, new, 1));
        assert!(said.starts_with(&format!("t: {path}: non-finite float")), "{said}");
    }
}

/// A condition that could never hold is a slip of the pen.
#[test]
fn conditions_compare_with_the_declared_type() {
    let asked = |choices: &str, when: &str| {
        format!(
            "{{kind: graph, name: g, entry: a, nodes: {{a: {{type: human {choices}}}, r: {{type: router, on: a}}, b: {{type: \
             agent}}, c: {{type: agent}}}}, edges: [{{from: a, to: r}}, {{from: r, to: b, when: {{field: answer, {when}}}}}, \
             {{from: r, to: c}}]}}"
        )
    };
    let said = fault(&asked(", choices: [yes, no]", "eq: false"));
    let path = "t: edges[1].when.field: \"answer\" is of type string and never";
    assert_eq!(said, format!("{path} false; does it lack quotes?"));
    assert_eq!(fault(&asked(", choices: [yes, no]", "ne: 1")), format!("{path} 1; does it lack quotes?"));
    for (choices, when) in [(", choices: [yes, no]", "eq: no"), ("", "eq: false"), ("", "ne: 1")] {
        Definition::parse("t", &asked(choices, when)).unwrap();
    }
    let number = "edges[1].when.field: \"score\" is of type number and never \"5\"";
    refused("score, lt: 5 }", "score, eq: '5' }", number);
}

#[test]
fn a_sub_agent_has_one_meaning_in_a_graph() {
    let both = |left: &str, right: &str| {
        GRAPH
            .replacen("left: { type: agent }", &format!("left: {{ type: agent, subagents: [{left}] }}"), 1)
            .replacen("right: { type: agent }", &format!("right: {{ type: agent, subagents: [{right}] }}"), 1)
    };
    Definition::parse("t", &both("{ name: s, definition: d }", "{ name: s, definition: d }")).unwrap();
    for other in ["{ name: s, definition: e }", "{ name: s, definition: d, ephemeral: true }"] {
        let said = fault(&both("{ name: s, definition: d }", other));
        assert_eq!(said, "t: nodes.right.subagents[0]: nodes.left has another sub-agent \"s\"");
    }
}

#[test]
fn a_graph_that_cannot_end_is_refused() {
    refused(
        "max_iterations: 3\non_exhausted: last\n",
        "",
        "max_iterations: is required, since edges[8] from meet to triage closes a cycle",
    );
    let circle = "{kind: graph, name: g, entry: a, nodes: {a: {type: agent}, b: {type: agent}}, edges: [{from: a, to: b}, {from: b, to: a}]}";
    assert_eq!(fault(circle), "t: max_iterations: is required, since edges[1] from b to a closes a cycle");
}

#[test]
fn several_edges_may_lead_into_one_fork() {
    let graph = |edges: &str| {
        format!(
            "{{kind: graph, name: g, entry: h, max_iterations: 3, nodes: {{h: {{type: human}}, o: {{type: agent}}, a: {{type: agent}}, \
             b: {{type: agent}}, j: {{type: agent, join: true}}, k: {{type: human}}, e: {{type: agent}}}}, edges: [\
             {{from: h, to: [a, b], when: {{field: answer, eq: x}}}}, {{from: h, to: o}}, {{from: a, to: j}}, {{from: b, to: j}}, \
             {{from: j, to: k}}, {{from: k, to: e}}, {edges}]}}"
        )
    };
    // From another node, in another order, and back from behind the join.
    for edges in [
        "{from: o, to: [a, b]}",
        "{from: o, to: [b, a]}",
        "{from: o, to: [a, b]}, {from: k, to: [a, b], when: {field: answer, eq: again}}",
    ] {
        Definition::parse("t", &graph(edges)).unwrap_or_else(|fault| panic!("{edges}: {fault}"));
    }
    let one = fault(&graph("{from: o, to: a}"));
    assert!(one.ends_with("to begin that fork here too, name all its branches: to: [a, b]"), "{one}");
}
