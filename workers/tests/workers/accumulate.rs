//! Behaviour of providers that the recordings do not show.

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
fn tool_calls_are_distinguished_however_they_are_numbered() {
    let two = [triple("a", "f", "{}"), triple("b", "g", "[1]")];
    // By index, out of order, id and name repeated.
    let by_index = [
        call(Some(1), "b", "g", "["),
        call(Some(0), "a", "f", "{"),
        call(Some(1), "b", "g", "1]"),
        call(Some(0), "a", "f", "}"),
    ];
    assert_eq!(calls(&by_index), two);
    // All with index 0, or none: their ids distinguish them.
    for index in [Some(0), None] {
        let by_id = [call(index, "a", "f", "{}"), call(index, "b", "g", "["), call(index, "", "", "1]")];
        assert_eq!(calls(&by_id), two, "{index:?}");
    }
    // Arguments as an object, no id at all.
    assert_eq!(calls(&[call(None, "", "f", json!({"x": 1}))]), [triple("", "f", r#"{"x":1}"#)]);
}

#[test]
fn calls_are_assembled_with_any_part_missing_or_repeated() {
    let one = [triple("a", "calc", r#"{"x":1}"#)];
    let whole = r#"{"x":1}"#;
    for pieces in [
        // The whole arguments twice.
        vec![call(Some(0), "a", "calc", ""), call(Some(0), "", "", whole), call(Some(0), "", "", whole)],
        // The name in pieces, or longer each time.
        vec![call(Some(0), "a", "ca", ""), call(Some(0), "a", "lc", ""), call(Some(0), "", "", whole)],
        vec![call(Some(0), "a", "ca", ""), call(Some(0), "a", "calc", whole)],
        // Another id with each piece, with and without an index.
        vec![
            call(Some(0), "a", "calc", ""),
            call(Some(0), "b", "", r#"{"x":"#),
            call(Some(0), "c", "", "1}"),
        ],
        vec![call(None, "a", "calc", ""), call(None, "b", "", r#"{"x":"#), call(None, "c", "", "1}")],
        // The id late, an index as text, a placeholder, a prefix.
        vec![call(Some(0), "", "calc", r#"{"x":"#), call(Some(0), "a", "", "1}")],
        vec![
            json!({"tool_calls": [{"index": "0", "id": "a", "function": {"name": "calc", "arguments": whole}}]}),
        ],
        vec![call(Some(0), "a", "calc", json!({})), call(Some(0), "", "", whole)],
        vec![call(Some(0), "a", "functions.calc", whole)],
        // No wrapper, and no list.
        vec![json!({"tool_calls": {"index": 0, "id": "a", "name": "calc", "arguments": {"x": 1}}})],
    ] {
        assert_eq!(calls(&pieces), one, "{pieces:?}");
    }
    // A name with arguments behind complete ones is another call, though nothing tells them apart.
    let two = [triple("", "calc", whole), triple("", "calc", r#"{"x":2}"#)];
    for index in [Some(0), None] {
        assert_eq!(calls(&[call(index, "", "calc", whole), call(index, "", "calc", r#"{"x":2}"#)]), two);
    }
    assert_eq!(calls(&[call(Some(0), "a", "clock", "")]), [triple("a", "clock", "{}")]);
    let legacy = json!({"function_call": {"name": "calc", "arguments": whole}});
    assert_eq!(calls(&[legacy]), [triple("", "calc", whole)]);
}

#[test]
fn odd_fields_cost_no_answer() {
    for odd in [
        json!({"choices": [{"index": null, "delta": {"content": "a"}, "finish_reason": ""}]}),
        json!({"choices": [{"index": "0", "delta": {"content": "a"}, "finish_reason": null}], "error": {}}),
        json!({"choices": [{"delta": {"content": "a"}, "message": {"content": "a"}}], "error": ""}),
        json!({"choices": [{"delta": {"content": [{"type": "text", "text": "a"}]}}], "model": 3}),
        json!({"choices": [{"delta": {"content": {"text": "a"}}}], "usage": {"cost": {"total_cost": 1}}}),
        json!({"choices": [{"text": "a"}], "usage": {"prompt_tokens": -35, "completion_tokens": 1.0, "total_tokens": "2"}}),
        json!({"choices": [{"delta": {"content": "a", "tool_calls": null, "role": 1}}], "usage": []}),
        json!([{"choices": [{"delta": {"content": "a"}}]}]),
    ] {
        let mut accumulator = Accumulator::default();
        let mut deltas = Vec::new();
        for ignored in ["null", "7", "[]", "{}"] {
            accumulator.event(&event(ignored), &mut deltas).unwrap();
        }
        accumulator.event(&event(&odd), &mut deltas).unwrap_or_else(|fault| panic!("{odd}: {fault}"));
        accumulator.event(&event(json!({"choices": [{"finish_reason": "stop"}]})), &mut deltas).unwrap();
        assert_eq!(accumulator.finish().unwrap().text, "a", "{odd}");
    }
}

#[test]
fn only_the_first_of_several_choices_counts_and_numbered_tokens_are_one() {
    let fold = |choices: &[Value]| {
        let mut accumulator = Accumulator::default();
        for choice in choices {
            accumulator.event(&event(json!({"choices": choice})), &mut Vec::new()).unwrap();
        }
        accumulator.finish().unwrap().text
    };
    let piece = |index: u32, text: &str| json!([{"index": index, "delta": {"content": text}}]);
    let stop = |index: u32| json!([{"index": index, "delta": {}, "finish_reason": "stop"}]);
    assert_eq!(fold(&[piece(0, "a"), piece(1, "b"), piece(2, "c"), stop(3)]), "abc");
    let opening = |index: u32| json!([{"index": index, "delta": {"role": "assistant", "content": ""}}]);
    assert_eq!(
        fold(&[opening(0), opening(1), piece(0, "a"), piece(1, "b"), piece(0, "c"), stop(1), stop(0)]),
        "ac"
    );
    assert_eq!(fold(&[piece(0, "a"), piece(1, "b"), piece(0, "c"), stop(1), stop(0)]), "ac");
    assert_eq!(fold(&[piece(0, "a"), stop(1)]), "a");
    let both = json!([{"index": 1, "delta": {"content": "b"}}, {"index": 0, "delta": {"content": "a"}}]);
    assert_eq!(fold(&[both, piece(1, "c"), stop(0)]), "a");
}

#[test]
fn reasoning_is_read_from_every_shape() {
    for shape in [
        json!({"reasoning_text": "hm"}),
        json!({"reasoning": {"content": "hm"}}),
        json!({"thinking": "hm"}),
        json!({"reasoning_details": [{"type": "reasoning.text", "text": "h"}, {"type": "reasoning.summary", "summary": "m"}]}),
        json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]}),
        json!({"content": [{"type": "reasoning", "text": "hm"}]}),
    ] {
        let (deltas, turn) = fold(std::slice::from_ref(&shape)).unwrap();
        assert_eq!((turn.reasoning.as_str(), turn.text.as_str()), ("hm", ""), "{shape}");
        assert_eq!(deltas, [Delta::Reasoning("hm".to_owned())], "{shape}");
    }
}

#[test]
fn counts_are_read_under_every_name() {
    let count = |usages: &[Value]| {
        let mut accumulator = Accumulator::default();
        for usage in usages {
            let chunk = json!({"choices": [{"finish_reason": "stop"}], "usage": usage});
            accumulator.event(&event(chunk), &mut Vec::new()).unwrap();
        }
        let usage = accumulator.finish().unwrap().usage.unwrap();
        (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens)
    };
    let plain = json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15});
    assert_eq!(count(&[json!({"input_tokens": 10, "output_tokens": 5})]), (10, 5, 15));
    assert_eq!(count(&[json!({"prompt_tokens": "10", "completion_tokens": 5.0})]), (10, 5, 15));
    let zeros = json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0});
    assert_eq!(count(&[plain, zeros]), (10, 5, 15));
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
    for chunk in [
        json!({"object": "error", "message": "no room", "type": "BadRequestError", "code": 400}),
        json!({"code": "1113", "message": "no room"}),
        json!({"detail": "no room"}),
        json!({"detail": [{"msg": "no room", "loc": ["body"]}]}),
        json!({"base_resp": {"status_code": 1008, "status_msg": "no room"}, "choices": null}),
        json!([{"error": {"message": "no room"}}]),
        json!({"error": "no room"}),
    ] {
        let fault = Accumulator::default().event(&event(&chunk), &mut Vec::new()).unwrap_err();
        assert_eq!(fault.provider_error().unwrap().message, "no room", "{chunk}");
    }
    let named = Event { name: "error".into(), data: "plain words".into() };
    let fault = Accumulator::default().event(&named, &mut Vec::new()).unwrap_err();
    assert_eq!(fault.provider_error().unwrap().message, "plain words");
    let ended = json!({"choices": [{"delta": {}, "finish_reason": "error"}]});
    assert!(Accumulator::default().event(&event(ended), &mut Vec::new()).is_err());
}

#[test]
fn unknown_fields_are_ignored() {
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
fn the_message_of_a_turn_keeps_its_reasoning_apart_from_its_text() {
    let (_, turn) = fold(&[json!({"reasoning": "hm"}), call(Some(0), "a", "f", "{}")]).unwrap();
    let message = serde_json::to_value(turn.message()).unwrap();
    assert_eq!(message["content"], Value::Null);
    assert_eq!(message["reasoning"], "hm");
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
                Delta::Call(_) => {}
                Delta::Completed(_) => prop_assert!(false, "the accumulator does not complete"),
            }
        }
        prop_assert_eq!(&text, &texts.concat());
        prop_assert_eq!(&reasoning, &thoughts.concat());
        prop_assert_eq!((text, reasoning), (turn.text, turn.reasoning));
        // Providers refuse arguments that are no object.
        expected.values_mut().filter(|text| text.trim().is_empty()).for_each(|text| *text = "{}".into());
        let got: Vec<String> = turn.tool_calls.into_iter().map(|call| call.arguments).collect();
        prop_assert_eq!(got, expected.into_values().collect::<Vec<_>>());
    }

    #[test]
    fn never_panics(data in "\\PC{0,60}", name in "(error)?") {
        Accumulator::default().event(&Event { name, data }, &mut Vec::new()).ok();
    }
}
