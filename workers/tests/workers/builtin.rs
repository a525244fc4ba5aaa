//! The definitions that come with the binary do what they say.

use std::collections::BTreeMap;

use runbus_workers::graph::{Context, Definition, Graph, Next, Step, built_in};
use runbus_workers::model::{Hint, Message, Request, Scripted};
use serde_json::{Value, json};

use crate::routing::walk;

fn council() -> Graph {
    let found = built_in().into_iter().find_map(|definition| match definition {
        Definition::Graph(graph) if graph.name == "council" => Some(graph),
        _ => None,
    });
    found.unwrap()
}

fn ids(steps: &[Step]) -> Vec<(&str, u32)> {
    steps.iter().map(|step| (step.node.as_str(), step.iteration)).collect()
}

#[test]
fn every_built_in_is_valid() {
    let names: Vec<String> = built_in().iter().map(|definition| definition.name().to_owned()).collect();
    assert_eq!(names, ["council", "assistant", "support-triage", "research"]);
}

#[test]
fn only_the_writer_faces_the_client() {
    let council = council();
    let facing: Vec<&String> =
        council.nodes.iter().filter(|(_, node)| node.client_facing).map(|(id, _)| id).collect();
    assert_eq!(facing, ["writer_agent"]);
}

#[test]
fn a_good_draft_goes_to_the_writer() {
    let (steps, end) = walk(&council(), |_| json!({"score": 8, "feedback": ""}));
    assert_eq!(ids(&steps), [("master_agent", 1), ("critic_agent", 1), ("writer_agent", 1)]);
    assert_eq!(end, Next::End);
}

#[test]
fn after_five_drafts_the_writer_takes_the_last_one() {
    let (steps, end) = walk(&council(), |_| json!({"score": 7.9, "feedback": ""}));
    let drafts = steps.iter().filter(|step| step.node == "master_agent").count();
    let last = steps.last().unwrap();
    assert_eq!((drafts, last.node.as_str(), last.iteration, last.exhausted), (5, "writer_agent", 5, true));
    assert_eq!(end, Next::End);
}

/// The demo: the scripted model drafts, is sent back once, and ends with the writer.
#[test]
fn the_script_takes_the_council_to_its_end() {
    let council = council();
    let model = Scripted::default();
    let mut outputs: BTreeMap<String, Value> = BTreeMap::new();
    let mut prompts = Vec::new();
    let (steps, _) = walk(&council, |step| {
        let context = Context {
            input: "Explain write-ahead logging.",
            given: &serde_json::Value::Null,
            iteration: step.iteration,
            nodes: &outputs,
        };
        let prompt = council.prompt(&step.node).unwrap().render(context);
        let request = Request {
            messages: vec![
                Message::system(&council.nodes[&step.node].system),
                Message::user(prompt.as_str()),
            ],
            hint: Hint { node: step.node.clone(), iteration: step.iteration, round: 1 },
            ..Request::default()
        };
        prompts.push(prompt);
        let text = model.answer(&request).text;
        assert_eq!(model.answer(&request).text, text);
        let output = match council.output(&step.node) {
            Some(output) => output.parse(&text).unwrap(),
            None => Value::from(text),
        };
        outputs.insert(step.node.clone(), output.clone());
        output
    });
    let expected = [
        ("master_agent", 1),
        ("critic_agent", 1),
        ("master_agent", 2),
        ("critic_agent", 2),
        ("writer_agent", 2),
    ];
    assert_eq!(ids(&steps), expected);
    assert!(!prompts[0].contains("critic"), "{}", prompts[0]);
    assert!(prompts[2].contains("gave it 6 of 10") && prompts[2].contains("is a file"), "{}", prompts[2]);
    assert!(outputs["writer_agent"].as_str().unwrap().starts_with("Write it down"));
}
