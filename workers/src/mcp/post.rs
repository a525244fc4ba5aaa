//! One message to a server over HTTP, and its answer, as a part of the SDK's client.
//!
//! The SDK's own parses bodies as they come. Here each text is checked before any parser sees it ([`runbus::json`]), and every
//! body has the limit that messages have.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use reqwest::{Response, StatusCode};
use rmcp::model::{
    ClientJsonRpcMessage, ClientRequest, ErrorData, JsonRpcMessage, RequestId, ServerJsonRpcMessage,
};
use rmcp::transport::streamable_http_client::{
    AuthRequiredError, HttpStatusError, InsufficientScopeError, StreamableHttpError,
    StreamableHttpPostResponse as Answer,
};
use runbus::json;

use super::limits::MAX_ERROR_BODY_BYTES;
use super::oversize::{Headers, Outcome};
use super::{decode, refusal, sse};

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const RESERVED: [HeaderName; 3] = [ACCEPT, SESSION, HeaderName::from_static("last-event-id")];
const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";

/// A request, with its credentials.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) uri: Arc<str>,
    pub(super) message: ClientJsonRpcMessage,
    pub(super) session: Option<Arc<str>>,
    pub(super) bearer: Option<String>,
    pub(super) headers: Headers,
    /// Largest message of the answer, in bytes.
    pub(super) limit: usize,
}

/// Sends a message.
///
/// # Errors
/// It was not sent, or the answer is none.
pub(super) async fn post(client: &reqwest::Client, post: Post) -> Outcome<Answer> {
    let Post { uri, message, session, bearer, headers, limit } = post;
    let mut request = client.post(uri.as_ref()).header(ACCEPT, [EVENTS, JSON].join(", "));
    if let Some(bearer) = bearer {
        request = request.bearer_auth(bearer);
    }
    for (name, value) in headers {
        if RESERVED.contains(&name) {
            return Err(StreamableHttpError::ReservedHeaderConflict(name.to_string()));
        }
        request = request.header(name, value);
    }
    if let Some(session) = &session {
        request = request.header(SESSION, session.as_ref());
    }
    let response = request.json(&message).send().await?;
    answer(response, &message, session.is_some(), limit).await
}

async fn answer(
    response: Response,
    message: &ClientJsonRpcMessage,
    attached: bool,
    limit: usize,
) -> Outcome<Answer> {
    let status = response.status();
    let of = |name: HeaderName| text_of(response.headers(), &name);
    match (status, of(WWW_AUTHENTICATE)) {
        (StatusCode::UNAUTHORIZED, Some(asked)) => {
            return Err(StreamableHttpError::AuthRequired(AuthRequiredError::new(asked)));
        }
        (StatusCode::FORBIDDEN, Some(asked)) => {
            return Err(StreamableHttpError::InsufficientScope(InsufficientScopeError::new(asked, None)));
        }
        (StatusCode::ACCEPTED | StatusCode::NO_CONTENT, _) => return Ok(empty(status, message)),
        (StatusCode::NOT_FOUND, _) if attached => return Err(StreamableHttpError::SessionExpired),
        _ => {}
    }
    let kind = of(CONTENT_TYPE);
    let is = |wanted: &str| kind.as_deref().is_some_and(|kind| kind.starts_with(wanted));
    if !status.is_success() {
        return failed(response, message, attached, is(JSON)).await;
    }
    let asks = matches!(message, JsonRpcMessage::Request(_));
    if !asks && response.content_length() == Some(0) {
        return Ok(Answer::Accepted);
    }
    let session = of(SESSION);
    if is(EVENTS) {
        return Ok(Answer::Sse(sse::events(response.bytes_stream(), limit), session));
    }
    if !is(JSON) {
        return Err(StreamableHttpError::UnexpectedContentType(kind));
    }
    let body = read(response, limit).await?;
    match message {
        JsonRpcMessage::Request(request) => Ok(Answer::Json(only(&body, &request.id), session)),
        _ => Ok(Answer::Accepted),
    }
}

/// The answer to a request in a body. Another one, or none, becomes the error that the caller reads.
fn only(body: &[u8], id: &RequestId) -> ServerJsonRpcMessage {
    let unreadable = |reason: &str| refusal::unreadable(Some(id.clone()), reason);
    let mut all = decode::messages(body);
    let mine = |message: &ServerJsonRpcMessage| match message {
        JsonRpcMessage::Response(answer) => answer.id == *id,
        JsonRpcMessage::Error(answer) => answer.id.as_ref().is_none_or(|named| named == id),
        _ => false,
    };
    match all.iter().position(mine).map(|place| all.swap_remove(place)) {
        Some(JsonRpcMessage::Error(said)) => JsonRpcMessage::error(said.error, Some(id.clone())),
        Some(answer) => answer,
        None if body.trim_ascii().is_empty() => unreadable("it is empty"),
        None => match json::from_slice::<serde_json::Value>(body) {
            Err(error) => unreadable(&error.to_string()),
            Ok(_) => unreadable(&format!("it does not answer the request {id}")),
        },
    }
}

/// An answer without a body: to a request it is none.
fn empty(status: StatusCode, message: &ClientJsonRpcMessage) -> Answer {
    match message {
        JsonRpcMessage::Request(request) => {
            let reason = format!("HTTP {status} without one");
            Answer::Json(refusal::unreadable(Some(request.id.clone()), &reason), None)
        }
        _ => Answer::Accepted,
    }
}

/// The meaning of an answer without success.
async fn failed(
    response: Response,
    message: &ClientJsonRpcMessage,
    attached: bool,
    is_json: bool,
) -> Outcome<Answer> {
    let status = response.status();
    let known = (status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error())
        .then(|| HttpStatusError::new(status.as_u16(), text_of(response.headers(), &RETRY_AFTER)));
    let is_json = is_json && status != StatusCode::TOO_MANY_REQUESTS;
    let known = match known {
        Some(known) if !is_json => return Err(known.into()),
        known => known,
    };
    let session = text_of(response.headers(), &SESSION);
    let body = match read(response, MAX_ERROR_BODY_BYTES).await {
        Ok(body) => body,
        Err(error @ StreamableHttpError::ResponseBodyTooLarge { .. }) => {
            return Err(known.map_or(error, StreamableHttpError::from));
        }
        Err(_broken) => Bytes::new(),
    };
    let said = json::from_slice::<ServerJsonRpcMessage>(&body).ok();
    let said = said.filter(|said| matches!(said, JsonRpcMessage::Error(_)));
    let names_none = matches!(&said, Some(JsonRpcMessage::Error(said)) if said.id.is_none());
    let speaks_of_it = || String::from_utf8_lossy(&body).to_ascii_lowercase().contains("session");
    if attached && status == StatusCode::BAD_REQUEST && (names_none || speaks_of_it()) {
        // The server refuses the message before it reads it: it does not know the session, as after a restart.
        tracing::warn!(%status, "an MCP server does not know the session any more; a new one is made");
        return Err(StreamableHttpError::SessionExpired);
    }
    let refuses = status.is_client_error()
        && !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
        && !attached;
    if refuses
        && let JsonRpcMessage::Request(request) = message
        && matches!(request.request, ClientRequest::DiscoverRequest(_))
    {
        // An older server does not know the question; the SDK goes on with the older handshake.
        let error = match said {
            Some(JsonRpcMessage::Error(said)) => said.error,
            _ => ErrorData::invalid_request(format!("server/discover was refused with HTTP {status}"), None),
        };
        return Ok(Answer::Json(ServerJsonRpcMessage::error(error, Some(request.id.clone())), None));
    }
    if is_json
        && !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
        && let Some(JsonRpcMessage::Error(said)) = said
        && let JsonRpcMessage::Request(request) = message
    {
        return Ok(Answer::Json(JsonRpcMessage::error(said.error, Some(request.id.clone())), session));
    }
    let text = String::from_utf8_lossy(&body);
    Err(known.map_or_else(
        || StreamableHttpError::UnexpectedServerResponse(format!("HTTP {status}: {text}").into()),
        StreamableHttpError::from,
    ))
}

/// A body, up to its limit.
async fn read(response: Response, limit: usize) -> Outcome<Bytes> {
    let too_large = || StreamableHttpError::ResponseBodyTooLarge { max_size: limit };
    if response.content_length().is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let mut stream = std::pin::pin!(response.bytes_stream());
    let mut body = Vec::new();
    while let Some(piece) = stream.next().await {
        let piece = piece?;
        if body.len() + piece.len() > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.into())
}

fn text_of(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

#[cfg(test)]
#[path = "post_tests.rs"]
mod tests;
