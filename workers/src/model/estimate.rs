//! How many tokens a text has, about: for providers that do not count, so that budgets hold nevertheless.

use runbus::session::Media;

use super::{Message, Request, Turn, Usage};

/// Bytes of text that make one token, about. English has more, other scripts fewer.
const BYTES_PER_TOKEN: usize = 4;
/// Bytes that each message adds to its text.
const MESSAGE_BYTES: usize = 16;

/// Bytes that a medium at an address counts: an image has some hundred tokens.
const UNKNOWN_MEDIA_BYTES: usize = 1024;

/// Tokens of a question.
pub(crate) fn prompt(request: &Request) -> u64 {
    let said: usize = request.messages.iter().map(|message| text(message) + MESSAGE_BYTES).sum();
    let tool = |spec: &crate::tool::Spec| {
        spec.name.len() + spec.description.len() + spec.parameters.to_string().len()
    };
    tokens(said + request.tools.iter().map(tool).sum::<usize>())
}

/// The estimated usage of an answer to a question of so many tokens.
pub(crate) fn usage(prompt_tokens: u64, turn: &Turn) -> Usage {
    let calls = turn.tool_calls.iter().map(|call| call.name.len() + call.arguments.len() + MESSAGE_BYTES);
    let completion_tokens = tokens(turn.text.len() + turn.reasoning.len() + calls.sum::<usize>());
    let total_tokens = prompt_tokens.saturating_add(completion_tokens);
    Usage { prompt_tokens, completion_tokens, total_tokens, estimated: true, ..Usage::default() }
}

fn text(message: &Message) -> usize {
    match message {
        Message::System { content } => content.len(),
        Message::User { content } | Message::Tool { content, .. } => {
            // Providers count an image by its size in pixels; its bytes say a little of that.
            let size = |media: &Media| media.bytes().map_or(UNKNOWN_MEDIA_BYTES, |bytes| bytes / 12);
            content.text().len() + content.media().map(size).sum::<usize>()
        }
        Message::Assistant { content, tool_calls, .. } => {
            let calls = tool_calls.iter().map(|call| call.name.len() + call.arguments.len());
            content.as_ref().map_or(0, String::len) + calls.sum::<usize>()
        }
    }
}

fn tokens(bytes: usize) -> u64 {
    u64::try_from(bytes.div_ceil(BYTES_PER_TOKEN)).unwrap_or(u64::MAX)
}
