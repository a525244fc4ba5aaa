//! The messages of a conversation, in no provider's form.
//!
//! The journal holds them in this form. Journals of earlier versions have calls in the wire form of OpenAI's chat API:
//! both are read, one is written.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::part::Content;

/// Data of a provider, unchanged.
// A schema of its own: generators make a nested one in a variant twice.
#[derive(schemars::JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Extra(Map<String, Value>);

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
        /// A text, or parts.
        content: Content,
    },
    /// The message of the model.
    Assistant {
        /// The text; `None` when the model only called tools.
        #[serde(default)]
        content: Option<String>,
        /// The reasoning that the provider disclosed.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reasoning: String,
        /// The calls that must each be answered by a [`Message::Tool`] before the next turn.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<ToolCall>,
        /// The provider that answered: nobody else gets `extra` back, nor that of the calls.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provider: Option<String>,
        /// Data that the provider attached to its answer, unchanged.
        #[serde(default, skip_serializing_if = "Map::is_empty")]
        #[schemars(with = "Extra")]
        extra: Map<String, Value>,
    },
    /// The answer to one tool call.
    Tool {
        /// The id of the [`ToolCall`] that this answers.
        tool_call_id: String,
        /// The result, or the error's text; parts, if media belong to it.
        content: Content,
    },
}

impl Message {
    /// A system message.
    pub fn system(content: impl Into<String>) -> Self {
        Self::System { content: content.into() }
    }

    /// A user message.
    pub fn user(content: impl Into<Content>) -> Self {
        Self::User { content: content.into() }
    }

    /// An assistant message with text only.
    pub fn assistant(content: impl Into<String>) -> Self {
        Self::calling(Some(content.into()), Vec::new())
    }

    /// An assistant message with calls.
    #[must_use]
    pub fn calling(content: Option<String>, tool_calls: Vec<ToolCall>) -> Self {
        Self::Assistant { content, reasoning: String::new(), tool_calls, provider: None, extra: Map::new() }
    }

    /// The answer to the tool call `tool_call_id`.
    pub fn tool(tool_call_id: impl Into<String>, content: impl Into<Content>) -> Self {
        Self::Tool { tool_call_id: tool_call_id.into(), content: content.into() }
    }

    /// The content of a message that may have media: a user's, or a tool's.
    pub const fn content(&self) -> Option<&Content> {
        match self {
            Self::User { content } | Self::Tool { content, .. } => Some(content),
            Self::System { .. } | Self::Assistant { .. } => None,
        }
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct ToolCall {
    /// Identifies the call within its conversation; chosen by the provider.
    pub id: String,
    /// The tool's name, as the model wrote it: the tool may not exist.
    pub name: String,
    /// The arguments as the model wrote them: meant to be a JSON object, but not checked.
    pub arguments: String,
    /// Data that the provider attached to the call, unchanged.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

impl ToolCall {
    /// A call with nothing attached.
    pub fn new(id: impl Into<String>, name: impl Into<String>, arguments: impl Into<String>) -> Self {
        Self { id: id.into(), name: name.into(), arguments: arguments.into(), extra: Map::new() }
    }
}

/// A call as any version wrote it.
#[derive(Deserialize)]
struct AnyCall {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    arguments: String,
    #[serde(default)]
    extra: Map<String, Value>,
    /// The nested form of earlier versions.
    #[serde(default)]
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    #[serde(default)]
    arguments: String,
}

impl<'de> Deserialize<'de> for ToolCall {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let AnyCall { id, name, arguments, extra, function } = AnyCall::deserialize(deserializer)?;
        Ok(match function {
            Some(Function { name, arguments }) => Self { id, name, arguments, extra },
            None => Self { id, name, arguments, extra },
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn messages_of_earlier_versions_are_read_and_the_neutral_form_is_written() {
        let messages = vec![
            Message::system("s"),
            Message::user("u"),
            Message::calling(None, vec![ToolCall::new("c1", "f", "{}")]),
            Message::tool("c1", "r"),
            Message::assistant("a"),
        ];
        let others = |call: Value| {
            json!([
                {"role": "system", "content": "s"},
                {"role": "user", "content": "u"},
                {"role": "assistant", "content": null, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "c1", "content": "r"},
                {"role": "assistant", "content": "a"},
            ])
        };
        let neutral = others(json!({"id": "c1", "name": "f", "arguments": "{}"}));
        let old =
            others(json!({"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}));
        assert_eq!(serde_json::to_value(&messages).unwrap(), neutral);
        for stored in [neutral, old] {
            assert_eq!(serde_json::from_value::<Vec<Message>>(stored).unwrap(), messages);
        }
    }

    #[test]
    fn what_a_provider_attached_is_read_back() {
        let mut call = ToolCall::new("c", "f", "{}");
        call.extra.insert("extra_content".into(), json!({"google": {"thought_signature": "s"}}));
        let extra = Map::from_iter([("signature".to_owned(), json!("x"))]);
        let said = Message::Assistant {
            content: Some("a".into()),
            reasoning: "r".into(),
            tool_calls: vec![call],
            provider: Some("gemini".into()),
            extra,
        };
        let text = serde_json::to_string(&said).unwrap();
        assert_eq!(serde_json::from_str::<Message>(&text).unwrap(), said);
    }

    #[test]
    fn reads_an_assistant_message_without_content() {
        let message: Message = serde_json::from_str(r#"{"role":"assistant"}"#).unwrap();
        assert_eq!(message, Message::calling(None, vec![]));
    }
}
