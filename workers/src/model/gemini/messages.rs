//! A conversation as the Gemini API reads it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::model::history::{self, Reader};
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
            Message::User { content } => ("user", vec![json!({"text": content})]),
            Message::Assistant { tool_calls, .. } => {
                calls.extend(tool_calls.iter().map(|call| (call.id.as_str(), call)));
                ("model", said(message, model))
            }
            Message::Tool { tool_call_id, content, images } => {
                let call = calls.get(tool_call_id.as_str());
                let name = call.map_or("unknown", |call| call.name.as_str());
                let mut response = json!({"name": name, "response": {"result": content}});
                if call.is_some_and(|call| call.extra.contains_key(ID_GIVEN)) {
                    response["id"] = json!(tool_call_id);
                }
                let shown = images
                    .iter()
                    .map(|image| json!({"inlineData": {"mimeType": image.media_type, "data": image.data}}));
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
