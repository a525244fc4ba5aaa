//! The client for OpenAI's Responses API. Nothing is stored at the service: each request has the whole conversation.

mod body;
mod fold;
mod input;

use async_trait::async_trait;
use reqwest::Url;

use super::abilities::Structured;
use super::answer::{self, Answer};
use super::http::Http;
use super::kind::Setup;
use super::parts;
use super::structured::by_tool;
use super::{Fault, Model, Provider, Request, TurnStream};

/// The model of requests that name none.
const MODEL: &str = "gpt-4o-mini";

/// The client. Cheap to clone; its connections are shared and reused.
#[derive(Debug, Clone)]
pub(super) struct Responses {
    setup: Setup,
    http: Http,
    url: Url,
}

impl Responses {
    /// A client. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Fault::Unsendable`]: the address or a header is none.
    pub(super) fn new(setup: Setup) -> Result<Self, Fault> {
        let http = Http::new(&setup.endpoint)?;
        let url = http.url(&["responses"]);
        Ok(Self { setup, http, url })
    }

    fn model<'a>(&'a self, request: &'a Request) -> &'a str {
        request.model.as_deref().or(self.setup.model.as_deref()).unwrap_or(MODEL)
    }

    async fn ask(&self, request: &Request) -> Result<TurnStream, Fault> {
        let fitted = parts::fit(request, |media| input::refusal(media, &self.setup.quirks))?;
        let body = body::body(&fitted, &self.setup, self.model(request));
        let answered = self.http.post(&self.url, &body).await?;
        answer::read(answered, Answer::new(fold(), &self.setup.provider, self.http.timeouts(), request))
    }
}

/// The fold of an answer.
pub(super) fn fold() -> Box<dyn answer::Fold> {
    Box::new(fold::Fold::default())
}

#[async_trait]
impl Model for Responses {
    fn provider(&self) -> Provider {
        let (host, port) = self.http.server();
        Provider::at(host, port, self.setup.model.as_deref().unwrap_or(MODEL))
    }

    async fn stream(&self, request: Request) -> Result<TurnStream, Fault> {
        if self.setup.quirks.structured_output == Structured::Tool {
            return by_tool(request, async |request| self.ask(&request).await).await;
        }
        self.ask(&request).await
    }
}
