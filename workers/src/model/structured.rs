//! Structured answers by a tool: the arguments of its call are the answer. Services without response formats take those.

use futures_util::{StreamExt, stream};

use super::{Delta, Fault, Request, ResponseFormat, ToolChoice, Turn, TurnStream};
use crate::tool;

/// The tool's name.
const TOOL: &str = "final_answer";

/// Asks with a tool in place of a response format.
///
/// # Errors
/// Those of `ask`.
pub(super) async fn by_tool(
    mut request: Request,
    ask: impl AsyncFnOnce(Request) -> Result<TurnStream, Fault>,
) -> Result<TurnStream, Fault> {
    let Some(ResponseFormat::JsonSchema { json_schema }) = request.options.response_format.take() else {
        return ask(request).await;
    };
    request.options.tool_choice =
        Some(if request.tools.is_empty() { ToolChoice::Tool(TOOL.to_owned()) } else { ToolChoice::Required });
    request.tools.push(tool::Spec {
        name: TOOL.to_owned(),
        description: "Gives your final answer. Call it alone, when nothing else is left to do.".to_owned(),
        parameters: json_schema.schema().clone(),
    });
    let deltas = ask(request).await?;
    // Words beside the call are no part of the answer: all text waits for the end.
    let read = deltas.flat_map(|delta| {
        stream::iter(match delta {
            Ok(Delta::Text(_)) => Vec::new(),
            Ok(Delta::Call(call)) if call.name == TOOL => Vec::new(),
            Ok(Delta::Completed(turn)) => {
                let turn = answered(*turn);
                let text = (!turn.text.is_empty()).then(|| Ok(Delta::Text(turn.text.clone())));
                text.into_iter().chain([Ok(Delta::Completed(Box::new(turn)))]).collect()
            }
            other => vec![other],
        })
    });
    Ok(read.boxed())
}

/// The turn with the arguments of the tool as its text. Calls of other tools come first: their results may change the answer.
fn answered(mut turn: Turn) -> Turn {
    let Some(at) = turn.tool_calls.iter().position(|call| call.name == TOOL) else { return turn };
    let answer = turn.tool_calls.remove(at);
    turn.tool_calls.retain(|call| call.name != TOOL);
    if turn.tool_calls.is_empty() {
        turn.text = answer.arguments;
        turn.finish_reason = turn.finish_reason.map(|reason| {
            if matches!(reason.as_str(), "tool_calls" | "tool_use") { "stop".to_owned() } else { reason }
        });
    }
    turn
}

#[cfg(test)]
mod tests {
    use runbus::session::ToolCall;

    use super::*;

    #[test]
    fn the_tools_arguments_are_the_answer_unless_other_tools_are_called() {
        let with = |names: &[&str]| {
            let tool_calls = names.iter().map(|name| ToolCall::new(*name, *name, "{\"a\":1}")).collect();
            answered(Turn { tool_calls, finish_reason: Some("tool_calls".into()), ..Turn::default() })
        };
        let alone = with(&[TOOL]);
        assert_eq!((alone.text.as_str(), alone.tool_calls.len()), ("{\"a\":1}", 0));
        assert_eq!(alone.finish_reason.as_deref(), Some("stop"));
        let beside = with(&["look", TOOL]);
        assert!(
            beside.text.is_empty() && beside.tool_calls.len() == 1 && beside.tool_calls[0].name == "look"
        );
    }
}
