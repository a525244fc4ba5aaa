//! A conversation as a service reads it.

use serde_json::{Value, json};

use super::Message;

/// The messages in the wire form. Images of tools' results follow them as a user's message, the only one that takes images everywhere;
/// without `images` the model reads that they are not shown.
pub(super) fn messages(messages: &[Message], images: bool) -> Vec<Value> {
    let mut wire = Vec::with_capacity(messages.len());
    let mut parts: Vec<Value> = Vec::new();
    for message in messages {
        let Message::Tool { tool_call_id, content, images: shown } = message else {
            flush(&mut parts, &mut wire);
            wire.push(json!(message));
            continue;
        };
        if images || shown.is_empty() {
            wire.push(json!(Message::tool(tool_call_id, content)));
        } else {
            let content = content.replace(", attached]", ", not shown]");
            wire.push(json!(Message::tool(tool_call_id, content)));
        }
        for image in shown.iter().filter(|_| images) {
            let url = format!("data:{};base64,{}", image.media_type, image.data);
            parts.push(json!({"type": "text", "text": format!("An image of the result of {tool_call_id}:")}));
            parts.push(json!({"type": "image_url", "image_url": {"url": url}}));
        }
    }
    flush(&mut parts, &mut wire);
    wire
}

/// Every call is answered before anybody else speaks: images wait for the last answer of their turn.
fn flush(parts: &mut Vec<Value>, wire: &mut Vec<Value>) {
    if !parts.is_empty() {
        wire.push(json!({"role": "user", "content": std::mem::take(parts)}));
    }
}

#[cfg(test)]
mod tests {
    use runbus::session::Image;

    use super::*;

    #[test]
    fn images_follow_the_answers_of_their_turn() {
        let image = Image { media_type: "image/png".into(), data: "AAAA".into() };
        let shown = Message::Tool {
            tool_call_id: "a".into(),
            content: "[image image/png, 3 bytes, attached]".into(),
            images: vec![image],
        };
        let all = [Message::user("q"), shown, Message::tool("b", "plain"), Message::assistant("so")];
        let wire = messages(&all, true);
        let roles: Vec<&str> = wire.iter().map(|message| message["role"].as_str().unwrap()).collect();
        assert_eq!(roles, ["user", "tool", "tool", "user", "assistant"]);
        assert_eq!(wire[3]["content"][1]["image_url"]["url"], "data:image/png;base64,AAAA");
        assert!(wire[1].get("images").is_none());

        let wire = messages(&all, false);
        assert_eq!(wire.len(), 4);
        assert_eq!(wire[1]["content"], "[image image/png, 3 bytes, not shown]");
    }
}
