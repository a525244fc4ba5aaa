//! Streamable HTTP: the transport, and the meaning of its faults.

use std::collections::{BTreeMap, HashMap};

use reqwest::header::{HeaderName, HeaderValue};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::{StreamableHttpClientTransportConfig, StreamableHttpError};
use runbus::config::Secret;

use super::config::Server;
use super::limits::{CONNECT_TIMEOUT, MAX_MESSAGE_BYTES};
use super::oversize::Client;

/// Checks address and headers.
///
/// # Errors
/// The invalid key, and the expected value.
pub(super) fn check(url: &str, headers: &BTreeMap<String, Secret>) -> Result<(), (&'static str, String)> {
    let parsed = reqwest::Url::parse(url).ok();
    if !parsed.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
        return Err(("url", "http://HOST/PATH or https://HOST/PATH".into()));
    }
    self::headers(headers).map(|_headers| ()).map_err(|name| ("headers", format!("a valid header {name:?}")))
}

fn headers(headers: &BTreeMap<String, Secret>) -> Result<HashMap<HeaderName, HeaderValue>, String> {
    let parse = |(name, value): (&String, &Secret)| {
        let parsed = HeaderName::try_from(name.as_str()).ok()?;
        let mut value = HeaderValue::try_from(&*value.reveal()).ok()?;
        value.set_sensitive(true);
        Some((parsed, value))
    };
    headers.iter().map(|header| parse(header).ok_or_else(|| header.0.clone())).collect()
}

/// The transport to a server.
///
/// # Errors
/// The reason in words: the HTTP client cannot be built.
pub(super) fn transport(server: &Server) -> Result<StreamableHttpClientTransport<Client>, String> {
    runbus::tls::install();
    let client = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        // A redirect would carry the headers, which are secrets, elsewhere, or lose the message.
        .redirect(reqwest::redirect::Policy::none())
        // The SDK's own choice: a connection whose last answer was not read to its end stalls the next request.
        .pool_max_idle_per_host(0)
        .build()
        .map_err(|error| error.to_string())?;
    let url = server.url.clone().unwrap_or_default();
    let config = StreamableHttpClientTransportConfig::with_uri(url)
        .custom_headers(headers(&server.headers)?)
        .max_sse_event_size(MAX_MESSAGE_BYTES);
    Ok(StreamableHttpClientTransport::with_client(Client(client), config))
}

/// The meaning of a transport fault for its request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It never reached the server.
    NotSent,
    /// The server answered, with too much.
    TooLarge,
    /// The server answered that it does not take the request.
    Refused,
    /// It may have reached the server.
    Unknown,
}

/// See [`Meaning`].
pub(super) fn meaning(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Meaning {
    match error.downcast_ref::<StreamableHttpError<reqwest::Error>>() {
        Some(StreamableHttpError::Client(error)) if error.is_connect() => Meaning::NotSent,
        Some(StreamableHttpError::ResponseBodyTooLarge { .. }) => Meaning::TooLarge,
        Some(
            StreamableHttpError::AuthRequired(_)
            | StreamableHttpError::InsufficientScope(_)
            | StreamableHttpError::ReservedHeaderConflict(_),
        ) => Meaning::Refused,
        _ => Meaning::Unknown,
    }
}
