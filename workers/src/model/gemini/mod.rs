//! The client for Google's Gemini API.

mod body;
mod fold;
mod messages;

use async_trait::async_trait;
use reqwest::Url;

use super::abilities::Structured;
use super::answer::{self, Answer};
use super::http::Http;
use super::kind::Setup;
use super::parts::{self, Takes};
use super::structured::by_tool;
use super::{Fault, Model, Provider, Request, TurnStream};

/// The model of requests that name none.
const MODEL: &str = "gemini-2.5-flash";

/// The client. Cheap to clone; its connections are shared and reused.
#[derive(Debug, Clone)]
pub(super) struct Gemini {
    setup: Setup,
    http: Http,
}

impl Gemini {
    /// A client. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Fault::Unsendable`]: the address or a header is none.
    pub(super) fn new(setup: Setup) -> Result<Self, Fault> {
        let http = Http::new(&setup.endpoint)?;
        Ok(Self { setup, http })
    }

    fn model<'a>(&'a self, request: &'a Request) -> &'a str {
        request.model.as_deref().or(self.setup.model.as_deref()).unwrap_or(MODEL)
    }

    /// Where a model is asked. With and without the version: both are written in manuals.
    fn url(&self, model: &str) -> Url {
        let base = self.setup.endpoint.base_url.trim_end_matches('/');
        let is_versioned = base.rsplit('/').next().is_some_and(|last| last.starts_with("v1"));
        let call = format!("{}:streamGenerateContent", model.trim_start_matches("models/"));
        let path = ["v1beta", "models", call.as_str()];
        let mut url = self.http.url(if is_versioned { &path[1..] } else { &path });
        url.query_pairs_mut().append_pair("alt", "sse");
        url
    }

    async fn ask(&self, request: &Request) -> Result<TurnStream, Fault> {
        let model = self.model(request);
        let takes = Takes::of(&self.setup.quirks);
        let fitted = parts::fit(request, |media| takes.refusal(media))?;
        let body = body::body(&fitted, &self.setup, model);
        let answered = self.http.post(&self.url(model), &body).await?;
        answer::read(answered, Answer::new(fold(), &self.setup.provider, self.http.timeouts(), request))
    }
}

/// The fold of an answer.
pub(super) fn fold() -> Box<dyn answer::Fold> {
    Box::new(fold::Fold::default())
}

#[async_trait]
impl Model for Gemini {
    fn provider(&self) -> Provider {
        let (host, port) = self.http.server();
        let model = self.setup.model.as_deref().unwrap_or(MODEL);
        Provider { name: "gcp.gemini", ..Provider::at(host, port, model) }
    }

    async fn stream(&self, request: Request) -> Result<TurnStream, Fault> {
        if self.setup.quirks.structured_output == Structured::Tool {
            return by_tool(request, async |request| self.ask(&request).await).await;
        }
        self.ask(&request).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Endpoint;

    #[test]
    fn the_address_has_the_version_once() {
        for base in ["https://g.example", "https://g.example/v1beta/"] {
            let endpoint = Endpoint { base_url: base.into(), ..Endpoint::default() };
            let model = Gemini::new(Setup { endpoint, ..Setup::default() }).unwrap();
            let url = model.url("models/gemini-x").to_string();
            assert_eq!(url, "https://g.example/v1beta/models/gemini-x:streamGenerateContent?alt=sse");
        }
    }
}
