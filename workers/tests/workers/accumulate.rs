//! What providers do that the recordings do not show.

use proptest::prelude::*;
use runbus_workers::model::{Accumulator, Delta, Event, Fault, Turn, limits};
use serde_json::{Value, json};

fn event(data: impl ToString) -> Event {
    Event { name: String::new(), data: data.to_string() }
}

/// Folds the deltas of choices, and a finish.
fn fold(pieces: &[Value]) -> Result<(Vec<Delta>, Turn), Fault> {
    let mut accumulator = Accumulator::default();
    let mut deltas = Vec::new();
    for piece in pieces {
        accumulator.event(&event(json!({"choices": [{"index": 0, "delta": piece}]})), &mut deltas)?;
    }
    accumulator.event(&event(json!({"choices": [{"delta": {}, "finish_reason": "stop"}]})), &mut deltas)?;
    Ok((deltas, accumulator.finish()?))
}

fn call(index: Option<u32>, id: &str, name: &str, arguments: impl Into<Value>) -> Value {
    let mut call = json!({"function": {"name": name, "arguments": arguments.into()}});
    if let Some(index) = index {
        call["index"] = json!(index);
    }
    if !id.is_empty() {
        call["id"] = json!(id);
    }
    json!({"tool_calls": [call]})
}

fn calls(pieces: &[Value]) -> Vec<(String, String, String)> {
    let (_, turn) = fold(pieces).unwrap();
    turn.tool_calls.into_iter().map(|call| (call.id, call.name, call.arguments)).collect()
}

fn triple(id: &str, name: &str, arguments: &str) -> (String, String, String) {
    (id.to_owned(), name.to_owned(), arguments.to_owned())
}

#[test]
fn tool_calls_are_told_apart_however_they_are_numbered() {
    let two = [triple("a", "f", "{}"), triple("b", "g", "[1]")];
    // By index, out of order, id and name repeated.
    let by_index = [
        call(Some(1), "b", "g", "["),
        call(Some(0), "a", "f", "{"),
        call(Some(1), "b", "g", "1]"),
        call(Some(0), "a", "f", "}"),
    ];
    assert_eq!(calls(&by_index), two);
    // All with index 0, or none, told apart by their ids.
    for index in [Some(0), None] {
        let by_id = [call(index, "a", "f", "{}"), call(index, "b", "g", "["), call(index, "", "", "1]")];
        assert_eq!(calls(&by_id), two, "{index:?}");
    }
    // Arguments as an object, no id at all.
    assert_eq!(calls(&[call(None, "", "f", json!({"x": 1}))]), [triple("", "f", r#"{"x":1}"#)]);
}

#[test]
fn reasoning_under_two_names_counts_once() {
    let (deltas, turn) = fold(&[json!({"reasoning": "hm", "reasoning_content": "hm"})]).unwrap();
    assert_eq!(turn.reasoning, "hm");
    assert_eq!(deltas, [Delta::Reasoning("hm".to_owned())]);
}

#[test]
fn content_may_come_in_parts_and_refusals_are_kept() {
    let parts = json!({"content": [{"type": "text", "text": "a"}, {"type": "image"}, {"text": "b"}]});
    let (_, turn) = fold(&[parts, json!({"refusal": "no"}), json!({"refusal": " way"})]).unwrap();
    assert_eq!((turn.text.as_str(), &turn.extra["refusal"]), ("ab", &json!("no way")));
}

#[test]
fn errors_are_found_wherever_they_are() {
    let error = json!({"message": "upstream died", "code": 502});
    for chunk in [
        json!({"error": error}),
        json!({"choices": [{"delta": {"content": "x"}, "finish_reason": "error", "error": error}]}),
        json!({"choices": [], "x_groq": {"error": error}}),
        json!({"choices": [{"delta": {}, "finish_reason": "error"}], "error": error}),
    ] {
        let fault = Accumulator::default().event(&event(&chunk), &mut Vec::new()).unwrap_err();
        let provider = fault.provider_error().unwrap();
        assert_eq!((provider.message.as_str(), provider.status), ("upstream died", Some(502)), "{chunk}");
        assert!(fault.is_retryable() && matches!(fault, Fault::MidStream(_)));
    }
    let named = Event { name: "error".into(), data: "plain words".into() };
    let fault = Accumulator::default().event(&named, &mut Vec::new()).unwrap_err();
    assert_eq!(fault.provider_error().unwrap().message, "plain words");
    let ended = json!({"choices": [{"delta": {}, "finish_reason": "error"}]});
    assert!(Accumulator::default().event(&event(ended), &mut Vec::new()).is_err());
}

#[test]
fn what_is_unknown_is_ignored() {
    let mut accumulator = Accumulator::default();
    let mut deltas = Vec::new();
    for data in [
        json!({"type": "ping"}),
        json!({"choices": null, "usage": null}),
        json!({"choices": [{"index": 1, "delta": {"content": "another choice"}}]}),
        json!({"choices": [{"delta": null}], "new": {}}),
    ] {
        accumulator.event(&event(data), &mut deltas).unwrap();
    }
    let ping = Event { name: "ping".into(), data: "12:00".into() };
    accumulator.event(&ping, &mut deltas).unwrap();
    assert!(deltas.is_empty() && !accumulator.is_finished());
    assert!(matches!(accumulator.finish(), Err(Fault::ClosedEarly)));
    assert!(matches!(Accumulator::default().event(&event("{"), &mut deltas), Err(Fault::Garbage { .. })));
}

#[test]
fn a_turn_has_limits() {
    let many: Vec<Value> =
        (0..=limits::MAX_TOOL_CALLS).map(|n| call(None, &format!("id{n}"), "f", "{}")).collect();
    assert!(matches!(fold(&many), Err(Fault::TooLarge { what: "tool calls of one turn", .. })));
    let megabyte = "x".repeat(1 << 20);
    let long = vec![json!({"content": megabyte}); limits::MAX_TURN_BYTES / megabyte.len() + 1];
    assert!(matches!(fold(&long), Err(Fault::TooLarge { what: "bytes of one turn", .. })));
    let name = "n".repeat(limits::MAX_TOOL_NAME_BYTES + 1);
    assert!(matches!(fold(&[call(None, "a", &name, "")]), Err(Fault::TooLarge { .. })));
}

#[test]
fn the_message_of_a_turn_leaves_reasoning_out() {
    let (_, turn) = fold(&[json!({"reasoning": "hm"}), call(Some(0), "a", "f", "{}")]).unwrap();
    let message = serde_json::to_value(turn.message()).unwrap();
    assert_eq!(message["content"], Value::Null);
    assert!(!message.to_string().contains("hm"));
    assert_eq!(serde_json::from_value::<Turn>(serde_json::to_value(&turn).unwrap()).unwrap(), turn);
}

proptest! {
    /// However a provider cuts its answer, the turn is the same, and its deltas add up to it.
    #[test]
    fn cuts_do_not_matter(
        texts in prop::collection::vec("\\PC{0,6}", 0..8),
        thoughts in prop::collection::vec("\\PC{0,6}", 0..8),
        arguments in prop::collection::vec((0u32..3, "\\PC{0,6}"), 0..12),
    ) {
        let mut pieces: Vec<Value> = thoughts.iter().map(|text| json!({"reasoning": text, "content": null})).collect();
        pieces.extend(texts.iter().map(|text| json!({"content": text})));
        let mut expected = std::collections::BTreeMap::<u32, String>::new();
        for (index, text) in &arguments {
            let first = !expected.contains_key(index);
            *expected.entry(*index).or_default() += text;
            let id = if first { format!("id{index}") } else { String::new() };
            pieces.push(call(Some(*index), &id, if first { "f" } else { "" }, text.as_str()));
        }
        let (deltas, turn) = fold(&pieces).unwrap();
        let (mut text, mut reasoning) = (String::new(), String::new());
        for delta in deltas {
            match delta {
                Delta::Text(piece) => text += &piece,
                Delta::Reasoning(piece) => reasoning += &piece,
                Delta::Completed(_) => prop_assert!(false, "the accumulator does not complete"),
            }
        }
        prop_assert_eq!(&text, &texts.concat());
        prop_assert_eq!(&reasoning, &thoughts.concat());
        prop_assert_eq!((text, reasoning), (turn.text, turn.reasoning));
        let got: Vec<String> = turn.tool_calls.into_iter().map(|call| call.arguments).collect();
        prop_assert_eq!(got, expected.into_values().collect::<Vec<_>>());
    }

    #[test]
    fn never_panics(data in "\\PC{0,60}", name in "(error)?") {
        Accumulator::default().event(&Event { name, data }, &mut Vec::new()).ok();
    }
}
