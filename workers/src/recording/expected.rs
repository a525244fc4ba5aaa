//! The expected result of a recorded response, extracted in the simplest way that could work.
//!
//! It looks only at what the recordings contain, and uses none of the client's code, so that the two can
//! disagree.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Interaction, Recording};
use crate::model::{ToolCall, Usage};

/// The expected result of one response.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Expected {
    /// The whole text.
    pub text: String,
    /// The whole reasoning.
    pub reasoning: String,
    /// The tool calls in order.
    pub tool_calls: Vec<ToolCall>,
    /// The last usage.
    pub usage: Option<Usage>,
    /// The last finish reason.
    pub finish_reason: Option<String>,
    /// The number of annotations.
    pub annotations: usize,
    /// The error's inner object, and whether it came in mid-stream.
    pub error: Option<(Value, bool)>,
}

/// The expected result of each response, in order.
pub fn expected(recording: &Recording) -> Vec<Expected> {
    recording.interactions.iter().map(one).collect()
}

fn one(interaction: &Interaction) -> Expected {
    let is_stream = interaction.content_type.starts_with("text/event-stream");
    let mut found = Expected::default();
    let mut calls: BTreeMap<u64, ToolCall> = BTreeMap::new();
    let documents: Vec<Value> = if is_stream {
        let data = interaction.body.lines().filter_map(|line| line.strip_prefix("data: "));
        data.filter(|data| *data != "[DONE]").map(json).collect()
    } else {
        vec![json(&interaction.body)]
    };
    for document in documents {
        if let Some(error) = document.get("error") {
            found.error = Some((error.clone(), is_stream));
        }
        let usage = [&document["usage"], &document["x_groq"]["usage"]];
        if let Some(usage) = usage.into_iter().find(|usage| usage.is_object()) {
            found.usage = Some(usage_of(usage));
        }
        let choice = &document["choices"][0];
        if let Some(reason) = choice["finish_reason"].as_str() {
            found.finish_reason = Some(reason.to_owned());
        }
        let piece = if is_stream { &choice["delta"] } else { &choice["message"] };
        found.text += piece["content"].as_str().unwrap_or("");
        found.reasoning += piece["reasoning_content"].as_str().unwrap_or("");
        found.reasoning += piece["reasoning"].as_str().unwrap_or("");
        found.annotations += piece["annotations"].as_array().map_or(0, Vec::len);
        for (place, call) in piece["tool_calls"].as_array().into_iter().flatten().enumerate() {
            let place = call["index"].as_u64().unwrap_or(place as u64);
            let empty = ToolCall::default();
            let whole = calls.entry(place).or_insert(empty);
            whole.id += call["id"].as_str().unwrap_or("");
            whole.name += call["function"]["name"].as_str().unwrap_or("");
            whole.arguments += call["function"]["arguments"].as_str().unwrap_or("");
        }
    }
    found.tool_calls = calls.into_values().collect();
    found
}

fn json(text: &str) -> Value {
    runbus::json::from_str(text).expect("a recording's data is JSON")
}

fn usage_of(usage: &Value) -> Usage {
    let count = |value: &Value| value.as_u64();
    Usage {
        prompt_tokens: count(&usage["prompt_tokens"]).unwrap_or(0),
        completion_tokens: count(&usage["completion_tokens"]).unwrap_or(0),
        total_tokens: count(&usage["total_tokens"]).unwrap_or(0),
        reasoning_tokens: count(&usage["completion_tokens_details"]["reasoning_tokens"]),
        cached_tokens: count(&usage["prompt_tokens_details"]["cached_tokens"]),
        estimated: false,
        cost: usage["cost"].as_f64(),
    }
}
