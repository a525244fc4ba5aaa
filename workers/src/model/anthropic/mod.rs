//! The client for Anthropic's Messages API.

mod body;
mod fold;
mod messages;

use async_trait::async_trait;
use reqwest::Url;
use serde_json::Value;

use super::abilities::Structured;
use super::answer::{self, Answer};
use super::http::Http;
use super::kind::Setup;
use super::parts;
use super::structured::by_tool;
use super::{Fault, Model, Provider, Request, TurnStream};

/// The version of the API.
const VERSION: &str = "2023-06-01";

/// The model of requests that name none.
const MODEL: &str = "claude-haiku-4-5";

/// The client. Cheap to clone; its connections are shared and reused.
#[derive(Debug, Clone)]
pub(super) struct Anthropic {
    setup: Setup,
    http: Http,
    url: Url,
}

impl Anthropic {
    /// A client. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Fault::Unsendable`]: the address or a header is none.
    pub(super) fn new(mut setup: Setup) -> Result<Self, Fault> {
        let headers = &mut setup.endpoint.headers;
        if !headers.keys().any(|name| name.eq_ignore_ascii_case("anthropic-version")) {
            headers.insert("anthropic-version".to_owned(), VERSION.to_owned());
        }
        let http = Http::new(&setup.endpoint)?;
        // With and without the version: both are written in manuals.
        let is_versioned = setup.endpoint.base_url.trim_end_matches('/').ends_with("/v1");
        let url = http.url(if is_versioned { &["messages"] } else { &["v1", "messages"] });
        Ok(Self { setup, http, url })
    }

    fn model<'a>(&'a self, request: &'a Request) -> &'a str {
        request.model.as_deref().or(self.setup.model.as_deref()).unwrap_or(MODEL)
    }

    async fn ask(&self, request: &Request) -> Result<TurnStream, Fault> {
        let fitted = parts::fit(request, |media| messages::refusal(media, &self.setup.quirks))?;
        let body: Value = body::body(&fitted, &self.setup, self.model(request));
        let answered = self.http.post(&self.url, &body).await?;
        answer::read(answered, Answer::new(fold(), &self.setup.provider, self.http.timeouts(), request))
    }
}

/// The fold of an answer.
pub(super) fn fold() -> Box<dyn answer::Fold> {
    Box::new(fold::Fold::default())
}

#[async_trait]
impl Model for Anthropic {
    fn provider(&self) -> Provider {
        let (host, port) = self.http.server();
        let model = self.setup.model.as_deref().unwrap_or(MODEL);
        Provider { name: "anthropic", ..Provider::at(host, port, model) }
    }

    async fn stream(&self, request: Request) -> Result<TurnStream, Fault> {
        let thinks = body::thinks(&request, &self.setup);
        match self.setup.quirks.structured_output {
            // The model must not be made to call a tool while it thinks.
            Structured::Auto | Structured::Tool | Structured::JsonSchema if !thinks => {
                by_tool(request, async |request| self.ask(&request).await).await
            }
            _ => self.ask(&request).await,
        }
    }
}
