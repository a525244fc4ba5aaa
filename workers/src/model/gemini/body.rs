//! A question in the form of the Gemini API.

use serde_json::{Map, Value, json};

use super::messages;
use crate::model::abilities::{self, Structured};
use crate::model::kind::Setup;
use crate::model::{Request, ResponseFormat, ToolChoice, wire_schema};

/// Tokens that a word for the effort allows the model to think.
const EFFORTS: [(&str, u32); 5] =
    [("none", 0), ("minimal", 512), ("low", 1024), ("medium", 8192), ("high", 24_576)];

/// The JSON that is sent.
pub(super) fn body(request: &Request, setup: &Setup, model: &str) -> Value {
    let Request { messages, tools, options, .. } = request;
    let quirks = &setup.quirks;
    // The API takes no response format beside tools.
    let is_native = tools.is_empty() && !matches!(quirks.structured_output, Structured::Prompt);
    let mut said = messages.clone();
    if let Some(format) = options.response_format.as_ref().filter(|_| !is_native) {
        abilities::with_schema(&mut said, format);
    }
    let (system, contents) = messages::contents(&said, &setup.provider, quirks, model);
    let mut body = json!({"contents": contents});
    if !system.is_empty() {
        body["systemInstruction"] = json!({"parts": [{"text": system}]});
    }
    if !tools.is_empty() {
        let declared: Vec<Value> = tools
            .iter()
            .map(|spec| {
                let spec = wire_schema::tool(spec, quirks);
                json!({"name": spec.name, "description": spec.description, "parametersJsonSchema": spec.parameters})
            })
            .collect();
        body["tools"] = json!([{"functionDeclarations": declared}]);
        if let Some(choice) = &options.tool_choice {
            body["toolConfig"] = json!({"functionCallingConfig": calling(choice)});
        }
    }
    let format = options.response_format.as_ref().filter(|_| is_native);
    let config = generation(request, format, model);
    if !config.is_empty() {
        body["generationConfig"] = config.into();
    }
    for (name, value) in setup.extra_body.iter().chain(&options.extra_body) {
        merge(&mut body[name], value);
    }
    body
}

fn calling(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => json!({"mode": "AUTO"}),
        ToolChoice::None => json!({"mode": "NONE"}),
        ToolChoice::Required => json!({"mode": "ANY"}),
        ToolChoice::Tool(name) => json!({"mode": "ANY", "allowedFunctionNames": [name]}),
    }
}

fn generation(request: &Request, format: Option<&ResponseFormat>, model: &str) -> Map<String, Value> {
    let options = &request.options;
    let mut config = Map::new();
    let mut add = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            config.insert(name.to_owned(), value);
        }
    };
    add("temperature", options.temperature.map(Value::from));
    add("topP", options.top_p.map(Value::from));
    add("maxOutputTokens", options.max_tokens.map(Value::from));
    add("stopSequences", (!options.stop.is_empty()).then(|| json!(options.stop)));
    add("thinkingConfig", options.reasoning_effort.as_deref().map(|effort| thinking(effort, model)));
    if let Some(format) = format {
        add("responseMimeType", Some("application/json".into()));
        if let ResponseFormat::JsonSchema { json_schema } = format {
            add("responseJsonSchema", Some(json_schema.schema().clone()));
        }
    }
    config
}

/// How long the model thinks: Gemini 3 takes the word, earlier ones take tokens.
fn thinking(effort: &str, model: &str) -> Value {
    let budget = EFFORTS.iter().find(|(word, _)| *word == effort).map(|(_, tokens)| *tokens);
    match budget {
        Some(budget) if !model.contains("gemini-3") => {
            json!({"thinkingBudget": budget, "includeThoughts": budget > 0})
        }
        _ => json!({"thinkingLevel": effort, "includeThoughts": true}),
    }
}

/// Adds fields to what is there: tables are filled, other values replaced.
fn merge(into: &mut Value, value: &Value) {
    match (into, value) {
        (Value::Object(fields), Value::Object(more)) => {
            for (name, value) in more {
                merge(fields.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (into, value) => *into = value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Message, Options, ToolCall};
    use crate::tool;

    fn setup() -> Setup {
        Setup { provider: "p".into(), ..Setup::default() }
    }

    #[test]
    fn a_conversation_with_tools_takes_the_form_of_the_api() {
        let mut signed = ToolCall::new("a", "look", "{\"at\":1}");
        signed.extra = Map::from_iter([
            ("thought_signature".to_owned(), json!("sig")),
            ("id_given".to_owned(), json!(true)),
        ]);
        let called = Message::Assistant {
            content: None,
            reasoning: String::new(),
            tool_calls: vec![signed],
            provider: Some("p".into()),
            extra: Map::new(),
        };
        let request = Request {
            messages: vec![
                Message::system("Be brief."),
                Message::user("Weather?"),
                called,
                Message::tool("a", "rain"),
            ],
            tools: vec![tool::Spec {
                name: "look".into(),
                description: "Looks.".into(),
                parameters: json!({"type": "object"}),
            }],
            options: Options {
                temperature: Some(1.5),
                max_tokens: Some(7),
                reasoning_effort: Some("low".into()),
                tool_choice: Some(ToolChoice::Tool("look".into())),
                extra_body: Map::from_iter([("generationConfig".to_owned(), json!({"seed": 1}))]),
                ..Options::default()
            },
            ..Request::default()
        };
        let wanted = json!({
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "contents": [
                {"role": "user", "parts": [{"text": "Weather?"}]},
                {"role": "model", "parts": [{"functionCall": {"name": "look", "args": {"at": 1}, "id": "a"},
                    "thoughtSignature": "sig"}]},
                {"role": "user", "parts": [{"functionResponse":
                    {"name": "look", "response": {"result": "rain"}, "id": "a"}}]},
            ],
            "tools": [{"functionDeclarations": [{"name": "look", "description": "Looks.",
                "parametersJsonSchema": {"type": "object", "properties": {}}}]}],
            "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["look"]}},
            "generationConfig": {"temperature": 1.5, "maxOutputTokens": 7, "seed": 1,
                "thinkingConfig": {"thinkingBudget": 1024, "includeThoughts": true}},
        });
        assert_eq!(body(&request, &setup(), "gemini-2.5-flash"), wanted);
    }

    #[test]
    fn a_structured_answer_is_asked_for_by_schema_without_tools_and_by_prompt_beside_them() {
        let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
        let options = Options {
            response_format: Some(ResponseFormat::schema("n", schema.clone())),
            ..Options::default()
        };
        let mut request = Request { messages: vec![Message::user("q")], options, ..Request::default() };
        let sent = body(&request, &setup(), "m");
        assert_eq!(sent["generationConfig"]["responseJsonSchema"], schema);
        request.tools.push(tool::Spec { name: "t".into(), description: "d".into(), parameters: json!({}) });
        let sent = body(&request, &setup(), "m");
        assert!(sent.get("generationConfig").is_none());
        assert!(sent["systemInstruction"].to_string().contains("JSON Schema"));
    }
}
