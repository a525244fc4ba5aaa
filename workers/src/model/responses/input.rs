//! A conversation as the Responses API reads it.

use serde_json::{Value, json};

use crate::model::Message;
use crate::model::abilities::Images;
use crate::model::history::{self, Reader};
use crate::model::quirks::{Quirks, ReasoningBack};

/// Where the items of an answer's reasoning are kept, in its message's `extra`.
pub(super) const ITEMS: &str = "reasoning_items";

/// The instructions, and the items of the conversation.
pub(super) fn input(messages: &[Message], provider: &str, quirks: &Quirks) -> (String, Vec<Value>) {
    let valid = history::valid(messages, Reader { provider, ids: quirks.tool_ids });
    let mut system: Vec<&str> = Vec::new();
    let mut items = Vec::new();
    for message in &valid {
        match message {
            Message::System { content } => system.push(content),
            Message::User { content } => items.push(json!({"role": "user", "content": content})),
            Message::Assistant { content, tool_calls, extra, .. } => {
                // Each item of reasoning must be followed by what it led to.
                let thoughts = extra.get(ITEMS).and_then(Value::as_array);
                let thoughts = thoughts.filter(|_| quirks.reasoning != ReasoningBack::Never);
                items.extend(thoughts.into_iter().flatten().cloned());
                if let Some(text) = content {
                    items.push(json!({"role": "assistant", "content": text}));
                }
                items.extend(tool_calls.iter().map(|call| {
                    json!({"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments})
                }));
            }
            Message::Tool { tool_call_id, content, images } => {
                let is_shown = quirks.images != Images::Never;
                let output = if images.is_empty() {
                    json!(content)
                } else if is_shown {
                    let shown = images.iter().map(|image| {
                        let url = format!("data:{};base64,{}", image.media_type, image.data);
                        json!({"type": "input_image", "image_url": url})
                    });
                    std::iter::once(json!({"type": "input_text", "text": content})).chain(shown).collect()
                } else {
                    json!(content.replace(", attached]", ", not shown]"))
                };
                items
                    .push(json!({"type": "function_call_output", "call_id": tool_call_id, "output": output}));
            }
        }
    }
    (system.join("\n\n"), items)
}
