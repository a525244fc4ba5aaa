//! The wire form of an answer, streamed or whole, as OpenAI-compatible providers send it.
//!
//! Only the fields that are needed are looked at, and none of them costs the answer: a field of another type counts as absent, since
//! every provider adds and bends its own.

use serde_json::{Map, Value};

use super::Usage;

/// One chunk of a stream, or a whole answer.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) model: Option<String>,
    pub(super) choices: Vec<Choice>,
    pub(super) usage: Option<Usage>,
    /// The provider's error in place of, or beside, an answer.
    pub(super) error: Option<Value>,
}

#[derive(Debug, Default)]
pub(super) struct Choice {
    pub(super) index: u64,
    pub(super) piece: Piece,
    /// Whether the piece only says who speaks.
    pub(super) is_opening: bool,
    pub(super) finish_reason: Option<String>,
    /// OpenRouter reports an upstream provider's error here.
    pub(super) error: Option<Value>,
}

/// The addition of a chunk to the answer.
#[derive(Debug, Default)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) reasoning: String,
    /// The name under which the reasoning stands, when it is one of the usual.
    pub(super) reasoning_field: Option<&'static str>,
    pub(super) calls: Vec<CallPiece>,
    pub(super) refusal: String,
    pub(super) annotations: Vec<Value>,
    pub(super) reasoning_details: Vec<Value>,
}

/// The addition of a chunk to a call.
#[derive(Debug, Default)]
pub(super) struct CallPiece {
    pub(super) index: Option<u64>,
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) arguments: String,
    /// Data that the provider attached to the call.
    pub(super) extra: Option<Value>,
}

/// A whole answer has its text in `message`; a chunk in `delta`, perhaps beside a `message` with the text so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Whole,
    Streamed,
}

impl Chunk {
    /// Reads a chunk.
    pub(super) fn read(mut value: Value, form: Form) -> Self {
        let error = error(&mut value);
        let Value::Object(mut fields) = value else { return Self { error, ..Self::default() } };
        let choices = match fields.remove("choices") {
            Some(Value::Array(choices)) => choices,
            Some(choice @ Value::Object(_)) => vec![choice],
            _ => Vec::new(),
        };
        let groq = fields.get("x_groq").and_then(|groq| groq.get("usage"));
        Self {
            model: fields.get("model").and_then(text).filter(|model| !model.is_empty()),
            usage: fields.get("usage").or(groq).and_then(usage),
            choices: choices.into_iter().filter_map(|choice| Choice::read(choice, form)).collect(),
            error,
        }
    }
}

/// The error of a chunk in any shape: `error`, `base_resp`, `detail`, a flat `{code, message}`, or one of these in a list.
fn error(value: &mut Value) -> Option<Value> {
    if let Value::Array(items) = value {
        // Google's services wrap their errors, and whole answers, into a list.
        let first = std::mem::take(items).into_iter().find(Value::is_object)?;
        *value = first;
    }
    let fields = value.as_object()?;
    let groq = fields.get("x_groq").and_then(|groq| groq.get("error"));
    if let Some(error) = fields.get("error").or(groq).filter(|error| says_something(error)) {
        return Some(error.clone());
    }
    if let Some(status) = fields.get("base_resp")
        && number(status.get("status_code")?).is_some_and(|code| code != 0)
    {
        return Some(status.clone());
    }
    if fields.get("choices").is_some_and(says_something) {
        return None;
    }
    let is = |name: &str| fields.get(name).is_some_and(says_something);
    let named = ["object", "type"].iter().any(|name| fields.get(*name).is_some_and(|kind| kind == "error"));
    let flat = is("message") && (is("code") || is("status") || is("status_code") || is("type"));
    (named || flat || is("detail")).then(|| value.clone())
}

/// Whether a value is more than a placeholder.
fn says_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Bool(true) => true,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => fields.values().any(says_something),
    }
}

impl Choice {
    fn read(choice: Value, form: Form) -> Option<Self> {
        let Value::Object(mut fields) = choice else { return None };
        let (delta, message) = (object(fields.remove("delta")), object(fields.remove("message")));
        let source = match form {
            Form::Whole => message.or(delta),
            Form::Streamed => delta.or(message),
        };
        let mut piece = source.map(Piece::read);
        if piece.is_none() {
            // The older interface without messages.
            let text = fields.get("text").and_then(text).unwrap_or_default();
            piece = Some((Piece { text, ..Piece::default() }, false));
        }
        let (piece, is_opening) = piece.unwrap_or_default();
        Some(Self {
            index: fields.get("index").and_then(number).unwrap_or_default(),
            piece,
            is_opening,
            finish_reason: fields.get("finish_reason").and_then(text).filter(|reason| !reason.is_empty()),
            error: fields.remove("error").filter(says_something),
        })
    }
}

impl Piece {
    /// The piece, and whether it only says who speaks.
    fn read(mut fields: Map<String, Value>) -> (Self, bool) {
        let mut piece = Self::default();
        let speaks = fields.contains_key("role");
        content(fields.remove("content"), &mut piece);
        // Some servers send two names with the same text: one of them counts.
        let names = ["reasoning_content", "reasoning", "reasoning_text", "thinking"];
        let named = names.into_iter().filter_map(|name| Some((name, plain(fields.get(name)?))));
        if let Some((name, reasoning)) = named.into_iter().find(|(_, text)| !text.is_empty()) {
            piece.reasoning = reasoning;
            piece.reasoning_field = Some(name);
        }
        piece.reasoning_details = list(fields.remove("reasoning_details"));
        if piece.reasoning.is_empty() {
            piece.reasoning = piece.reasoning_details.iter().map(detail).collect();
        }
        piece.annotations = list(fields.remove("annotations"));
        if let Some(refusal) = fields.get("refusal").and_then(text) {
            piece.refusal.push_str(&refusal);
        }
        piece.calls = match fields.remove("tool_calls") {
            Some(Value::Array(calls)) => calls.into_iter().filter_map(CallPiece::read).collect(),
            Some(call @ Value::Object(_)) => CallPiece::read(call).into_iter().collect(),
            _ => Vec::new(),
        };
        // The older interface with one call.
        if let Some(call) = object(fields.remove("function_call")) {
            let mut call = CallPiece::of_function(call);
            call.index = Some(0);
            piece.calls.push(call);
        }
        let is_opening = speaks && piece.is_empty();
        (piece, is_opening)
    }

    fn is_empty(&self) -> bool {
        self.text.is_empty() && self.reasoning.is_empty() && self.calls.is_empty() && self.refusal.is_empty()
    }
}

/// Text, plain or in typed parts; thinking may be one of them.
fn content(value: Option<Value>, piece: &mut Piece) {
    match value {
        Some(Value::Array(parts)) => parts.into_iter().for_each(|part| content(Some(part), piece)),
        Some(Value::Object(part)) => {
            let kind = part.get("type").and_then(Value::as_str).unwrap_or("text");
            let of = |names: &[&str]| {
                names.iter().filter_map(|name| part.get(*name)).map(plain).find(|text| !text.is_empty())
            };
            match kind {
                "thinking" | "reasoning" | "reasoning_text" => {
                    piece.reasoning.extend(of(&["thinking", "reasoning", "text", "summary"]));
                }
                "refusal" => piece.refusal.extend(of(&["refusal", "text"])),
                _ => piece.text.extend(of(&["text", "content"])),
            }
        }
        Some(value) => piece.text.extend(text(&value)),
        None => {}
    }
}

/// All text of a value, at any nesting.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Object(fields) => {
            let names = ["text", "content", "value", "thinking", "summary"];
            names
                .iter()
                .filter_map(|name| fields.get(*name))
                .map(plain)
                .find(|t| !t.is_empty())
                .unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// The readable part of one entry of `reasoning_details`; encrypted ones have none.
fn detail(entry: &Value) -> String {
    let names = ["text", "summary"];
    names.iter().filter_map(|name| entry.get(*name)).filter_map(text).collect()
}

impl CallPiece {
    fn read(call: Value) -> Option<Self> {
        let Value::Object(mut fields) = call else { return None };
        let index = fields.get("index").and_then(number);
        let extra = fields.remove("extra_content").filter(says_something);
        let id = fields.get("id").and_then(text).filter(|id| !id.is_empty());
        // Some servers leave the wrapper out.
        let function = object(fields.remove("function")).unwrap_or(fields);
        Some(Self { index, id, extra, ..Self::of_function(function) })
    }

    fn of_function(fields: Map<String, Value>) -> Self {
        let name = fields.get("name").and_then(text).filter(|name| !name.is_empty());
        let arguments = match fields.get("arguments") {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            // The object itself.
            Some(value) => value.to_string(),
        };
        Self { name, arguments, ..Self::default() }
    }
}

fn object(value: Option<Value>) -> Option<Map<String, Value>> {
    match value {
        Some(Value::Object(fields)) => Some(fields),
        _ => None,
    }
}

fn list(value: Option<Value>) -> Vec<Value> {
    match value {
        Some(Value::Array(items)) => items,
        Some(item @ Value::Object(_)) => vec![item],
        _ => Vec::new(),
    }
}

/// A text, or a number as one.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A count: also as a fraction or as text. A negative one is none.
fn number(value: &Value) -> Option<u64> {
    let fraction = match value {
        Value::Number(number) => return number.as_u64().or_else(|| number.as_f64().and_then(whole)),
        Value::String(text) => text.trim().parse::<f64>().ok()?,
        _ => return None,
    };
    whole(fraction)
}

fn whole(number: f64) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
    (0.0..1e15).contains(&number).then_some(number as u64)
}

/// The counts, under the names of OpenAI, Anthropic and DeepSeek.
fn usage(usage: &Value) -> Option<Usage> {
    let fields = usage.as_object()?;
    let of = |names: &[&str]| names.iter().filter_map(|name| fields.get(*name)).find_map(number);
    let within = |names: &[&str], inner: &str| {
        names.iter().filter_map(|name| fields.get(*name)?.get(inner)).find_map(number)
    };
    let prompt_tokens = of(&["prompt_tokens", "input_tokens"]).unwrap_or_default();
    let completion_tokens = of(&["completion_tokens", "output_tokens"]).unwrap_or_default();
    let total = of(&["total_tokens"]).filter(|total| *total >= prompt_tokens.max(completion_tokens));
    let cost = fields.get("cost").and_then(|cost| cost.get("total_cost").unwrap_or(cost).as_f64());
    Some(Usage {
        prompt_tokens,
        completion_tokens,
        total_tokens: total.unwrap_or_else(|| prompt_tokens.saturating_add(completion_tokens)),
        reasoning_tokens: within(&["completion_tokens_details", "output_tokens_details"], "reasoning_tokens"),
        cached_tokens: within(&["prompt_tokens_details", "input_tokens_details"], "cached_tokens")
            .or_else(|| of(&["prompt_cache_hit_tokens", "cache_read_input_tokens"])),
        cost,
        estimated: false,
    })
}
