//! A conversation that any provider takes, whatever the models before have written and whoever they were.
//!
//! Arguments are objects, names are `[A-Za-z0-9_-]{1,64}`, ids are unique and of the provider's form, every call is answered
//! directly behind its turn, no message is empty, and nobody speaks twice in a row. The content is the same.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use runbus::id::EventId;
use runbus::json;
use runbus::session::Content;
use serde_json::{Map, Value};

use super::limits::MAX_WIRE_NAME_BYTES;
use super::quirks::ToolIds;
use super::{Message, ToolCall};

/// The answer of a call that has none.
const UNANSWERED: &str = "<aborted: the call was not carried out>";

/// The reader of a conversation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    /// The provider's name: what it has made itself it takes back.
    pub(super) provider: &'a str,
    /// The form of ids.
    pub(super) ids: ToolIds,
}

/// The conversation as `reader` takes it.
pub(super) fn valid(messages: &[Message], reader: Reader<'_>) -> Vec<Message> {
    let mut used = BTreeSet::new();
    let mut out: Vec<Message> = Vec::with_capacity(messages.len());
    let mut at = 0;
    while let Some(message) = messages.get(at) {
        at += 1;
        match message {
            Message::Assistant { content, reasoning, tool_calls, provider, extra } => {
                let is_own = provider.as_deref().is_none_or(|provider| provider == reader.provider);
                let content = content.clone().filter(|text| !text.trim().is_empty());
                if content.is_none() && tool_calls.is_empty() {
                    continue;
                }
                let calls: Vec<ToolCall> = tool_calls
                    .iter()
                    .map(|call| {
                        let id = id(&call.id, reader.ids, is_own, &mut used);
                        let extra = if is_own { call.extra.clone() } else { Map::new() };
                        ToolCall { id, name: name(&call.name), arguments: arguments(&call.arguments), extra }
                    })
                    .collect();
                let answered = answers(&messages[at..], tool_calls, &calls);
                push(
                    &mut out,
                    Message::Assistant {
                        content,
                        reasoning: reasoning.clone(),
                        tool_calls: calls,
                        provider: provider.clone(),
                        extra: if is_own { extra.clone() } else { Map::new() },
                    },
                );
                out.extend(answered);
            }
            // Answers stand behind their turn. One to no call, or a second one, says nothing to the model.
            Message::Tool { .. } => {}
            other => push(&mut out, other.clone()),
        }
    }
    out
}

/// The answers to the calls of one turn, in their order: they stand somewhere before the next turn with calls.
fn answers(rest: &[Message], calls: &[ToolCall], renamed: &[ToolCall]) -> Vec<Message> {
    let turn = rest.iter().take_while(|message| message.tool_calls().is_empty());
    let mut found: BTreeMap<&str, VecDeque<&Message>> = BTreeMap::new();
    for message in turn {
        if let Message::Tool { tool_call_id, .. } = message {
            found.entry(tool_call_id).or_default().push_back(message);
        }
    }
    let pairs = calls.iter().zip(renamed);
    let answer = |(call, renamed): (&ToolCall, &ToolCall)| match found
        .get_mut(call.id.as_str())
        .and_then(VecDeque::pop_front)
    {
        Some(Message::Tool { content, .. }) => {
            Message::Tool { tool_call_id: renamed.id.clone(), content: content.clone() }
        }
        _ => Message::tool(&renamed.id, UNANSWERED),
    };
    pairs.map(answer).collect()
}

/// Adds a message; one of the speaker before becomes a part of that one's.
fn push(out: &mut Vec<Message>, message: Message) {
    match (out.last_mut(), message) {
        (Some(Message::User { content: before }), Message::User { content }) => append(before, content),
        (
            Some(Message::Assistant { content: Some(before), tool_calls: done, .. }),
            Message::Assistant { content, reasoning, tool_calls, provider, extra },
        ) if done.is_empty() => {
            let mut joined = std::mem::take(before);
            join(&mut joined, content.as_deref().unwrap_or_default());
            out.pop();
            out.push(Message::Assistant { content: Some(joined), reasoning, tool_calls, provider, extra });
        }
        (_, message) => out.push(message),
    }
}

/// Adds a content to another one: texts become one, parts stay in their order.
fn append(before: &mut Content, more: Content) {
    match (before, more) {
        (Content::Text(before), Content::Text(more)) => join(before, &more),
        (before, more) => {
            let mut parts = std::mem::replace(before, Content::Parts(Vec::new())).into_parts();
            parts.extend(more.into_parts());
            parts.retain(|part| part.text() != Some(""));
            *before = Content::Parts(parts);
        }
    }
}

fn join(before: &mut String, more: &str) {
    if !before.is_empty() && !more.is_empty() {
        before.push_str("\n\n");
    }
    before.push_str(more);
}

/// An id that was not used before, of the form that is asked for.
fn id(given: &str, form: ToolIds, is_own: bool, used: &mut BTreeSet<String>) -> String {
    let fits = match form {
        ToolIds::Auto => is_own && !given.is_empty() || is_word(given),
        ToolIds::Word => is_word(given),
        ToolIds::Nine => given.len() == 9 && given.bytes().all(|byte| byte.is_ascii_alphanumeric()),
    };
    let mut id = given.to_owned();
    let mut tries = 0_u32;
    while (tries == 0 && !fits) || used.contains(&id) {
        // The same for every request of the conversation.
        id = nine(given, tries);
        tries += 1;
    }
    used.insert(id.clone());
    id
}

/// Nine letters and digits that a text gives.
fn nine(text: &str, number: u32) -> String {
    let derived = EventId::derived(&format!("{number}/{text}")).to_string();
    derived.chars().filter(char::is_ascii_alphanumeric).take(9).collect()
}

fn is_word(text: &str) -> bool {
    (1..=MAX_WIRE_NAME_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// A name that every provider takes.
pub(super) fn name(given: &str) -> String {
    if is_word(given) {
        return given.to_owned();
    }
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' };
    let name: String = given.chars().map(plain).take(MAX_WIRE_NAME_BYTES).collect();
    if name.is_empty() { "unnamed".to_owned() } else { name }
}

/// Arguments as an object; what is none stands in one, so that the model sees what it wrote.
fn arguments(given: &str) -> String {
    let text = given.trim();
    if text.is_empty() || text == "null" {
        return "{}".to_owned();
    }
    match json::from_str::<Value>(text) {
        Ok(Value::Object(_)) => text.to_owned(),
        _ => serde_json::json!({ "invalid": given }).to_string(),
    }
}

/// Where the messages begin that stand behind the last question.
pub(super) fn last_question(messages: &[Message]) -> usize {
    messages.iter().rposition(|message| matches!(message, Message::User { .. })).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reader(ids: ToolIds) -> Reader<'static> {
        Reader { provider: "p", ids }
    }

    fn call(id: &str, name: &str, arguments: &str) -> ToolCall {
        ToolCall::new(id, name, arguments)
    }

    #[test]
    fn names_arguments_and_ids_are_what_providers_take() {
        let said = [
            Message::user("go"),
            Message::calling(None, vec![call("call_0", "run the calculator!", "{\"a\": 1")]),
            Message::tool("call_0", "no such tool"),
            Message::calling(None, vec![call("call_0", "add", "null"), call("functions.x:1", "add", "[1]")]),
            Message::tool("functions.x:1", "two"),
            Message::tool("call_0", "one"),
        ];
        let out = valid(&said, reader(ToolIds::Word));
        let (first, second) = (out[1].tool_calls(), out[3].tool_calls());
        assert_eq!(first[0].name, "run_the_calculator_");
        assert_eq!(first[0].arguments, "{\"invalid\":\"{\\\"a\\\": 1\"}");
        assert_eq!(
            (second[0].arguments.as_str(), second[1].arguments.as_str()),
            ("{}", "{\"invalid\":\"[1]\"}")
        );
        assert_ne!(first[0].id, second[0].id);
        let Message::Tool { tool_call_id, content, .. } = &out[4] else { panic!("{out:?}") };
        assert_eq!((tool_call_id, &*content.text()), (&second[0].id, "one"));
        assert!(out.len() == 6 && valid(&said, reader(ToolIds::Word)) == out);
    }

    #[test]
    fn nobody_speaks_twice_in_a_row_and_nothing_is_lost() {
        let said = [
            Message::system("s"),
            Message::user("a"),
            Message::user("b"),
            Message::assistant(""),
            Message::user("c"),
            Message::assistant("d"),
            Message::calling(Some("e".into()), vec![call("i", "t", "{}")]),
            Message::user("f"),
        ];
        let out = valid(&said, reader(ToolIds::Auto));
        let wanted = [
            Message::system("s"),
            Message::user("a\n\nb\n\nc"),
            Message::calling(Some("d\n\ne".into()), vec![call("i", "t", "{}")]),
            Message::tool("i", UNANSWERED),
            Message::user("f"),
        ];
        assert_eq!(out, wanted);
    }

    #[test]
    fn what_another_provider_attached_is_left_out() {
        let mut signed = call("i", "t", "{}");
        signed.extra.insert("signature".into(), "x".into());
        let said = |provider: &str| Message::Assistant {
            content: Some("a".into()),
            reasoning: "r".into(),
            tool_calls: vec![signed.clone()],
            provider: Some(provider.into()),
            extra: Map::from_iter([("details".to_owned(), "y".into())]),
        };
        let kept = |provider: &str| {
            let out = valid(&[said(provider)], reader(ToolIds::Auto));
            let Message::Assistant { extra, tool_calls, .. } = &out[0] else { panic!("{out:?}") };
            !extra.is_empty() && !tool_calls[0].extra.is_empty()
        };
        assert!(kept("p") && !kept("q"));
    }

    fn any_message() -> impl Strategy<Value = Message> {
        let id = || prop_oneof![Just("a"), Just("b"), Just("c.d:1"), Just("")];
        let calls = prop::collection::vec(
            (id(), "[a-z !é]{0,70}", prop_oneof![Just("{}"), Just("{"), Just("[1]"), Just("")]),
            0..3,
        );
        prop_oneof![
            "[a-z]{0,3}".prop_map(Message::user),
            "[a-z]{1,3}".prop_map(Message::system),
            (id(), "[a-z]{0,3}").prop_map(|(id, text)| Message::tool(id, text)),
            (prop::option::of("[a-z]{0,3}"), calls).prop_map(|(content, calls)| {
                let calls = calls.into_iter().map(|(id, name, arguments)| ToolCall::new(id, name, arguments));
                Message::calling(content, calls.collect())
            }),
        ]
    }

    proptest! {
        #[test]
        fn any_conversation_becomes_one_that_every_provider_takes(
            said in prop::collection::vec(any_message(), 0..12),
            ids in prop_oneof![Just(ToolIds::Word), Just(ToolIds::Nine)],
        ) {
            let out = valid(&said, reader(ids));
            let mut seen = BTreeSet::new();
            let mut open: Vec<String> = Vec::new();
            for (n, message) in out.iter().enumerate() {
                match message {
                    Message::Tool { tool_call_id, .. } => prop_assert_eq!(&open.remove(0), tool_call_id),
                    other => {
                        prop_assert!(open.is_empty());
                        let before = n.checked_sub(1).map(|n| &out[n]);
                        let twice = matches!((before, other), (Some(Message::User { .. }), Message::User { .. }));
                        prop_assert!(!twice);
                    }
                }
                if let Message::Assistant { content, tool_calls, .. } = message {
                    prop_assert!(content.is_some() || !tool_calls.is_empty());
                    for call in tool_calls {
                        prop_assert!(seen.insert(call.id.clone()) && is_word(&call.id) && is_word(&call.name));
                        prop_assert!(ids != ToolIds::Nine || call.id.len() == 9);
                        prop_assert!(serde_json::from_str::<Map<String, Value>>(&call.arguments).is_ok());
                        open.push(call.id.clone());
                    }
                }
            }
            prop_assert!(open.is_empty());
            prop_assert_eq!(&valid(&out, reader(ids)), &out);
        }
    }
}
