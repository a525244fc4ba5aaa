//! Properties for any sequence of events: order of folding, JSON, bounds; and void output.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::event::family::{client, execution, model, node, tool};
use crate::event::{Event, Payload, Source};
use crate::execution::Status;
use crate::id::{EventId, ExecutionId, StreamId};
use crate::limits;
use crate::log::{Epoch, Place, Sequence};
use crate::subject::Shard;
use crate::time::{Clock, Timestamp};

fn event(node: Option<&str>, attempt: Option<u32>, payload: impl Into<Payload>) -> Event {
    let clock = Clock::at(Timestamp::default());
    let mut source = Source::execution(StreamId::new("s").unwrap(), ExecutionId::new("e").unwrap(), clock);
    source.node_id = node.map(|node| NodeId::new(node).unwrap());
    source.attempt = attempt;
    source.event_with_id(EventId::derived("x"), payload)
}

fn cursor(seq: u64) -> Cursor {
    Cursor::start().with(Shard(0), Place::after(Epoch(1), Sequence(seq + 1)))
}

fn fold(into: &mut Snapshot, events: &[Event], from: u64) {
    for (seq, event) in (from..).zip(events) {
        into.apply(event, At { seq, merged: 1, external: false, cursor: &cursor(seq) });
    }
}

fn of(events: &[Event]) -> Snapshot {
    let mut snapshot = Snapshot::begin(Cursor::start(), true);
    fold(&mut snapshot, events, 0);
    snapshot
}

fn text(content: &str) -> Payload {
    model::TextDelta { content: content.into(), snapshot: None }.into()
}

fn turn(content: Option<&str>, calls: &[&str]) -> Payload {
    let tool_calls = calls.iter().map(|id| model::ToolCall {
        tool_use_id: (*id).into(),
        tool_name: "clock".into(),
        arguments: "{\"a\":1}".into(),
    });
    model::TurnCompleted {
        finish_reason: Some("stop".into()),
        content: content.map(Into::into),
        tool_calls: tool_calls.collect(),
        ..model::TurnCompleted::default()
    }
    .into()
}

fn superseded(attempt: u32, void_from: Option<u64>) -> Payload {
    execution::AttemptSuperseded {
        superseded_attempt: attempt - 1,
        attempt,
        void_from,
        reason: "gone".into(),
    }
    .into()
}

fn payloads() -> impl Strategy<Value = Payload> {
    let id = prop_oneof![Just("a".to_owned()), Just("b".to_owned()), Just("c".to_owned()), "[d-z]{1,300}"];
    let piece = prop_oneof![
        6 => "[a-z ü€]{0,12}",
        1 => (1usize..3).prop_map(|n| "€".repeat(n * limits::SNAPSHOT_TURN_BYTES / 4)),
    ];
    let value = prop_oneof![
        Just(json!(null)),
        "[a-z]{0,9}".prop_map(Value::from),
        (1usize..9000).prop_map(|n| json!({ "x": "y".repeat(n) }))
    ];
    let result = (1usize..90_000).prop_map(|n| json!(["ö".repeat(n)]));
    prop_oneof![
        6 => (piece.clone(), proptest::option::weighted(0.1, piece.clone()))
            .prop_map(|(content, snapshot)| model::TextDelta { content, snapshot }.into()),
        4 => piece.clone().prop_map(|content| client::OutputDelta { content, snapshot: None }.into()),
        3 => piece.clone().prop_map(|content| model::ReasoningDelta { content }.into()),
        3 => (id.clone(), piece.clone(), 0u32..3).prop_map(|(tool_use_id, arguments, index)| tool::CallDelta {
            index, tool_use_id, tool_name: "t".into(), arguments }.into()),
        3 => (proptest::option::of(piece.clone()), proptest::collection::vec(id.clone(), 0..3)).prop_map(
            |(content, calls)| turn(content.as_deref(), &calls.iter().map(String::as_str).collect::<Vec<_>>())),
        1 => Just(model::Retry { next_try: 2, ..model::Retry::default() }.into()),
        1 => (2u32..5, proptest::option::of(0u64..80)).prop_map(|(a, v)| superseded(a, v)),
        2 => Just(node::LoopStarted { max_iterations: None, iteration: Some(2) }.into()),
        2 => (1u32..9, proptest::option::of(id.clone())).prop_map(|(iteration, message_id)|
            node::LoopIteration { iteration, message_id }.into()),
        1 => Just(node::LoopCompleted { iterations: 1 }.into()),
        1 => value.clone().prop_map(|v| node::InternalOutput { content: "x".into(), output: Some(v) }.into()),
        1 => Just(node::Stalled { reason: String::new() }.into()),
        2 => (id.clone(), value.clone()).prop_map(|(tool_use_id, tool_input)| tool::CallStarted {
            tool_use_id, tool_name: "t".into(), tool_input }.into()),
        2 => (id.clone(), value.clone(), any::<bool>()).prop_map(|(tool_use_id, result, is_error)|
            tool::CallCompleted { tool_use_id, tool_name: "t".into(), result, is_error }.into()),
        2 => (id.clone(), id.clone(), value.clone()).prop_map(|(approval_id, tool_use_id, tool_input)|
            tool::ApprovalRequested { approval_id, tool_use_id, tool_name: "t".into(), tool_input,
                arguments_digest: None, expires_at: None, below: None, }.into()),
        2 => (id.clone(), id.clone(), any::<bool>(), proptest::option::of(value.clone())).prop_map(
            |(approval_id, tool_use_id, approved, arguments)| tool::ApprovalDecided { approval_id, tool_use_id,
                approved, arguments, note: None, decided_by: None, below: None, }.into()),
        1 => (id.clone(), id.clone()).prop_map(|(approval_id, tool_use_id)|
            tool::ApprovalExpired { approval_id, tool_use_id, below: None }.into()),
        2 => (proptest::option::of(id.clone()), piece.clone()).prop_map(|(request_id, prompt)| client::InputRequested {
            prompt, request_id, choices: vec!["y".into()], expires_at: None, tool_use_id: None, below: None, }.into()),
        1 => proptest::option::of(id).prop_map(|request_id| client::InputReceived {
            request_id, input: json!(1), answered_by: None, below: None, }.into()),
        1 => Just(execution::Paused { reason: None }.into()),
        1 => Just(execution::Resumed { reason: None }.into()),
        1 => (0u64..9).prop_map(|n| model::UsageUpdated { rounds: 1, below: None,
            usage: model::Usage { total_tokens: n, ..model::Usage::default() } }.into()),
        1 => prop_oneof![
            result.clone().prop_map(|output| execution::Completed { output }.into()),
            result.prop_map(|error| execution::Failed { error }.into()),
            Just(execution::Cancelled { reason: None }.into()),
        ],
    ]
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let nodes = prop_oneof![Just(None), Just(Some("m")), Just(Some("n"))];
    let attempts = prop_oneof![Just(None), (1u32..4).prop_map(Some)];
    let one =
        (nodes, attempts, payloads()).prop_map(|(node, attempt, payload)| event(node, attempt, payload));
    proptest::collection::vec(one, 0..60)
}

/// Consecutive deltas of one turn as one event, as slow readers get them.
fn merged(events: &[Event]) -> Vec<(Event, u64, u64)> {
    let mut merged: Vec<(Event, u64, u64)> = Vec::new();
    for (seq, event) in (0..).zip(events) {
        let mergeable = |event: &Event| {
            event.kind.class() == crate::event::Class::Coalescible
                && event.kind != crate::event::Kind::ToolCallDelta
                && !event.data.get().contains("\"snapshot\"")
        };
        if let Some((last, last_seq, count)) = merged.last_mut()
            && (&last.kind, &last.node_id, last.attempt) == (&event.kind, &event.node_id, event.attempt)
            && mergeable(last)
            && mergeable(event)
        {
            let content = |event: &Event| {
                let data: serde_json::Value = serde_json::from_str(event.data.get()).unwrap();
                data["content"].as_str().unwrap().to_owned()
            };
            let data = json!({ "content": content(last) + &content(event) });
            last.data = serde_json::value::to_raw_value(&data).unwrap().into();
            (*last_seq, *count) = (seq, *count + 1);
            continue;
        }
        merged.push((event.clone(), seq, 1));
    }
    merged
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn folding_in_two_parts_over_json_is_folding(events in events(), cut in 0usize..60) {
        let whole = of(&events);
        let cut = cut.min(events.len());
        let half = of(&events[..cut]);
        let text = serde_json::to_string(&half).unwrap();
        let mut read: Snapshot = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&read, &half);
        fold(&mut read, &events[cut..], cut as u64);
        prop_assert_eq!(read, whole);
    }

    #[test]
    fn merged_deltas_say_the_same(events in events()) {
        let mut snapshot = Snapshot::begin(Cursor::start(), true);
        for (event, seq, count) in merged(&events) {
            snapshot.apply(&event, At { seq, merged: count, external: false, cursor: &cursor(seq) });
        }
        prop_assert_eq!(snapshot, of(&events));
    }

    #[test]
    fn a_snapshot_is_bounded(events in events(), times in 1usize..12) {
        let mut snapshot = Snapshot::begin(Cursor::start(), true);
        for n in 0..times {
            fold(&mut snapshot, &events, (n * events.len()) as u64);
        }
        let texts: usize = snapshot.turns.iter().map(turn::Turn::bytes).sum();
        prop_assert!(texts <= limits::SNAPSHOT_TEXT_BYTES.max((3 + limits::SNAPSHOT_DRAFTS) * limits::SNAPSHOT_TURN_BYTES));
        prop_assert!(snapshot.turns.len() <= limits::SNAPSHOT_TURNS);
        prop_assert!(snapshot.calls.len() <= limits::SNAPSHOT_CALLS);
        prop_assert!(snapshot.approvals.len().max(snapshot.questions.len()) <= limits::SNAPSHOT_WAITING);
        prop_assert!(serde_json::to_vec(&snapshot).unwrap().len() < 4 * 1024 * 1024);
    }
}

#[test]
fn a_call_that_is_being_written_is_a_draft_until_its_turn_is_completed() {
    let w = |payload: Payload| event(Some("w"), Some(1), payload);
    let piece = |id: &str, arguments: &str| {
        let (tool_use_id, arguments) = (id.to_owned(), arguments.to_owned());
        w(tool::CallDelta { index: 0, tool_use_id, tool_name: "t".into(), arguments }.into())
    };
    let begun = |id: &str| w(node::LoopIteration { iteration: 1, message_id: Some(id.into()) }.into());
    let mut events = vec![begun("m1"), piece("a", "{\"x"), piece("b", "{"), piece("a", "\":1}")];
    let now = of(&events);
    let drafts: Vec<_> =
        now.turns[0].drafts.iter().map(|draft| (&*draft.tool_use_id, &*draft.arguments.content)).collect();
    assert_eq!(drafts, [("a", "{\"x\":1}"), ("b", "{")]);
    assert!(now.turns[0].message_id.as_deref() == Some("m1") && now.calls.is_empty());
    // Void as the text is.
    let mut void = events.clone();
    void.push(w(model::Retry { next_try: 2, ..model::Retry::default() }.into()));
    assert!(of(&void).turns.is_empty());
    events.push(w(turn(None, &["a", "b"])));
    let now = of(&events);
    assert!(now.turns[0].drafts.is_empty() && now.turns[0].done && now.calls.len() == 2);
    assert_eq!(now.turns[0].message_id.as_deref(), Some("m1"));
}

#[test]
fn void_output_disappears_and_valid_output_stays() {
    let w = |payload: Payload| event(Some("w"), Some(1), payload);
    let mut events = vec![w(text("one")), w(turn(Some("one"), &["t1"])), w(text("tw"))];
    let now = of(&events);
    assert_eq!(
        now.turns.iter().map(|t| (&*t.text.content, t.done)).collect::<Vec<_>>(),
        [("one", true), ("tw", false)]
    );
    assert_eq!(now.calls[0].state, CallState::Requested);
    events.push(event(None, Some(2), superseded(2, Some(2))));
    assert_eq!(of(&events).turns.len(), 1);
    events.push(event(Some("w"), Some(2), text("two")));
    assert_eq!(of(&events).turns[1].text.content, "two");
    events.push(event(Some("w"), Some(2), model::Retry { next_try: 2, ..model::Retry::default() }));
    let now = of(&events);
    assert_eq!((now.turns.len(), now.turns_begun, now.nodes[&NodeId::new("w").unwrap()].retries), (1, 3, 1));
    // A branch that ended stays, also behind `void_from`; the one beside it is written again.
    let began = events.len() as u64;
    events.push(event(Some("v"), Some(2), text("le")));
    events.push(event(Some("w"), Some(2), turn(Some("two"), &[])));
    events.push(event(None, Some(3), superseded(3, Some(began))));
    events.push(event(Some("v"), Some(3), text("left")));
    let texts = |events: &[Event]| -> Vec<(String, bool)> {
        of(events).turns.iter().map(|turn| (turn.text.content.clone(), turn.done)).collect()
    };
    let kept = [("one".to_owned(), true), ("two".to_owned(), true), ("left".to_owned(), false)];
    assert_eq!(texts(&events), kept);
    // The producer reports that nothing is void: the written text counts, and the text that follows is another turn.
    events.push(event(None, Some(4), superseded(4, None)));
    assert_eq!(texts(&events), kept);
    events.push(event(Some("v"), Some(4), text("more")));
    assert_eq!(texts(&events)[2..], [("left".to_owned(), true), ("more".to_owned(), false)]);
}

#[test]
fn a_waiting_request_is_shown_until_it_is_answered() {
    let n = |payload: Payload| event(Some("n"), Some(1), payload);
    let asked = tool::ApprovalRequested {
        approval_id: "a".into(),
        tool_use_id: "t".into(),
        tool_name: "rm".into(),
        tool_input: json!({ "path": "/" }),
        arguments_digest: None,
        expires_at: None,
        below: None,
    };
    let mut events =
        vec![n(node::LoopStarted { max_iterations: None, iteration: Some(1) }.into()), n(asked.into())];
    let now = of(&events);
    assert_eq!(now.execution.as_ref().unwrap().status, Status::WaitingForApproval);
    assert_eq!((now.approvals.len(), now.calls[0].state), (1, CallState::AwaitingApproval));
    assert_eq!(now.nodes[&NodeId::new("n").unwrap()].state, NodeState::Waiting);
    let decided = tool::ApprovalDecided {
        approval_id: "a".into(),
        tool_use_id: "t".into(),
        approved: true,
        arguments: Some(json!({ "path": "/tmp" })),
        note: None,
        decided_by: None,
        below: None,
    };
    events.push(n(decided.into()));
    let now = of(&events);
    assert_eq!((now.approvals.len(), now.calls[0].state), (0, CallState::Approved));
    assert_eq!(now.calls[0].arguments.value, json!({ "path": "/tmp" }));
    assert_eq!(now.nodes[&NodeId::new("n").unwrap()].state, NodeState::Running);
}

#[test]
fn long_texts_keep_their_end_and_long_values_their_beginning() {
    let long = "x".repeat(limits::SNAPSHOT_TURN_BYTES) + "end";
    let now = of(&[event(None, None, text(&long))]);
    assert_eq!(now.turns[0].text.truncated_bytes, 3);
    assert!(now.turns[0].text.content.ends_with("end"));
    let output = json!("y".repeat(limits::SNAPSHOT_RESULT_BYTES + 7));
    let now = of(&[event(None, None, execution::Completed { output })]);
    assert_eq!(now.output_truncated_bytes, 7);
}
