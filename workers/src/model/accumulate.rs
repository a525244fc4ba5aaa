//! The pure fold of a provider's events into deltas and, at the end, a turn.

use runbus::json;
use serde_json::Value;

use super::chunk::{CallPiece, Choice, Chunk, Piece};
use super::limits::{MAX_TOOL_CALL_ID_BYTES, MAX_TOOL_CALLS, MAX_TOOL_NAME_BYTES, MAX_TURN_BYTES};
use super::{Delta, Event, Fault, ProviderError, ToolCall, Turn};

/// Collects one turn.
#[derive(Debug, Default)]
pub struct Accumulator {
    turn: Turn,
    /// The index that the provider gave each of the turn's calls.
    indices: Vec<Option<u32>>,
    /// Bytes of everything that the turn keeps.
    bytes: usize,
    /// Whether the provider said `[DONE]`.
    done: bool,
}

impl Accumulator {
    /// Takes one event of a stream; what a reader should see is added to `deltas`.
    ///
    /// # Errors
    ///
    /// A fault that the provider reports, or that its event is.
    pub fn event(&mut self, event: &Event, deltas: &mut impl Extend<Delta>) -> Result<(), Fault> {
        if event.data.trim() == "[DONE]" {
            self.done = true;
            return Ok(());
        }
        if event.name == "error" {
            let value =
                json::from_str(&event.data).unwrap_or_else(|_no_json| Value::from(event.data.as_str()));
            return Err(Fault::from_stream(ProviderError::from_value(&value)));
        }
        match json::from_str(&event.data) {
            Ok(chunk) => self.chunk(chunk, deltas),
            // Someone's keep-alive of a kind of its own.
            Err(_) if !event.name.is_empty() && event.name != "message" => Ok(()),
            Err(error) => Err(garbage(&error, &event.data)),
        }
    }

    /// Takes a whole answer that was not streamed.
    ///
    /// # Errors
    ///
    /// As [`Accumulator::event`].
    pub fn response(&mut self, body: &[u8], deltas: &mut impl Extend<Delta>) -> Result<(), Fault> {
        let chunk: Chunk = json::from_slice(body)
            .map_err(|error| garbage(&error, &String::from_utf8_lossy(&body[..body.len().min(400)])))?;
        self.chunk(chunk, deltas)
    }

    /// Whether the provider said that nothing follows.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Whether the model has said why it stopped: what may follow is usage at most.
    pub fn is_finished(&self) -> bool {
        self.done || self.turn.finish_reason.is_some()
    }

    /// The turn, once the stream has ended. Calls without an id have an empty one.
    ///
    /// # Errors
    ///
    /// [`Fault::ClosedEarly`] when the provider never said that it was done.
    pub fn finish(self) -> Result<Turn, Fault> {
        if self.is_finished() { Ok(self.turn) } else { Err(Fault::ClosedEarly) }
    }

    fn chunk(&mut self, chunk: Chunk, deltas: &mut impl Extend<Delta>) -> Result<(), Fault> {
        let Chunk { model, choices, usage, x_groq, error } = chunk;
        let (groq_usage, groq_error) = x_groq.map_or((None, None), |groq| (groq.usage, groq.error));
        if let Some(model) = model.filter(|model| !model.is_empty()) {
            self.turn.model.get_or_insert(model);
        }
        // Some servers count while they stream: the last count is the right one.
        if let Some(usage) = usage.or(groq_usage) {
            self.turn.usage = Some(usage.into());
        }
        let mut fault = error.or(groq_error);
        for Choice { delta, finish_reason, error, .. } in
            choices.into_iter().flatten().filter(|choice| choice.index == 0)
        {
            if let Some(piece) = delta {
                self.piece(piece, deltas)?;
            }
            if let Some(reason) = finish_reason.filter(|reason| !reason.is_empty()) {
                if reason == "error" && fault.is_none() && error.is_none() {
                    fault = Some(Value::from("the provider ended the answer with an error"));
                }
                self.turn.finish_reason = Some(reason);
            }
            fault = fault.or(error);
        }
        match fault {
            Some(error) => Err(Fault::from_stream(ProviderError::from_value(&error))),
            None => Ok(()),
        }
    }

    fn piece(&mut self, mut piece: Piece, deltas: &mut impl Extend<Delta>) -> Result<(), Fault> {
        if let Some(reasoning) = piece.take_reasoning() {
            self.grow(reasoning.len())?;
            self.turn.reasoning.push_str(&reasoning);
            deltas.extend([Delta::Reasoning(reasoning)]);
        }
        if let Some(text) =
            piece.content.map(super::chunk::Content::into_text).filter(|text| !text.is_empty())
        {
            self.grow(text.len())?;
            self.turn.text.push_str(&text);
            deltas.extend([Delta::Text(text)]);
        }
        for call in piece.tool_calls.into_iter().flatten() {
            self.call(call)?;
        }
        if let Some(refusal) = piece.refusal.filter(|text| !text.is_empty()) {
            self.grow(refusal.len())?;
            let so_far = self.turn.extra.entry("refusal").or_insert_with(|| Value::from(""));
            *so_far = Value::from(format!("{}{refusal}", so_far.as_str().unwrap_or_default()));
        }
        self.extra("annotations", piece.annotations)?;
        self.extra("reasoning_details", piece.reasoning_details)
    }

    /// Keeps a list of what is handed on unchanged.
    fn extra(&mut self, name: &str, values: Option<Vec<Value>>) -> Result<(), Fault> {
        for value in values.into_iter().flatten() {
            // The journal keeps it inside envelopes of its own.
            json::tree::check_within(&value, runbus::limits::EDGE_DEPTH)
                .map_err(|fault| Fault::Garbage { message: format!("{name}: {fault}") })?;
            self.grow(value.to_string().len())?;
            let list = self.turn.extra.entry(name).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(list) = list {
                list.push(value);
            }
        }
        Ok(())
    }

    /// Adds to the tool call that a piece belongs to.
    fn call(&mut self, piece: CallPiece) -> Result<(), Fault> {
        let CallPiece { index, id, function } = piece;
        let id = id.filter(|id| !id.is_empty());
        let place = self.place(index, id.as_deref())?;
        let function = function.unwrap_or_default();
        let arguments = match function.arguments {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text,
            Some(value) => value.to_string(),
        };
        let name = function.name.unwrap_or_default();
        if name.len() > MAX_TOOL_NAME_BYTES {
            return Err(Fault::TooLarge { what: "bytes of a tool's name", limit: MAX_TOOL_NAME_BYTES });
        }
        self.grow(arguments.len() + name.len())?;
        let call = &mut self.turn.tool_calls[place];
        // Some servers repeat id and name with every piece.
        if call.id.is_empty() {
            call.id = id.unwrap_or_default();
        }
        if call.name.is_empty() {
            call.name = name;
        }
        call.arguments.push_str(&arguments);
        Ok(())
    }

    /// The place of the call that a piece belongs to: that of its index, else of its id, else the last one.
    /// Another id begins another call, since some servers number every call 0 or not at all.
    fn place(&mut self, index: Option<u32>, id: Option<&str>) -> Result<usize, Fault> {
        let mut calls = self.turn.tool_calls.iter().zip(&self.indices);
        let same = |call: &ToolCall| id.is_none_or(|id| call.id.is_empty() || call.id == id);
        let found = match (index, id) {
            (Some(_), _) => calls.rposition(|(call, at)| *at == index && same(call)),
            (None, Some(id)) => calls.rposition(|(call, _)| call.id == id),
            (None, None) => self.turn.tool_calls.len().checked_sub(1),
        };
        if let Some(place) = found {
            return Ok(place);
        }
        if self.turn.tool_calls.len() == MAX_TOOL_CALLS {
            return Err(Fault::TooLarge { what: "tool calls of one turn", limit: MAX_TOOL_CALLS });
        }
        if id.is_some_and(|id| id.len() > MAX_TOOL_CALL_ID_BYTES) {
            return Err(Fault::TooLarge { what: "bytes of a tool call's id", limit: MAX_TOOL_CALL_ID_BYTES });
        }
        // In the order of their index, whatever the order in which they begin.
        let place = match index {
            Some(_) => self.indices.iter().rposition(|at| *at <= index).map_or(0, |before| before + 1),
            None => self.indices.len(),
        };
        self.indices.insert(place, index);
        self.turn
            .tool_calls
            .insert(place, ToolCall { id: String::new(), name: String::new(), arguments: String::new() });
        Ok(place)
    }

    fn grow(&mut self, bytes: usize) -> Result<(), Fault> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > MAX_TURN_BYTES {
            return Err(Fault::TooLarge { what: "bytes of one turn", limit: MAX_TURN_BYTES });
        }
        Ok(())
    }
}

fn garbage(error: &json::Error, data: &str) -> Fault {
    let sample = &data[..data.floor_char_boundary(200)];
    Fault::Garbage { message: format!("{error} in {sample:?}") }
}
