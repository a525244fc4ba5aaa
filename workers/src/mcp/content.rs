//! A tool's result as text for the model.

use rmcp::model::{CallToolResult, ContentBlock, ResourceContents};
use serde_json::Value;

use crate::tool::Error;

/// The text of a result: text parts as they are, a marker for everything else, structured content as JSON unless a text
/// part says the same.
///
/// # Errors
/// The server says that the call failed.
pub(super) fn text(result: CallToolResult) -> Result<String, Error> {
    let failed = result.is_error == Some(true);
    let mut parts = Vec::with_capacity(result.content.len() + 1);
    let mut said = false;
    for block in result.content {
        let part = describe(block);
        said = said || structured_says(result.structured_content.as_ref(), &part);
        parts.push(part);
    }
    if let Some(value) = result.structured_content.filter(|_| !said) {
        parts.push(value.to_string());
    }
    let text = parts.join("\n");
    match (failed, text.is_empty()) {
        (false, _) => Ok(text),
        (true, false) => Err(Error::failed(text)),
        (true, true) => Err(Error::failed("the tool failed and does not say why")),
    }
}

fn structured_says(value: Option<&Value>, part: &str) -> bool {
    value.is_some_and(|value| runbus::json::from_str::<Value>(part).is_ok_and(|part| part == *value))
}

fn describe(block: ContentBlock) -> String {
    match block {
        ContentBlock::Text(text) => text.text,
        ContentBlock::Image(image) => binary("image", &image.mime_type, &image.data),
        ContentBlock::Audio(audio) => binary("audio", &audio.mime_type, &audio.data),
        ContentBlock::Resource(embedded) => match embedded.resource {
            ResourceContents::TextResourceContents { uri, text, .. } => format!("[resource {uri}]\n{text}"),
            ResourceContents::BlobResourceContents { uri, mime_type, blob, .. } => {
                format!("[resource {uri}: {}]", binary("data", mime_type.as_deref().unwrap_or(""), &blob))
            }
            _ => "[a resource of an unknown kind]".into(),
        },
        ContentBlock::ResourceLink(link) => format!("[link to resource {}: {}]", link.uri, link.name),
        _ => "[content of an unknown kind]".into(),
    }
}

/// Base64 is of no use to a model that reads text.
fn binary(kind: &str, mime_type: &str, base64: &str) -> String {
    format!("[{kind} {mime_type}, {} bytes, not shown]", base64.len() / 4 * 3)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(result: Value) -> Result<String, Error> {
        text(serde_json::from_value(result).unwrap())
    }

    #[test]
    fn parts_are_joined_and_binary_ones_described() {
        let content = json!([
            {"type": "text", "text": "one"},
            {"type": "image", "data": "AAAA", "mimeType": "image/png"},
            {"type": "resource", "resource": {"uri": "file:///a", "text": "inside"}},
            {"type": "resource_link", "uri": "file:///b", "name": "b"},
        ]);
        assert_eq!(
            of(json!({"content": content})).unwrap(),
            "one\n[image image/png, 3 bytes, not shown]\n[resource file:///a]\ninside\n[link to resource file:///b: b]"
        );
    }

    #[test]
    fn structured_content_is_said_once() {
        let text = json!([{"type": "text", "text": "{\"a\": 1}"}]);
        assert_eq!(of(json!({"content": text, "structuredContent": {"a": 1}})).unwrap(), "{\"a\": 1}");
        assert_eq!(
            of(json!({"content": text, "structuredContent": {"a": 2}})).unwrap(),
            "{\"a\": 1}\n{\"a\":2}"
        );
        assert_eq!(of(json!({"content": [], "structuredContent": {"a": 2}})).unwrap(), "{\"a\":2}");
    }

    #[test]
    fn an_error_is_a_failure() {
        let text = json!([{"type": "text", "text": "no such file"}]);
        assert_eq!(of(json!({"content": text, "isError": true})).unwrap_err(), Error::failed("no such file"));
        assert!(of(json!({"content": [], "isError": true})).is_err());
        assert_eq!(of(json!({"content": []})).unwrap(), "");
    }
}
