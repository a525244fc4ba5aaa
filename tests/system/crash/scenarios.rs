//! The scenarios.

use std::sync::Arc;

use runbus::control::{SendRequest, StartRequest};
use runbus::event::Kind;
use runbus::id::{ExecutionId, SessionId};
use runbus::session::checkpoint::Rule;
use runbus::session::command::Multitask;
use runbus_workers::tool::{Registry, ask_human, subagent};
use serde_json::{Value, json};

use super::scenario::{Deed, Scenario, When};
use super::world::{Act, Nature};

pub fn all() -> Vec<Arc<Scenario>> {
    let all = [
        council(),
        tools(),
        approval(),
        question(),
        children(),
        cancelled(),
        conversation(),
        rolled_back(),
        closed(),
        drained(),
        branches(),
        often("approval_checkpoints", approval()),
        often("conversation_checkpoints", conversation()),
        often("rolled_back_checkpoints", rolled_back()),
    ];
    all.into_iter().map(Arc::new).collect()
}

fn agent(name: &str, tools: &[&str]) -> Value {
    json!({ "kind": "agent", "name": name, "tools": tools, "system": format!("You are {name}.") })
}

fn start(definition: &str) -> Deed {
    let execution_id = Some(ExecutionId::new("run").unwrap());
    Deed::Start(StartRequest { execution_id, ..StartRequest::new(definition, "Go.") })
}

fn one(name: &'static str, definitions: Vec<Value>, script: &'static str) -> Scenario {
    Scenario {
        name,
        begins: vec![start(definitions[0]["name"].as_str().unwrap_or("council"))],
        definitions,
        script,
        tools: |_| Registry::new(),
        whens: Vec::new(),
        ends: vec!["run"],
        timers: 0,
        pace_ms: 0,
        branches: false,
        checkpoints: Rule::default(),
    }
}

/// The same with checkpoints every few entries, of several parts each.
fn often(name: &'static str, scenario: Scenario) -> Scenario {
    let checkpoints = Rule {
        entries: 6,
        bytes: 1 << 20,
        park_entries: 3,
        park_bytes: 1 << 20,
        messages_bytes: 200,
        segment_bytes: 400,
        part_bytes: 2_000,
        entry_bytes: usize::MAX,
    };
    Scenario { name, checkpoints, ..scenario }
}

fn council() -> Scenario {
    Scenario { begins: vec![start("council")], ..one("council", vec![Value::Null], "") }
}

fn tools() -> Scenario {
    let script = "answers:
- node: pilot
  round: 1
  reasoning: Three at once.
  text: I shall look, pay and note.
  tool_calls: [{name: look, arguments: {}}, {name: unsafe_pay, arguments: {sum: 3}}, {name: note, arguments: {}}]
- {node: pilot, round: 2, text: One more., tool_calls: [{name: look, arguments: {again: true}}]}
- {node: pilot, round: 3, text: All is done.}
";
    Scenario {
        tools: |world| {
            let registry = Registry::new().with(Act::new("look", Nature::Safe, world)).unwrap();
            let registry = registry.with(Act::new("note", Nature::Safe, world)).unwrap();
            registry.with(Act::new("unsafe_pay", Nature::Unsafe, world)).unwrap()
        },
        ..one("tools", vec![agent("pilot", &["look", "note", "unsafe_pay"])], script)
    }
}

fn approval() -> Scenario {
    let script = "answers:
- {node: pilot, round: 1, text: May I?, tool_calls: [{name: unsafe_wire, arguments: {sum: 7}}]}
- {node: pilot, round: 2, text: Thank you., tool_calls: [{name: look, arguments: {}}]}
- {node: pilot, round: 3, text: That was all.}
";
    Scenario {
        tools: |world| {
            let registry = Registry::new().with(Act::new("look", Nature::Safe, world)).unwrap();
            registry.with(Act::new("unsafe_wire", Nature::Guarded, world)).unwrap()
        },
        timers: 1,
        ..one("approval", vec![agent("pilot", &["unsafe_wire", "look"])], script)
    }
}

fn question() -> Scenario {
    let script = "answers:
- node: pilot
  round: 1
  text: Which colour?
  tool_calls: [{name: ask_human, arguments: {prompt: Which colour?, choices: [red, blue]}}]
- {node: pilot, round: 2, text: Blue it is.}
";
    Scenario {
        tools: |_| Registry::new().with(ask_human()).unwrap(),
        ..one("question", vec![agent("pilot", &["ask_human"])], script)
    }
}

/// Asks one helper that remembers, and one that does not.
fn children() -> Scenario {
    let script = "answers:
- {node: chief, round: 1, text: Help me., tool_calls: [{name: linked, arguments: {input: one}}]}
- {node: chief, round: 2, text: And you., tool_calls: [{name: once, arguments: {input: two}}]}
- {node: chief, round: 3, text: Thanks to both.}
- {node: helper, round: 1, text: I look., tool_calls: [{name: look, arguments: {}}]}
- {node: helper, round: 2, text: I have looked.}
";
    Scenario {
        tools: |world| {
            let registry = Registry::new().with(Act::new("look", Nature::Safe, world)).unwrap();
            let registry = registry.with(subagent("linked", "remembers", "helper", false)).unwrap();
            registry.with(subagent("once", "forgets", "helper", true)).unwrap()
        },
        ..one("children", vec![agent("chief", &["linked", "once"]), agent("helper", &["look"])], script)
    }
}

const SLEEPERS: &str = "answers:
- {node: chief, round: 1, text: Help me., tool_calls: [{name: once, arguments: {input: one}}, {name: sleep, arguments: {}}]}
- {node: sleeper, round: 1, text: I sleep., tool_calls: [{name: sleep, arguments: {}}]}
";

fn sleepers(name: &'static str) -> Scenario {
    Scenario {
        tools: |world| {
            let registry = Registry::new().with(Act::new("sleep", Nature::Endless, world)).unwrap();
            registry.with(subagent("once", "sleeps", "sleeper", true)).unwrap()
        },
        ..one(name, vec![agent("chief", &["once", "sleep"]), agent("sleeper", &["sleep"])], SLEEPERS)
    }
}

fn when(kind: Kind, node: &'static str, execution: &'static str, deed: Deed) -> When {
    When { kind, node, execution, deed }
}

/// Is cancelled while a child and a tool are at work.
fn cancelled() -> Scenario {
    let cancel = when(Kind::ToolCallStarted, "sleeper", "", Deed::Cancel("run"));
    Scenario { whens: vec![cancel], ..sleepers("cancelled") }
}

/// Is closed with its child.
fn closed() -> Scenario {
    let close = when(Kind::ToolCallStarted, "sleeper", "", Deed::Close("run"));
    Scenario { whens: vec![close], ..sleepers("closed") }
}

fn send(execution: &str, definition: &str, multitask: Multitask) -> SendRequest {
    SendRequest {
        session_id: Some(SessionId::new("talk").unwrap()),
        input: format!("This is for {execution}.").into(),
        definition: Some(definition.into()),
        execution_id: Some(ExecutionId::new(execution).unwrap()),
        multitask,
        ..SendRequest::default()
    }
}

fn talk(name: &'static str, how: Multitask) -> Scenario {
    let script = "answers:
- {node: first, round: 1, text: I am the first.}
- {node: second, round: 1, text: I look., tool_calls: [{name: look, arguments: {}}]}
- {node: second, round: 2, text: I am the second.}
- {node: third, round: 1, text: I sleep., tool_calls: [{name: sleep, arguments: {}}]}
- {node: fourth, round: 1, text: I am the fourth.}
";
    let first = StartRequest {
        execution_id: Some(ExecutionId::new("e1").unwrap()),
        session_id: Some(SessionId::new("talk").unwrap()),
        ..StartRequest::new("first", "Hello.")
    };
    let agents = [("first", vec![]), ("second", vec!["look"]), ("third", vec!["sleep"]), ("fourth", vec![])];
    Scenario {
        tools: |world| {
            let registry = Registry::new().with(Act::new("look", Nature::Safe, world)).unwrap();
            registry.with(Act::new("sleep", Nature::Endless, world)).unwrap()
        },
        begins: vec![Deed::Start(first), Deed::Send(send("e2", "second", Multitask::Enqueue))],
        whens: vec![
            when(Kind::ExecutionCompleted, "", "e2", Deed::Send(send("e3", "third", Multitask::Enqueue))),
            when(Kind::ToolCallStarted, "third", "", Deed::Send(send("e4", "fourth", how))),
        ],
        ends: vec!["e1", "e2", "e3", "e4"],
        ..one(name, agents.iter().map(|(name, tools)| agent(name, tools)).collect(), script)
    }
}

/// Two executions one after the other, and a third that a fourth interrupts.
fn conversation() -> Scenario {
    talk("conversation", Multitask::Interrupt)
}

/// The messages of the interrupted execution are removed.
fn rolled_back() -> Scenario {
    let begin = StartRequest {
        execution_id: Some(ExecutionId::new("e3").unwrap()),
        session_id: Some(SessionId::new("talk").unwrap()),
        ..StartRequest::new("third", "Hello.")
    };
    let all = talk("rolled back", Multitask::Rollback);
    let whens = all.whens.into_iter().skip(1).collect();
    Scenario {
        begins: vec![Deed::Start(begin)],
        whens,
        ends: vec!["e3", "e4"],
        ..talk("rolled back", Multitask::Rollback)
    }
}

/// Another worker goes on when the first one shuts down.
fn drained() -> Scenario {
    let drain = when(Kind::LlmTurnCompleted, "master_agent", "", Deed::Drain);
    Scenario { whens: vec![drain], pace_ms: 1, ..Scenario { name: "drained", ..council() } }
}

/// Three nodes are asked at once and speak at different length; one uses a tool between.
fn branches() -> Scenario {
    let script = "answers:
- {node: plan, round: 1, text: Look at three sides of it.}
- {node: brief, round: 1, text: No.}
- {node: busy, round: 1, text: I shall look it up for you now., tool_calls: [{name: look, arguments: {}}]}
- {node: busy, round: 2, text: It was there where I thought that it was.}
- node: wordy
  round: 1
  text: There is so much to say of this that I do not know where to begin and less where it might end if it does.
- {node: meet, round: 1, text: So be it.}
";
    let node = |tools: &[&str], join: bool| json!({ "type": "agent", "tools": tools, "join": join });
    let graph = json!({
        "kind": "graph", "name": "branches", "entry": "plan",
        "nodes": {
            "plan": node(&[], false), "brief": node(&[], false), "busy": node(&["look"], false),
            "wordy": node(&[], false), "meet": node(&[], true),
        },
        "edges": [
            { "from": "plan", "to": ["brief", "busy", "wordy"] }, { "from": "brief", "to": "meet" },
            { "from": "busy", "to": "meet" }, { "from": "wordy", "to": "meet" },
        ],
    });
    Scenario {
        tools: |world| Registry::new().with(Act::new("look", Nature::Safe, world)).unwrap(),
        pace_ms: 1,
        branches: true,
        ..one("branches", vec![graph], script)
    }
}
