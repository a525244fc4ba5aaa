//! The fold of an answer of the Responses API: items that begin, grow and end.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::input::ITEMS;
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
    /// The items by their place in the answer.
    items: BTreeMap<u64, Item>,
    refusal: String,
    bytes: usize,
    /// The turn's text is not that of the items in their order.
    is_mixed: bool,
    is_done: bool,
}

/// An item of an answer.
#[derive(Debug, Default)]
struct Item {
    /// Bytes of its text, or of its reasoning, that are in the turn.
    bytes: usize,
    /// The part that the last piece was of.
    part: Option<u64>,
    call: Option<(ToolCall, Written)>,
    /// Bytes of its text that are in the turn.
    text_bytes: usize,
    /// Reasoning, as it goes back.
    thought: Option<Value>,
}

/// Texts of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Reasoning,
    Refusal,
}

impl Fold {
    fn take(&mut self, event: &mut Value, deltas: &mut Vec<Delta>) -> Result<(), Fault> {
        let kind = event["type"].as_str().unwrap_or_default().to_owned();
        let place = event["output_index"].as_u64().unwrap_or_default();
        let part = ["content_index", "summary_index"].into_iter().find_map(|name| event[name].as_u64());
        let piece = event["delta"].as_str().unwrap_or_default().to_owned();
        match kind.as_str() {
            "response.created" | "response.in_progress" | "response.queued" => self.begin(&event["response"]),
            "response.output_item.added" => self.item(place, take(event, "item"), false, deltas),
            "response.output_item.done" => self.item(place, take(event, "item"), true, deltas),
            "response.output_text.delta" => self.piece(place, part, Kind::Text, piece, deltas),
            "response.refusal.delta" => self.piece(place, part, Kind::Refusal, piece, deltas),
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                self.piece(place, part, Kind::Reasoning, piece, deltas)
            }
            "response.function_call_arguments.delta" => self.arguments(place, &piece, deltas),
            "response.completed" | "response.incomplete" | "response.failed" => {
                self.end(take(event, "response"), deltas)
            }
            "error" => Err(Fault::from_stream(ProviderError::from_value(event))),
            // Events that repeat deltas, and events that are not known yet.
            _ => Ok(()),
        }
    }

    fn begin(&mut self, response: &Value) -> Result<(), Fault> {
        let text = |name: &str| response[name].as_str().map(str::to_owned);
        self.turn.model = text("model").or_else(|| self.turn.model.take());
        self.turn.request_id = text("id").or_else(|| self.turn.request_id.take());
        Ok(())
    }

    /// The item at a place; a new one begins there.
    fn at(&mut self, place: u64) -> Result<&mut Item, Fault> {
        if self.items.len() == MAX_TURN_BLOCKS && !self.items.contains_key(&place) {
            return Err(Fault::TooLarge { what: "items of one turn", limit: MAX_TURN_BLOCKS });
        }
        Ok(self.items.entry(place).or_default())
    }

    /// An item as it begins, or, `whole`, as it is in the end.
    fn item(&mut self, place: u64, item: Value, whole: bool, deltas: &mut Vec<Delta>) -> Result<(), Fault> {
        let kind = item["type"].as_str().unwrap_or_default().to_owned();
        match kind.as_str() {
            "function_call" => self.call(place, &item, whole),
            "message" if whole => self.whole(place, &item["content"], deltas),
            "reasoning" if whole => {
                self.whole(place, &item["summary"], deltas)?;
                self.whole(place, &item["content"], deltas)?;
                check("reasoning", &item)?;
                self.grow(item["encrypted_content"].as_str().map_or(0, str::len))?;
                // Without its content the service reads it only if it has stored it.
                if item["encrypted_content"].is_string() {
                    let mut item = item;
                    if let Some(fields) = item.as_object_mut() {
                        fields.retain(|name, value| name != "status" && !value.is_null());
                    }
                    self.at(place)?.thought = Some(item);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn call(&mut self, place: u64, item: &Value, whole: bool) -> Result<(), Fault> {
        let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
        let (id, name, arguments) = (text("call_id"), text("name"), text("arguments"));
        if id.len() > MAX_TOOL_CALL_ID_BYTES {
            return Err(Fault::TooLarge { what: "bytes of a tool call's id", limit: MAX_TOOL_CALL_ID_BYTES });
        }
        if name.len() > MAX_TOOL_NAME_BYTES {
            return Err(Fault::TooLarge { what: "bytes of a tool's name", limit: MAX_TOOL_NAME_BYTES });
        }
        let calls = self.items.values().filter(|item| item.call.is_some()).count();
        let item = self.at(place)?;
        if item.call.is_none() {
            if calls == MAX_TOOL_CALLS {
                return Err(Fault::TooLarge { what: "tool calls of one turn", limit: MAX_TOOL_CALLS });
            }
            item.call = Some((ToolCall::default(), Written::new(calls)));
        }
        let Some((call, _)) = &mut item.call else { return Ok(()) };
        if !id.is_empty() {
            call.id = id;
        }
        if !name.is_empty() {
            call.name = name;
        }
        // In the end the whole counts: pieces may be missing.
        let more = arguments.len().saturating_sub(call.arguments.len());
        if arguments.len() > call.arguments.len() || whole && !arguments.is_empty() {
            call.arguments = arguments;
        }
        self.grow(more)
    }

    fn arguments(&mut self, place: u64, piece: &str, deltas: &mut Vec<Delta>) -> Result<(), Fault> {
        self.grow(piece.len())?;
        if let Some((call, written)) = &mut self.at(place)?.call {
            call.arguments.push_str(piece);
            deltas.extend(written.more(&call.id, &call.name, &call.arguments).map(Delta::Call));
        }
        Ok(())
    }

    /// A piece of a text. Parts of reasoning are paragraphs.
    fn piece(
        &mut self,
        place: u64,
        part: Option<u64>,
        kind: Kind,
        mut piece: String,
        deltas: &mut Vec<Delta>,
    ) -> Result<(), Fault> {
        if piece.is_empty() {
            return Ok(());
        }
        let is_first = self.turn.reasoning.is_empty();
        let item = self.at(place)?;
        if kind == Kind::Reasoning && !is_first && (item.part != part || item.bytes == 0) {
            piece.insert_str(0, "\n\n");
        }
        item.part = part;
        item.bytes += piece.len();
        if kind == Kind::Text {
            item.text_bytes += piece.len();
            // Texts of messages that take turns have no order.
            self.is_mixed |= self.items.range(place.saturating_add(1)..).any(|(_, item)| item.text_bytes > 0);
        }
        self.grow(piece.len())?;
        match kind {
            Kind::Text => {
                self.turn.text.push_str(&piece);
                deltas.push(Delta::Text(piece));
            }
            Kind::Reasoning => {
                self.turn.reasoning.push_str(&piece);
                deltas.push(Delta::Reasoning(piece));
            }
            Kind::Refusal => self.refusal.push_str(&piece),
        }
        Ok(())
    }

    /// The parts of an item that came whole; nothing when its pieces came before.
    fn whole(&mut self, place: u64, parts: &Value, deltas: &mut Vec<Delta>) -> Result<(), Fault> {
        let parts = parts.as_array().map_or(&[][..], Vec::as_slice);
        if parts.is_empty() || self.at(place)?.bytes > 0 {
            return Ok(());
        }
        for (part, content) in (0..).zip(parts) {
            let (kind, name) = match content["type"].as_str().unwrap_or_default() {
                "output_text" | "text" => (Kind::Text, "text"),
                "refusal" => (Kind::Refusal, "refusal"),
                "summary_text" | "reasoning_text" => (Kind::Reasoning, "text"),
                _ => continue,
            };
            let text = content[name].as_str().unwrap_or_default().to_owned();
            self.piece(place, Some(part), kind, text, deltas)?;
        }
        Ok(())
    }

    /// The whole answer, behind its pieces or in place of them.
    fn end(&mut self, mut response: Value, deltas: &mut Vec<Delta>) -> Result<(), Fault> {
        self.begin(&response)?;
        let status = response["status"].as_str().unwrap_or_default().to_owned();
        if response["error"].is_object() || matches!(status.as_str(), "failed" | "cancelled") {
            let error = take(&mut response, "error");
            let error = if error.is_null() { json!(format!("the answer is {status}")) } else { error };
            return Err(Fault::from_stream(ProviderError::from_value(&error)));
        }
        // Behind a stream it says again what came before.
        if self.items.is_empty() {
            for (place, item) in (0..).zip(take(&mut response, "output").as_array_mut().into_iter().flatten())
            {
                self.item(place, item.take(), true, deltas)?;
            }
        }
        self.turn.usage = usage(&response["usage"]).or(self.turn.usage);
        let has_calls = self.items.values().any(|item| item.call.is_some());
        let reason = match response["incomplete_details"]["reason"].as_str() {
            Some("max_output_tokens") => "length",
            Some(reason) => reason,
            None if status == "incomplete" => "length",
            None if has_calls => "tool_calls",
            None => "stop",
        };
        self.turn.finish_reason = Some(reason.to_owned());
        self.is_done = true;
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
    let of = |counts: &Value, name: &str| counts[name].as_u64();
    let prompt_tokens = of(counts, "input_tokens")?;
    let completion_tokens = of(counts, "output_tokens").unwrap_or_default();
    Some(Usage {
        prompt_tokens,
        completion_tokens,
        total_tokens: of(counts, "total_tokens").unwrap_or(prompt_tokens.saturating_add(completion_tokens)),
        reasoning_tokens: of(&counts["output_tokens_details"], "reasoning_tokens"),
        cached_tokens: of(&counts["input_tokens_details"], "cached_tokens"),
        ..Usage::default()
    })
}

impl answer::Fold for Fold {
    fn event(&mut self, event: &Event, deltas: &mut Vec<Delta>) -> Result<(), Fault> {
        if event.data.trim() == "[DONE]" {
            return Ok(());
        }
        match surrogates::parse(&event.data) {
            Ok(mut value) => {
                // Some gateways report errors as OpenAI's chat API does.
                if value.get("type").is_none() && value.get("error").is_some_and(|error| !error.is_null()) {
                    return Err(Fault::from_stream(ProviderError::from_value(&value)));
                }
                // Data that is no object has no place for a type.
                if let Some(fields) = value.as_object_mut()
                    && !fields.contains_key("type")
                    && !event.name.is_empty()
                {
                    fields.insert("type".to_owned(), event.name.as_str().into());
                }
                self.take(&mut value, deltas)
            }
            Err(error) => {
                let sample = &event.data[..event.data.floor_char_boundary(200)];
                Err(Fault::Garbage { message: format!("{error} in {sample:?}") })
            }
        }
    }

    fn response(&mut self, body: &[u8], deltas: &mut Vec<Delta>) -> Result<(), Fault> {
        let body = String::from_utf8_lossy(body);
        let response =
            surrogates::parse(&body).map_err(|error| Fault::Garbage { message: error.to_string() })?;
        if !response["output"].is_array() {
            return Err(Fault::from_stream(ProviderError::from_value(&response)));
        }
        self.end(response, deltas)
    }

    fn is_done(&self) -> bool {
        self.is_done
    }

    fn is_finished(&self) -> bool {
        self.is_done
    }

    fn finish(mut self: Box<Self>, _deltas: &mut Vec<Delta>) -> Result<Turn, Fault> {
        if !self.is_done {
            return Err(Fault::ClosedEarly);
        }
        let (mut items, mut thinks) = (Vec::new(), false);
        for item in std::mem::take(&mut self.items).into_values() {
            thinks |= item.thought.is_some();
            items.extend(item.thought);
            if item.text_bytes > 0 && !self.is_mixed {
                items.push(json!({"type": "message", "bytes": item.text_bytes}));
            }
            if let Some((mut call, _)) = item.call {
                if call.arguments.trim().is_empty() {
                    call.arguments = "{}".to_owned();
                }
                self.turn.tool_calls.push(call);
                items.push(json!({"type": "function_call"}));
            }
        }
        // Without reasoning there is no order that matters.
        if thinks {
            self.turn.extra.insert(ITEMS.to_owned(), items.into());
        }
        if !self.refusal.is_empty() {
            self.turn.extra.insert("refusal".to_owned(), self.refusal.into());
        }
        Ok(self.turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::answer::Fold as _;

    fn read(events: &[Value]) -> (Vec<Delta>, Result<Turn, Fault>) {
        let (mut fold, mut deltas) = (Box::new(Fold::default()), Vec::new());
        for event in events {
            let event = Event { name: String::new(), data: event.to_string() };
            if let Err(fault) = fold.event(&event, &mut deltas) {
                return (deltas, Err(fault));
            }
        }
        let turn = fold.finish(&mut deltas);
        (deltas, turn)
    }

    #[test]
    fn data_that_is_no_object_is_no_panic() {
        for data in ["[]", "\"x\"", "7", "true", "null"] {
            let (mut fold, mut deltas) = (Box::new(Fold::default()), Vec::new());
            let event = Event { name: "response.created".into(), data: data.into() };
            fold.event(&event, &mut deltas).unwrap();
            assert_eq!(
                (deltas, fold.finish(&mut Vec::new())),
                (Vec::new(), Err(Fault::ClosedEarly)),
                "{data}"
            );
        }
    }

    fn created() -> Value {
        json!({"type": "response.created", "response": {"id": "resp_1", "model": "gpt-x"}})
    }

    fn ended(kind: &str, fields: &Value) -> Value {
        let mut response = json!({"id": "resp_1", "model": "gpt-x", "status": kind, "output": []});
        for (name, value) in fields.as_object().unwrap() {
            response[name] = value.clone();
        }
        json!({"type": format!("response.{kind}"), "response": response})
    }

    #[test]
    fn reasoning_text_and_calls_are_put_together_and_the_reasoning_is_kept_to_go_back() {
        let thought = json!({"type": "reasoning", "id": "rs_1", "encrypted_content": "x",
            "summary": [{"type": "summary_text", "text": "hm"}, {"type": "summary_text", "text": "so"}]});
        let call = |arguments: &str| json!({"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look", "arguments": arguments});
        let usage = json!({"input_tokens": 9, "output_tokens": 5, "total_tokens": 14,
            "input_tokens_details": {"cached_tokens": 4}, "output_tokens_details": {"reasoning_tokens": 3}});
        let (deltas, turn) = read(&[
            created(),
            json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning", "id": "rs_1", "summary": []}}),
            json!({"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "hm"}),
            json!({"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 1, "delta": "so"}),
            json!({"type": "response.output_item.done", "output_index": 0, "item": thought}),
            json!({"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "Look"}),
            json!({"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "ing."}),
            json!({"type": "response.output_text.done", "output_index": 1, "content_index": 0, "text": "Looking."}),
            json!({"type": "response.output_item.added", "output_index": 2, "item": call("")}),
            json!({"type": "response.function_call_arguments.delta", "output_index": 2, "delta": "{\"at\""}),
            json!({"type": "response.function_call_arguments.delta", "output_index": 2, "delta": ":1}"}),
            json!({"type": "response.output_item.done", "output_index": 2, "item": call("{\"at\":1}")}),
            ended(
                "completed",
                &json!({"usage": usage, "output": [thought,
                {"type": "message", "content": [{"type": "output_text", "text": "Looking."}]}, call("{\"at\":1}")]}),
            ),
        ]);
        let turn = turn.unwrap();
        assert_eq!((turn.text.as_str(), turn.reasoning.as_str()), ("Looking.", "hm\n\nso"));
        assert_eq!(turn.tool_calls, [ToolCall::new("call_1", "look", "{\"at\":1}")]);
        let items = json!([thought, {"type": "message", "bytes": 8}, {"type": "function_call"}]);
        assert_eq!(turn.extra[ITEMS], items);
        assert_eq!(turn.finish_reason.as_deref(), Some("tool_calls"));
        assert_eq!((turn.model.as_deref(), turn.request_id.as_deref()), (Some("gpt-x"), Some("resp_1")));
        let usage = turn.usage.unwrap();
        assert_eq!((usage.prompt_tokens, usage.cached_tokens, usage.reasoning_tokens), (9, Some(4), Some(3)));
        let written: String = deltas
            .iter()
            .filter_map(|delta| if let Delta::Call(call) = delta { Some(&*call.arguments) } else { None })
            .collect();
        assert_eq!(written, "{\"at\":1}");
    }

    #[test]
    fn an_answer_that_comes_whole_or_only_in_the_last_event_is_a_turn() {
        let output = json!([{"type": "message", "content": [{"type": "output_text", "text": "hi"}]}]);
        let (_, turn) = read(&[ended("completed", &json!({"output": output}))]);
        let turn = turn.unwrap();
        assert_eq!((turn.text.as_str(), turn.finish_reason.as_deref()), ("hi", Some("stop")));
        let (mut fold, mut deltas) = (Box::new(Fold::default()), Vec::new());
        let body = ended("completed", &json!({"output": output}))["response"].to_string();
        fold.response(body.as_bytes(), &mut deltas).unwrap();
        assert_eq!(fold.finish(&mut deltas).unwrap(), turn);
        assert_eq!(deltas, [Delta::Text("hi".into())]);
    }

    #[test]
    fn an_end_that_is_none_is_said_as_what_it_is() {
        let text = json!({"type": "response.output_text.delta", "output_index": 0, "delta": "half"});
        let (_, turn) = read(&[created(), text.clone()]);
        assert_eq!(turn.unwrap_err(), Fault::ClosedEarly);
        let cut = json!({"incomplete_details": {"reason": "max_output_tokens"}});
        let (_, turn) = read(&[created(), text.clone(), ended("incomplete", &cut)]);
        assert!(turn.unwrap().is_cut_off());
        let error = json!({"error": {"code": "server_error", "message": "broken"}});
        let (_, turn) = read(&[created(), text, ended("failed", &error)]);
        let fault = turn.unwrap_err();
        assert!(matches!(fault, Fault::MidStream(_)) && fault.to_string().contains("broken"), "{fault}");
        let (_, turn) =
            read(&[json!({"type": "error", "code": "rate_limit_exceeded", "message": "slow down"})]);
        assert!(turn.unwrap_err().to_string().contains("slow down"));
        let refusal = json!({"type": "response.refusal.delta", "output_index": 0, "delta": "no"});
        let (_, turn) = read(&[refusal, ended("completed", &json!({}))]);
        assert_eq!(turn.unwrap().extra["refusal"], "no");
    }
}
