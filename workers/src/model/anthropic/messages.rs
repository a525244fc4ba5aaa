//! A conversation as Anthropic's Messages API reads it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use runbus::session::{Content, Media, MediaKind, MediaSource, Part};
use serde_json::{Value, json};

use crate::model::history::{self, Reader};
use crate::model::parts::{self, Takes};
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
            Message::User { content } => ("user", said(content)),
            Message::Assistant { .. } => ("assistant", assistant(message, thinks)),
            Message::Tool { tool_call_id, content } => {
                let result =
                    json!({"type": "tool_result", "tool_use_id": tool_call_id, "content": said(content)});
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

/// Types of images that the API takes as data.
const IMAGES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

/// Why a medium is not sent; `None`: it is.
pub(super) fn refusal(media: &Media, quirks: &Quirks) -> Option<&'static str> {
    Takes::of(quirks).refusal(media).or_else(|| parts::not_web(media)).or_else(|| {
        match (media.kind, &media.source) {
            (MediaKind::Audio, _) => Some("the API takes no audio"),
            (MediaKind::Image, MediaSource::Data(_)) => (!IMAGES.contains(&media.media_type()))
                .then_some("the API takes images of the types image/jpeg, image/png, image/gif, image/webp"),
            (MediaKind::File, MediaSource::Data(data)) => (media.media_type() != PDF
                && text_of(media, data).is_none())
            .then_some("the API takes files of the type application/pdf, and texts in UTF-8"),
            (MediaKind::Image | MediaKind::File, MediaSource::Url(_)) => None,
        }
    })
}

const PDF: &str = "application/pdf";

/// The text of a text file.
fn text_of(media: &Media, data: &str) -> Option<String> {
    let is_text = media.media_type().starts_with("text/");
    is_text.then(|| STANDARD.decode(data).ok()).flatten().and_then(|bytes| String::from_utf8(bytes).ok())
}

/// The blocks of a content: at least one.
fn said(content: &Content) -> Vec<Value> {
    if let Some(plain) = parts::plain(content) {
        return vec![text(&plain)];
    }
    let block = |part: &Part| match part {
        Part::Text(said) => (!said.trim().is_empty()).then(|| text(said)),
        Part::Media(media) => Some(medium(media)),
    };
    content.parts().iter().filter_map(block).collect()
}

fn medium(media: &Media) -> Value {
    let source = match &media.source {
        MediaSource::Url(url) => json!({"type": "url", "url": url}),
        MediaSource::Data(data) => match text_of(media, data).filter(|_| media.kind == MediaKind::File) {
            Some(text) => json!({"type": "text", "media_type": "text/plain", "data": text}),
            None => json!({"type": "base64", "media_type": media.media_type(), "data": data}),
        },
    };
    if media.kind == MediaKind::Image {
        return json!({"type": "image", "source": source});
    }
    let mut block = json!({"type": "document", "source": source});
    if let Some(name) = &media.name {
        block["title"] = json!(name);
    }
    block
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
        let shown = Message::tool("i", Content::with("", vec![Media::new("image/png", "AAAA").unwrap()]));
        let (_, wire) = messages(&[Message::user(""), said("other"), shown], "p", &Quirks::default(), false);
        assert_eq!(wire[0]["content"][0]["text"], EMPTY);
        let parts = &wire[2]["content"][0]["content"];
        assert_eq!((parts.as_array().unwrap().len(), &parts[0]["source"]["data"]), (1, &json!("AAAA")));
        let (_, wire) = messages(
            &[Message::user("q"), said("other"), Message::tool("i", "")],
            "p",
            &Quirks::default(),
            false,
        );
        assert_eq!(wire[2]["content"][0]["content"][0]["text"], EMPTY);
    }

    #[test]
    fn parts_of_a_question_take_the_form_of_the_api() {
        let of = |part: Value| Part::Media(serde_json::from_value::<Media>(part).unwrap());
        let parts = vec![
            Part::Text("Compare.".into()),
            of(json!({"type": "image", "url": "https://h/i"})),
            of(json!({"type": "file", "media_type": "application/pdf", "data": "AAAA", "name": "a.pdf"})),
            of(json!({"type": "file", "media_type": "text/csv", "data": "YSxi"})),
        ];
        let asked = [Message::user(Content::Parts(parts.clone()))];
        let (_, wire) = messages(&asked, "p", &Quirks::default(), false);
        let wanted = json!([
            {"type": "text", "text": "Compare."},
            {"type": "image", "source": {"type": "url", "url": "https://h/i"}},
            {"type": "document", "title": "a.pdf",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "a,b"}},
        ]);
        assert_eq!(wire[0]["content"], wanted);
        let refused =
            |part: Value| refusal(&serde_json::from_value(part).unwrap(), &Quirks::default()).is_some();
        assert!(refused(json!({"type": "audio", "media_type": "audio/wav", "data": "AAAA"})));
        assert!(refused(json!({"type": "image", "media_type": "image/tiff", "data": "AAAA"})));
        assert!(refused(json!({"type": "file", "media_type": "application/zip", "data": "AAAA"})));
        assert!(!parts.iter().any(|part| match part {
            Part::Media(media) => refusal(media, &Quirks::default()).is_some(),
            Part::Text(_) => false,
        }));
    }
}
