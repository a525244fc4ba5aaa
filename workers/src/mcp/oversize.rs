//! The SDK's HTTP client, but for this: an answer that is too large fails its own call and says so.
//!
//! By itself the SDK drops the stream of such an answer, which looks like a broken connection.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use reqwest::header::{HeaderName, HeaderValue};
use rmcp::model::{ClientJsonRpcMessage, JsonRpcMessage, RequestId};
use rmcp::transport::streamable_http_client::{
    SseError, StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse,
};
use serde_json::json;
use sse_stream::Sse;

use super::stdio::TOO_LARGE;

type Headers = HashMap<HeaderName, HeaderValue>;
type Events = BoxStream<'static, Result<Sse, SseError>>;
type Outcome<T> = Result<T, StreamableHttpError<reqwest::Error>>;

/// How the SDK words its refusal; the type of that error is private to it.
const REFUSAL: &str = "SSE event exceeded the maximum size";

/// The client.
#[derive(Debug, Clone)]
pub(super) struct Client(pub(super) reqwest::Client);

impl StreamableHttpClient for Client {
    type Error = reqwest::Error;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        auth_header: Option<String>,
        headers: Headers,
    ) -> Outcome<StreamableHttpPostResponse> {
        self.0.post_message(uri, message, session_id, auth_header, headers).await
    }

    async fn post_message_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session_id: Option<Arc<str>>,
        auth_header: Option<String>,
        headers: Headers,
        limit: usize,
    ) -> Outcome<StreamableHttpPostResponse> {
        let id = match &message {
            JsonRpcMessage::Request(request) => Some(request.id.clone()),
            _ => None,
        };
        let post = self.0.post_message_with_max_sse_event_size(
            uri,
            message,
            session_id,
            auth_header,
            headers,
            limit,
        );
        Ok(match (post.await?, id) {
            (StreamableHttpPostResponse::Sse(events, session), Some(id)) => {
                let events = events.map(move |event| event.or_else(|error| answer(error, &id, limit)));
                StreamableHttpPostResponse::Sse(events.boxed(), session)
            }
            (other, _) => other,
        })
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session_id: Arc<str>,
        auth_header: Option<String>,
        headers: Headers,
    ) -> Outcome<()> {
        self.0.delete_session(uri, session_id, auth_header, headers).await
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        auth_header: Option<String>,
        headers: Headers,
    ) -> Outcome<Events> {
        self.0.get_stream(uri, session_id, last_event_id, auth_header, headers).await
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        session_id: Option<Arc<str>>,
        last_event_id: Option<String>,
        auth_header: Option<String>,
        headers: Headers,
        limit: usize,
    ) -> Outcome<Events> {
        self.0
            .get_stream_with_max_sse_event_size(uri, session_id, last_event_id, auth_header, headers, limit)
            .await
    }
}

/// The error that a call gets in place of an answer that is too large.
fn answer(error: SseError, id: &RequestId, limit: usize) -> Result<Sse, SseError> {
    match &error {
        SseError::Body(reason) if reason.to_string().contains(REFUSAL) => {}
        _ => return Err(error),
    }
    tracing::warn!(limit, "an MCP server sent a message that is too large");
    let text = format!("the tool ran, but its result is over the limit of {limit} bytes and was dropped");
    let data = json!({"jsonrpc": "2.0", "id": id, "error": {"code": TOO_LARGE, "message": text}});
    Ok(Sse { data: Some(data.to_string()), ..Sse::default() })
}
