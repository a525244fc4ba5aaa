//! A question in the wire form of OpenAI's chat API.

use serde_json::{Map, Value, json};

use super::messages::{self, Style};
use crate::model::abilities::{self, Form, Structured};
use crate::model::history::Reader;
use crate::model::quirks::{Asked, MaxTokens, Quirks};
use crate::model::{Request, ResponseFormat, ToolChoice, wire_schema};

/// The JSON that is sent to `provider`.
pub(super) fn body(request: &Request, provider: &str, model: &str, form: Form, quirks: &Quirks) -> Value {
    let Request { messages, tools, options, .. } = request;
    let format = options.response_format.as_ref();
    let mut messages = messages.clone();
    if let Some(format) = format.filter(|_| form.in_prompt) {
        abilities::with_schema(&mut messages, format);
    }
    let style = Style {
        reader: Reader { provider, ids: quirks.tool_ids },
        system_role: form.system_role,
        reasoning: form.reasoning,
        empty_content: quirks.empty_content,
    };
    let mut body = json!({
        "model": model,
        "messages": messages::messages(&messages, style),
        "stream": true,
    });
    let mut add = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body[name] = value;
        }
    };
    add("stream_options", form.counts.then(|| json!({"include_usage": true})));
    add("temperature", options.temperature.map(Value::from));
    add("top_p", options.top_p.map(Value::from));
    add("stop", (!options.stop.is_empty()).then(|| json!(options.stop)));
    add("reasoning_effort", options.reasoning_effort.as_deref().map(Value::from));
    let limit = if form.max_tokens == MaxTokens::MaxCompletionTokens {
        "max_completion_tokens"
    } else {
        "max_tokens"
    };
    add(limit, options.max_tokens.map(Value::from));
    if !tools.is_empty() {
        add("tools", Some(tools.iter().map(|tool| json!(wire_schema::tool(tool, quirks))).collect()));
        add("tool_choice", options.tool_choice.as_ref().map(choice));
        add("parallel_tool_calls", options.parallel_tool_calls.map(Value::from));
    }
    let is_strict = quirks.strict_schemas == Asked::Always;
    match (format, form.structured) {
        (None, _) | (Some(_), Structured::Prompt | Structured::Tool) => {}
        (Some(_), Structured::JsonObject) => add("response_format", Some(json!(ResponseFormat::JsonObject))),
        (Some(format), Structured::JsonSchema | Structured::Auto) => {
            add("response_format", Some(answer_format(format, is_strict)));
        }
    }
    if is_strict && let Some(tools) = body.get_mut("tools").and_then(Value::as_array_mut) {
        tools.iter_mut().for_each(|tool| tool["function"]["strict"] = true.into());
    }
    body
}

/// Adds fields in the provider's words: those of the configuration, then those of the request.
pub(super) fn with_extra(body: &mut Value, extra: [&Map<String, Value>; 2]) {
    for (name, value) in extra.into_iter().flatten() {
        body[name] = value.clone();
    }
}

fn choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => "auto".into(),
        ToolChoice::None => "none".into(),
        ToolChoice::Required => "required".into(),
        ToolChoice::Tool(name) => json!({"type": "function", "function": {"name": name}}),
    }
}

fn answer_format(format: &ResponseFormat, is_strict: bool) -> Value {
    let mut wire = json!(format);
    if is_strict && let Some(schema) = wire.get_mut("json_schema") {
        schema["strict"] = true.into();
        if let Some(schema) = schema.get_mut("schema") {
            wire_schema::strict(schema);
        }
    }
    wire
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::abilities::Abilities;
    use crate::model::{Message, Options};
    use crate::tool;

    fn request() -> Request {
        Request {
            messages: vec![Message::user("u")],
            tools: vec![tool::Spec {
                name: "t".into(),
                description: "d".into(),
                parameters: json!({"type": "object"}),
            }],
            options: Options {
                temperature: Some(0.5),
                top_p: Some(0.9),
                max_tokens: Some(9),
                stop: vec!["END".into()],
                reasoning_effort: Some("low".into()),
                tool_choice: Some(ToolChoice::Tool("t".into())),
                parallel_tool_calls: Some(false),
                response_format: Some(ResponseFormat::schema(
                    "a",
                    json!({"type": "object", "properties": {}}),
                )),
                extra_body: Map::new(),
            },
            ..Request::default()
        }
    }

    #[test]
    fn parameters_are_sent_and_quirks_change_their_form() {
        let quirks = Quirks {
            max_tokens: MaxTokens::MaxCompletionTokens,
            stream_options: Asked::Never,
            strict_schemas: Asked::Always,
            ..Quirks::default()
        };
        let form = Abilities::new(quirks).form("m");
        let mut sent = body(&request(), "p", "m", form, &quirks);
        with_extra(
            &mut sent,
            [
                &Map::from_iter([("seed".to_owned(), json!(1)), ("top_k".to_owned(), json!(4))]),
                &Map::from_iter([("seed".to_owned(), json!(2))]),
            ],
        );
        let closed =
            json!({"type": "object", "properties": {}, "required": [], "additionalProperties": false});
        let wanted = json!({
            "model": "m", "messages": [{"role": "user", "content": "u"}], "stream": true,
            "temperature": 0.5, "top_p": 0.9, "stop": ["END"], "reasoning_effort": "low",
            "max_completion_tokens": 9,
            "tools": [{"type": "function",
                "function": {"name": "t", "description": "d", "parameters": closed, "strict": true}}],
            "tool_choice": {"type": "function", "function": {"name": "t"}},
            "parallel_tool_calls": false,
            "response_format": {"type": "json_schema",
                "json_schema": {"name": "a", "schema": closed, "strict": true}},
            "seed": 2, "top_k": 4,
        });
        assert_eq!(sent, wanted);
    }
}
