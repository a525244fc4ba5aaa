//! One request to a provider over HTTP: everything that all of them have in common.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, RequestBuilder, StatusCode, Url, redirect};
use runbus::config::Secret;
use serde_json::Value;

use super::limits::{
    CONNECT_TIMEOUT_MS, IDLE_TIMEOUT_MS, MAX_ERROR_BODY_BYTES, MAX_REDIRECTS, MAX_RESPONSE_BYTES,
    MAX_RETRY_AFTER_SECONDS, TOTAL_TIMEOUT_MS,
};
use super::presets::Auth;
use super::recorded::{Interaction, Secrets, Transport};
use super::source::Source;
use super::{Fault, ProviderError, retry_after};

/// Headers in which services say how they name a request.
const REQUEST_IDS: [&str; 5] =
    ["x-request-id", "request-id", "x-goog-request-id", "x-ms-request-id", "apim-request-id"];

/// The longest name of a request that is kept, in bytes.
const MAX_REQUEST_ID_BYTES: usize = 256;

/// How long a service may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// To connect.
    pub connect: Duration,
    /// To send nothing, also before its first byte.
    pub idle: Duration,
    /// For a whole answer.
    pub total: Duration,
    /// The longest wait that it may ask for before the next try.
    pub retry_after: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_millis(CONNECT_TIMEOUT_MS),
            idle: Duration::from_millis(IDLE_TIMEOUT_MS),
            total: Duration::from_millis(TOTAL_TIMEOUT_MS),
            retry_after: Duration::from_secs(MAX_RETRY_AFTER_SECONDS),
        }
    }
}

/// Where a service is, and how it knows its caller.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// The address in front of the paths of its API.
    pub base_url: String,
    /// Headers of every request. They may hold keys: they are never shown.
    pub headers: BTreeMap<String, String>,
    /// The key, shown unless the headers have one. It is revealed for each request: its file may change.
    pub key: Option<(Auth, Secret)>,
    /// The query of every request, as Azure wants one. It is never shown.
    pub query: BTreeMap<String, String>,
    /// How long it may take.
    pub timeouts: Timeouts,
    /// How requests are answered: by the service, or from recordings.
    pub transport: Transport,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |map: &BTreeMap<String, String>| map.keys().cloned().collect::<Vec<_>>();
        f.debug_struct("Endpoint")
            .field("base_url", &runbus::config::without_credentials(&self.base_url))
            .field("headers", &names(&self.headers))
            .field("query", &names(&self.query))
            .field("timeouts", &self.timeouts)
            .field("transport", &self.transport)
            .finish()
    }
}

/// A client for one service. Cheap to clone; its connections are shared and reused.
#[derive(Debug, Clone)]
pub(super) struct Http {
    client: Client,
    base: Url,
    key: Option<(Auth, Secret)>,
    timeouts: Timeouts,
    transport: Transport,
    /// Texts that must not be recorded, beside the key.
    secrets: Secrets,
}

/// The answer of a service that took the request.
#[derive(Debug)]
pub(super) struct Answered {
    /// The service's name of the request.
    pub(super) request_id: Option<String>,
    pub(super) body: Body,
}

#[derive(Debug)]
pub(super) enum Body {
    /// It came in one piece.
    Whole(Vec<u8>),
    /// It comes bit by bit.
    Streamed(Box<Source>),
}

impl Http {
    /// A client for the service at `endpoint`. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Fault::Unsendable`]: the address is no HTTP address, or a header is none.
    pub(super) fn new(endpoint: &Endpoint) -> Result<Self, Fault> {
        let unsendable = |message: String| Fault::Unsendable { message };
        let Endpoint { base_url, headers, key, query, timeouts, transport } = endpoint;
        let shown = || runbus::config::without_credentials(base_url);
        let mut base = Url::parse(base_url)
            .map_err(|error| unsendable(format!("{:?} is no address: {error}", shown())))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(unsendable(format!("{:?} is no http or https address", shown())));
        }
        if !query.is_empty() {
            base.query_pairs_mut().extend_pairs(query);
        }
        let mut sent = HeaderMap::new();
        for (name, value) in headers {
            let bad =
                || unsendable(format!("the header {name:?} has a name or a value that HTTP does not allow"));
            let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_no_name| bad())?;
            let mut value = HeaderValue::from_str(value).map_err(|_no_value| bad())?;
            value.set_sensitive(true);
            sent.insert(key, value);
        }
        // reqwest panics without a provider; an earlier installed one stays.
        rustls::crypto::ring::default_provider().install_default().ok();
        let mut builder = Client::builder()
            .connect_timeout(timeouts.connect)
            .user_agent(concat!("runbus/", env!("CARGO_PKG_VERSION")))
            .default_headers(sent)
            .redirect(redirect::Policy::custom(|attempt| match attempt.status().as_u16() {
                307 | 308 if attempt.previous().len() < MAX_REDIRECTS => attempt.follow(),
                // A redirected POST becomes a GET, which no service means.
                _ => attempt.stop(),
            }));
        if matches!(base.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
            // A proxy of the environment does not reach this machine's loopback.
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| unsendable(chain(&error)))?;
        let given = |auth: Auth| headers.keys().any(|name| name.eq_ignore_ascii_case(auth.header("").0));
        let key = key.clone().filter(|(auth, _)| !given(*auth));
        let mut secrets = Secrets::default();
        headers.values().chain(query.values()).for_each(|value| secrets.value(value));
        let http = Self { client, base, key, timeouts: *timeouts, transport: transport.clone(), secrets };
        drop(http.authorized(http.client.get(http.base.clone()))?);
        Ok(http)
    }

    /// An address below the base.
    pub(super) fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    /// The service's host, and its port.
    pub(super) fn server(&self) -> (&str, u16) {
        (self.base.host_str().unwrap_or_default(), self.base.port_or_known_default().unwrap_or_default())
    }

    pub(super) const fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }

    /// A request with the key as it is now.
    fn authorized(&self, request: RequestBuilder) -> Result<RequestBuilder, Fault> {
        let Some((auth, key)) = &self.key else { return Ok(request) };
        let (name, value) = auth.header(&key.reveal());
        let mut value = HeaderValue::from_str(&value).map_err(|_no_value| Fault::Unsendable {
            message: format!("the key for the header {name:?} has characters that HTTP does not allow"),
        })?;
        value.set_sensitive(true);
        Ok(request.header(name, value))
    }

    /// Sends a question.
    ///
    /// # Errors
    /// The service refuses it, cannot be reached, or answers with what is no answer.
    pub(super) async fn post(&self, url: &Url, body: &Value) -> Result<Answered, Fault> {
        let Reply { status, request_id, content_type, encoding, retry_after, mut source } =
            self.send(url, body).await?;
        if !status.is_success() {
            let mut error = self.error(url, status, source, retry_after).await;
            error.request_id = request_id;
            return Err(Fault::from_response(error));
        }
        if let Some(encoding) = encoding {
            source.end(false).await;
            let message = format!(
                "the answer is encoded as {encoding:?}, which no request asks for; turn compression off between Runbus and the service"
            );
            return Err(Fault::Garbage { message });
        }
        match content_type.as_str() {
            "application/json" => match self.read(source, MAX_RESPONSE_BYTES).await? {
                (body, false) => Ok(Answered { request_id, body: Body::Whole(body) }),
                (_, true) => {
                    Err(Fault::TooLarge { what: "bytes of one response", limit: MAX_RESPONSE_BYTES })
                }
            },
            "text/html" => {
                let (body, _cut) = self.read(source, MAX_ERROR_BODY_BYTES).await.unwrap_or_default();
                let error = ProviderError::from_body(status.as_u16(), &body, None);
                Err(Fault::Garbage { message: format!("{} {}", error.message, asked(url)) })
            }
            _ => Ok(Answered { request_id, body: Body::Streamed(Box::new(source)) }),
        }
    }

    /// Sends a question by the transport.
    async fn send(&self, url: &Url, body: &Value) -> Result<Reply, Fault> {
        if let Transport::Replayed(player) = &self.transport {
            let played = player.answer(url.path(), body).await?;
            return Ok(Reply {
                status: StatusCode::from_u16(played.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
                request_id: played.request_id.clone(),
                content_type: media_type(&played.content_type),
                encoding: None,
                retry_after: None,
                source: Source::replayed(played),
            });
        }
        let response = self.within(self.authorized(self.client.post(url.clone()))?.json(body).send()).await?;
        let status = response.status();
        let request_id = request_id(response.headers());
        let encoding = response.headers().get(CONTENT_ENCODING).and_then(|value| value.to_str().ok());
        let encoding = encoding.filter(|name| !name.eq_ignore_ascii_case("identity")).map(str::to_owned);
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let tape = match &self.transport {
            Transport::Recorded(recorder, client) => {
                let mut secrets = self.secrets.clone();
                self.key.iter().for_each(|(_, key)| secrets.key(&key.reveal()));
                let answer = Interaction {
                    // The rest of an address may hold a key.
                    path: url.path().rsplit('/').next().map(str::to_owned),
                    request: body.clone(),
                    status: status.as_u16(),
                    content_type: content_type.unwrap_or_default().to_owned(),
                    request_id: request_id.clone(),
                    ..Interaction::default()
                };
                Some(recorder.tape(client, answer, secrets))
            }
            _ => None,
        };
        Ok(Reply {
            status,
            request_id,
            content_type: media_type(content_type.unwrap_or_default()),
            encoding,
            retry_after: retry_after::of(response.headers()),
            source: Source::service(response, tape),
        })
    }

    /// Asks for a document.
    ///
    /// # Errors
    /// As [`Http::post`].
    pub(super) async fn get(&self, url: &Url) -> Result<Value, Fault> {
        if matches!(self.transport, Transport::Replayed(_)) {
            return Err(Fault::Unsendable { message: "recordings answer no such request".to_owned() });
        }
        let response = self.within(self.authorized(self.client.get(url.clone()))?.send()).await?;
        let (status, request_id) = (response.status(), request_id(response.headers()));
        let retry_after = retry_after::of(response.headers());
        let source = Source::service(response, None);
        if !status.is_success() {
            let mut error = self.error(url, status, source, retry_after).await;
            error.request_id = request_id;
            return Err(Fault::from_response(error));
        }
        let (body, _cut) = self.read(source, MAX_RESPONSE_BYTES).await?;
        runbus::json::from_slice(&body).map_err(|error| Fault::Garbage { message: error.to_string() })
    }

    async fn error(
        &self,
        url: &Url,
        status: StatusCode,
        source: Source,
        retry_after: Option<Duration>,
    ) -> ProviderError {
        // The status says enough, should the body not come.
        let (body, _cut) = self.read(source, MAX_ERROR_BODY_BYTES).await.unwrap_or_default();
        let mut error = ProviderError::from_body(status.as_u16(), &body, retry_after);
        error.retry_after = error.retry_after.map(|wait| wait.min(self.timeouts.retry_after));
        if error.message.is_empty() {
            error.message = status.to_string();
        }
        if matches!(status.as_u16(), 404 | 405) {
            error.asked = Some(asked(url));
        }
        error
    }

    /// For how long the service may be silent.
    fn patience(&self) -> Duration {
        self.timeouts.idle.min(self.timeouts.total)
    }

    /// Awaits data of the service, for as long as it may be silent.
    async fn within<T>(&self, sent: impl Future<Output = Result<T, reqwest::Error>>) -> Result<T, Fault> {
        let patience = self.patience();
        match tokio::time::timeout(patience, sent).await {
            Ok(result) => result.map_err(|error| connection(&error)),
            Err(_elapsed) => Err(stalled(patience)),
        }
    }

    /// Reads a body that is not a stream, at most `limit` bytes; also whether there was more.
    async fn read(&self, mut source: Source, limit: usize) -> Result<(Vec<u8>, bool), Fault> {
        let read = source.read(limit, self.patience()).await;
        source.end(read.is_err()).await;
        read
    }
}

/// The begin of an answer.
struct Reply {
    status: StatusCode,
    request_id: Option<String>,
    /// Its media type, without parameters.
    content_type: String,
    /// Its compression, where there is one.
    encoding: Option<String>,
    retry_after: Option<Duration>,
    source: Source,
}

/// Where the request went, without what may be a secret in an address.
fn asked(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    // Only addresses without a host refuse these.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    format!("[asked at {url}; the base address of OpenAI's API goes up to and with /v1]")
}

/// A media type without its parameters.
fn media_type(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// How the service names the request.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = REQUEST_IDS.iter().find_map(|name| headers.get(*name)?.to_str().ok())?.trim();
    (1..=MAX_REQUEST_ID_BYTES).contains(&id.len()).then(|| id.to_owned())
}

pub(super) fn stalled(limit: Duration) -> Fault {
    Fault::Stalled { limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX) }
}

pub(super) fn connection(error: &reqwest::Error) -> Fault {
    if error.is_builder() {
        return Fault::Unsendable { message: chain(error) };
    }
    Fault::Connection { message: chain(error) }
}

/// An error with its causes, without the address: it may carry a key.
fn chain(error: &reqwest::Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let kind = if error.is_connect() {
        // The path and the query may hold a key.
        let address = error.url().map(|url| url.origin().ascii_serialization());
        format!("cannot connect to {}", address.as_deref().unwrap_or("the provider"))
    } else if error.is_body() || error.is_decode() {
        "the answer was cut off".to_owned()
    } else {
        "the request failed".to_owned()
    };
    causes.fold(kind, |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers one request with an empty document, and gives its `authorization`.
    async fn authorization(listener: &TcpListener) -> Option<String> {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (read, mut write) = stream.split();
        let (mut lines, mut found) = (BufReader::new(read).lines(), None);
        while let Some(line) = lines.next_line().await.unwrap().filter(|line| !line.is_empty()) {
            found = line.strip_prefix("authorization: ").map(str::to_owned).or(found);
        }
        let head =
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: 2";
        write.write_all(format!("{head}\r\n\r\n{{}}").as_bytes()).await.unwrap();
        found
    }

    #[tokio::test]
    async fn a_key_is_read_again_when_its_file_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "first\n").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Endpoint {
            base_url: format!("http://{}", listener.local_addr().unwrap()),
            key: Some((Auth::Bearer, Secret::from_file(&path).unwrap())),
            ..Endpoint::default()
        };
        let http = Http::new(&endpoint).unwrap();
        let url = http.url(&["models"]);
        for key in ["first", "a second one"] {
            std::fs::write(&path, key).unwrap();
            let (answer, shown) = tokio::join!(http.get(&url), authorization(&listener));
            answer.unwrap();
            assert_eq!(shown.as_deref(), Some(format!("Bearer {key}").as_str()));
        }
        assert!(!format!("{endpoint:?}").contains("second"), "a key is not shown");
    }

    #[test]
    fn a_key_that_http_does_not_allow_is_refused_at_the_start() {
        let key = Some((Auth::Header("x-api-key"), Secret::new("a\nb")));
        let endpoint = Endpoint { base_url: "http://h".into(), key, ..Endpoint::default() };
        let error = Http::new(&endpoint).unwrap_err().to_string();
        assert!(error.contains("x-api-key") && !error.contains("a\nb"), "{error}");
    }
}
