//! For any input: patches in order yield the whole document, every size is bounded, and the order between
//! executions does not matter.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::control::workers::WorkerReport;
use crate::event::Event;
use crate::limits;

fn event(n: usize, kind: &str, stream: &str, node: Option<&str>, execution: &str, data: &Value) -> Event {
    let mut event = json!({
        "id": crate::id::EventId::derived(&n.to_string()),
        "type": kind,
        "stream_id": stream,
        "execution_id": execution,
        "data": data,
        "timestamp": crate::time::Timestamp::from_micros(i64::try_from(n).unwrap() * 1000),
    });
    if let Some(node) = node {
        event["node_id"] = node.into();
    }
    Event::decode(event.to_string().as_bytes()).unwrap()
}

/// An event: type, payload, and whether a node produced it.
fn happening() -> impl Strategy<Value = (&'static str, Value, bool)> {
    let text = "[a-z]{0,8}|[a-zä]{2100,2200}";
    prop_oneof![
        text.prop_map(|input| ("execution_started", json!({ "input": input, "definition": "d" }), false)),
        Just(("execution_completed", json!({ "output": "x" }), false)),
        Just(("execution_failed", json!({ "error": { "code": "c" } }), false)),
        (0_u32..4).prop_map(|n| ("node_loop_started", json!({ "max_iterations": 5, "iteration": n }), true)),
        (0_u32..4).prop_map(|n| ("node_loop_iteration", json!({ "iteration": n }), true)),
        (0_u32..4).prop_map(|n| ("node_loop_completed", json!({ "iterations": n }), true)),
        (text, 0_u64..100, proptest::option::of(0.0..1.0_f64)).prop_map(|(content, tokens, cost)| {
            let usage =
                json!({ "prompt_tokens": tokens, "completion_tokens": 1, "total_tokens": tokens + 1 });
            let mut turn = json!({ "content": content, "model": "m", "usage": usage });
            if let Some(cost) = cost {
                turn["usage"]["cost"] = cost.into();
            }
            ("llm_turn_completed", turn, true)
        }),
        (0_u64..100).prop_map(|n| (
            "usage_updated",
            json!({ "usage": { "total_tokens": n }, "rounds": 1 }),
            true
        )),
        (0_u8..4, text).prop_map(|(n, input)| {
            let asked = json!({
                "approval_id": format!("a{n}"), "tool_use_id": format!("c{n}"), "tool_name": "t",
                "tool_input": { "x/~y": input },
            });
            ("tool_approval_requested", asked, true)
        }),
        (0_u8..4).prop_map(|n| {
            let said =
                json!({ "approval_id": format!("a{n}"), "tool_use_id": format!("c{n}"), "approved": true });
            ("tool_approval_decided", said, true)
        }),
        (0_u8..4, any::<bool>()).prop_map(|(n, bad)| {
            let ended =
                json!({ "tool_use_id": format!("c{n}"), "tool_name": "a/b~c", "result": 1, "is_error": bad });
            ("tool_call_completed", ended, true)
        }),
        (0.0..1.0_f64).prop_map(|n| (
            "goal_progress",
            json!({ "progress": n, "criteria_status": [n] }),
            true
        )),
        Just(("constraint_violation", json!({ "constraint_id": "c", "description": "" }), true)),
        proptest::option::of(0_u8..9).prop_map(|n| {
            ("state_changed", json!({ "key": "code_execution", "new_value": n, "scope": "monitor" }), false)
        }),
        proptest::option::of(0_u8..9).prop_map(|n| {
            ("state_changed", json!({ "key": "mcp/a/b", "new_value": n, "scope": "monitor" }), false)
        }),
        Just(("execution_started", json!({ "definition": 7 }), false)),
        Just(("llm_text_delta", json!({ "content": "x" }), true)),
    ]
}

fn happenings(most: usize) -> impl Strategy<Value = Vec<Event>> {
    proptest::collection::vec((happening(), 0_u8..6, 0_u8..3), 0..most).prop_map(|all| {
        let events = all.into_iter().enumerate().map(|(n, ((kind, data, by_node), execution, node))| {
            let node = by_node.then(|| format!("n{node}"));
            let stream = if execution % 2 == 0 { "s" } else { "t" };
            event(n, kind, stream, node.as_deref(), &format!("e{execution}"), &data)
        });
        events.collect()
    })
}

fn prices() -> Prices {
    let price = Price { prompt_per_million: 0.15, completion_per_million: 0.6, cached_per_million: None };
    Prices { models: [("m".to_owned(), price)].into(), currency: "USD".into() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// A client that applies what it is given, and misses some, has the whole document at each revision.
    #[test]
    fn patches_in_order_make_the_whole(events in happenings(120), misses in proptest::collection::vec(0_u8..6, 120)) {
        let mut fold = Fold::new(None, true);
        let mut revisions = Revisions::default();
        let (mut held, mut known) = (Value::Null, None);
        for (event, misses) in events.iter().zip(misses) {
            fold.apply(event, false);
            let before = revisions.revision();
            let view = fold.view(&prices(), Detail::Full);
            let new = revisions.advance(&view).unwrap();
            prop_assert_eq!(revisions.revision(), before + u64::from(new));
            prop_assert_eq!(&serde_json::from_value::<Monitor>(revisions.document().clone()).unwrap(), &view);
            if misses == 0 {
                continue;
            }
            match revisions.since(known) {
                Change::None => {}
                Change::Whole => held = serde_json::from_str(revisions.text()).unwrap(),
                Change::Patches(patches) => {
                    let mut at = known.unwrap();
                    for patch in patches {
                        prop_assert_eq!((patch.base, patch.revision), (at, at + 1));
                        at = patch.revision;
                        let operations: json_patch::Patch = serde_json::from_str(&patch.text).unwrap();
                        json_patch::patch(&mut held, &operations).unwrap();
                    }
                }
            }
            known = Some(revisions.revision());
            prop_assert_eq!(&held, revisions.document());
        }
    }

    /// Two gateways that read executions interleaved differently show the same.
    #[test]
    fn the_order_between_executions_does_not_matter(events in happenings(80)) {
        let mut one = Fold::new(None, true);
        let mut two = Fold::new(None, true);
        // Events of streams, and approvals that several executions name alike, belong to no execution.
        let events: Vec<&Event> =
            events.iter().filter(|event| !event.kind.as_str().starts_with("state_") && !event.kind.as_str().starts_with("tool_approval")).collect();
        events.iter().for_each(|event| { one.apply(event, false); });
        let mut sorted = events.clone();
        sorted.sort_by_key(|event| event.execution_id.clone());
        sorted.iter().for_each(|event| { two.apply(event, false); });
        prop_assert_eq!(one.view(&prices(), Detail::Full), two.view(&prices(), Detail::Full));
    }

    /// A monitor of one stream is not changed by others.
    #[test]
    fn other_streams_change_nothing(events in happenings(80)) {
        let mut fold = Fold::new(Some("s".parse().unwrap()), true);
        let mut alone = fold.clone();
        for event in &events {
            fold.apply(event, false);
            if event.stream_id.as_str() == "s" {
                alone.apply(event, false);
            }
        }
        prop_assert_eq!(fold.view(&prices(), Detail::Full), alone.view(&prices(), Detail::Full));
    }
}

#[test]
fn it_is_bounded_and_counts_removed_entries() {
    let mut fold = Fold::new(None, true);
    let long = "x".repeat(20_000);
    let executions = limits::MONITOR_EXECUTIONS * 3;
    let mut n = 0;
    for execution in 0..executions {
        let mut say = |kind: &str, data: Value| {
            n += 1;
            let (stream, execution) = (format!("s{execution}"), format!("e{execution}"));
            fold.apply(&event(n, kind, &stream, Some(&format!("n{n}")), &execution, &data), false);
        };
        say("execution_started", json!({ "input": long }));
        for _ in 0..3 {
            let usage = json!({ "total_tokens": 10 });
            say(
                "llm_turn_completed",
                json!({ "content": long, "model": format!("m{execution}"), "usage": usage }),
            );
        }
        for call in 0..5 {
            let id = format!("{execution}/{call}");
            say(
                "tool_approval_requested",
                json!({
                    "approval_id": id, "tool_use_id": id, "tool_name": id, "tool_input": long,
                }),
            );
        }
        if execution % 2 == 0 {
            say("execution_failed", json!({ "error": long }));
        }
    }
    let view = fold.view(&Prices::default(), Detail::Full);
    let graph = view.graph.as_ref().unwrap();
    assert_eq!(
        (graph.executions.len(), graph.omitted),
        (limits::MONITOR_EXECUTIONS, (executions - limits::MONITOR_EXECUTIONS) as u64)
    );
    assert_eq!(graph.active, limits::MONITOR_EXECUTIONS, "those at work stay");
    let used = view.usage.as_ref().unwrap();
    assert_eq!((used.executions, used.tokens.total_tokens), (executions as u64, executions as u64 * 30));
    assert_eq!((used.by_model.len(), &used.cost), (limits::MONITOR_NAMES + 1, &None));
    let bytes = |detail| serde_json::to_string(&fold.view(&Prices::default(), detail)).unwrap().len();
    assert!(bytes(Detail::Least) < 64 * 1024, "{}", bytes(Detail::Least));
    assert!(bytes(Detail::Less) < 256 * 1024, "{}", bytes(Detail::Less));
    assert!(bytes(Detail::Full) < 3 * 1024 * 1024, "{}", bytes(Detail::Full));
}

#[test]
fn sections_exist_after_a_contribution() {
    let mut fold = Fold::new(Some("s".parse().unwrap()), true);
    let view = |fold: &Fold| serde_json::to_value(fold.view(&prices(), Detail::Full)).unwrap();
    assert_eq!(view(&fold), json!({ "stream_id": "s", "complete": true }));
    let report: WorkerReport = serde_json::from_value(json!({
        "worker": "w", "since": crate::time::Timestamp::default(), "at": crate::time::Timestamp::default(),
        "sessions": 0, "concurrency": 1, "definitions": ["s", "other"], "tools": [], "tool_calls": {},
        "mcp_servers": [{ "server": "search", "state": "ready", "tools": ["search__find"] }, { "server": "mail" }],
        "agents": {
            "s": { "description": "d", "nodes": { "s": { "model": { "name": "m" }, "tools": ["search__find"] } } },
            "other": { "nodes": {} },
        },
        "code_execution": { "state": "ready" },
    }))
    .unwrap();
    assert!(fold.report(std::slice::from_ref(&report)));
    assert!(!fold.report(&[report]));
    let seen = view(&fold);
    assert_eq!(seen["mcp"], json!({ "search": { "w": { "state": "ready", "tools": ["search__find"] } } }));
    assert_eq!(seen["code_execution"], json!({ "w": { "state": "ready" } }));
    assert_eq!(seen["context"]["agents"].as_object().unwrap().keys().collect::<Vec<_>>(), ["s"]);
    assert_eq!(seen["context"]["tools"], json!({ "search__find": { "calls": 0, "errors": 0 } }));
    assert!(fold.report(&[]));
    assert_eq!(view(&fold), json!({ "stream_id": "s", "complete": true }));

    let turn = json!({ "model": "m-2", "usage": { "prompt_tokens": 2_000_000, "completion_tokens": 1_000_000, "total_tokens": 3_000_000 } });
    fold.apply(&event(1, "llm_turn_completed", "s", Some("n"), "e", &turn), false);
    assert_eq!(
        view(&fold)["usage"]["cost"],
        json!({ "amount": 0.9, "currency": "USD", "unpriced_tokens": 0 })
    );
    let said = json!({ "usage": { "total_tokens": 3_000_001, "cost": 0.25 }, "rounds": 1 });
    fold.apply(&event(2, "usage_updated", "s", Some("n"), "e", &said), false);
    assert_eq!(view(&fold)["usage"]["cost"]["amount"], 0.25, "an event's cost counts");
}

/// Others say what they like of an execution that Runbus runs, in its stream and in theirs, before and after its first word, and name
/// its approvals and its conversation: the monitor shows what it would without them.
#[test]
fn external_events_about_executions_of_runbus_show_nowhere() {
    let session = crate::id::SessionId::new("chat").unwrap();
    let id = crate::control::address(&session, "call");
    let asked =
        |tool: &str| json!({ "approval_id": id, "tool_use_id": "c", "tool_name": tool, "tool_input": {} });
    let in_chat = |mut event: Event| {
        event.session_id = Some(session.clone());
        event
    };
    let own = [
        in_chat(event(1, "execution_queued", "s", None, "e", &json!({ "definition": "d" }))),
        in_chat(event(2, "execution_started", "s", None, "e", &json!({ "input": "hi" }))),
        in_chat(event(3, "tool_approval_requested", "s", Some("n"), "e", &asked("pay"))),
    ];
    let forged = |n: usize, stream: &str, execution: &str| {
        [
            ("execution_started", json!({ "input": "forged" })),
            ("tool_approval_requested", asked("forged")),
            ("tool_approval_decided", json!({ "approval_id": id, "tool_use_id": "c", "approved": true })),
            ("execution_completed", json!({ "output": "forged" })),
        ]
        .map(|(kind, data)| in_chat(event(n, kind, stream, Some("n"), execution, &data)))
    };
    let mut alone = Fold::new(None, true);
    own.iter().for_each(|event| _ = alone.apply(event, false));
    let mut all = Fold::new(None, true);
    for stream in ["s", "theirs"] {
        forged(10, stream, "e").iter().for_each(|event| _ = all.apply(event, true));
    }
    for event in &own {
        all.apply(event, false);
        for stream in ["s", "theirs"] {
            forged(20, stream, "e").iter().for_each(|event| _ = all.apply(event, true));
        }
    }
    let view = |fold: &Fold| fold.view(&Prices::default(), Detail::Full);
    assert_eq!(view(&all), view(&alone));
    // An execution of their own does not speak in the conversation, nor settle what waits there.
    forged(30, "theirs", "mine").iter().for_each(|event| _ = all.apply(event, true));
    let shown = view(&all);
    assert_eq!(shown.approvals, view(&alone).approvals);
    let conversations = |monitor: &Monitor| monitor.context.clone().unwrap().conversations;
    assert_eq!(conversations(&shown).get("chat"), conversations(&view(&alone)).get("chat"));
    let runs = shown.graph.unwrap().executions;
    assert!(runs.values().filter(|run| run.external).count() == 1 && runs.len() == 2);
}
