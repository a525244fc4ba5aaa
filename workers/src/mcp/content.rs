//! A tool's result as text for the model.

use rmcp::model::{CallToolResult, ContentBlock, ResourceContents};
use runbus::session::Media;
use serde_json::Value;

use super::same;
use crate::tool::Error;

/// The text of a result: text parts as they are, a marker for everything else, structured content as JSON unless the parts say the
/// same. `attach` is given each image, audio and PDF file, and says whether the model gets it.
///
/// # Errors
/// The server says that the call failed.
pub(super) fn read(result: CallToolResult, mut attach: impl FnMut(Media) -> bool) -> Result<String, Error> {
    let failed = result.is_error == Some(true);
    let parts = result.content.into_iter().map(|block| describe(block, &mut attach));
    let mut parts: Vec<String> = parts.collect();
    if let Some(mut value) = result.structured_content {
        unload(&mut value, &mut attach);
        if !same::says(&parts, &value) {
            parts.push(value.to_string());
        }
    }
    let text = parts.join("\n");
    match (failed, text.is_empty()) {
        (false, _) => Ok(text),
        (true, false) => Err(Error::failed(text)),
        (true, true) => Err(Error::failed("the tool failed and does not say why")),
    }
}

fn describe(block: ContentBlock, attach: &mut impl FnMut(Media) -> bool) -> String {
    match block {
        ContentBlock::Text(text) => unloaded(text.text, attach),
        ContentBlock::Image(image) => binary("image", &image.mime_type, image.data, attach),
        ContentBlock::Audio(audio) => binary("audio", &audio.mime_type, audio.data, attach),
        ContentBlock::Resource(embedded) => match embedded.resource {
            ResourceContents::TextResourceContents { uri, text, .. } => {
                format!("[resource {uri}]\n{}", unloaded(text, attach))
            }
            ResourceContents::BlobResourceContents { uri, mime_type, blob, .. } => {
                let mime_type = mime_type.unwrap_or_default();
                format!("[resource {uri}: {}]", binary("data", &mime_type, blob, attach))
            }
            _ => "[a resource of an unknown kind]".into(),
        },
        ContentBlock::ResourceLink(link) => format!("[link to resource {}: {}]", link.uri, link.name),
        _ => "[content of an unknown kind]".into(),
    }
}

/// Types of files that models read, beside images and audio.
const FILES: [&str; 1] = ["application/pdf"];

/// Base64 is of no use to a model that reads text. A medium goes beside the text when the model gets it.
fn binary(kind: &str, media_type: &str, data: String, attach: &mut impl FnMut(Media) -> bool) -> String {
    // Some servers write lines.
    let data: String = data.split_ascii_whitespace().collect();
    let padding = data.bytes().rev().take(2).take_while(|byte| *byte == b'=').count();
    let bytes = (data.len() / 4 * 3).saturating_sub(padding);
    let media_type: String = media_type.chars().filter(|c| !c.is_control()).take(100).collect();
    let is_read = ["image/", "audio/"].iter().any(|kind| media_type.starts_with(kind))
        || FILES.contains(&media_type.as_str());
    let shown = is_read && Media::new(media_type.as_str(), data).is_ok_and(attach);
    let shown = if shown { "attached" } else { "not shown" };
    format!("[{kind} {media_type}, {bytes} bytes, {shown}]")
}

/// A text that is JSON with binary content in it, without that; every other text as it is.
fn unloaded(text: String, attach: &mut impl FnMut(Media) -> bool) -> String {
    let hints = ["\"data\"", "\"blob\"", ";base64,"];
    if !hints.iter().any(|hint| text.contains(hint)) {
        return text;
    }
    let Ok(before) = runbus::json::from_str::<Value>(&text) else { return text };
    let mut value = before.clone();
    unload(&mut value, attach);
    if value == before { text } else { value.to_string() }
}

/// Puts a marker in place of each binary content: parts of results, resources, addresses that carry their data.
fn unload(value: &mut Value, attach: &mut impl FnMut(Media) -> bool) {
    if let Some(marker) = marker(value, attach) {
        *value = Value::String(marker);
        return;
    }
    match value {
        Value::Array(list) => list.iter_mut().for_each(|value| unload(value, attach)),
        Value::Object(fields) => fields.values_mut().for_each(|value| unload(value, attach)),
        _ => {}
    }
}

fn marker(value: &Value, attach: &mut impl FnMut(Media) -> bool) -> Option<String> {
    if let Some(text) = value.as_str() {
        let (media_type, data) = text.strip_prefix("data:")?.split_once(";base64,")?;
        return Some(binary("data", media_type, data.to_owned(), attach));
    }
    let fields = value.as_object()?;
    let text = |key: &str| fields.get(key).and_then(Value::as_str);
    let media_type =
        text("mimeType").or_else(|| text("mime_type")).or_else(|| text("media_type")).unwrap_or("");
    match (text("type"), text("data"), text("blob")) {
        (Some(kind @ ("image" | "audio")), Some(data), _) => {
            Some(binary(kind, media_type, data.to_owned(), attach))
        }
        (_, _, Some(blob)) if fields.contains_key("uri") => {
            let uri = text("uri").unwrap_or_default();
            Some(format!("[resource {uri}: {}]", binary("data", media_type, blob.to_owned(), attach)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn of(result: Value) -> Result<String, Error> {
        read(serde_json::from_value(result).unwrap(), |_media| false)
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
    fn media_go_beside_the_text() {
        let content = json!([
            {"type": "image", "data": "AAA=", "mimeType": "image/png"},
            {"type": "resource", "resource": {"uri": "f:a", "blob": "AAAA", "mimeType": "image/jpeg"}},
            {"type": "audio", "data": "AAAA", "mimeType": "audio/wav"},
            {"type": "resource", "resource": {"uri": "f:b", "blob": "AAAA", "mimeType": "application/zip"}},
            {"type": "image", "data": "=\n", "mimeType": "image/png"},
        ]);
        let mut media = Vec::new();
        let text = read(serde_json::from_value(json!({"content": content})).unwrap(), |given| {
            media.push(given.to_string());
            true
        });
        let markers = [
            "[image image/png, 2 bytes, attached]",
            "[resource f:a: [data image/jpeg, 3 bytes, attached]]",
            "[audio audio/wav, 3 bytes, attached]",
            "[resource f:b: [data application/zip, 3 bytes, not shown]]",
            "[image image/png, 0 bytes, not shown]",
        ];
        let wanted = ["image image/png, 2 bytes", "image image/jpeg, 3 bytes", "audio audio/wav, 3 bytes"];
        assert_eq!((text.unwrap(), media), (markers.join("\n"), wanted.map(str::to_owned).to_vec()));
    }

    /// As server-filesystem answers `read_media_file`, and others of its kind.
    #[test]
    fn no_base64_reaches_the_text() {
        let block = json!({"type": "image", "data": "QUJDRA==", "mimeType": "image/png"});
        let marker = "[image image/png, 4 bytes, not shown]";
        let blob = json!({"uri": "f:a", "mimeType": "x/y", "blob": "QUJDRA=="});
        for (result, expected) in [
            (json!({"content": [block], "structuredContent": {"content": [block]}}), marker.to_owned()),
            (json!({"content": [block], "structuredContent": {"content": block}}), marker.to_owned()),
            (json!({"content": [], "structuredContent": {"a": block}}), json!({"a": marker}).to_string()),
            (
                json!({"content": [{"type": "text", "text": json!({"i": block}).to_string()}]}),
                json!({"i": marker}).to_string(),
            ),
            (
                json!({"content": [], "structuredContent": {"u": "data:image/png;base64,QUJDRA=="}}),
                json!({"u": "[data image/png, 4 bytes, not shown]"}).to_string(),
            ),
            (
                json!({"content": [], "structuredContent": [blob]}),
                json!(["[resource f:a: [data x/y, 4 bytes, not shown]]"]).to_string(),
            ),
        ] {
            assert_eq!(of(result.clone()).unwrap(), expected, "{result}");
        }
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

    proptest! {
        #[test]
        fn texts_stay_as_they_are(text in "\\PC{0,60}") {
            let result = json!({"content": [{"type": "text", "text": text}]});
            prop_assert_eq!(of(result).unwrap(), text);
        }
    }
}
