//! Texts of a server as messages, and the answers that calls get in place of texts that cannot be read.

use rmcp::RoleClient;
use rmcp::model::RequestId;
use rmcp::service::RxJsonRpcMessage;
use runbus::json;
use serde_json::{Map, Value};

use super::envelope::Envelope;
use super::refusal;

/// A message of a server.
pub(super) type Message = RxJsonRpcMessage<RoleClient>;

/// The key of a listed tool's `_meta` that says whether it runs as a task: the SDK's type has no field for it.
pub(super) const TASK_SUPPORT: &str = "runbus/taskSupport";

/// The messages of a text: several when it is a batch. An answer to a call always yields an answer, an unreadable one an error;
/// other texts, such as lines of a log, yield none.
pub(super) fn messages(text: &[u8]) -> Vec<Message> {
    if text.trim_ascii().is_empty() {
        return Vec::new();
    }
    match json::from_slice::<Value>(text) {
        Ok(Value::Array(batch)) => batch.into_iter().filter_map(message).collect(),
        Ok(value) => message(value).into_iter().collect(),
        Err(error) => damaged(text, &error).into_iter().collect(),
    }
}

/// Moves a part of a text to the place where the SDK keeps it; `None` when the text stays as it is.
pub(super) fn lifted(text: &str) -> Option<String> {
    if !text.contains("taskSupport") {
        return None;
    }
    let mut value: Value = json::from_str(text).ok()?;
    lift(&mut value);
    serde_json::to_string(&value).ok()
}

/// A message; invalid JSON-RPC becomes the error that its caller reads.
fn message(mut value: Value) -> Option<Message> {
    let fields = value.as_object()?;
    let is_message = ["jsonrpc", "method", "result", "error"].iter().any(|key| fields.contains_key(*key));
    if !is_message {
        tracing::debug!("an MCP server sent JSON that is no message");
        return None;
    }
    let answers = !fields.contains_key("method");
    let id = fields.get("id").cloned();
    lift(&mut value);
    let error = match json::from_value(value) {
        Ok(message) => return Some(message),
        Err(error) => error,
    };
    if !answers {
        // Such as a notification that is in no version of the protocol.
        tracing::debug!(%error, "an MCP server sent a message that is not known");
        return None;
    }
    Some(refusal::unreadable(id.and_then(request), &error.to_string()))
}

/// A text that no parser reads.
fn damaged(text: &[u8], error: &json::Error) -> Option<Message> {
    let has = |word: &[u8]| text.windows(word.len()).any(|part| part == word);
    if !text.trim_ascii().starts_with(b"{") || !has(b"\"jsonrpc\"") || has(b"\"method\"") {
        // Programs that log to their standard output.
        tracing::debug!(%error, bytes = text.len(), "an MCP server sent what is no message");
        return None;
    }
    let mut envelope = Envelope::default();
    envelope.feed(text);
    Some(refusal::unreadable(envelope.id().and_then(request), &error.to_string()))
}

pub(super) fn request(id: Value) -> Option<RequestId> {
    json::from_value(id).ok()
}

/// Keeps what the SDK's type of a tool would drop.
fn lift(message: &mut Value) {
    let tools = message.pointer_mut("/result/tools").and_then(Value::as_array_mut);
    for tool in tools.into_iter().flatten().filter_map(Value::as_object_mut) {
        let Some(support) = tool.get("execution").and_then(|execution| execution.get("taskSupport")).cloned()
        else {
            continue;
        };
        let meta = tool.entry("_meta").or_insert_with(|| Map::new().into());
        if let Some(meta) = meta.as_object_mut() {
            meta.insert(TASK_SUPPORT.into(), support);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Vec<Value> {
        messages(text.as_bytes()).iter().map(|message| serde_json::to_value(message).unwrap()).collect()
    }

    #[test]
    fn a_batch_is_several_messages() {
        let batch = r#"[{"jsonrpc":"2.0","id":1,"result":{}},{"jsonrpc":"2.0","id":2,"result":{"tools":3}}]"#;
        let ids: Vec<_> = read(batch).into_iter().map(|message| message["id"].clone()).collect();
        assert_eq!(ids, [1, 2]);
    }

    #[test]
    fn an_answer_to_a_call_never_vanishes() {
        for (text, id) in [
            (r#"{"jsonrpc":"2.0","id":6}"#, json!(6)),
            (r#"{"jsonrpc":"2.0","id":6,"result":{},"error":{"code":1,"message":"x"}}"#, json!(6)),
            (r#"{"jsonrpc":"1.0","id":6,"result":{}}"#, json!(6)),
            (r#"{"jsonrpc":"2.0","id":6,"error":"no object"}"#, json!(6)),
            (r#"{"jsonrpc":"2.0","id":6,"result":{"text":"cut off"#, json!(6)),
            (r#"{"jsonrpc":"2.0","result":{"text":"no id"}}"#, Value::Null),
            (r#"{"jsonrpc":"2.0","id":{"a":1},"result":{}}"#, Value::Null),
            (r#"{"jsonrpc":"2.0","result":NaN,"#, Value::Null),
        ] {
            let read = read(text);
            assert_eq!(
                (read.len(), &read[0]["id"], &read[0]["error"]["code"]),
                (1, &id, &json!(refusal::UNREADABLE)),
                "{text}"
            );
        }
    }

    #[test]
    fn a_log_on_standard_output_is_no_message() {
        for text in [
            "listening on 8080",
            "",
            r#"{"level":"info","id":7}"#,
            "{broken",
            "[1,2]",
            r#"{"jsonrpc":"2.0","method":"n/x""#,
        ] {
            assert_eq!(read(text), Vec::<Value>::new(), "{text}");
        }
    }

    #[test]
    fn a_tool_that_needs_a_task_is_known_as_one() {
        let tool = json!({"name": "t", "inputSchema": {}, "execution": {"taskSupport": "required"}});
        let text = json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": [tool]}}).to_string();
        assert_eq!(read(&text)[0]["result"]["tools"][0]["_meta"][TASK_SUPPORT], "required");
        let lifted: Value = serde_json::from_str(&lifted(&text).unwrap()).unwrap();
        assert_eq!(lifted["result"]["tools"][0]["_meta"][TASK_SUPPORT], "required");
    }

    proptest! {
        #[test]
        fn takes_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = messages(&bytes);
        }

        /// However an answer is cut off, its caller hears of it once its beginning was there.
        #[test]
        fn an_answer_cut_anywhere_fails_its_call(id in any::<i64>(), cut in 0_usize..60) {
            let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[{{"type":"text","text":"words and more words"}}]}}}}"#);
            let begin = text.find("\"result\"").unwrap();
            let read = read(&text[..(begin + cut).min(text.len() - 1)]);
            prop_assert_eq!(read.len(), 1);
            prop_assert_eq!(&read[0]["id"], &json!(id));
            prop_assert_eq!(&read[0]["error"]["code"], &json!(refusal::UNREADABLE));
        }
    }
}
