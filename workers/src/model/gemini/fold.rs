//! The fold of an answer of the Gemini API: each chunk has whole parts.

use serde_json::{Value, json};

use super::messages::{ID_GIVEN, SIGNATURE, TEXT_SIGNATURE};
use crate::model::accumulate::check;
use crate::model::answer;
use crate::model::limits::{MAX_TOOL_CALL_ID_BYTES, MAX_TOOL_CALLS, MAX_TOOL_NAME_BYTES, MAX_TURN_BYTES};
use crate::model::surrogates::take;
use crate::model::{Delta, Event, Fault, ProviderError, ToolCall, Turn, Usage, surrogates};

/// One turn so far.
#[derive(Debug, Default)]
pub(super) struct Fold {
    turn: Turn,
    bytes: usize,
}

impl Fold {
    fn take(&mut self, mut chunk: Value, deltas: &mut Vec<Delta>) -> Result<(), Fault> {
        // Some gateways wrap a whole answer into a list.
        if let Value::Array(chunks) = chunk {
            return chunks.into_iter().try_for_each(|chunk| self.take(chunk, deltas));
        }
        if chunk.get("error").is_some_and(|error| !error.is_null()) {
            return Err(Fault::from_stream(ProviderError::from_value(&chunk)));
        }
        let text = |name: &str| chunk[name].as_str().map(str::to_owned);
        self.turn.model = text("modelVersion").or_else(|| self.turn.model.take());
        self.turn.request_id = text("responseId").or_else(|| self.turn.request_id.take());
        if let Some(usage) = usage(&chunk["usageMetadata"]) {
            self.turn.usage = Some(usage);
        }
        if let Some(reason) = chunk["promptFeedback"]["blockReason"].as_str() {
            return Err(Fault::Filtered {
                reason: reason.to_ascii_lowercase(),
                text: self.turn.text.clone(),
            });
        }
        let mut candidate =
            chunk.get_mut("candidates").and_then(|all| all.get_mut(0)).map(Value::take).unwrap_or_default();
        if let Value::Array(parts) = take(&mut take(&mut candidate, "content"), "parts") {
            for part in parts {
                self.part(part, deltas)?;
            }
        }
        if let Some(reason) = candidate["finishReason"].as_str() {
            self.turn.finish_reason = Some(reason.to_owned());
        }
        Ok(())
    }

    fn part(&mut self, mut part: Value, deltas: &mut Vec<Delta>) -> Result<(), Fault> {
        let signature = take(&mut part, "thoughtSignature");
        self.grow(signature.as_str().map_or(0, str::len))?;
        if part["functionCall"].is_object() {
            return self.call(take(&mut part, "functionCall"), signature);
        }
        if signature.is_string() {
            self.turn.extra.insert(TEXT_SIGNATURE.to_owned(), signature);
        }
        let Some(text) = part["text"].as_str().filter(|text| !text.is_empty()) else { return Ok(()) };
        self.grow(text.len())?;
        let text = text.to_owned();
        if part["thought"] == true {
            self.turn.reasoning.push_str(&text);
            deltas.push(Delta::Reasoning(text));
        } else {
            self.turn.text.push_str(&text);
            deltas.push(Delta::Text(text));
        }
        Ok(())
    }

    fn call(&mut self, call: Value, signature: Value) -> Result<(), Fault> {
        if self.turn.tool_calls.len() == MAX_TOOL_CALLS {
            return Err(Fault::TooLarge { what: "tool calls of one turn", limit: MAX_TOOL_CALLS });
        }
        let text = |name: &str| call[name].as_str().unwrap_or_default().to_owned();
        let (id, name) = (text("id"), text("name"));
        if id.len() > MAX_TOOL_CALL_ID_BYTES {
            return Err(Fault::TooLarge { what: "bytes of a tool call's id", limit: MAX_TOOL_CALL_ID_BYTES });
        }
        if name.len() > MAX_TOOL_NAME_BYTES {
            return Err(Fault::TooLarge { what: "bytes of a tool's name", limit: MAX_TOOL_NAME_BYTES });
        }
        check("functionCall", &call)?;
        let arguments = if call["args"].is_null() { "{}".to_owned() } else { call["args"].to_string() };
        self.grow(name.len() + arguments.len())?;
        let is_given = !id.is_empty();
        let mut call = ToolCall::new(id, name, arguments);
        if is_given {
            call.extra.insert(ID_GIVEN.to_owned(), json!(true));
        }
        if signature.is_string() {
            call.extra.insert(SIGNATURE.to_owned(), signature);
        }
        self.turn.tool_calls.push(call);
        Ok(())
    }

    fn grow(&mut self, bytes: usize) -> Result<(), Fault> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > MAX_TURN_BYTES {
            return Err(Fault::TooLarge { what: "bytes of one turn", limit: MAX_TURN_BYTES });
        }
        Ok(())
    }
}

fn usage(counts: &Value) -> Option<Usage> {
    let of = |name: &str| counts[name].as_u64();
    let prompt_tokens =
        of("promptTokenCount")?.saturating_add(of("toolUsePromptTokenCount").unwrap_or_default());
    let reasoning_tokens = of("thoughtsTokenCount");
    let said = of("candidatesTokenCount").unwrap_or_default();
    let completion_tokens = said.saturating_add(reasoning_tokens.unwrap_or_default());
    let sum = prompt_tokens.saturating_add(completion_tokens);
    Some(Usage {
        prompt_tokens,
        completion_tokens,
        total_tokens: of("totalTokenCount").filter(|total| *total >= sum).unwrap_or(sum),
        reasoning_tokens,
        cached_tokens: of("cachedContentTokenCount"),
        ..Usage::default()
    })
}

impl answer::Fold for Fold {
    fn event(&mut self, event: &Event, deltas: &mut Vec<Delta>) -> Result<(), Fault> {
        match surrogates::parse(&event.data) {
            Ok(chunk) => self.take(chunk, deltas),
            Err(error) => {
                let sample = &event.data[..event.data.floor_char_boundary(200)];
                Err(Fault::Garbage { message: format!("{error} in {sample:?}") })
            }
        }
    }

    fn response(&mut self, body: &[u8], deltas: &mut Vec<Delta>) -> Result<(), Fault> {
        let body = String::from_utf8_lossy(body);
        let chunk =
            surrogates::parse(&body).map_err(|error| Fault::Garbage { message: error.to_string() })?;
        self.take(chunk, deltas)
    }

    fn is_done(&self) -> bool {
        false
    }

    fn is_finished(&self) -> bool {
        self.turn.finish_reason.is_some()
    }

    fn finish(self: Box<Self>, _deltas: &mut Vec<Delta>) -> Result<Turn, Fault> {
        if self.turn.finish_reason.is_none() { Err(Fault::ClosedEarly) } else { Ok(self.turn) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::answer::Fold as _;

    fn read(chunks: &[Value]) -> (Vec<Delta>, Result<Turn, Fault>) {
        let (mut fold, mut deltas) = (Box::new(Fold::default()), Vec::new());
        for chunk in chunks {
            let event = Event { name: String::new(), data: chunk.to_string() };
            if let Err(fault) = answer::Fold::event(fold.as_mut(), &event, &mut deltas) {
                return (deltas, Err(fault));
            }
        }
        let turn = fold.finish(&mut deltas);
        (deltas, turn)
    }

    fn parts(parts: Value) -> Value {
        json!({"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0}]})
    }

    #[test]
    fn thoughts_text_and_calls_become_a_turn_with_signatures() {
        let (deltas, turn) = read(&[
            parts(json!([{"text": "hm", "thought": true}])),
            parts(json!([{"text": "Loo"}])),
            parts(json!([{"text": "k"}, {"text": "", "thoughtSignature": "t"}])),
            json!({
                "candidates": [{"finishReason": "STOP", "content": {"parts": [
                    {"functionCall": {"name": "look", "args": {"a": 1}}, "thoughtSignature": "s"},
                    {"functionCall": {"id": "i", "name": "see"}}]}}],
                "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 2, "thoughtsTokenCount": 3,
                    "totalTokenCount": 10},
                "modelVersion": "gemini-x", "responseId": "r",
            }),
        ]);
        let turn = turn.unwrap();
        assert_eq!(deltas.len(), 3);
        assert_eq!((turn.text.as_str(), turn.reasoning.as_str()), ("Look", "hm"));
        assert_eq!(turn.extra[TEXT_SIGNATURE], "t");
        let [look, see] = &turn.tool_calls[..] else { panic!("{turn:?}") };
        assert_eq!(
            (look.id.as_str(), look.arguments.as_str(), &look.extra[SIGNATURE]),
            ("", "{\"a\":1}", &json!("s"))
        );
        assert_eq!((see.id.as_str(), see.arguments.as_str()), ("i", "{}"));
        assert!(see.extra.contains_key(ID_GIVEN) && !look.extra.contains_key(ID_GIVEN));
        let usage = turn.usage.unwrap();
        assert_eq!((usage.prompt_tokens, usage.completion_tokens, usage.reasoning_tokens), (5, 5, Some(3)));
    }

    #[test]
    fn a_blocked_question_and_an_error_are_faults_and_an_answer_without_an_end_is_none() {
        let (_, turn) = read(&[json!({"promptFeedback": {"blockReason": "SAFETY"}})]);
        assert_eq!(turn.unwrap_err().code(), "content_filter");
        let (_, turn) =
            read(&[json!({"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}})]);
        assert!(turn.unwrap_err().is_retryable());
        let (_, turn) = read(&[parts(json!([{"text": "half"}]))]);
        assert_eq!(turn.unwrap_err(), Fault::ClosedEarly);
    }

    #[test]
    fn a_list_of_chunks_is_a_whole_answer() {
        let end = json!({"candidates": [{"finishReason": "STOP"}]});
        let body = json!([parts(json!([{"text": "hi"}])), end]).to_string();
        let (mut fold, mut deltas) = (Box::new(Fold::default()), Vec::new());
        fold.response(body.as_bytes(), &mut deltas).unwrap();
        assert_eq!(fold.finish(&mut deltas).unwrap().text, "hi");
    }
}
