//! The fold of an answer of Anthropic's Messages API: blocks that begin, grow and end.

use std::collections::BTreeMap;

use runbus::json;
use serde_json::{Map, Value, json};

use super::messages::BLOCKS;
use crate::model::accumulate::check;
use crate::model::answer;
use crate::model::limits::{
    MAX_TOOL_CALL_ID_BYTES, MAX_TOOL_CALLS, MAX_TOOL_NAME_BYTES, MAX_TURN_BLOCKS, MAX_TURN_BYTES,
};
use crate::model::surrogates::take;
use crate::model::written::Written;
use crate::model::{Delta, Event, Fault, ProviderError, ToolCall, Turn, Usage, surrogates};

/// One turn so far.
#[derive(Debug, Default)]
pub(super) struct Fold {
    turn: Turn,
    /// The blocks by their index.
    blocks: BTreeMap<u64, Block>,
    usage: Map<String, Value>,
    bytes: usize,
    is_done: bool,
}

/// A block of an answer.
#[derive(Debug)]
enum Block {
    Text {
        bytes: usize,
    },
    Call {
        call: ToolCall,
        written: Written,
    },
    /// Thinking, and what the provider's own tools do: it goes back as it came. `input`: JSON that came in pieces.
    Opaque {
        fields: Map<String, Value>,
        input: String,
    },
}

impl Fold {
    fn take(&mut self, event: &mut Value, deltas: &mut Vec<Delta>) -> Result<(), Fault> {
        let kind = event["type"].as_str().unwrap_or_default().to_owned();
        match kind.as_str() {
            "message_start" => self.begin(&event["message"]),
            "content_block_start" => {
                let index = index(event);
                self.block(index, take(event, "content_block"), deltas)?;
            }
            "content_block_delta" => {
                let (index, delta) = (index(event), take(event, "delta"));
                self.grow_block(index, &delta, deltas)?;
            }
            "message_delta" => {
                self.used(&event["usage"]);
                if let Some(reason) = event["delta"]["stop_reason"].as_str() {
                    self.turn.finish_reason = Some(reason.to_owned());
                }
            }
            "message_stop" => self.is_done = true,
            "error" => return Err(Fault::from_stream(ProviderError::from_value(event))),
            // `ping`, `content_block_stop`, and what is not known yet.
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, message: &Value) {
        self.turn.model = message["model"].as_str().map(str::to_owned);
        self.turn.request_id = message["id"].as_str().map(str::to_owned);
        self.used(&message["usage"]);
    }

    fn used(&mut self, usage: &Value) {
        let counts = usage.as_object().into_iter().flatten().filter(|(_, count)| count.is_u64());
        self.usage.extend(counts.map(|(name, count)| (name.clone(), count.clone())));
    }

    fn block(&mut self, index: u64, content: Value, deltas: &mut Vec<Delta>) -> Result<(), Fault> {
        if self.blocks.len() == MAX_TURN_BLOCKS {
            return Err(Fault::TooLarge { what: "blocks of one turn", limit: MAX_TURN_BLOCKS });
        }
        let Value::Object(mut fields) = content else { return Ok(()) };
        let text = |fields: &Map<String, Value>, name: &str| {
            fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let block = match text(&fields, "type").as_str() {
            "text" => {
                let first = text(&fields, "text");
                self.blocks.insert(index, Block::Text { bytes: 0 });
                return self.text(index, &first, deltas);
            }
            "tool_use" => {
                let calls = self.blocks.values().filter(|block| matches!(block, Block::Call { .. })).count();
                if calls == MAX_TOOL_CALLS {
                    return Err(Fault::TooLarge { what: "tool calls of one turn", limit: MAX_TOOL_CALLS });
                }
                let (id, name) = (text(&fields, "id"), text(&fields, "name"));
                if id.len() > MAX_TOOL_CALL_ID_BYTES {
                    let what = "bytes of a tool call's id";
                    return Err(Fault::TooLarge { what, limit: MAX_TOOL_CALL_ID_BYTES });
                }
                if name.len() > MAX_TOOL_NAME_BYTES {
                    return Err(Fault::TooLarge {
                        what: "bytes of a tool's name",
                        limit: MAX_TOOL_NAME_BYTES,
                    });
                }
                // Whole answers have the arguments here; streams begin with an empty object.
                let whole = fields.get("input").and_then(Value::as_object).filter(|input| !input.is_empty());
                let arguments = whole.map_or_else(String::new, |input| json!(input).to_string());
                self.grow(arguments.len())?;
                Block::Call { call: ToolCall::new(id, name, arguments), written: Written::new(calls) }
            }
            _ => {
                let value = Value::Object(fields);
                check("content_block", &value)?;
                self.grow(value.to_string().len())?;
                let Value::Object(known) = value else { return Ok(()) };
                fields = known;
                let thought = text(&fields, "thinking");
                if !thought.is_empty() {
                    self.turn.reasoning.push_str(&thought);
                    deltas.push(Delta::Reasoning(thought));
                }
                Block::Opaque { fields, input: String::new() }
            }
        };
        self.blocks.insert(index, block);
        Ok(())
    }

    fn grow_block(&mut self, index: u64, delta: &Value, deltas: &mut Vec<Delta>) -> Result<(), Fault> {
        let of = |name: &str| delta[name].as_str().unwrap_or_default();
        match delta["type"].as_str().unwrap_or_default() {
            "text_delta" => self.text(index, of("text"), deltas),
            "thinking_delta" => {
                let piece = of("thinking");
                self.append(index, "thinking", piece)?;
                if !piece.is_empty() {
                    self.turn.reasoning.push_str(piece);
                    deltas.push(Delta::Reasoning(piece.to_owned()));
                }
                Ok(())
            }
            "signature_delta" => self.append(index, "signature", of("signature")),
            "input_json_delta" => {
                let piece = of("partial_json");
                self.grow(piece.len())?;
                match self.blocks.get_mut(&index) {
                    Some(Block::Call { call, written }) => {
                        call.arguments.push_str(piece);
                        deltas.extend(written.more(&call.id, &call.name, &call.arguments).map(Delta::Call));
                    }
                    Some(Block::Opaque { input, .. }) => input.push_str(piece),
                    _ => {}
                }
                Ok(())
            }
            // Citations, and what is not known yet.
            _ => Ok(()),
        }
    }

    fn text(&mut self, index: u64, piece: &str, deltas: &mut Vec<Delta>) -> Result<(), Fault> {
        self.grow(piece.len())?;
        if let Block::Text { bytes } = self.blocks.entry(index).or_insert(Block::Text { bytes: 0 }) {
            *bytes += piece.len();
        }
        if !piece.is_empty() {
            self.turn.text.push_str(piece);
            deltas.push(Delta::Text(piece.to_owned()));
        }
        Ok(())
    }

    fn append(&mut self, index: u64, name: &str, piece: &str) -> Result<(), Fault> {
        self.grow(piece.len())?;
        if let Some(Block::Opaque { fields, .. }) = self.blocks.get_mut(&index) {
            match fields.get_mut(name) {
                Some(Value::String(so_far)) => so_far.push_str(piece),
                _ => drop(fields.insert(name.to_owned(), piece.into())),
            }
        }
        Ok(())
    }

    fn grow(&mut self, bytes: usize) -> Result<(), Fault> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > MAX_TURN_BYTES {
            return Err(Fault::TooLarge { what: "bytes of one turn", limit: MAX_TURN_BYTES });
        }
        Ok(())
    }

    fn usage(&self) -> Option<Usage> {
        let of = |name: &str| self.usage.get(name).and_then(Value::as_u64);
        let (input, completion_tokens) = (of("input_tokens")?, of("output_tokens").unwrap_or_default());
        let cached_tokens = of("cache_read_input_tokens");
        let written = of("cache_creation_input_tokens").unwrap_or_default();
        let prompt_tokens = input.saturating_add(written).saturating_add(cached_tokens.unwrap_or_default());
        let total_tokens = prompt_tokens.saturating_add(completion_tokens);
        Some(Usage { prompt_tokens, completion_tokens, total_tokens, cached_tokens, ..Usage::default() })
    }
}

fn index(event: &Value) -> u64 {
    event["index"].as_u64().unwrap_or_default()
}

impl answer::Fold for Fold {
    fn event(&mut self, event: &Event, deltas: &mut Vec<Delta>) -> Result<(), Fault> {
        match surrogates::parse(&event.data) {
            Ok(mut value) => self.take(&mut value, deltas),
            Err(error) => {
                let sample = &event.data[..event.data.floor_char_boundary(200)];
                Err(Fault::Garbage { message: format!("{error} in {sample:?}") })
            }
        }
    }

    fn response(&mut self, body: &[u8], deltas: &mut Vec<Delta>) -> Result<(), Fault> {
        let mut message: Value =
            json::from_slice(body).map_err(|error| Fault::Garbage { message: error.to_string() })?;
        if message["type"] == "error" || message.get("content").is_none() {
            return Err(Fault::from_stream(ProviderError::from_value(&message)));
        }
        self.begin(&message);
        self.turn.finish_reason = message["stop_reason"].as_str().map(str::to_owned);
        let content = take(&mut message, "content");
        for (index, block) in (0..).zip(content.as_array().into_iter().flatten()) {
            self.block(index, block.clone(), deltas)?;
        }
        self.is_done = true;
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.is_done
    }

    fn is_finished(&self) -> bool {
        self.turn.finish_reason.is_some()
    }

    fn finish(mut self: Box<Self>, _deltas: &mut Vec<Delta>) -> Result<Turn, Fault> {
        if self.turn.finish_reason.is_none() {
            return Err(Fault::ClosedEarly);
        }
        self.turn.usage = self.usage();
        let is_plain = self.blocks.values().all(|block| !matches!(block, Block::Opaque { .. }));
        let mut kept = Vec::new();
        for block in std::mem::take(&mut self.blocks).into_values() {
            match block {
                Block::Text { bytes } => kept.push(json!({"type": "text", "bytes": bytes})),
                Block::Call { mut call, .. } => {
                    if call.arguments.trim().is_empty() {
                        "{}".clone_into(&mut call.arguments);
                    }
                    self.turn.tool_calls.push(call);
                    kept.push(json!({"type": "tool_use"}));
                }
                Block::Opaque { mut fields, input } => {
                    if let Ok(input) = json::from_str::<Value>(&input) {
                        fields.insert("input".into(), input);
                    }
                    kept.push(Value::Object(fields));
                }
            }
        }
        // Without thinking there is no order that matters.
        if !is_plain {
            self.turn.extra.insert(BLOCKS.to_owned(), kept.into());
        }
        Ok(self.turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::answer::Fold as _;

    fn event(value: &Value) -> Event {
        Event { name: String::new(), data: value.to_string() }
    }

    fn read(events: &[Value]) -> (Vec<Delta>, Result<Turn, Fault>) {
        let (mut fold, mut deltas) = (Box::new(Fold::default()), Vec::new());
        for value in events {
            if let Err(fault) = answer::Fold::event(fold.as_mut(), &event(value), &mut deltas) {
                return (deltas, Err(fault));
            }
        }
        let turn = fold.finish(&mut deltas);
        (deltas, turn)
    }

    fn start() -> Value {
        json!({"type": "message_start", "message": {"id": "msg_1", "model": "claude-x", "usage":
            {"input_tokens": 10, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 2, "output_tokens": 1}}})
    }

    fn begins(index: u64, block: Value) -> Value {
        json!({"type": "content_block_start", "index": index, "content_block": block})
    }

    fn grows(index: u64, delta: Value) -> Value {
        json!({"type": "content_block_delta", "index": index, "delta": delta})
    }

    fn ends(reason: &str) -> Value {
        json!({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 7}})
    }

    #[test]
    fn thinking_text_and_calls_become_a_turn_with_signatures() {
        let (deltas, turn) = read(&[
            start(),
            begins(0, json!({"type": "thinking", "thinking": "", "signature": ""})),
            json!({"type": "ping"}),
            grows(0, json!({"type": "thinking_delta", "thinking": "h"})),
            grows(0, json!({"type": "thinking_delta", "thinking": "m"})),
            grows(0, json!({"type": "signature_delta", "signature": "sig"})),
            begins(1, json!({"type": "text", "text": ""})),
            grows(1, json!({"type": "text_delta", "text": "Lo"})),
            grows(1, json!({"type": "text_delta", "text": "ok"})),
            begins(2, json!({"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}})),
            grows(2, json!({"type": "input_json_delta", "partial_json": "{\"a\""})),
            grows(2, json!({"type": "input_json_delta", "partial_json": ":1}"})),
            ends("tool_use"),
            json!({"type": "message_stop"}),
        ]);
        let turn = turn.unwrap();
        let texts = deltas.iter().filter(|delta| !matches!(delta, Delta::Call(_))).count();
        assert_eq!((texts, deltas.len()), (4, 6), "two pieces of the call");
        assert_eq!((turn.text.as_str(), turn.reasoning.as_str()), ("Look", "hm"));
        assert_eq!(turn.tool_calls, [ToolCall::new("toolu_1", "look", "{\"a\":1}")]);
        let usage = turn.usage.unwrap();
        assert_eq!((usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens), (17, 7, Some(5)));
        assert_eq!((turn.model.as_deref(), turn.request_id.as_deref()), (Some("claude-x"), Some("msg_1")));
        let blocks = json!([{"type": "thinking", "thinking": "hm", "signature": "sig"},
            {"type": "text", "bytes": 4}, {"type": "tool_use"}]);
        assert_eq!(turn.extra[BLOCKS], blocks);
    }

    #[test]
    fn an_overloaded_provider_is_tried_again_and_an_answer_without_an_end_is_none() {
        let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
        let (_, turn) = read(&[start(), error]);
        let fault = turn.unwrap_err();
        assert!(fault.is_retryable() && fault.to_string().contains("Overloaded"), "{fault}");
        let (_, turn) = read(&[start(), begins(0, json!({"type": "text", "text": "half"}))]);
        assert_eq!(turn.unwrap_err(), Fault::ClosedEarly);
    }

    #[test]
    fn a_whole_answer_is_a_turn() {
        let body = json!({"type": "message", "id": "m", "model": "c", "stop_reason": "end_turn",
            "usage": {"input_tokens": 1, "output_tokens": 2},
            "content": [{"type": "text", "text": "hi"}, {"type": "tool_use", "id": "i", "name": "t", "input": {"a": 1}}]});
        let (mut fold, mut deltas) = (Box::new(Fold::default()), Vec::new());
        fold.response(body.to_string().as_bytes(), &mut deltas).unwrap();
        let turn = fold.finish(&mut deltas).unwrap();
        assert_eq!((turn.text.as_str(), turn.tool_calls[0].arguments.as_str()), ("hi", "{\"a\":1}"));
    }
}
