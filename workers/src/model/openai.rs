//! The client for every service that speaks OpenAI's chat completions API.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, Response, Url, redirect};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::abilities::{self, Abilities, Form, Images, Structured};
use super::limits::{
    CONNECT_TIMEOUT_MS, IDLE_TIMEOUT_MS, MAX_ERROR_BODY_BYTES, MAX_REDIRECTS, MAX_RESPONSE_BYTES,
    MAX_RETRY_AFTER_SECONDS,
};
use super::{Delta, Fault, Model, Provider, ProviderError, Request, ResponseFormat, TurnStream};
use super::{answer, wire};

/// Where the service is and how long it may take.
#[derive(Clone)]
pub struct Config {
    /// The address in front of `/chat/completions`, such as `https://api.openai.com/v1`.
    pub base_url: String,
    /// The bearer token; local servers often need none.
    pub api_key: Option<String>,
    /// The model of requests that name none; `None`: the first that the service lists.
    pub model: Option<String>,
    /// How structured answers are asked for.
    pub structured: Structured,
    /// Whether images of tools' results are sent.
    pub images: Images,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long the service may send nothing, also before its first byte.
    pub idle_timeout: Duration,
}

impl Config {
    /// A configuration with the default time-outs and without a key.
    pub fn new(base_url: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            api_key: None,
            model: Some(model.into()),
            structured: Structured::Auto,
            images: Images::Auto,
            connect_timeout: Duration::from_millis(CONNECT_TIMEOUT_MS),
            idle_timeout: Duration::from_millis(IDLE_TIMEOUT_MS),
        }
    }
}

impl fmt::Debug for Config {
    /// Leaves the key out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("base_url", &self.base_url)
            .field("api_key", &self.api_key.as_ref().map(|_| "..."))
            .field("model", &self.model)
            .field("structured", &self.structured)
            .field("images", &self.images)
            .field("connect_timeout", &self.connect_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .finish()
    }
}

/// The client. Cheap to clone; its connections are shared and reused.
#[derive(Debug, Clone)]
pub struct OpenAi {
    config: Config,
    url: Url,
    client: Client,
    abilities: Arc<Abilities>,
    /// The first model that the service lists, once it was asked.
    listed: Arc<OnceCell<String>>,
}

impl OpenAi {
    /// A client for the service of `config`. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`Fault::Unsendable`] when the address is no HTTP address.
    pub fn new(config: Config) -> Result<Self, Fault> {
        let unsendable = |message: String| Fault::Unsendable { message };
        let mut url = Url::parse(&config.base_url)
            .map_err(|error| unsendable(format!("{:?} is no address: {error}", config.base_url)))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(unsendable(format!("{:?} is no http or https address", config.base_url)));
        }
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["chat", "completions"]);
        }
        let host = url.host_str().unwrap_or_default();
        // reqwest panics without a provider; an earlier installed one stays.
        rustls::crypto::ring::default_provider().install_default().ok();
        let mut builder = Client::builder()
            .connect_timeout(config.connect_timeout)
            .user_agent(concat!("runbus/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::custom(|attempt| match attempt.status().as_u16() {
                307 | 308 if attempt.previous().len() < MAX_REDIRECTS => attempt.follow(),
                // A redirected POST becomes a GET, which no service means.
                _ => attempt.stop(),
            }));
        if matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
            // A proxy of the environment does not reach this machine's loopback.
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| unsendable(chain(&error)))?;
        let abilities = Arc::new(Abilities::new(config.structured, config.images));
        Ok(Self { config, url, client, abilities, listed: Arc::default() })
    }

    /// The name of the model that a request is for.
    async fn model(&self, request: &Request) -> Result<String, Fault> {
        if let Some(name) = request.model.as_ref().or(self.config.model.as_ref()) {
            return Ok(name.clone());
        }
        self.listed.get_or_try_init(|| self.first_listed()).await.cloned()
    }

    /// Asks the service for its models.
    async fn first_listed(&self) -> Result<String, Fault> {
        let mut url = self.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop().pop().push("models");
        }
        let mut get = self.client.get(url);
        if let Some(key) = &self.config.api_key {
            get = get.bearer_auth(key);
        }
        let mut response = self.within(get.send()).await?;
        let status = response.status();
        let (body, _cut) = self.read(&mut response, MAX_RESPONSE_BYTES).await?;
        let unknown = |why: &str| Fault::Unsendable {
            message: format!("no model is configured (model.name), and the service lists none: {why}"),
        };
        if !status.is_success() {
            let error = ProviderError::from_body(status.as_u16(), &body, None);
            let fault = Fault::from_response(error.clone());
            return Err(if fault.is_retryable() { fault } else { unknown(&error.to_string()) });
        }
        let listed: Value = runbus::json::from_slice(&body).map_err(|error| unknown(&error.to_string()))?;
        let models = listed["data"].as_array().or_else(|| listed["models"].as_array());
        let names = models.into_iter().flatten().filter_map(|model| model["id"].as_str());
        // Services list models that do not chat among those that do.
        let chats =
            |name: &&str| !["embed", "rerank", "whisper", "tts"].iter().any(|kind| name.contains(kind));
        let name = names.clone().find(chats).or_else(|| names.clone().next());
        let name = name.ok_or_else(|| unknown("the list is empty"))?;
        tracing::info!(model = name, "no model is configured; the first of the service is taken");
        Ok(name.to_owned())
    }

    /// Where the request went, without what may be a secret in an address.
    fn asked(&self) -> String {
        let mut url = self.url.clone();
        url.set_query(None);
        // Only addresses without a host refuse these.
        let _ = url.set_username("").and_then(|()| url.set_password(None));
        format!("[asked at {url}; model.base_url goes up to and with /v1]")
    }

    /// The JSON that is sent.
    fn body(&self, request: &Request, model: &str, form: Form) -> Value {
        let Request { messages, tools, options, .. } = request;
        let format = options.response_format.as_ref();
        let mut messages = messages.clone();
        if let Some(format) = format.filter(|_| form.in_prompt) {
            abilities::with_schema(&mut messages, format);
        }
        let mut body = json!({
            "model": model,
            "messages": wire::messages(&messages, form.images),
            "stream": true,
        });
        if form.counts {
            body["stream_options"] = json!({"include_usage": true});
        }
        if !tools.is_empty() {
            body["tools"] = json!(tools);
        }
        if let Some(temperature) = options.temperature {
            body["temperature"] = json!(temperature);
        }
        if let Some(max_tokens) = options.max_tokens {
            // OpenAI's newer models refuse the old name; most others know no other.
            let is_openai = self.url.host_str() == Some("api.openai.com");
            body[if is_openai { "max_completion_tokens" } else { "max_tokens" }] = json!(max_tokens);
        }
        match (format, form.structured) {
            (None, _) | (Some(_), Structured::Prompt) => {}
            (Some(_), Structured::JsonObject) => body["response_format"] = json!(ResponseFormat::JsonObject),
            (Some(format), Structured::JsonSchema | Structured::Auto) => {
                body["response_format"] = json!(format)
            }
        }
        body
    }

    /// One request in one form.
    async fn attempt(&self, request: &Request, model: &str, form: Form) -> Result<TurnStream, Fault> {
        let mut post = self.client.post(self.url.clone()).json(&self.body(request, model, form));
        if let Some(key) = &self.config.api_key {
            post = post.bearer_auth(key);
        }
        let mut response = self.within(post.send()).await?;
        let status = response.status();
        if !status.is_success() {
            let retry_after = retry_after(response.headers());
            // The status says enough, should the body not come.
            let (body, _cut) = self.read(&mut response, MAX_ERROR_BODY_BYTES).await.unwrap_or_default();
            let mut error = ProviderError::from_body(status.as_u16(), &body, retry_after);
            if error.message.is_empty() {
                error.message = status.to_string();
            }
            if matches!(status.as_u16(), 404 | 405) {
                error.asked = Some(self.asked());
            }
            return Err(Fault::from_response(error));
        }
        match content_type(response.headers()).as_str() {
            "application/json" => match self.read(&mut response, MAX_RESPONSE_BYTES).await? {
                (body, false) => answer::whole(&body),
                (_, true) => {
                    Err(Fault::TooLarge { what: "bytes of one response", limit: MAX_RESPONSE_BYTES })
                }
            },
            "text/html" => {
                let (body, _cut) = self.read(&mut response, 200).await.unwrap_or_default();
                let sample = String::from_utf8_lossy(&body);
                Err(Fault::Garbage {
                    message: format!("a web page instead of an answer: {sample:?} {}", self.asked()),
                })
            }
            _ => Ok(answer::streamed(response, self.config.idle_timeout)),
        }
    }

    /// Awaits data of the service, for as long as it may be silent.
    async fn within<T>(&self, sent: impl Future<Output = Result<T, reqwest::Error>>) -> Result<T, Fault> {
        match tokio::time::timeout(self.config.idle_timeout, sent).await {
            Ok(result) => result.map_err(|error| connection(&error)),
            Err(_elapsed) => Err(stalled(self.config.idle_timeout)),
        }
    }

    /// Reads a body that is not a stream, at most `limit` bytes; also whether there was more.
    async fn read(&self, response: &mut Response, limit: usize) -> Result<(Vec<u8>, bool), Fault> {
        let mut body = Vec::new();
        while let Some(bytes) = self.within(response.chunk()).await? {
            let room = limit - body.len();
            body.extend_from_slice(&bytes[..bytes.len().min(room)]);
            if bytes.len() > room {
                return Ok((body, true));
            }
        }
        Ok((body, false))
    }
}

#[async_trait]
impl Model for OpenAi {
    fn provider(&self) -> Provider {
        let (host, port) = (self.url.host_str().unwrap_or_default(), self.url.port_or_known_default());
        let model = self.config.model.as_deref().or_else(|| self.listed.get().map(String::as_str));
        Provider::at(host, port.unwrap_or_default(), model.unwrap_or("unknown"))
    }

    async fn stream(&self, request: Request) -> Result<TurnStream, Fault> {
        let model = self.model(&request).await?;
        let asks = request.options.response_format.is_some();
        // Each form is one less than the form before it, so that this ends.
        let (form, deltas) = loop {
            let form = self.abilities.form(&model);
            match self.attempt(&request, &model, form).await {
                Err(fault) if self.abilities.refused(&model, form, &request, &fault) => {}
                answered => break (form, answered?),
            }
        };
        if !asks {
            return Ok(deltas);
        }
        let abilities = self.abilities.clone();
        let watched = deltas.inspect(move |delta| {
            if let Ok(Delta::Completed(turn)) = delta
                && turn.tool_calls.is_empty()
                && !turn.is_cut_off()
                && !turn.text.contains('{')
            {
                abilities.ignored_schema(&model, form);
            }
        });
        Ok(watched.boxed())
    }
}

/// The media type without its parameters; empty when there is none.
fn content_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// How long the service asks to wait: `retry-after-ms` (OpenAI), else `retry-after` in seconds or as a date, else the time until its
/// limit of requests begins anew.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| Some(headers.get(name)?.to_str().ok()?.trim());
    let number = |name: &str| text(name)?.parse::<f64>().ok();
    let date = || {
        let date = jiff::fmt::rfc2822::parse(text(RETRY_AFTER.as_str())?).ok()?;
        Some(date.timestamp().duration_since(jiff::Timestamp::now()).as_secs_f64())
    };
    let reset = || {
        let used_up = number("x-ratelimit-remaining-requests") == Some(0.0);
        let text = text("x-ratelimit-reset-requests").filter(|_| used_up)?;
        Some(text.parse::<jiff::SignedDuration>().ok()?.as_secs_f64())
    };
    let seconds = number("retry-after-ms")
        .map(|ms| ms / 1000.0)
        .or_else(|| number(RETRY_AFTER.as_str()))
        .or_else(date)
        .or_else(reset)?;
    #[expect(clippy::cast_precision_loss, reason = "the limit is small")]
    let limit = MAX_RETRY_AFTER_SECONDS as f64;
    Duration::try_from_secs_f64(seconds.clamp(0.0, limit)).ok()
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
        "cannot connect"
    } else if error.is_body() || error.is_decode() {
        "the answer broke off"
    } else {
        "the request failed"
    };
    causes.fold(kind.to_owned(), |text, cause| format!("{text}: {cause}"))
}
