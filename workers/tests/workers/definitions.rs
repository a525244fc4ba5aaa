//! The content of a definition, and the place of each fault.

use std::collections::BTreeMap;

use runbus_workers::graph::limits::MAX_DEFINITION_BYTES;
use runbus_workers::graph::{Context, Definition, schema};
use serde_json::json;

const GRAPH: &str = r#"
kind: graph
name: review
entry: draft
max_iterations: 3
on_exhausted: done
nodes:
  draft: { type: agent }
  judge: { type: agent, output: { score: { type: number }, verdict: { type: string, optional: true } } }
  done: { type: agent, prompt: "{{nodes.judge.score}}", client_facing: true }
edges:
  - { from: draft, to: judge }
  - { from: judge, to: draft, when: { field: score, lt: 8 } }
  - { from: judge, to: done }
"#;

fn fault(text: &str) -> String {
    Definition::parse("test.yaml", text).unwrap_err().to_string()
}

/// Each replacement in a good graph, and the error message about it.
#[test]
fn every_fault_names_its_key() {
    Definition::parse("test.yaml", GRAPH).unwrap();
    for (old, new, expected) in [
        ("to: done }", "to: dome }", r#"edges[2].to: no such node "dome"; there are done, draft, judge"#),
        ("{ from: draft,", "{ from: draught,", r#"edges[0].from: no such node "draught""#),
        ("entry: draft", "entry: first", r#"entry: no such node "first""#),
        ("on_exhausted: done", "on_exhausted: end", "on_exhausted: no such node"),
        ("on_exhausted: done", "on_exhausted: judge", "on_exhausted: judge leads back into a cycle"),
        (
            "max_iterations: 3",
            "",
            "max_iterations: is required, since edges[1] from judge to draft closes a cycle",
        ),
        ("max_iterations: 3", "max_iterations: 0", "max_iterations: 0 is not within 1..=1000"),
        ("max_iterations: 3", "max_iterations: many", "max_iterations: "),
        ("kind: graph", "kind: grahp", r#"kind: "grahp" is neither agent nor graph"#),
        ("name: review", "name: ''", "name: takes 1 to 128 bytes"),
        ("name: review", "name: review\nnmae: x", "nmae"),
        ("lt: 8", "lt: 8, gt: 2", "edges[1].when: needs exactly one of"),
        ("lt: 8", "less: 8", "edges[1].when"),
        (", lt: 8", "", "edges[1].when: needs exactly one of lt, lte, gt, gte, eq, ne, and has 0"),
        ("field: score", "field: scored", r#"edges[1].when.field: judge declares no output field "scored""#),
        ("field: score", "field: verdict", r#"edges[1].when.field: "verdict" is optional"#),
        ("field: score", "field: score.x", r#"edges[1].when.field: "score" is not an object"#),
        ("  - { from: judge, to: done }", "", "edges[1]: judge needs one edge without `when`"),
        (
            "{ from: judge, to: done }",
            "{ from: judge, to: done }\n  - { from: judge, to: draft }",
            "two edges",
        ),
        ("draft: { type: agent }", "draft: { type: robot }", "nodes.draft.type"),
        ("draft: { type: agent }", "draft: { type: agent, tool: [x] }", "nodes.draft.tool"),
        (
            "draft: { type: agent }",
            "draft: { type: agent, tools: [x, x] }",
            "nodes.draft.tools[1]: \"x\" is named twice",
        ),
        (
            "draft: { type: agent }",
            "draft: { type: agent, max_rounds: 0 }",
            "nodes.draft.max_rounds: 0 is not within",
        ),
        (
            "draft: { type: agent }",
            "draft: { type: agent, model: { temperature: 3 } }",
            "nodes.draft.model.temperature: 3",
        ),
        (
            "draft: { type: agent }",
            "draft: { type: agent, output: {} }",
            "nodes.draft.output: declares no field",
        ),
        ("draft: { type: agent }", "draft: { type: agent }\n  draft: { type: agent }", "duplicate"),
        (
            "draft: { type: agent }",
            "draft: { type: agent }\n  alone: { type: agent }",
            "nodes.alone: no edge leads there",
        ),
        (
            "draft: { type: agent }",
            "draft: { type: agent }\n  a b: { type: agent }",
            "nodes.a b: a node's id takes",
        ),
        (
            "{{nodes.judge.score}}",
            "{{nodes.judge.grade}}",
            r#"nodes.done.prompt: judge declares no output field "grade""#,
        ),
        ("{{nodes.judge.score}}", "{{nodes.jugde.score}}", r#"nodes.done.prompt: no such node "jugde""#),
        ("{{nodes.judge.score}}", "{{nodes.draft.score}}", "nodes.done.prompt: draft declares no output"),
        ("{{nodes.judge.score}}", "{{input", "nodes.done.prompt: `{{input` is not closed"),
        (
            "type: number }",
            "type: number, minimum: 9, maximum: 1 }",
            "nodes.judge.output.score: minimum is greater",
        ),
    ] {
        assert!(GRAPH.contains(old), "{old}");
        let said = fault(&GRAPH.replacen(old, new, 1));
        assert!(said.starts_with("test.yaml: ") && said.contains(expected), "{old} -> {new}: {said}");
    }
}

#[test]
fn no_cycle_needs_no_limit_and_may_not_exhaust() {
    let straight = GRAPH.replace("  - { from: judge, to: draft, when: { field: score, lt: 8 } }\n", "");
    assert!(fault(&straight).contains("on_exhausted: is of no use"), "{}", fault(&straight));
    let straight = straight.replace("on_exhausted: done\n", "").replace("max_iterations: 3\n", "");
    Definition::parse("test.yaml", &straight).unwrap();
}

#[test]
fn an_agent_is_checked_too() {
    let agent = "kind: agent\nname: a\ntools: [x]\n";
    let Definition::Agent(parsed) = Definition::parse("test.yaml", agent).unwrap() else {
        panic!("no agent")
    };
    assert_eq!((parsed.name.as_str(), parsed.max_rounds), ("a", 16));
    assert!(fault("kind: agent\nname: a\nmax_rounds: 1001\n").contains("max_rounds: 1001"));
    assert!(fault("kind: agent\nname: a\nentry: b\n").contains("entry"));
    assert!(fault("name: a\n").contains("kind"));
    assert!(fault("kind: agent").contains("name"));
    assert!(fault("{").starts_with("test.yaml: "));
    assert!(fault("").starts_with("test.yaml: "));
    assert!(fault(&"#".repeat(MAX_DEFINITION_BYTES + 1)).contains("more than the limit"));
}

#[test]
fn json_and_the_journal_read_the_same() {
    let yaml = Definition::parse("test.yaml", GRAPH).unwrap();
    let json = serde_json::to_string(&yaml).unwrap();
    assert_eq!(Definition::parse("test.json", &json).unwrap(), yaml);
    assert_eq!(serde_json::from_str::<Definition>(&json).unwrap(), yaml);
}

#[test]
fn tools_are_listed_with_their_place() {
    let text = GRAPH.replace("draft: { type: agent }", "draft: { type: agent, tools: [x, y] }");
    let definition = Definition::parse("test.yaml", &text).unwrap();
    let tools = definition.tools();
    assert_eq!(tools[1], ("nodes.draft.tools[1]".to_owned(), "y"));
}

#[test]
fn the_format_has_a_schema() {
    let schema = schema();
    let definitions = schema["$defs"].as_object().unwrap();
    for name in ["AgentSpec", "GraphSpec", "Node", "Edge", "When", "FieldSpec"] {
        assert!(definitions.contains_key(name), "{name}");
    }
    assert_eq!(schema["$defs"]["Node"]["additionalProperties"], false);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Definition::load("no/such/file.yaml".as_ref()).unwrap_err().to_string();
    assert!(error.contains("no/such/file.yaml"), "{error}");
}

/// The page for people is true: it names every key of the format, and its errors are those that are printed.
#[test]
fn the_page_is_true() {
    let page = include_str!("../../../docs/definitions.md");
    let schema = schema();
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        for key in definition["properties"].as_object().into_iter().flatten().map(|(key, _)| key) {
            assert!(page.contains(&format!("{key}`")), "{key} of {name} is not in docs/definitions.md");
        }
    }
    let mut missing = Vec::new();
    let support = include_str!("../../../examples/support-triage.yaml");
    let research = include_str!("../../../examples/research.yaml");
    for (name, text, old, new) in [
        ("support-triage.yaml", support, "entry: triage", "entry: traige"),
        ("support-triage.yaml", support, "    default: decline", "    default: later"),
        ("support-triage.yaml", support, "      eq: refund", "      eq: true"),
        ("support-triage.yaml", support, "    client_facing: true", "    client_fasing: true"),
        ("research.yaml", research, "max_iterations: 3\n", ""),
        (
            "research.yaml",
            research,
            "  - from: sceptic\n    to: editor",
            "  - from: sceptic\n    to: planner",
        ),
    ] {
        assert!(text.contains(old), "{name} has no {old:?}");
        let text = text.replacen(old, new, 1);
        let printed = Definition::parse(name, &text).unwrap_err().to_string();
        if !page.lines().any(|line| line == printed) {
            missing.push(printed);
        }
    }
    assert!(missing.is_empty(), "not in docs/definitions.md:\n{}", missing.join("\n"));
}

/// Which of them would run is nothing to guess.
#[test]
fn two_files_of_one_name_are_refused_and_a_built_in_one_is_replaced() {
    use runbus_workers::definition::{Definitions, Error};
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let agent = |name: &str| format!("kind: agent\nname: {name}\ntools: [clock]\n");
    let (first, second) = (file("a.yaml", &agent("clerk")), file("b.yaml", &agent("clerk")));
    let own = file("council.yml", &agent("council"));
    let mut definitions = Definitions::builtin().unwrap();
    definitions.load(&own).unwrap();
    definitions.load(&first).unwrap();
    // The same file twice is one.
    definitions.load(&first).unwrap();
    let refused = definitions.load(&second).unwrap_err();
    assert!(matches!(&refused, Error::Twice { name, .. } if name == "clerk"), "{refused}");
    let said = refused.to_string();
    assert!(said.contains("a.yaml") && said.contains("b.yaml") && said.contains("clerk"), "{said}");
    assert!(Definitions::builtin().unwrap().load(folder.path()).is_err(), "a folder with both");
}

/// A number would lose the zeros that its author wrote.
#[test]
fn a_number_with_leading_zeros_is_refused_and_a_text_keeps_them() {
    let definition = |value: &str| {
        let text = format!(
            "kind: graph\nname: zip\nentry: look\nnodes:\n  look:\n    type: tool\n    tool: clock\n    arguments:\n      zip: {value}\n"
        );
        Definition::parse("zip.yaml", &text)
    };
    for value in ["00123", "-007", "0001.5", "[1, 02]"] {
        let refused = definition(value).unwrap_err().to_string();
        assert!(refused.contains("leading zeros") && refused.contains("arguments.zip"), "{value}: {refused}");
    }
    for value in ["\"00123\"", "'007'", "0", "0.5", "10", "0x1f", "text 007"] {
        if let Err(error) = definition(value) {
            assert!(!error.to_string().contains("leading zeros"), "{value}: {error}");
        }
    }
}

/// A tool that takes a number gets one, from a template that is the whole text.
#[test]
fn arguments_keep_the_types_of_their_values() {
    let text = "
kind: graph
name: g
entry: plan
nodes:
  plan: { type: agent, output: { days: { type: integer }, tags: { type: array } } }
  book:
    type: tool
    tool: book
    arguments:
      days: '{{nodes.plan.days}}'
      said: '{{nodes.plan.days}} days'
      tags: '{{ nodes.plan.tags }}'
      person: '{{input.person}}'
      deep: [{ round: '{{iteration}}' }]
      missing: '{{nodes.plan.none.deeper}}'
edges:
  - { from: plan, to: book }
"
    .replace("nodes.plan.none.deeper", "nodes.plan.tags.none");
    let Definition::Graph(graph) = Definition::parse("g.yaml", &text).unwrap() else { panic!() };
    let nodes = BTreeMap::from([("plan".to_owned(), json!({"days": 3, "tags": ["a", 1]}))]);
    let given = json!({"person": {"name": "Ann", "age": 40}});
    let context = Context { input: &given.to_string(), given: &given, iteration: 2, nodes: &nodes };
    let expected = json!({
        "days": 3, "said": "3 days", "tags": ["a", 1], "person": {"name": "Ann", "age": 40},
        "deep": [{"round": 2}], "missing": "",
    });
    assert_eq!(graph.arguments("book", context), expected);
}
