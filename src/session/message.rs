//! The messages of a conversation, in the OpenAI wire form.
//!
//! The journal holds them in this form too: a message sent to the provider can be read back years later.

use serde::{Deserialize, Serialize};

/// An image of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Image {
    /// Its type, as in `image/png`.
    pub media_type: String,
    /// Its bytes in base64.
    pub data: String,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "role", rename_all = "lowercase")]
pub enum Message {
    /// Instructions that stand above the conversation.
    System {
        /// The instructions.
        content: String,
    },
    /// The message of a person or a calling program.
    User {
        /// The text.
        content: String,
    },
    /// The message of the model.
    Assistant {
        /// The text; `None` when the model only called tools.
        #[serde(default)]
        content: Option<String>,
        /// The calls that must each be answered by a [`Message::Tool`] before the next turn.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<ToolCall>,
    },
    /// The answer to one tool call.
    Tool {
        /// The id of the [`ToolCall`] that this answers.
        tool_call_id: String,
        /// The result, or the error's text.
        content: String,
        /// Images that belong to the result.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        images: Vec<Image>,
    },
}

impl Message {
    /// A system message.
    pub fn system(content: impl Into<String>) -> Self {
        Self::System { content: content.into() }
    }

    /// A user message.
    pub fn user(content: impl Into<String>) -> Self {
        Self::User { content: content.into() }
    }

    /// An assistant message with text only.
    pub fn assistant(content: impl Into<String>) -> Self {
        Self::Assistant { content: Some(content.into()), tool_calls: Vec::new() }
    }

    /// The answer to the tool call `tool_call_id`.
    pub fn tool(tool_call_id: impl Into<String>, content: impl Into<String>) -> Self {
        Self::Tool { tool_call_id: tool_call_id.into(), content: content.into(), images: Vec::new() }
    }

    /// The tool calls of an assistant message; empty for every other one.
    pub fn tool_calls(&self) -> &[ToolCall] {
        match self {
            Self::Assistant { tool_calls, .. } => tool_calls,
            _ => &[],
        }
    }
}

/// A model's wish to run one tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(into = "WireCall", from = "WireCall")]
pub struct ToolCall {
    /// Identifies the call within its conversation; chosen by the provider.
    pub id: String,
    /// The tool's name, as the model wrote it: the tool may not exist.
    pub name: String,
    /// The arguments as the model wrote them: meant to be a JSON object, but not checked.
    pub arguments: String,
}

/// The nested form of a tool call on the wire.
#[derive(Serialize, Deserialize, schemars::JsonSchema)]
struct WireCall {
    id: String,
    #[serde(rename = "type", default = "function")]
    kind: String,
    function: WireFunction,
}

#[derive(Serialize, Deserialize, schemars::JsonSchema)]
struct WireFunction {
    name: String,
    #[serde(default)]
    arguments: String,
}

fn function() -> String {
    "function".to_owned()
}

impl From<ToolCall> for WireCall {
    fn from(call: ToolCall) -> Self {
        let function_ = WireFunction { name: call.name, arguments: call.arguments };
        Self { id: call.id, kind: function(), function: function_ }
    }
}

impl From<WireCall> for ToolCall {
    fn from(wire: WireCall) -> Self {
        Self { id: wire.id, name: wire.function.name, arguments: wire.function.arguments }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_wire_form_of_the_openai_api() {
        let call = ToolCall { id: "c1".into(), name: "f".into(), arguments: "{}".into() };
        let messages = vec![
            Message::system("s"),
            Message::user("u"),
            Message::Assistant { content: None, tool_calls: vec![call] },
            Message::tool("c1", "r"),
            Message::assistant("a"),
        ];
        let wire = serde_json::json!([
            {"role": "system", "content": "s"},
            {"role": "user", "content": "u"},
            {"role": "assistant", "content": null, "tool_calls":
                [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "r"},
            {"role": "assistant", "content": "a"},
        ]);
        assert_eq!(serde_json::to_value(&messages).unwrap(), wire);
        assert_eq!(serde_json::from_value::<Vec<Message>>(wire).unwrap(), messages);
    }

    #[test]
    fn reads_an_assistant_message_without_content() {
        let message: Message = serde_json::from_str(r#"{"role":"assistant"}"#).unwrap();
        assert_eq!(message, Message::Assistant { content: None, tool_calls: vec![] });
    }
}
