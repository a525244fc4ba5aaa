//! The spans of a worker, each made in one place: its name, kind and attributes. Those of agents, models and tools follow
//! OpenTelemetry's conventions for generative AI, which are in development; the constants of its Rust crate are deprecated.

use runbus::id::{ExecutionId, SessionId};
use runbus::session::{Message, ToolCall, Usage};
use runbus::telemetry::{self, note, note_list};
use serde_json::{Value, json};
use tracing::Span;

use crate::limits;
use crate::model::{Fault, Provider, Request, Turn};

/// Attributes of the conventions that are not known when a span begins.
mod name {
    pub(super) const REQUEST_TEMPERATURE: &str = "gen_ai.request.temperature";
    pub(super) const REQUEST_MAX_TOKENS: &str = "gen_ai.request.max_tokens";
    pub(super) const RESPONSE_MODEL: &str = "gen_ai.response.model";
    pub(super) const FINISH_REASONS: &str = "gen_ai.response.finish_reasons";
    pub(super) const INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
    pub(super) const OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
    pub(super) const CACHED_TOKENS: &str = "gen_ai.usage.cache_read.input_tokens";
    pub(super) const REASONING_TOKENS: &str = "gen_ai.usage.reasoning.output_tokens";
    pub(super) const INPUT_MESSAGES: &str = "gen_ai.input.messages";
    pub(super) const OUTPUT_MESSAGES: &str = "gen_ai.output.messages";
    pub(super) const TOOL_ARGUMENTS: &str = "gen_ai.tool.call.arguments";
    pub(super) const TOOL_RESULT: &str = "gen_ai.tool.call.result";
    pub(super) const SERVER_ADDRESS: &str = "server.address";
    pub(super) const SERVER_PORT: &str = "server.port";
}

/// A worker at a session: from the wake-up to the moment that it lets go.
#[must_use]
pub(crate) fn session(session: &SessionId) -> Span {
    tracing::info_span!(
        "session",
        otel.kind = "consumer",
        messaging.system = "runbus",
        messaging.operation.name = "process",
        "messaging.operation.type" = "process",
        messaging.destination.name = "inbox",
        gen_ai.conversation.id = %session,
    )
}

/// The kind of definition that an execution runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runs {
    /// An agent.
    Agent,
    /// A graph of agents.
    Workflow,
}

/// An execution on one worker: until it ends, is put aside, or another worker takes it over.
#[must_use]
pub(crate) fn invoke(runs: Runs, definition: &str, session: &SessionId, execution: &ExecutionId) -> Span {
    let (operation, attribute) = match runs {
        Runs::Agent => ("invoke_agent", "gen_ai.agent.name"),
        Runs::Workflow => ("invoke_workflow", "gen_ai.workflow.name"),
    };
    let span = tracing::info_span!(
        "invoke",
        otel.name = %format_args!("{operation} {definition}"),
        otel.kind = "internal",
        gen_ai.operation.name = operation,
        gen_ai.conversation.id = %session,
        runbus.execution_id = %execution,
    );
    note(&span, attribute, definition.to_owned());
    span
}

/// A call of the model.
#[must_use]
pub(crate) fn chat(provider: &Provider, request: &Request) -> Span {
    let model = request.model.as_deref().unwrap_or(&provider.model);
    let span = tracing::info_span!(
        "chat",
        otel.name = %format_args!("chat {model}"),
        otel.kind = "client",
        gen_ai.operation.name = "chat",
        gen_ai.provider.name = provider.name,
        gen_ai.request.model = model,
        gen_ai.request.stream = true,
        runbus.node_id = request.hint.node,
    );
    if let Some((address, port)) = &provider.server {
        note(&span, name::SERVER_ADDRESS, address.clone());
        note(&span, name::SERVER_PORT, i64::from(*port));
    }
    if let Some(temperature) = request.options.temperature {
        note(&span, name::REQUEST_TEMPERATURE, temperature);
    }
    if let Some(max) = request.options.max_tokens {
        note(&span, name::REQUEST_MAX_TOKENS, i64::from(max));
    }
    if telemetry::captures_content() {
        content(&span, name::INPUT_MESSAGES, &Value::from_iter(request.messages.iter().map(message)));
    }
    span
}

/// The model answered.
pub(crate) fn answered(span: &Span, turn: &Turn) {
    if let Some(model) = &turn.model {
        note(span, name::RESPONSE_MODEL, model.clone());
    }
    if let Some(reason) = &turn.finish_reason {
        note_list(span, name::FINISH_REASONS, vec![reason.clone()]);
    }
    if let Some(usage) = &turn.usage {
        used(span, usage);
    }
    if telemetry::captures_content() {
        let mut said = message(&turn.message());
        said["finish_reason"] = turn.finish_reason.clone().into();
        content(span, name::OUTPUT_MESSAGES, &json!([said]));
    }
}

fn used(span: &Span, usage: &Usage) {
    let count = |name, tokens: u64| note(span, name, i64::try_from(tokens).unwrap_or(i64::MAX));
    count(name::INPUT_TOKENS, usage.prompt_tokens);
    count(name::OUTPUT_TOKENS, usage.completion_tokens);
    usage.cached_tokens.into_iter().for_each(|tokens| count(name::CACHED_TOKENS, tokens));
    usage.reasoning_tokens.into_iter().for_each(|tokens| count(name::REASONING_TOKENS, tokens));
}

/// The model did not answer. The text of a fault may contain its input: only the code is noted.
pub(crate) fn faulted(span: &Span, fault: &Fault) {
    telemetry::fail(span, fault.code(), "");
}

/// A call of a tool.
#[must_use]
pub(crate) fn execute_tool(call: &ToolCall, node: &str) -> Span {
    let span = tracing::info_span!(
        "execute_tool",
        otel.name = %format_args!("execute_tool {}", call.name),
        otel.kind = "internal",
        gen_ai.operation.name = "execute_tool",
        gen_ai.tool.name = call.name,
        gen_ai.tool.call.id = call.id,
        "gen_ai.tool.type" = "function",
        runbus.node_id = node,
    );
    if telemetry::captures_content() {
        content(&span, name::TOOL_ARGUMENTS, &Value::from(call.arguments.as_str()));
    }
    span
}

/// The tool answered; `error` is the code of a failure.
pub(crate) fn executed(span: &Span, result: &str, error: Option<&str>) {
    if let Some(code) = error {
        telemetry::fail(span, code, "");
    }
    if telemetry::captures_content() {
        content(span, name::TOOL_RESULT, &Value::from(result));
    }
}

/// Private content, if it is not too large.
fn content(span: &Span, name: &'static str, value: &Value) {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if text.len() <= limits::SPAN_CONTENT_BYTES {
        note(span, name, text);
    }
}

/// A message as the conventions want it.
fn message(message: &Message) -> Value {
    let text = |content: &str| json!({ "type": "text", "content": content });
    let (role, parts) = match message {
        Message::System { content } => ("system", vec![text(content)]),
        Message::User { content } => ("user", vec![text(&content.described())]),
        Message::Assistant { content, tool_calls, .. } => {
            let calls = tool_calls.iter().map(|call| {
                json!({ "type": "tool_call", "id": call.id, "name": call.name, "arguments": call.arguments })
            });
            ("assistant", content.as_deref().map(text).into_iter().chain(calls).collect())
        }
        Message::Tool { tool_call_id, content } => {
            let response =
                json!({ "type": "tool_call_response", "id": tool_call_id, "response": content.text() });
            ("tool", vec![response])
        }
    };
    json!({ "role": role, "parts": parts })
}
