//! The client for every service that speaks OpenAI's chat completions API.

mod body;
mod config;
mod messages;

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::StreamExt;
use reqwest::Url;
use tokio::sync::OnceCell;

use super::abilities::{Abilities, Form, Structured};
use super::answer::{self, Answer};
use super::http::Http;
use super::limits::MAX_FORMS;
use super::parts;
use super::quirks::Quirks;
use super::structured::by_tool;
use super::{Accumulator, Delta, Fault, Model, Provider, Request, TurnStream};

pub use config::Config;

/// The client. Cheap to clone; its connections are shared and reused.
#[derive(Debug, Clone)]
pub struct OpenAi {
    config: Config,
    quirks: Quirks,
    http: Http,
    url: Url,
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
        let http = Http::new(&config.endpoint())?;
        let url = http.url(&["chat", "completions"]);
        let quirks = config.quirks().at(url.as_str());
        let abilities = Arc::new(Abilities::new(quirks));
        Ok(Self { config, quirks, http, url, abilities, listed: Arc::default() })
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
        let unknown = |why: &str| Fault::Unsendable {
            message: format!("no model is configured (model.name), and the service lists none: {why}"),
        };
        let listed = self
            .http
            .get(&self.http.url(&["models"]))
            .await
            .map_err(|fault| if fault.is_retryable() { fault } else { unknown(&fault.to_string()) })?;
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

    /// One request in one form.
    async fn attempt(&self, request: &Request, model: &str, form: Form) -> Result<TurnStream, Fault> {
        let fitted = parts::fit(request, |media| messages::refusal(media, form.takes, &self.quirks))?;
        let mut body = body::body(&fitted, &self.config.provider, model, form, &self.quirks);
        body::with_extra(&mut body, [&self.config.extra_body, &request.options.extra_body]);
        let answered = self.http.post(&self.url, &body).await?;
        let fold = Box::new(Accumulator::splitting(self.quirks.think_tags));
        let answer = Answer::new(fold, &self.config.provider, self.http.timeouts(), request);
        answer::read(answered, answer)
    }

    /// Asks, in less demanding forms until the service takes one.
    async fn ask(&self, request: &Request) -> Result<TurnStream, Fault> {
        let model = self.model(request).await?;
        let mut forms = 1..MAX_FORMS;
        let (form, deltas) = loop {
            let form = self.abilities.form(&model);
            match self.attempt(request, &model, form).await {
                Err(fault)
                    if self.abilities.refused(&model, form, request, &fault) && forms.next().is_some() => {}
                answered => break (form, answered?),
            }
        };
        if request.options.response_format.is_none() {
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

#[async_trait]
impl Model for OpenAi {
    fn provider(&self) -> Provider {
        let (host, port) = self.http.server();
        let model = self.config.model.as_deref().or_else(|| self.listed.get().map(String::as_str));
        Provider::at(host, port, model.unwrap_or("unknown"))
    }

    async fn stream(&self, request: Request) -> Result<TurnStream, Fault> {
        if self.quirks.structured_output == Structured::Tool {
            return by_tool(request, async |request| self.ask(&request).await).await;
        }
        self.ask(&request).await
    }
}
