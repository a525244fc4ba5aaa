//! A conversation as Anthropic's Messages API reads it.

use runbus::session::Image;
use serde_json::{Value, json};

use crate::model::history::{self, Reader};
use crate::model::quirks::{Quirks, ToolIds};
use crate::model::{Message, ToolCall};

/// Where the order of an answer's blocks is kept, in a message's `extra`.
pub(super) const BLOCKS: &str = "anthropic_blocks";

/// The text where the API wants one and there is none.
const EMPTY: &str = "(empty)";

/// The instructions, and the conversation. `thinks`: blocks of thinking go back.
pub(super) fn messages(
    messages: &[Message],
    provider: &str,
    quirks: &Quirks,
    thinks: bool,
) -> (String, Vec<Value>) {
    let ids = if quirks.tool_ids == ToolIds::Auto { ToolIds::Word } else { quirks.tool_ids };
    let valid = history::valid(messages, Reader { provider, ids });
    let mut system: Vec<&str> = Vec::new();
    let mut wire: Vec<(&str, Vec<Value>)> = Vec::new();
    for message in &valid {
        let (role, blocks) = match message {
            Message::System { content } => {
                system.push(content);
                continue;
            }
            Message::User { content } => ("user", vec![text(content)]),
            Message::Assistant { .. } => ("assistant", assistant(message, thinks)),
            Message::Tool { tool_call_id, content, images } => {
                let mut parts = vec![text(content)];
                parts.extend(images.iter().map(image));
                let result = json!({"type": "tool_result", "tool_use_id": tool_call_id, "content": parts});
                ("user", vec![result])
            }
        };
        match wire.last_mut() {
            // The answers of a turn, and what is said behind them, are one message.
            Some((last, before)) if *last == role => before.extend(blocks),
            _ => wire.push((role, blocks)),
        }
    }
    let wire = wire.into_iter().map(|(role, content)| json!({"role": role, "content": content}));
    (system.join("\n\n"), wire.collect())
}

fn text(content: &str) -> Value {
    json!({"type": "text", "text": if content.trim().is_empty() { EMPTY } else { content }})
}

fn image(image: &Image) -> Value {
    let source = json!({"type": "base64", "media_type": image.media_type, "data": image.data});
    json!({"type": "image", "source": source})
}

fn call(call: &ToolCall) -> Value {
    // The history has made an object of it.
    let input: Value = runbus::json::from_str(&call.arguments).unwrap_or_else(|_checked| json!({}));
    json!({"type": "tool_use", "id": call.id, "name": call.name, "input": input})
}

/// An answer's blocks, in the order in which they came: the API checks it.
fn assistant(message: &Message, thinks: bool) -> Vec<Value> {
    let Message::Assistant { content, tool_calls, extra, .. } = message else { return Vec::new() };
    let content = content.as_deref().unwrap_or_default();
    let kept = extra.get(BLOCKS).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if let Some(blocks) = in_order(kept, content, tool_calls, thinks) {
        return blocks;
    }
    let said = (!content.is_empty()).then(|| text(content));
    said.into_iter().chain(tool_calls.iter().map(call)).collect()
}

/// The blocks as they were kept; `None`: they do not fit the message.
fn in_order(kept: &[Value], content: &str, calls: &[ToolCall], thinks: bool) -> Option<Vec<Value>> {
    let (mut rest, mut calls) = (content, calls.iter());
    let mut blocks = Vec::with_capacity(kept.len());
    for block in kept {
        match block["type"].as_str()? {
            "text" => {
                let bytes = usize::try_from(block["bytes"].as_u64()?).ok()?;
                let (piece, after) = rest.split_at_checked(bytes)?;
                rest = after;
                if !piece.trim().is_empty() {
                    blocks.push(text(piece));
                }
            }
            "tool_use" => blocks.push(call(calls.next()?)),
            "thinking" | "redacted_thinking" if !thinks => {}
            _ => blocks.push(block.clone()),
        }
    }
    (rest.is_empty() && calls.next().is_none() && !blocks.is_empty()).then_some(blocks)
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;

    fn said(provider: &str) -> Message {
        let blocks = json!([
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "text", "bytes": 2},
            {"type": "redacted_thinking", "data": "d"},
            {"type": "tool_use"},
        ]);
        Message::Assistant {
            content: Some("ab".into()),
            reasoning: "hm".into(),
            tool_calls: vec![ToolCall::new("i", "t", "{}")],
            provider: Some(provider.into()),
            extra: Map::from_iter([(BLOCKS.to_owned(), blocks)]),
        }
    }

    #[test]
    fn thinking_goes_back_signed_and_in_its_place() {
        let types = |provider: &str, thinks| {
            let (_, wire) = messages(&[Message::user("q"), said(provider)], "p", &Quirks::default(), thinks);
            let blocks = wire[1]["content"].as_array().unwrap();
            blocks.iter().map(|block| block["type"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(types("p", true), ["thinking", "text", "redacted_thinking", "tool_use"]);
        assert_eq!(types("p", false), ["text", "tool_use"]);
        assert_eq!(types("other", true), ["text", "tool_use"]);
    }

    #[test]
    fn images_of_results_and_empty_texts_are_what_the_api_takes() {
        let shown = Message::Tool {
            tool_call_id: "i".into(),
            content: String::new(),
            images: vec![Image { media_type: "image/png".into(), data: "AAAA".into() }],
        };
        let (_, wire) = messages(&[Message::user(""), said("other"), shown], "p", &Quirks::default(), false);
        assert_eq!(wire[0]["content"][0]["text"], EMPTY);
        let parts = &wire[2]["content"][0]["content"];
        assert_eq!((&parts[0]["text"], &parts[1]["source"]["data"]), (&json!(EMPTY), &json!("AAAA")));
    }
}
