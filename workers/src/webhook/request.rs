//! One try: a signed POST, and the receiver's answer.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, Url, redirect};
use runbus::bus::Delivered;
use runbus::time::Clock;

use super::backoff::retry_after;
use super::config::{Endpoint, is_loopback};
use super::sign::sign;
use crate::limits;

/// The outcome of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// The receiver took it.
    Taken,
    /// It did not; another try may succeed, not before the time that it asks for.
    Failed { error: String, after: Option<Duration> },
    /// It does not want it: 410.
    Gone,
}

/// Sends to one receiver.
#[derive(Debug)]
pub(super) struct Sender {
    client: Client,
    url: Url,
    endpoint: Endpoint,
    clock: Clock,
}

impl Sender {
    /// A sender. Nothing is sent yet.
    ///
    /// # Errors
    /// The section was not validated, or there is no TLS.
    pub(super) fn new(endpoint: &Endpoint, clock: Clock) -> Result<Self, String> {
        runbus::tls::install();
        let url = endpoint.address().map_err(|expected| format!("url: expected {expected}"))?;
        let mut builder = Client::builder()
            .timeout(Duration::from_millis(endpoint.timeout_ms))
            .connect_timeout(limits::WEBHOOK_CONNECT)
            // The address that was configured was checked; where it points to was not.
            .redirect(redirect::Policy::none())
            .user_agent(concat!("runbus/", env!("CARGO_PKG_VERSION")));
        if is_loopback(&url) {
            // A proxy of the environment does not reach this machine's loopback.
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| error.to_string())?;
        Ok(Self { client, url, endpoint: endpoint.clone(), clock })
    }

    /// Sends an event once.
    pub(super) async fn send(&self, found: &Delivered) -> Answer {
        let body = body(found);
        let id = found.event.id.to_string();
        let timestamp = self.clock.now().micros().div_euclid(1_000_000);
        let mut request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-signature", sign(&self.endpoint.keys(), &id, timestamp, &body))
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .body(body);
        if let Some(trace) = &found.trace {
            // The publisher's value may be an invalid header.
            if let Ok(parent) = HeaderValue::from_str(&trace.parent) {
                request = request.header("traceparent", parent);
            }
            if let Some(Ok(state)) = trace.state.as_deref().map(HeaderValue::from_str) {
                request = request.header("tracestate", state);
            }
        }
        match request.send().await {
            Ok(response) => self.read(response).await,
            Err(error) => Answer::Failed { error: chain(error), after: None },
        }
    }

    async fn read(&self, mut response: Response) -> Answer {
        let status = response.status();
        let asked = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let after = asked.and_then(|text| retry_after(text, self.clock.now()));
        // The status decides; a connection whose answer was read to its end can be used again.
        let mut read = 0;
        while let Ok(Some(bytes)) = response.chunk().await {
            read += bytes.len();
            if read > limits::WEBHOOK_ANSWER_BYTES {
                break;
            }
        }
        match status {
            _ if status.is_success() => Answer::Taken,
            StatusCode::GONE => Answer::Gone,
            _ => Answer::Failed { error: format!("status {}", status.as_u16()), after },
        }
    }
}

/// The stored line with its place, and that it is external if it is. These come last: of two fields with one name parsers take the last.
fn body(found: &Delivered) -> Bytes {
    let line = found.line.trim_ascii_end();
    let line = line.strip_suffix('}').unwrap_or(line);
    let external = if found.external { ",\"external\":true" } else { "" };
    Bytes::from(format!("{line},\"seq\":{}{external},\"cursor\":\"{}\"}}", found.seq, found.cursor))
}

/// An error with its causes, without the URL: it may carry a token.
fn chain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let kind = match () {
        () if error.is_timeout() => "no answer in time",
        () if error.is_connect() => "cannot connect",
        () => "the request failed",
    };
    let causes = std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
    causes.fold(kind.to_owned(), |text, cause| format!("{text}: {cause}"))
}
