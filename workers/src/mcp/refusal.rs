//! The answers that calls get in place of those that cannot be passed on.

use rmcp::model::{ErrorCode, ErrorData, RequestId, ServerJsonRpcMessage};
use sse_stream::Sse;

/// The code of an error that stands for an answer that was too large: one of those left to implementations.
pub(super) const TOO_LARGE: i32 = -32099;
/// The same for an answer that is no valid one.
pub(super) const UNREADABLE: i32 = -32098;
/// The same for an answer that is to no request.
pub(super) const UNMATCHED: i32 = -32097;

/// In place of an answer over `limit` bytes.
pub(super) fn too_large(id: RequestId, limit: usize) -> ServerJsonRpcMessage {
    let text = format!("the tool ran, but its result is over the limit of {limit} bytes and was dropped");
    failure(Some(id), TOO_LARGE, text)
}

/// In place of an answer that is not read. `None`: it does not say which call it answers.
pub(super) fn unreadable(id: Option<RequestId>, error: &str) -> ServerJsonRpcMessage {
    tracing::warn!(error, ?id, "an MCP server's answer cannot be read");
    failure(id, UNREADABLE, format!("the server's answer cannot be read: {error}"))
}

/// As an event of a stream; it keeps the place of `instead`.
pub(super) fn event(message: ServerJsonRpcMessage, instead: Sse) -> Sse {
    Sse { data: serde_json::to_string(&message).ok(), ..instead }
}

pub(super) fn failure(id: Option<RequestId>, code: i32, text: String) -> ServerJsonRpcMessage {
    ServerJsonRpcMessage::error(ErrorData::new(ErrorCode(code), text, None), id)
}
