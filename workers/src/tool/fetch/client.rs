//! One request: checked, sent, followed, read.

use std::error::Error as StdError;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, LAST_MODIFIED, LOCATION};
use reqwest::{Client, Method, Response, Url, redirect};
use runbus::blocking::Pool;
use schemars::JsonSchema;
use serde::Deserialize;

use super::address::{Checked, Lookup, NotPublic, is_public};
use super::{Config, InvalidRule, Rule, html};
use crate::tool::limits::{
    FETCH_CONNECT_MS, FETCH_ERROR_BYTES, FETCH_REDIRECTS, FETCH_URL_BYTES, PAGE_TIME_MS, PAGES_AT_ONCE,
    PAGES_WAITING,
};
use crate::tool::{Error, Function, Tool, truncate};

static PAGES: Pool = Pool::new("page", PAGES_AT_ONCE, PAGES_WAITING, Duration::from_millis(PAGE_TIME_MS));

/// The model's request.
#[derive(Deserialize, JsonSchema)]
struct Request {
    /// The address, with http:// or https://.
    url: String,
    /// GET reads the page, HEAD asks only whether it is there.
    #[serde(default)]
    method: Verb,
}

#[derive(Deserialize, JsonSchema, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "UPPERCASE")]
enum Verb {
    #[default]
    Get,
    Head,
}

/// Why there is no such tool.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// An entry of `allow` is no rule.
    #[error("http_fetch.allow: {rule:?} is not {error}")]
    Rule {
        /// The entry.
        rule: String,
        /// The accepted form.
        error: InvalidRule,
    },
    /// The HTTP client cannot be built.
    #[error("http_fetch: {0}")]
    Client(#[from] reqwest::Error),
}

/// The tool `http_fetch`.
///
/// # Errors
/// A rule of the configuration is none, or the HTTP client cannot be built.
pub fn http_fetch(config: &Config) -> Result<impl Tool + 'static, Fault> {
    with_lookup(config, Lookup::System)
}

/// The same, with names looked up elsewhere.
pub(super) fn with_lookup(config: &Config, lookup: Lookup) -> Result<impl Tool + 'static, Fault> {
    let fetcher = Arc::new(Fetcher::new(config, lookup)?);
    let description = format!(
        "Reads a web page, text or JSON document over HTTP; HTML comes as plain text. Allowed: {}.",
        truncate(config.allow.join(", "), FETCH_ERROR_BYTES).0
    );
    let function = move |request: Request| {
        let fetcher = Arc::clone(&fetcher);
        async move { fetcher.fetch(&request).await }
    };
    let timeout = Duration::from_millis(config.timeout_ms);
    Ok(Function::new("http_fetch", description, function).with_timeout(timeout).safe_to_repeat())
}

struct Fetcher {
    client: Client,
    rules: Vec<Rule>,
    allow_private: bool,
    max_bytes: usize,
}

impl Fetcher {
    fn new(config: &Config, lookup: Lookup) -> Result<Self, Fault> {
        runbus::tls::install();
        let parse =
            |text: &String| Rule::parse(text).map_err(|error| Fault::Rule { rule: text.clone(), error });
        let rules = config.allow.iter().map(parse).collect::<Result<_, _>>()?;
        let client = Client::builder()
            .user_agent(concat!("runbus/", env!("CARGO_PKG_VERSION")))
            .no_proxy()
            .redirect(redirect::Policy::none())
            .connect_timeout(Duration::from_millis(FETCH_CONNECT_MS))
            .timeout(Duration::from_millis(config.timeout_ms))
            .dns_resolver(Checked { lookup, allow_private: config.allow_private })
            .build()?;
        Ok(Self { client, rules, allow_private: config.allow_private, max_bytes: config.max_bytes })
    }

    async fn fetch(&self, request: &Request) -> Result<String, Error> {
        if request.url.len() > FETCH_URL_BYTES {
            return Err(Error::failed(format_args!("the address is longer than {FETCH_URL_BYTES} bytes")));
        }
        let mut url = Url::parse(&request.url)
            .map_err(|error| Error::failed(format_args!("{:?} is no address: {error}", request.url)))?;
        for _ in 0..=FETCH_REDIRECTS {
            self.check(&url)?;
            let response = self.send(request.method, url.clone()).await?;
            match redirected(&response)? {
                Some(next) => url = next,
                None => return self.read(request.method, &url, response).await,
            }
        }
        Err(Error::failed(format_args!("more than {FETCH_REDIRECTS} redirects")))
    }

    /// Whether a request may go there, as far as is known before its name is resolved.
    fn check(&self, url: &Url) -> Result<(), Error> {
        if !self.rules.iter().any(|rule| rule.allows(url)) {
            return Err(Error::failed(format_args!("{} is not allowed", shown(url))));
        }
        // An address in place of a name is never looked up.
        let literal = url.host_str().unwrap_or_default().trim_matches(['[', ']']).parse::<IpAddr>().ok();
        match literal.filter(|address| !self.allow_private && !is_public(*address)) {
            Some(address) => Err(Error::failed(NotPublic(address))),
            None => Ok(()),
        }
    }

    async fn send(&self, verb: Verb, url: Url) -> Result<Response, Error> {
        let method = if verb == Verb::Head { Method::HEAD } else { Method::GET };
        let request = self.client.request(method, url);
        let accept = "text/html, text/*;q=0.9, application/json;q=0.9";
        request.header(ACCEPT, accept).send().await.map_err(failure)
    }

    /// The part of an answer that the model reads.
    async fn read(&self, verb: Verb, url: &Url, response: Response) -> Result<String, Error> {
        let status = response.status();
        let kind = header(&response, CONTENT_TYPE);
        let mut text = format!("HTTP {status}\nurl: {}\n", shown(url));
        for name in [CONTENT_TYPE, CONTENT_LENGTH, LAST_MODIFIED] {
            let value = header(&response, name.clone());
            if !value.is_empty() {
                text += &format!("{name}: {value}\n");
            }
        }
        let kind = Content::of(&kind);
        if verb == Verb::Get {
            match kind {
                Content::Other if status.is_success() => {
                    return Err(Error::failed(format_args!("{text}only text and JSON can be read")));
                }
                Content::Other => {}
                Content::Text | Content::Html => text += &self.body(kind, response).await?,
            }
        }
        if status.is_success() { Ok(text) } else { Err(Error::failed(truncate(text, FETCH_ERROR_BYTES).0)) }
    }

    /// The body, up to the limit.
    async fn body(&self, kind: Content, mut response: Response) -> Result<String, Error> {
        let mut bytes: Vec<u8> = Vec::new();
        let mut cut = false;
        while let Some(chunk) = response.chunk().await.map_err(failure)? {
            let room = self.max_bytes - bytes.len();
            bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if chunk.len() > room {
                cut = true;
                break;
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        let text = text.into_owned();
        let text = if kind == Content::Html {
            PAGES.run(move || html::text(&text)).await.map_err(Error::failed)?
        } else {
            text
        };
        let note =
            if cut { format!("\n[... cut after {} bytes ...]", self.max_bytes) } else { String::new() };
        Ok(format!("\n{text}{note}"))
    }
}

/// The treatment of a body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    Text,
    Html,
    Other,
}

impl Content {
    fn of(header: &str) -> Self {
        let kind = header.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match kind.as_str() {
            "text/html" | "application/xhtml+xml" => Self::Html,
            "application/json" => Self::Text,
            kind if kind.starts_with("text/") || kind.ends_with("+json") => Self::Text,
            _ => Self::Other,
        }
    }
}

/// Where an answer leads, when it is a redirect.
fn redirected(response: &Response) -> Result<Option<Url>, Error> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = header(response, LOCATION);
    if location.is_empty() || location.len() > FETCH_URL_BYTES {
        return Err(Error::failed("a redirect that leads nowhere"));
    }
    let next = response.url().join(&location);
    next.map(Some).map_err(|error| Error::failed(format_args!("a redirect that leads nowhere: {error}")))
}

/// A header as text; empty when there is none, or it is no text.
fn header(response: &Response, name: reqwest::header::HeaderName) -> String {
    let value = response.headers().get(name).and_then(|value| value.to_str().ok());
    truncate(value.unwrap_or_default().to_owned(), FETCH_URL_BYTES + 1).0
}

/// An address as it is shown: never too long, never with a password.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Neither can fail for an address with a host; one without has neither.
    let _ = url.set_password(None);
    let _ = url.set_username("");
    truncate(url.to_string(), FETCH_ERROR_BYTES).0
}

/// The error, with its causes: the first alone gives no reason.
fn failure(error: reqwest::Error) -> Error {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        text += &format!(": {deeper}");
        cause = deeper.source();
    }
    Error::failed(text)
}
