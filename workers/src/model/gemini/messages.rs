//! A conversation as the Gemini API reads it.

use std::collections::BTreeMap;

use runbus::session::{Content, Media, MediaSource, Part};
use serde_json::{Value, json};

use crate::model::history::{self, Reader};
use crate::model::parts;
use crate::model::quirks::Quirks;
use crate::model::{Message, ToolCall};

/// Where the signature of a call is kept, in its `extra`.
pub(super) const SIGNATURE: &str = "thought_signature";

/// Says, in a call's `extra`, that its id is the provider's own: others are not sent.
pub(super) const ID_GIVEN: &str = "id_given";

/// Where the signature of an answer's text is kept, in its message's `extra`.
pub(super) const TEXT_SIGNATURE: &str = "text_signature";

/// The signature that Google's manual names for calls of another model.
const NO_SIGNATURE: &str = "skip_thought_signature_validator";

/// The instructions, and the conversation.
pub(super) fn contents(
    messages: &[Message],
    provider: &str,
    quirks: &Quirks,
    model: &str,
) -> (String, Vec<Value>) {
    let valid = history::valid(messages, Reader { provider, ids: quirks.tool_ids });
    let mut system: Vec<&str> = Vec::new();
    let mut wire: Vec<(&str, Vec<Value>)> = Vec::new();
    let mut calls: BTreeMap<&str, &ToolCall> = BTreeMap::new();
    for message in &valid {
        let (role, parts) = match message {
            Message::System { content } => {
                system.push(content);
                continue;
            }
            Message::User { content } => ("user", said_by_user(content)),
            Message::Assistant { tool_calls, .. } => {
                calls.extend(tool_calls.iter().map(|call| (call.id.as_str(), call)));
                ("model", said(message, model))
            }
            Message::Tool { tool_call_id, content } => {
                let call = calls.get(tool_call_id.as_str());
                let name = call.map_or("unknown", |call| call.name.as_str());
                let mut response = json!({"name": name, "response": {"result": content.text()}});
                if call.is_some_and(|call| call.extra.contains_key(ID_GIVEN)) {
                    response["id"] = json!(tool_call_id);
                }
                let shown = content.media().map(medium);
                ("user", std::iter::once(json!({"functionResponse": response})).chain(shown).collect())
            }
        };
        match wire.last_mut() {
            Some((last, before)) if *last == role => before.extend(parts),
            _ => wire.push((role, parts)),
        }
    }
    let wire = wire.into_iter().map(|(role, parts)| json!({"role": role, "parts": parts}));
    (system.join("\n\n"), wire.collect())
}

fn said_by_user(content: &Content) -> Vec<Value> {
    if let Some(text) = parts::plain(content) {
        return vec![json!({"text": text})];
    }
    let part = |part: &Part| match part {
        Part::Text(text) => json!({"text": text}),
        Part::Media(media) => medium(media),
    };
    content.parts().iter().map(part).collect()
}

fn medium(media: &Media) -> Value {
    match &media.source {
        MediaSource::Data(data) => json!({"inlineData": {"mimeType": media.media_type(), "data": data}}),
        MediaSource::Url(url) => {
            let mut file = json!({"fileUri": url});
            if let Some(media_type) = &media.media_type {
                file["mimeType"] = json!(media_type);
            }
            json!({"fileData": file})
        }
    }
}

/// An answer's parts.
fn said(message: &Message, model: &str) -> Vec<Value> {
    let Message::Assistant { content, tool_calls, extra, .. } = message else { return Vec::new() };
    let mut parts = Vec::new();
    if let Some(text) = content {
        let mut part = json!({"text": text});
        if let Some(signature) = extra.get(TEXT_SIGNATURE) {
            part["thoughtSignature"] = signature.clone();
        }
        parts.push(part);
    }
    for (n, call) in tool_calls.iter().enumerate() {
        // The history has made an object of it.
        let args: Value = runbus::json::from_str(&call.arguments).unwrap_or_else(|_checked| json!({}));
        let mut part = json!({"functionCall": {"name": call.name, "args": args}});
        if call.extra.contains_key(ID_GIVEN) {
            part["functionCall"]["id"] = json!(call.id);
        }
        match call.extra.get(SIGNATURE) {
            Some(signature) => part["thoughtSignature"] = signature.clone(),
            // Gemini 3 refuses the first call of a turn without one.
            None if n == 0 && model.contains("gemini-3") => part["thoughtSignature"] = json!(NO_SIGNATURE),
            None => {}
        }
        parts.push(part);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_question_and_of_a_result_take_the_form_of_the_api() {
        let of = |part: Value| serde_json::from_value::<Media>(part).unwrap();
        let link = of(json!({"type": "file", "url": "gs://b/a.pdf", "media_type": "application/pdf"}));
        let sound = of(json!({"type": "audio", "media_type": "audio/wav", "data": "AAAA"}));
        let said = [
            Message::user(Content::with("Compare.", vec![link, sound.clone()])),
            Message::calling(None, vec![ToolCall::new("x", "a", "{}")]),
            Message::tool("x", Content::with("heard", vec![sound])),
        ];
        let (_, wire) = contents(&said, "p", &Quirks::default(), "m");
        let inline = json!({"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}});
        let wanted = json!([
            {"text": "Compare."},
            {"fileData": {"fileUri": "gs://b/a.pdf", "mimeType": "application/pdf"}},
            inline,
        ]);
        assert_eq!(wire[0]["parts"], wanted);
        assert_eq!(wire[2]["parts"][1], inline);
    }

    #[test]
    fn calls_of_another_model_go_on_without_its_ids_and_with_the_word_for_no_signature() {
        let foreign = Message::calling(
            Some("so".into()),
            vec![ToolCall::new("x", "a", "{}"), ToolCall::new("y", "b", "{}")],
        );
        let said = [Message::user("q"), foreign, Message::tool("x", "1"), Message::tool("y", "2")];
        let parts = |model: &str| contents(&said, "p", &Quirks::default(), model).1;
        let new = parts("gemini-3-pro");
        assert_eq!(new[1]["parts"][1]["thoughtSignature"], NO_SIGNATURE);
        assert!(new[1]["parts"][2].get("thoughtSignature").is_none());
        assert_eq!(
            new[2]["parts"][1],
            json!({"functionResponse": {"name": "b", "response": {"result": "2"}}})
        );
        assert!(parts("gemini-2.5-pro")[1]["parts"][1].get("thoughtSignature").is_none());
    }
}
