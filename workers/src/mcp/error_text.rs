//! Why a server cannot be reached, or a request has no answer, in words: the SDK's texts name Rust types.

use std::error::Error;

use rmcp::service::ClientInitializeError;
use rmcp::transport::streamable_http_client::StreamableHttpError;

/// Why a connection did not open.
pub(super) fn opening(error: &ClientInitializeError) -> String {
    use ClientInitializeError as E;
    match error {
        E::ExpectedInitResponse(_) | E::ExpectedInitResult(_) => {
            "its answer to the handshake is not one to a handshake".into()
        }
        E::ConflictInitResponseId(expected, named)
        | E::UncorrelatedErrorResponse { expected, received: named } => {
            format!("its answer to the handshake names the request {named} in place of {expected}")
        }
        E::ConnectionClosed(_) => "it closed the connection during the handshake".into(),
        E::TransportError { error, .. } => transport(error.error.as_ref()),
        E::JsonRpcError(said) => format!("it refuses the handshake: {}", said.message),
        E::NoCompatibleProtocolVersion { client_supported, server_supported } => {
            let list = |all: &[rmcp::model::ProtocolVersion]| {
                all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            };
            let (ours, its) = (list(client_supported), list(server_supported));
            format!("it has no protocol version in common with Runbus: it has {its}; Runbus has {ours}")
        }
        E::LegacyFallbackFailed { fallback, .. } => opening(fallback),
        _ => "the handshake failed".into(),
    }
}

/// Why a message was not sent, or its answer not read.
pub(super) fn transport(error: &(dyn Error + Send + Sync + 'static)) -> String {
    if let Some(error) = error.downcast_ref::<StreamableHttpError<reqwest::Error>>() {
        return http(error);
    }
    match error.downcast_ref::<std::io::Error>() {
        Some(error) => error.to_string(),
        None => "the connection broke".into(),
    }
}

fn http(error: &StreamableHttpError<reqwest::Error>) -> String {
    use StreamableHttpError as E;
    match error {
        E::Client(error) => client(error),
        E::Io(error) => error.to_string(),
        E::HttpStatus(said) => match &said.retry_after {
            Some(after) => format!("HTTP {}, retry after {after}", said.status),
            None => format!("HTTP {}", said.status),
        },
        E::UnexpectedServerResponse(said) => said.to_string(),
        E::ResponseBodyTooLarge { max_size } => format!("the answer is over the limit of {max_size} bytes"),
        E::UnexpectedContentType(kind) => {
            let kind = kind.as_deref().unwrap_or("none");
            format!("the answer has the content type {kind}, expected application/json or text/event-stream")
        }
        E::AuthRequired(_) => "HTTP 401: the server requires an authorization; see `headers`".into(),
        E::InsufficientScope(_) => "HTTP 403: the authorization does not allow the request".into(),
        E::SessionExpired => "the server does not know the session, and a new one did not help".into(),
        E::SessionRecoveryTimeout => "the server lost the session, and a new one was not made in time".into(),
        E::ReinitializationFailed(said) => {
            format!("the server lost the session and refuses a new one: {}", said.message)
        }
        E::ReservedHeaderConflict(name) => format!("the header {name} is reserved; remove it from `headers`"),
        E::Deserialize(error) => format!("the answer cannot be read: {error}"),
        E::MissingSessionIdInResponse => "the answer has no session id".into(),
        E::UnexpectedEndOfStream | E::TransportChannelClosed => "the connection was closed".into(),
        _ => "the connection broke".into(),
    }
}

/// An error of the HTTP client with its causes, without the address: it may carry a key.
fn client(error: &reqwest::Error) -> String {
    let kind = if error.is_connect() {
        "cannot connect"
    } else if error.is_timeout() {
        "no answer in time"
    } else if error.is_body() || error.is_decode() {
        "the answer was cut off"
    } else {
        "the request failed"
    };
    let mut text = kind.to_owned();
    let mut cause = error.source();
    while let Some(next) = cause {
        let said = next.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = next.source();
    }
    text
}
