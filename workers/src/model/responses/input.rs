//! A conversation as the Responses API reads it.

use std::borrow::Cow;

use runbus::session::{Content, Media, MediaKind, MediaSource, Part};
use serde_json::{Map, Value, json};

use crate::model::history::{self, Reader};
use crate::model::parts::{self, Takes};
use crate::model::quirks::{Asked, Quirks, ReasoningBack};
use crate::model::{Message, ToolCall};

/// Where the order of an answer's items is kept, in its message's `extra`: reasoning as it is, a message by its length, a call by its turn.
pub(super) const ITEMS: &str = "output_items";

/// Where earlier versions kept the items of reasoning alone.
const THOUGHTS: &str = "reasoning_items";

/// The instructions, and the items of the conversation.
pub(super) fn input(messages: &[Message], provider: &str, quirks: &Quirks) -> (String, Vec<Value>) {
    let valid = history::valid(messages, Reader { provider, ids: quirks.tool_ids });
    let thinks = quirks.reasoning != ReasoningBack::Never;
    let mut system: Vec<&str> = Vec::new();
    let mut items = Vec::new();
    for message in &valid {
        match message {
            Message::System { content } => system.push(content),
            Message::User { content } => items.push(json!({"role": "user", "content": said(content)})),
            Message::Assistant { content, tool_calls, extra, .. } => {
                items.extend(answer(content.as_deref().unwrap_or_default(), tool_calls, extra, thinks));
            }
            Message::Tool { tool_call_id, content } => {
                let output =
                    json!({"type": "function_call_output", "call_id": tool_call_id, "output": said(content)});
                items.push(output);
            }
        }
    }
    (system.join("\n\n"), items)
}

/// The items of an answer, in the order in which they came: an item of reasoning is followed by its consequence, and the API checks that.
fn answer(content: &str, calls: &[ToolCall], extra: &Map<String, Value>, thinks: bool) -> Vec<Value> {
    let list = |name: &str| extra.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if let Some(items) = in_order(list(ITEMS), content, calls, thinks) {
        return items;
    }
    let thoughts = list(ITEMS).iter().filter(|item| is_thought(item)).chain(list(THOUGHTS));
    let mut items: Vec<Value> = thoughts.filter(|_| thinks).cloned().collect();
    items.extend((!content.is_empty()).then(|| message(content)));
    items.extend(calls.iter().map(call));
    items
}

/// The items as they were kept; `None`: they do not fit the message.
fn in_order(kept: &[Value], content: &str, calls: &[ToolCall], thinks: bool) -> Option<Vec<Value>> {
    let (mut rest, mut calls) = (content, calls.iter());
    let mut items = Vec::with_capacity(kept.len());
    for item in kept {
        match item["type"].as_str()? {
            "message" => {
                let bytes = usize::try_from(item["bytes"].as_u64()?).ok()?;
                let (piece, after) = rest.split_at_checked(bytes)?;
                rest = after;
                if !piece.is_empty() {
                    items.push(message(piece));
                }
            }
            "function_call" => items.push(call(calls.next()?)),
            _ if thinks => items.push(item.clone()),
            _ => {}
        }
    }
    // Nothing follows from it: the API refuses it.
    while items.last().is_some_and(is_thought) {
        items.pop();
    }
    (rest.is_empty() && calls.next().is_none() && !items.is_empty()).then_some(items)
}

fn is_thought(item: &Value) -> bool {
    item["type"] == "reasoning"
}

fn message(text: &str) -> Value {
    json!({"role": "assistant", "content": text})
}

fn call(call: &ToolCall) -> Value {
    json!({"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments})
}

/// Why a medium is not sent; `None`: it is.
pub(super) fn refusal(media: &Media, quirks: &Quirks) -> Option<&'static str> {
    Takes::of(quirks).refusal(media).or_else(|| parts::not_web(media)).or_else(|| match media.kind {
        MediaKind::Audio if quirks.audio != Asked::Always => Some("the API takes no audio"),
        MediaKind::Audio if matches!(media.source, MediaSource::Url(_)) => {
            Some("the API takes audio as data, not by address")
        }
        _ => None,
    })
}

/// A content: a text, where that is all.
fn said(content: &Content) -> Value {
    if let Some(text) = parts::plain(content) {
        return json!(text);
    }
    let part = |part: &Part| match part {
        Part::Text(text) => json!({"type": "input_text", "text": text}),
        Part::Media(media) => medium(media),
    };
    content.parts().iter().map(part).collect()
}

fn medium(media: &Media) -> Value {
    match (media.kind, &media.source) {
        (MediaKind::Image, _) => json!({"type": "input_image", "image_url": parts::address(media)}),
        (MediaKind::Audio, MediaSource::Data(data)) => {
            json!({"type": "input_audio", "input_audio": {"data": data, "format": parts::audio_format(media)}})
        }
        (_, MediaSource::Url(url)) => json!({"type": "input_file", "file_url": url}),
        (_, MediaSource::Data(_)) => {
            let (name, data): (Cow<'_, str>, _) = (parts::file_name(media), parts::address(media));
            json!({"type": "input_file", "filename": name, "file_data": data})
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thought(id: &str) -> Value {
        json!({"type": "reasoning", "id": id, "summary": [], "encrypted_content": "x"})
    }

    fn sent(extra: &Value, calls: usize) -> Vec<Value> {
        let calls = (0..calls).map(|n| ToolCall::new(format!("c{n}"), "t", "{}"));
        let said = Message::Assistant {
            content: Some("ab".into()),
            reasoning: String::new(),
            tool_calls: calls.collect(),
            provider: Some("p".into()),
            extra: extra.as_object().unwrap().clone(),
        };
        let items = input(&[Message::user("q"), said], "p", &Quirks::default()).1;
        items.into_iter().skip(1).filter(|item| item["type"] != "function_call_output").collect()
    }

    #[test]
    fn the_items_of_an_answer_go_back_in_their_order() {
        let kept = json!([thought("1"), {"type": "function_call"}, thought("2"), {"type": "message", "bytes": 2}, thought("3"), {"type": "function_call"}]);
        let items = sent(&json!({ITEMS: kept}), 2);
        let wanted = [
            thought("1"),
            call(&ToolCall::new("c0", "t", "{}")),
            thought("2"),
            message("ab"),
            thought("3"),
            call(&ToolCall::new("c1", "t", "{}")),
        ];
        assert_eq!(items, wanted);
    }

    #[test]
    fn reasoning_that_led_to_nothing_stays_out() {
        let kept = json!([thought("1"), {"type": "message", "bytes": 2}, thought("2")]);
        assert_eq!(sent(&json!({ITEMS: kept}), 0), [thought("1"), message("ab")]);
    }

    #[test]
    fn items_of_earlier_journals_and_of_another_text_stand_in_front() {
        let other = json!([thought("1"), {"type": "message", "bytes": 9}]);
        for extra in [json!({THOUGHTS: [thought("1")]}), json!({ITEMS: other})] {
            assert_eq!(sent(&extra, 0), [thought("1"), message("ab")], "{extra}");
        }
    }

    #[test]
    fn parts_of_a_question_take_the_form_of_the_api() {
        let of = |part: Value| serde_json::from_value::<Media>(part).unwrap();
        let media = vec![
            of(json!({"type": "image", "url": "https://h/i"})),
            of(json!({"type": "file", "url": "https://h/a.pdf"})),
            of(json!({"type": "file", "media_type": "application/pdf", "data": "AAAA", "name": "a.pdf"})),
        ];
        let asked = Message::user(Content::with("Compare.", media));
        let items = input(&[asked], "p", &Quirks::default()).1;
        let wanted = json!([
            {"type": "input_text", "text": "Compare."},
            {"type": "input_image", "image_url": "https://h/i"},
            {"type": "input_file", "file_url": "https://h/a.pdf"},
            {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"},
        ]);
        assert_eq!(items[0]["content"], wanted);
        let audio = of(json!({"type": "audio", "media_type": "audio/wav", "data": "AAAA"}));
        let all = Quirks { audio: Asked::Always, ..Quirks::unknown() };
        assert!(refusal(&audio, &Quirks::default()).is_some() && refusal(&audio, &all).is_none());
    }
}
