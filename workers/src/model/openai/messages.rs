//! A conversation as a service with OpenAI's chat API reads it.

use runbus::session::{Content, Media, MediaKind, MediaSource, Part};
use serde_json::{Map, Value, json};

use crate::model::history::{self, Reader};
use crate::model::parts::{self, Takes};
use crate::model::quirks::{Asked, EmptyContent, Quirks, ReasoningBack, SystemRole};
use crate::model::{Message, ToolCall};

/// How it is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style<'a> {
    pub(super) reader: Reader<'a>,
    pub(super) system_role: SystemRole,
    pub(super) reasoning: ReasoningBack,
    pub(super) empty_content: EmptyContent,
}

/// Why a medium is not sent; `None`: it is.
pub(super) fn refusal(media: &Media, takes: Takes, quirks: &Quirks) -> Option<&'static str> {
    takes.refusal(media).or_else(|| parts::not_web(media)).or_else(|| match (media.kind, &media.source) {
        (MediaKind::Audio, MediaSource::Url(_)) => Some("the API takes audio as data, not by address"),
        (MediaKind::Audio, MediaSource::Data(_)) => {
            let is_known = ["mp3", "wav"].contains(&parts::audio_format(media));
            (!is_known && quirks.audio != Asked::Always).then_some("the API takes audio/wav and audio/mpeg")
        }
        (MediaKind::File, MediaSource::Url(_)) if quirks.files != Asked::Always => {
            Some("the API takes files as data, not by address")
        }
        _ => None,
    })
}

fn part(part: &Part) -> Value {
    match part {
        Part::Text(text) => json!({"type": "text", "text": text}),
        Part::Media(media) => medium(media),
    }
}

fn medium(media: &Media) -> Value {
    match (media.kind, &media.source) {
        (MediaKind::Image, _) => json!({"type": "image_url", "image_url": {"url": parts::address(media)}}),
        (MediaKind::Audio, MediaSource::Data(data)) => {
            json!({"type": "input_audio", "input_audio": {"data": data, "format": parts::audio_format(media)}})
        }
        (MediaKind::Audio | MediaKind::File, _) => {
            let file = json!({"filename": parts::file_name(media), "file_data": parts::address(media)});
            json!({"type": "file", "file": file})
        }
    }
}

/// A user's content: a text, where that is all.
fn said(content: &Content) -> Value {
    match parts::plain(content) {
        Some(text) => json!(text),
        None => content.parts().iter().map(part).collect(),
    }
}

/// The messages in the wire form. Media of tools' results follow them as a user's message, the only one that takes them everywhere.
pub(super) fn messages(messages: &[Message], style: Style<'_>) -> Vec<Value> {
    let mut valid = history::valid(messages, style.reader);
    if style.system_role == SystemRole::User {
        valid = instructed(valid);
    }
    let question = history::last_question(&valid);
    let mut wire = Vec::with_capacity(valid.len());
    let mut shown: Vec<Value> = Vec::new();
    for (at, message) in valid.iter().enumerate() {
        if !matches!(message, Message::Tool { .. }) {
            flush(&mut shown, &mut wire);
        }
        match message {
            Message::System { content } => {
                let role = if style.system_role == SystemRole::Developer { "developer" } else { "system" };
                wire.push(json!({"role": role, "content": content}));
            }
            Message::User { content } => wire.push(json!({"role": "user", "content": said(content)})),
            Message::Assistant { .. } => wire.push(assistant(message, at > question, style)),
            Message::Tool { tool_call_id, content } => {
                let result = json!({"role": "tool", "tool_call_id": tool_call_id, "content": content.text()});
                wire.push(result);
                for media in content.media() {
                    let about = format!("Of the result of {tool_call_id}: {media}");
                    shown.push(json!({"type": "text", "text": about}));
                    shown.push(medium(media));
                }
            }
        }
    }
    flush(&mut shown, &mut wire);
    wire
}

/// Every call is answered before anybody else speaks: media wait for the last answer of their turn.
fn flush(shown: &mut Vec<Value>, wire: &mut Vec<Value>) {
    if !shown.is_empty() {
        wire.push(json!({"role": "user", "content": std::mem::take(shown)}));
    }
}

/// The instructions in front of the first question, for models that take none from the system.
fn instructed(messages: Vec<Message>) -> Vec<Message> {
    let (system, mut rest): (Vec<_>, Vec<_>) =
        messages.into_iter().partition(|message| matches!(message, Message::System { .. }));
    let texts: Vec<String> = system
        .into_iter()
        .filter_map(|message| if let Message::System { content } = message { Some(content) } else { None })
        .collect();
    if texts.is_empty() {
        return rest;
    }
    let text = texts.join("\n\n");
    match rest.first_mut() {
        Some(Message::User { content: Content::Text(said) }) => *said = format!("{text}\n\n{said}"),
        Some(Message::User { content: Content::Parts(parts) }) => parts.insert(0, Part::Text(text)),
        _ => rest.insert(0, Message::user(text)),
    }
    rest
}

/// `is_recent`: it stands behind the last question.
fn assistant(message: &Message, is_recent: bool, style: Style<'_>) -> Value {
    let Message::Assistant { content, reasoning, tool_calls, extra, provider } = message else {
        return Value::Null;
    };
    let content = match content {
        Some(text) => json!(text),
        None if style.empty_content == EmptyContent::Null => Value::Null,
        None => json!(""),
    };
    let mut wire = json!({"role": "assistant", "content": content});
    if !tool_calls.is_empty() {
        wire["tool_calls"] = tool_calls.iter().map(call).collect();
    }
    let is_own = provider.as_deref() == Some(style.reader.provider);
    let goes_back = match style.reasoning {
        ReasoningBack::Never => false,
        ReasoningBack::Auto | ReasoningBack::Rounds => is_recent && is_own && !tool_calls.is_empty(),
        ReasoningBack::Always => true,
    };
    if goes_back {
        if let Some(details) = extra.get("reasoning_details").and_then(Value::as_array) {
            wire["reasoning_details"] = merged(details).into();
        }
        // The details say the same; two copies are refused by some.
        if wire.get("reasoning_details").is_none()
            && (!reasoning.is_empty() || style.reasoning == ReasoningBack::Always)
        {
            let name = extra.get("reasoning_field").and_then(Value::as_str).unwrap_or("reasoning_content");
            wire[name] = json!(reasoning);
        }
    }
    wire
}

fn call(call: &ToolCall) -> Value {
    let mut wire = json!({
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments},
    });
    // Gemini's service wants its signature back with the call.
    if let Some(content) = call.extra.get("extra_content") {
        wire["extra_content"] = content.clone();
    }
    wire
}

/// Pieces of a stream as the blocks that they are parts of: text and data are put together, the rest is the last one's.
fn merged(details: &[Value]) -> Vec<Value> {
    let mut blocks: Vec<Map<String, Value>> = Vec::new();
    for piece in details.iter().filter_map(Value::as_object) {
        let same = |block: &&mut Map<String, Value>| {
            ["type", "index", "format"].iter().all(|name| match (block.get(*name), piece.get(*name)) {
                (Some(a), Some(b)) => a == b,
                _ => *name != "type",
            })
        };
        let Some(block) = blocks.last_mut().filter(same) else {
            blocks.push(piece.clone());
            continue;
        };
        for (name, value) in piece {
            match (name.as_str(), block.get_mut(name), value) {
                ("text" | "summary" | "data", Some(Value::String(before)), Value::String(more)) => {
                    before.push_str(more);
                }
                (_, Some(before), value) if !value.is_null() => *before = value.clone(),
                (_, Some(_), _) => {}
                (_, None, value) => {
                    block.insert(name.clone(), value.clone());
                }
            }
        }
    }
    blocks.into_iter().map(Value::Object).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::quirks::ToolIds;

    fn style() -> Style<'static> {
        Style {
            reader: Reader { provider: "p", ids: ToolIds::Auto },
            system_role: SystemRole::Auto,
            reasoning: ReasoningBack::Auto,
            empty_content: EmptyContent::Auto,
        }
    }

    #[test]
    fn images_follow_the_answers_of_their_turn() {
        let image = Media::new("image/png", "AAAA").unwrap();
        let shown = Message::tool("a", Content::with("[image image/png, 3 bytes, attached]", vec![image]));
        let calls = vec![ToolCall::new("a", "look", "{}"), ToolCall::new("b", "look", "{}")];
        let all = [
            Message::user("q"),
            Message::calling(None, calls),
            shown,
            Message::tool("b", "plain"),
            Message::assistant("so"),
        ];
        let wire = messages(&all, style());
        let roles: Vec<&str> = wire.iter().map(|message| message["role"].as_str().unwrap()).collect();
        assert_eq!(roles, ["user", "assistant", "tool", "tool", "user", "assistant"]);
        assert_eq!(wire[4]["content"][1]["image_url"]["url"], "data:image/png;base64,AAAA");
        assert_eq!(wire[2]["content"], "[image image/png, 3 bytes, attached]");
    }

    #[test]
    fn parts_of_a_question_take_the_form_of_the_api() {
        let parts = vec![
            Part::Text("Compare.".into()),
            Part::Media(serde_json::from_value(json!({"type": "image", "url": "https://h/i"})).unwrap()),
            Part::Media(Media::new("audio/mpeg", "AAAA").unwrap()),
            Part::Media(Media::new("application/pdf", "AAAA").unwrap()),
        ];
        let wire = messages(&[Message::user(Content::Parts(parts)), Message::user("Go.")], style());
        let wanted = json!([
            {"type": "text", "text": "Compare."},
            {"type": "image_url", "image_url": {"url": "https://h/i"}},
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
            {"type": "file", "file": {"filename": "file.pdf", "file_data": "data:application/pdf;base64,AAAA"}},
            {"type": "text", "text": "Go."},
        ]);
        assert_eq!(wire, [json!({"role": "user", "content": wanted})]);
        let texts = Content::Parts(vec![Part::Text("a".into()), Part::Text("b".into())]);
        assert_eq!(messages(&[Message::user(texts)], style())[0]["content"], "a\n\nb");
    }

    #[test]
    fn media_that_the_api_has_no_form_for_are_refused() {
        let of = |part: Value| serde_json::from_value::<Media>(part).unwrap();
        let url = |kind: &str| of(json!({"type": kind, "url": "https://h"}));
        let flac = of(json!({"type": "audio", "media_type": "audio/flac", "data": "AAAA"}));
        let all = Quirks { audio: Asked::Always, files: Asked::Always, ..Quirks::unknown() };
        for (media, unknown, always) in [
            (url("image"), true, true),
            (url("audio"), false, false),
            (url("file"), false, true),
            (flac, false, true),
            (of(json!({"type": "image", "url": "gs://b/i"})), false, false),
        ] {
            let takes = |quirks: &Quirks| refusal(&media, Takes::of(quirks), quirks).is_none();
            assert_eq!((takes(&Quirks::unknown()), takes(&all)), (unknown, always), "{media}");
        }
    }

    fn thought(provider: &str) -> [Message; 4] {
        let mut call = ToolCall::new("a", "look", "{}");
        call.extra.insert("extra_content".into(), json!({"google": {"thought_signature": "s"}}));
        let said = Message::Assistant {
            content: None,
            reasoning: "hm".into(),
            tool_calls: vec![call],
            provider: Some(provider.into()),
            extra: Map::from_iter([("reasoning_field".to_owned(), json!("reasoning_content"))]),
        };
        [Message::user("q"), said, Message::tool("a", "r"), Message::user("and?")]
    }

    #[test]
    fn reasoning_goes_back_to_its_provider_between_calls_and_elsewhere_as_configured() {
        use ReasoningBack::{Always, Auto, Never, Rounds};
        for (provider, reasoning, in_round, later) in [
            ("p", Auto, true, false),
            ("p", Rounds, true, false),
            ("p", Never, false, false),
            ("p", Always, true, true),
            ("other", Auto, false, false),
        ] {
            let said = thought(provider);
            let style = Style { reasoning, ..style() };
            let sent = |upto: usize| messages(&said[..upto], style)[1].get("reasoning_content").is_some();
            assert_eq!((sent(3), sent(4)), (in_round, later), "{provider} {reasoning:?}");
            let signed = messages(&said, style)[1]["tool_calls"][0].get("extra_content").is_some();
            assert_eq!(signed, provider == "p");
        }
    }

    #[test]
    fn details_in_pieces_become_blocks() {
        let pieces = [
            json!({"type": "reasoning.text", "text": "a", "index": 0, "signature": null}),
            json!({"type": "reasoning.text", "text": "b", "index": 0}),
            json!({"type": "reasoning.text", "signature": "s", "index": 0}),
            json!({"type": "reasoning.encrypted", "data": "x", "index": 1}),
        ];
        let blocks = [
            json!({"type": "reasoning.text", "text": "ab", "index": 0, "signature": "s"}),
            json!({"type": "reasoning.encrypted", "data": "x", "index": 1}),
        ];
        assert_eq!(merged(&pieces), blocks);
    }

    #[test]
    fn instructions_take_the_role_that_the_service_knows() {
        let said = [Message::system("s"), Message::user("u")];
        let with = |system_role| messages(&said, Style { system_role, ..style() });
        assert_eq!(with(SystemRole::Developer)[0]["role"], "developer");
        assert_eq!(with(SystemRole::User), [json!({"role": "user", "content": "s\n\nu"})]);
    }
}
