//! Folding of a context that has grown: never a call without its answers, and never for ever.

use std::collections::BTreeSet;

use proptest::prelude::*;
use runbus::session::run::Visit;
use runbus::session::transcript::Transcript;
use runbus::session::{Message, ToolCall};
use runbus_workers::compaction::{Settings, estimate, question, range};

fn visit(context_tokens: u64) -> Visit {
    Visit {
        number: 1,
        iteration: 1,
        opening: Vec::new(),
        converses: true,
        said: Transcript::default(),
        calls: Vec::new(),
        question: None,
        rounds: 0,
        failures: 0,
        failures_before: 0,
        model: 0,
        refusals: 0,
        not_before: None,
        context_tokens,
        answer: None,
        is_cut_off: false,
        is_call: false,
    }
}

fn settings(at_tokens: u64, keep_recent: usize) -> Settings {
    Settings { at_tokens, keep_recent, prompt: None }
}

/// A conversation: each number is a turn of the model with so many calls, after a question when it is even.
fn conversation(turns: &[usize]) -> Transcript {
    let mut said = Transcript::default();
    for (number, calls) in turns.iter().enumerate() {
        if calls.is_multiple_of(2) {
            said.push(Message::user("a question of some length"));
        }
        let id = |call: usize| format!("c{number}_{call}");
        let tool_calls: Vec<ToolCall> =
            (0..*calls).map(|call| ToolCall::new(id(call), "tool", "{}")).collect();
        said.push(Message::calling(Some("an answer of some length".into()), tool_calls));
        (0..*calls).for_each(|call| said.push(Message::tool(id(call), "a result of some length")));
    }
    said
}

fn open(said: &Transcript) -> Result<(), TestCaseError> {
    let mut open = BTreeSet::new();
    for (_, message) in said.live() {
        match message {
            Message::Tool { tool_call_id, .. } => {
                prop_assert!(open.remove(tool_call_id), "{tool_call_id} is alone")
            }
            other => {
                prop_assert!(open.is_empty(), "{open:?} have no answer");
                open.extend(other.tool_calls().iter().map(|call| call.id.clone()));
            }
        }
    }
    prop_assert!(open.is_empty(), "{open:?} have no answer");
    Ok(())
}

proptest! {
    /// Folded again and again, until there is nothing to fold: each time the context has fewer messages, the last ones stay,
    /// and no answer is parted from its call.
    #[test]
    fn folding_parts_no_call_from_its_answers_and_ends(
        turns in prop::collection::vec(0usize..5, 1..20),
        keep in 0usize..12,
        at_tokens in 0u64..400,
        after in 0u64..500,
    ) {
        let mut said = conversation(&turns);
        let settings = settings(at_tokens, keep);
        let mut tokens = 1000;
        let mut folds = 0;
        while let Some((from, to)) = range(&said, &visit(tokens), &settings) {
            let live: Vec<usize> = said.live().map(|(at, _)| at).collect();
            prop_assert!(from < to && live[0] == from);
            let kept = live.iter().filter(|at| **at >= to).count();
            prop_assert!(kept >= keep.max(1), "{kept} are left of {keep}");
            let asked = question(&said, from, to, &settings);
            prop_assert_eq!(asked.len(), 2);
            let last: Vec<Message> = said.live().filter(|(at, _)| *at >= to).map(|(_, m)| m.clone()).collect();
            said.fold(from, to, Message::user("note"));
            let now: Vec<Message> = said.live().map(|(_, message)| message.clone()).collect();
            prop_assert!(now.len() < live.len() && now[1..] == last[..]);
            open(&said)?;
            tokens = after;
            folds += 1;
            prop_assert!(folds <= 100, "it does not end");
        }
    }
}

#[test]
fn folds_a_transcript_that_is_long_enough() {
    let said = conversation(&[0, 0, 0]);
    assert_eq!(said.live().count(), 6);
    assert_eq!(range(&said, &visit(99), &settings(100, 2)), None, "too short");
    assert_eq!(range(&said, &visit(100), &settings(100, 2)), Some((0, 4)));
    assert_eq!(range(&said, &visit(100), &settings(100, 6)), None, "all are recent");
    assert_eq!(range(&said, &visit(100), &settings(100, 5)), None, "one message is not worth a note");
    let own = estimate(said.live().map(|(_, message)| message));
    assert!(
        range(&said, &visit(0), &settings(own, 2)).is_some(),
        "tokens that the provider has not counted count too"
    );
    // The answers stay with their turn.
    let said = conversation(&[0, 3]);
    assert_eq!(range(&said, &visit(100), &settings(100, 2)), Some((0, 2)));
    // All of it is one turn.
    assert_eq!(range(&conversation(&[3]), &visit(100), &settings(100, 2)), None);
}
