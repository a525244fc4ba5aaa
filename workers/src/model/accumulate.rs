//! The pure fold of a provider's events into deltas and, at the end, a turn.

use runbus::json;
use serde_json::Value;

use super::answer::Fold;
use super::calls::Calls;
use super::choices::Choices;
use super::chunk::{Choice, Chunk, Form, Piece};
use super::limits::MAX_TURN_BYTES;
use super::think::{Split, Splitter, ThinkTags};
use super::{Delta, Event, Fault, ProviderError, Turn, needed, surrogates};

/// Collects one turn.
#[derive(Debug)]
pub struct Accumulator {
    turn: Turn,
    calls: Calls,
    choices: Choices,
    /// Bytes of everything that the turn keeps.
    bytes: usize,
    /// Whether the provider said `[DONE]`.
    done: bool,
    /// Whether the answer came in one piece.
    whole: bool,
    /// Splits reasoning off the text.
    splitter: Splitter,
}

impl Default for Accumulator {
    /// One that leaves the text as it is.
    fn default() -> Self {
        Self::splitting(ThinkTags::Never)
    }
}

impl Accumulator {
    /// One that splits reasoning off the text.
    #[must_use]
    pub fn splitting(tags: ThinkTags) -> Self {
        Self {
            turn: Turn::default(),
            calls: Calls::default(),
            choices: Choices::default(),
            bytes: 0,
            done: false,
            whole: false,
            splitter: Splitter::new(tags),
        }
    }

    /// Takes one event of a stream; adds the deltas for readers to `deltas`.
    ///
    /// # Errors
    ///
    /// A fault that the provider reports, or that its event is.
    pub fn event(&mut self, event: &Event, deltas: &mut impl Extend<Delta>) -> Result<(), Fault> {
        if event.data.trim() == "[DONE]" {
            self.done = true;
            let held = self.choices.end();
            return held.map_or(Ok(()), |held| self.choice(held, &mut None, deltas));
        }
        if event.name == "error" {
            let value =
                json::from_str(&event.data).unwrap_or_else(|_no_json| Value::from(event.data.as_str()));
            return Err(Fault::from_stream(ProviderError::from_value(&value)));
        }
        let chunk = needed::read(&event.data);
        match chunk.map_or_else(|| surrogates::parse(&event.data), Ok) {
            Ok(chunk) => self.chunk(Chunk::read(chunk, Form::Streamed), deltas),
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
        let body = String::from_utf8_lossy(body);
        let chunk = surrogates::parse(&body).map_err(|error| garbage(&error, &body))?;
        self.calls.are_whole();
        self.chunk(Chunk::read(chunk, Form::Whole), deltas)?;
        // All of it is there, whether it says why it ends or not; an answer without any choice is none.
        self.end_text(deltas);
        self.whole = !self.turn.text.is_empty() || !self.calls.is_empty();
        Ok(())
    }

    /// Whether the provider said that nothing follows.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Whether the model has given its finish reason: only usage may follow. `[DONE]` behind text is not enough: proxies write
    /// it behind a stream that broke. Behind complete calls it is.
    pub fn is_finished(&self) -> bool {
        self.whole || self.turn.finish_reason.is_some() || (self.done && self.calls.are_complete())
    }

    /// The turn, once the stream has ended. Calls without an id have an empty one.
    ///
    /// # Errors
    ///
    /// [`Fault::ClosedEarly`] when the provider never said why the answer ends.
    pub fn finish(self) -> Result<Turn, Fault> {
        self.finish_into(&mut Vec::new())
    }

    fn finish_into(mut self, deltas: &mut impl Extend<Delta>) -> Result<Turn, Fault> {
        if let Some(held) = self.choices.end() {
            self.choice(held, &mut None, deltas)?;
        }
        self.end_text(deltas);
        if !self.is_finished() {
            return Err(Fault::ClosedEarly);
        }
        self.turn.tool_calls = self.calls.finish();
        Ok(self.turn)
    }

    fn chunk(&mut self, chunk: Chunk, deltas: &mut impl Extend<Delta>) -> Result<(), Fault> {
        let Chunk { model, choices, usage, error } = chunk;
        if let Some(model) = model {
            self.turn.model.get_or_insert(model);
        }
        // Some servers count while they stream: the last count is the right one, unless it is empty.
        if let Some(usage) = usage.filter(|usage| usage.total_tokens > 0 || self.turn.usage.is_none()) {
            self.turn.usage = Some(usage);
        }
        let mut fault = error;
        let is_empty = self.is_empty();
        for choice in self.choices.take(choices, is_empty) {
            self.choice(choice, &mut fault, deltas)?;
        }
        match fault {
            Some(error) => Err(Fault::from_stream(ProviderError::from_value(&error))),
            None => Ok(()),
        }
    }

    fn choice(
        &mut self,
        choice: Choice,
        fault: &mut Option<Value>,
        deltas: &mut impl Extend<Delta>,
    ) -> Result<(), Fault> {
        let Choice { piece, finish_reason, error, .. } = choice;
        self.piece(piece, deltas)?;
        if let Some(reason) = finish_reason {
            if reason == "error" && fault.is_none() && error.is_none() {
                *fault = Some(Value::from("the provider ended the answer with an error"));
            }
            self.turn.finish_reason = Some(reason);
        }
        *fault = fault.take().or(error);
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.turn.text.is_empty() && self.turn.reasoning.is_empty() && self.calls.is_empty()
    }

    fn piece(&mut self, piece: Piece, deltas: &mut impl Extend<Delta>) -> Result<(), Fault> {
        let Piece { text, reasoning, reasoning_field, calls, refusal, annotations, reasoning_details } =
            piece;
        self.grow(reasoning.len() + text.len())?;
        if let Some(name) = reasoning_field {
            self.turn.extra.entry("reasoning_field").or_insert_with(|| Value::from(name));
        }
        self.add(Split { reasoning, text: String::new() }, deltas);
        let split = self.splitter.push(text);
        self.add(split, deltas);
        for call in calls {
            let extra = call.extra.as_ref().map_or(0, |extra| extra.to_string().len());
            if let Some(extra) = &call.extra {
                check("extra_content", extra)?;
            }
            self.grow(call.arguments.len() + call.name.as_ref().map_or(0, String::len) + extra)?;
            deltas.extend(self.calls.add(call)?.map(Delta::Call));
        }
        if !refusal.is_empty() {
            self.grow(refusal.len())?;
            let so_far = self.turn.extra.entry("refusal").or_insert_with(|| Value::from(""));
            *so_far = Value::from(format!("{}{refusal}", so_far.as_str().unwrap_or_default()));
        }
        self.extra("annotations", annotations)?;
        self.extra("reasoning_details", reasoning_details)
    }

    /// Adds a piece of the answer that is not counted any more.
    fn add(&mut self, split: Split, deltas: &mut impl Extend<Delta>) {
        let Split { reasoning, text } = split;
        if !reasoning.is_empty() {
            self.turn.reasoning.push_str(&reasoning);
            deltas.extend([Delta::Reasoning(reasoning)]);
        }
        if !text.is_empty() {
            self.turn.text.push_str(&text);
            deltas.extend([Delta::Text(text)]);
        }
    }

    /// No text follows: what may have been a tag is none.
    fn end_text(&mut self, deltas: &mut impl Extend<Delta>) {
        let split = self.splitter.end();
        self.add(split, deltas);
    }

    /// Keeps a list of values that are passed on unchanged.
    fn extra(&mut self, name: &str, values: Vec<Value>) -> Result<(), Fault> {
        for value in values {
            check(name, &value)?;
            self.grow(value.to_string().len())?;
            let list = self.turn.extra.entry(name).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(list) = list {
                list.push(value);
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
}

/// Whether the journal can keep a value inside envelopes of its own.
pub(super) fn check(name: &str, value: &Value) -> Result<(), Fault> {
    json::tree::check_within(value, runbus::limits::EDGE_DEPTH)
        .map_err(|fault| Fault::Garbage { message: format!("{name}: {fault}") })
}

impl Fold for Accumulator {
    fn event(&mut self, event: &Event, deltas: &mut Vec<Delta>) -> Result<(), Fault> {
        Self::event(self, event, deltas)
    }

    fn response(&mut self, body: &[u8], deltas: &mut Vec<Delta>) -> Result<(), Fault> {
        Self::response(self, body, deltas)
    }

    fn is_done(&self) -> bool {
        Self::is_done(self)
    }

    fn is_finished(&self) -> bool {
        Self::is_finished(self)
    }

    fn finish(self: Box<Self>, deltas: &mut Vec<Delta>) -> Result<Turn, Fault> {
        self.finish_into(deltas)
    }
}

fn garbage(error: &json::Error, data: &str) -> Fault {
    let sample = &data[..data.floor_char_boundary(200)];
    Fault::Garbage { message: format!("{error} in {sample:?}") }
}
