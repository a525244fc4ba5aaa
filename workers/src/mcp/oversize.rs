//! The SDK's HTTP client, but for this: an answer that is too large, or that no parser may see, fails its own call and says
//! so.
//!
//! By itself the SDK drops the stream of an answer that is too large, which looks like a broken connection.

use std::collections::HashMap;
use std::sync::Arc;

use reqwest::header::{HeaderName, HeaderValue};
use rmcp::model::{ClientJsonRpcMessage, JsonRpcMessage};
use rmcp::transport::streamable_http_client::{
    StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse,
};

use super::limits::MAX_MESSAGE_BYTES;
use super::post::{self, Post};
use super::sse::{self, Events};

pub(super) type Headers = HashMap<HeaderName, HeaderValue>;
pub(super) type Outcome<T> = Result<T, StreamableHttpError<reqwest::Error>>;
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
        self.post_message_with_max_sse_event_size(
            uri,
            message,
            session_id,
            auth_header,
            headers,
            MAX_MESSAGE_BYTES,
        )
        .await
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
        let post = Post { uri, message, session: session_id, bearer: auth_header, headers, limit };
        Ok(match (post::post(&self.0, post).await?, id) {
            (StreamableHttpPostResponse::Sse(events, session), Some(id)) => {
                StreamableHttpPostResponse::Sse(sse::answering(events, id, limit), session)
            }
            (StreamableHttpPostResponse::Sse(events, session), None) => {
                StreamableHttpPostResponse::Sse(sse::checked(events), session)
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
        self.get_stream_with_max_sse_event_size(
            uri,
            session_id,
            last_event_id,
            auth_header,
            headers,
            MAX_MESSAGE_BYTES,
        )
        .await
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
        let events = self
            .0
            .get_stream_with_max_sse_event_size(uri, session_id, last_event_id, auth_header, headers, limit)
            .await?;
        Ok(sse::checked(events))
    }
}
