//! A question in the form of the Responses API.

use serde_json::{Map, Value, json};

use super::input;
use crate::model::abilities::{self, Structured};
use crate::model::kind::Setup;
use crate::model::quirks::{Asked, ReasoningBack};
use crate::model::{Request, ResponseFormat, ToolChoice, wire_schema};

/// The JSON that is sent.
pub(super) fn body(request: &Request, setup: &Setup, model: &str) -> Value {
    let Request { messages, tools, options, .. } = request;
    let quirks = &setup.quirks;
    let format = options.response_format.as_ref();
    let in_prompt = matches!(quirks.structured_output, Structured::Prompt | Structured::JsonObject);
    let mut said = messages.clone();
    if let Some(format) = format.filter(|_| in_prompt) {
        abilities::with_schema(&mut said, format);
    }
    let (instructions, input) = input::input(&said, &setup.provider, quirks);
    let mut body = json!({"model": model, "input": input, "stream": true, "store": false});
    let mut add = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body[name] = value;
        }
    };
    add("instructions", (!instructions.is_empty()).then(|| instructions.into()));
    add("temperature", options.temperature.map(Value::from));
    add("top_p", options.top_p.map(Value::from));
    add("max_output_tokens", options.max_tokens.map(Value::from));
    add(
        "reasoning",
        options.reasoning_effort.as_deref().map(|effort| json!({"effort": effort, "summary": "auto"})),
    );
    // The service keeps nothing: reasoning goes back in a form that only it reads.
    let goes_back = quirks.reasoning != ReasoningBack::Never;
    add("include", goes_back.then(|| json!(["reasoning.encrypted_content"])));
    let is_strict = quirks.strict_schemas == Asked::Always;
    if !tools.is_empty() {
        let declared = tools.iter().map(|spec| {
            let spec = wire_schema::tool(spec, quirks);
            json!({"type": "function", "name": spec.name, "description": spec.description,
                "parameters": spec.parameters, "strict": is_strict})
        });
        add("tools", Some(declared.collect()));
        add("tool_choice", options.tool_choice.as_ref().map(choice));
        add("parallel_tool_calls", options.parallel_tool_calls.map(Value::from));
    }
    add("text", format.and_then(|format| text(format, quirks.structured_output, is_strict)));
    for (name, value) in setup.extra_body.iter().chain(&options.extra_body) {
        body[name] = value.clone();
    }
    body
}

fn choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => "auto".into(),
        ToolChoice::None => "none".into(),
        ToolChoice::Required => "required".into(),
        ToolChoice::Tool(name) => json!({"type": "function", "name": name}),
    }
}

/// The form of the answer's text.
fn text(format: &ResponseFormat, structured: Structured, is_strict: bool) -> Option<Value> {
    let format = match (structured, format) {
        (Structured::Prompt | Structured::Tool, _) => return None,
        (Structured::JsonObject, _) | (_, ResponseFormat::JsonObject) => json!({"type": "json_object"}),
        (_, ResponseFormat::JsonSchema { json_schema }) => {
            let mut schema = json_schema.schema().clone();
            if is_strict {
                wire_schema::strict(&mut schema);
            }
            json!({"type": "json_schema", "name": json_schema.name(), "schema": schema, "strict": is_strict})
        }
    };
    Some(Value::Object(Map::from_iter([("format".to_owned(), format)])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Message, Options, ToolCall};
    use crate::tool;

    #[test]
    fn a_conversation_with_tools_takes_the_form_of_the_api() {
        let thought = json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"});
        let called = Message::Assistant {
            content: Some("Looking.".into()),
            reasoning: String::new(),
            tool_calls: vec![ToolCall::new("call_1", "look", "{\"at\":1}")],
            provider: Some("p".into()),
            extra: Map::from_iter([(input::ITEMS.to_owned(), json!([thought]))]),
        };
        let request = Request {
            messages: vec![
                Message::system("Be brief."),
                Message::user("Weather?"),
                called,
                Message::tool("call_1", "rain"),
            ],
            tools: vec![tool::Spec {
                name: "look".into(),
                description: "Looks.".into(),
                parameters: json!({"type": "object"}),
            }],
            options: Options {
                max_tokens: Some(7),
                reasoning_effort: Some("low".into()),
                tool_choice: Some(ToolChoice::Tool("look".into())),
                parallel_tool_calls: Some(false),
                response_format: Some(ResponseFormat::schema("answer", json!({"type": "object"}))),
                ..Options::default()
            },
            ..Request::default()
        };
        let setup = Setup { provider: "p".into(), ..Setup::default() };
        let wanted = json!({
            "model": "m", "stream": true, "store": false, "instructions": "Be brief.",
            "input": [
                {"role": "user", "content": "Weather?"},
                thought,
                {"role": "assistant", "content": "Looking."},
                {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{\"at\":1}"},
                {"type": "function_call_output", "call_id": "call_1", "output": "rain"},
            ],
            "tools": [{"type": "function", "name": "look", "description": "Looks.",
                "parameters": {"type": "object", "properties": {}}, "strict": false}],
            "tool_choice": {"type": "function", "name": "look"}, "parallel_tool_calls": false,
            "max_output_tokens": 7, "reasoning": {"effort": "low", "summary": "auto"},
            "include": ["reasoning.encrypted_content"],
            "text": {"format": {"type": "json_schema", "name": "answer", "schema": {"type": "object"}, "strict": false}},
        });
        assert_eq!(body(&request, &setup, "m"), wanted);
        // Another provider gets no reasoning of this one.
        let other = Setup { provider: "q".into(), ..Setup::default() };
        let sent = body(&request, &other, "m");
        assert!(sent["input"].as_array().unwrap().iter().all(|item| item["type"] != "reasoning"));
    }
}
