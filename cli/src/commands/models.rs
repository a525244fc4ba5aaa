//! `runbus models`: the configured models, and whether each answers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use runbus_workers::definition::Definitions;
use runbus_workers::model::{Message, Model, Options, Providers, Request};
use serde::Serialize;

use super::process;
use crate::configuration::Configuration;
use crate::exit::{Code, Error};
use crate::global::Global;
use crate::output;

/// How long one model may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Models that are asked at the same time.
const AT_ONCE: usize = 8;

/// Lists the models of the configuration and of the definitions, and asks each for one token; exit code 69 when one does not answer.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  runbus models --config runbus.toml\n  ANTHROPIC_API_KEY=KEY runbus models --json"
)]
pub(crate) struct Models {}

/// One model.
#[derive(Debug, Serialize)]
pub(super) struct Found {
    /// Its provider's name, or `PROVIDER/MODEL` as definitions say.
    pub(super) model: String,
    /// Whether it answers.
    pub(super) ok: bool,
    /// The name that it gives itself, or the fault.
    pub(super) found: String,
    /// How long its first token took, in milliseconds.
    pub(super) first_token_ms: u64,
}

impl Models {
    /// Runs it.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn run(self, global: &Global, configuration: &Configuration) -> Result<Code, Error> {
        let found = ask(configuration, &process::definitions(configuration)?).await?;
        let well = found.iter().all(|model| model.ok);
        if global.json {
            output::json(&serde_json::json!({ "ok": well, "models": found }))?;
        } else {
            let row = |model: &Found| {
                let state = if model.ok { "ok" } else { "NOT OK" };
                [
                    state.to_owned(),
                    model.model.clone(),
                    format!("{} ms", model.first_token_ms),
                    model.found.clone(),
                ]
            };
            output::table(None, found.iter().map(row))?;
        }
        Ok(if well { Code::Ok } else { Code::Unavailable })
    }
}

/// Asks the default model of each provider, and each model that a definition names.
///
/// # Errors
/// The configuration cannot be used.
pub(super) async fn ask(
    configuration: &Configuration,
    definitions: &Definitions,
) -> Result<Vec<Found>, Error> {
    let usage = |error: &dyn std::fmt::Display| Error::Usage(error.to_string());
    let providers = configuration.model.build().map_err(|error| usage(&error))?;
    if let Some(folder) = configuration.model.recordings() {
        // They answer what was asked when they were made, and no other question.
        let found = format!("recordings in {} answer", folder.display());
        let row =
            |name: &str| Found { model: name.to_owned(), ok: true, found: found.clone(), first_token_ms: 0 };
        return Ok(providers.names().map(row).collect());
    }
    let named: BTreeSet<String> = definitions.models().map(str::to_owned).collect();
    let providers_names: Vec<String> = providers.names().map(str::to_owned).collect();
    let own = providers_names.into_iter().map(|name| {
        let model = providers.entry(&name).map(|entry| entry.model.clone());
        (name, model, None)
    });
    let shared = |providers: &Arc<Providers>| Some(providers.clone() as Arc<dyn Model>);
    let all: Vec<_> = own
        .chain(named.into_iter().map(|name| (name.clone(), shared(&providers), Some(name))))
        .filter_map(|(name, model, asked)| Some((name, model?, asked)))
        .collect();
    let asked = stream::iter(all).map(|(name, model, asked)| one(name, model, asked));
    Ok(asked.buffered(AT_ONCE).collect().await)
}

async fn one(name: String, model: Arc<dyn Model>, asked: Option<String>) -> Found {
    let begun = Instant::now();
    let options = Options { max_tokens: Some(1), ..Options::default() };
    let messages = vec![Message::user("Say yes.")];
    let request = Request { model: asked, messages, options, ..Request::default() };
    let answered = tokio::time::timeout(PATIENCE, async {
        let mut answer = model.stream(request).await?;
        answer.next().await.transpose()
    });
    let (ok, found) = match answered.await {
        Ok(Ok(_)) => (true, "answers".to_owned()),
        Ok(Err(fault)) => (false, fault.to_string()),
        Err(_elapsed) => (false, format!("no answer within {} s", PATIENCE.as_secs())),
    };
    let first_token_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let default = model.provider().model;
    // A provider's row says which model of it was asked.
    let is_named = name.contains('/') || default == "unknown" || default == name;
    Found { model: if is_named { name } else { format!("{name}/{default}") }, ok, found, first_token_ms }
}
