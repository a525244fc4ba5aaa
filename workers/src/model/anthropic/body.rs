//! A question in the form of Anthropic's Messages API.

use serde_json::{Map, Value, json};

use super::messages;
use crate::model::abilities;
use crate::model::kind::Setup;
use crate::model::quirks::{Asked, Quirks};
use crate::model::{Request, ToolChoice, wire_schema};

/// Tokens of an answer where nobody says: the API wants a limit.
const MAX_TOKENS: u32 = 8192;

/// Tokens that a word for the effort allows the model to think.
const EFFORTS: [(&str, u32); 4] = [("minimal", 1024), ("low", 2048), ("medium", 8192), ("high", 24_576)];

/// The JSON that is sent.
pub(super) fn body(request: &Request, setup: &Setup, model: &str) -> Value {
    let Request { messages, tools, options, .. } = request;
    let quirks = &setup.quirks;
    let mut said = messages.clone();
    if let Some(format) = &options.response_format {
        abilities::with_schema(&mut said, format);
    }
    let thinking = thinking(request, setup);
    let thinks = thinking.as_ref().is_some_and(|thinking| thinking["type"] != "disabled");
    let caches = quirks.prompt_cache != Asked::Never;
    let (system, mut conversation) = messages::messages(&said, &setup.provider, quirks, thinks);
    let mut max_tokens = options.max_tokens.unwrap_or(MAX_TOKENS);
    if let Some(budget) = thinking.as_ref().and_then(|thinking| thinking["budget_tokens"].as_u64()) {
        // Thinking counts too, and the answer needs some more.
        max_tokens = max_tokens.saturating_add(u32::try_from(budget).unwrap_or(u32::MAX));
    }
    if caches {
        mark(&mut conversation);
    }
    let mut body =
        json!({"model": model, "max_tokens": max_tokens, "messages": conversation, "stream": true});
    let mut add = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body[name] = value;
        }
    };
    add("system", instructions(&system, caches));
    if !tools.is_empty() {
        add("tools", Some(tools_of(request, quirks)));
        add("tool_choice", choice(request));
    }
    add("stop_sequences", (!options.stop.is_empty()).then(|| json!(options.stop)));
    if !thinks {
        add("temperature", options.temperature.map(|value| value.min(1.0).into()));
        add("top_p", options.top_p.map(Value::from));
    }
    add("thinking", thinking);
    for (name, value) in setup.extra_body.iter().chain(&options.extra_body) {
        body[name] = value.clone();
    }
    body
}

/// Whether the model is to think.
pub(super) fn thinks(request: &Request, setup: &Setup) -> bool {
    thinking(request, setup).is_some_and(|thinking| thinking["type"] != "disabled")
}

/// How the model is to think: as the request's own fields say, else by the word for the effort.
fn thinking(request: &Request, setup: &Setup) -> Option<Value> {
    let given = [&request.options.extra_body, &setup.extra_body];
    if let Some(thinking) = given.into_iter().find_map(|fields: &Map<String, Value>| fields.get("thinking")) {
        return Some(thinking.clone());
    }
    let effort = request.options.reasoning_effort.as_deref()?;
    if effort == "none" {
        return None;
    }
    let budget = EFFORTS.iter().find(|(word, _)| *word == effort).map_or(EFFORTS[2].1, |(_, tokens)| *tokens);
    Some(json!({"type": "enabled", "budget_tokens": budget}))
}

fn instructions(system: &str, caches: bool) -> Option<Value> {
    if system.is_empty() {
        return None;
    }
    let mut block = json!({"type": "text", "text": system});
    if caches {
        block["cache_control"] = ephemeral();
    }
    Some(json!([block]))
}

fn tools_of(request: &Request, quirks: &Quirks) -> Value {
    let tool = |spec| {
        let spec = wire_schema::tool(spec, quirks);
        json!({"name": spec.name, "description": spec.description, "input_schema": spec.parameters})
    };
    request.tools.iter().map(tool).collect()
}

fn choice(request: &Request) -> Option<Value> {
    let options = &request.options;
    let mut choice = match (&options.tool_choice, options.parallel_tool_calls) {
        (None, None) => return None,
        (None | Some(ToolChoice::Auto), _) => json!({"type": "auto"}),
        (Some(ToolChoice::None), _) => return Some(json!({"type": "none"})),
        (Some(ToolChoice::Required), _) => json!({"type": "any"}),
        (Some(ToolChoice::Tool(name)), _) => json!({"type": "tool", "name": name}),
    };
    if options.parallel_tool_calls == Some(false) {
        choice["disable_parallel_tool_use"] = true.into();
    }
    Some(choice)
}

fn ephemeral() -> Value {
    json!({"type": "ephemeral"})
}

/// Marks the end of the conversation for the cache: the next question of it begins with what is cached now.
fn mark(conversation: &mut [Value]) {
    let last = conversation.last_mut().and_then(|message| message["content"].as_array_mut());
    let block = last.and_then(|blocks| blocks.last_mut());
    // Thinking cannot be marked.
    if let Some(block) =
        block.filter(|block| block["type"] != "thinking" && block["type"] != "redacted_thinking")
    {
        block["cache_control"] = ephemeral();
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
        let request = Request {
            messages: vec![
                Message::system("Be brief."),
                Message::user("Weather?"),
                Message::calling(Some("Looking.".into()), vec![ToolCall::new("a", "look", "{\"at\":1}")]),
                Message::tool("a", "rain"),
                Message::user("And now?"),
            ],
            tools: vec![tool::Spec {
                name: "look".into(),
                description: "Looks.".into(),
                parameters: json!({"type": "object"}),
            }],
            options: Options {
                temperature: Some(1.5),
                stop: vec!["END".into()],
                tool_choice: Some(ToolChoice::Required),
                parallel_tool_calls: Some(false),
                ..Options::default()
            },
            ..Request::default()
        };
        let wanted = json!({
            "model": "m", "max_tokens": 8192, "stream": true,
            "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "Weather?"}]},
                {"role": "assistant", "content": [{"type": "text", "text": "Looking."},
                    {"type": "tool_use", "id": "a", "name": "look", "input": {"at": 1}}]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "rain"}]},
                    {"type": "text", "text": "And now?", "cache_control": {"type": "ephemeral"}}]},
            ],
            "tools": [{"name": "look", "description": "Looks.",
                "input_schema": {"type": "object", "properties": {}}}],
            "tool_choice": {"type": "any", "disable_parallel_tool_use": true},
            "temperature": 1.0, "stop_sequences": ["END"],
        });
        assert_eq!(body(&request, &setup(), "m"), wanted);
    }

    #[test]
    fn a_word_for_the_effort_lets_the_model_think_beside_its_answer() {
        let options = Options {
            reasoning_effort: Some("low".into()),
            max_tokens: Some(100),
            temperature: Some(0.5),
            ..Options::default()
        };
        let request = Request { messages: vec![Message::user("q")], options, ..Request::default() };
        let sent = body(&request, &setup(), "m");
        assert_eq!(sent["thinking"], json!({"type": "enabled", "budget_tokens": 2048}));
        assert_eq!(sent["max_tokens"], 2148);
        assert!(sent.get("temperature").is_none());
    }
}
