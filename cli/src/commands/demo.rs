//! `runbus demo`: the council, from model call to terminal, in one process.

use std::net::SocketAddr;
use std::time::Duration;

use runbus::bus::Filter;
use runbus::config::LogBackend;
use runbus::control::StartRequest;
use runbus::id::ExecutionId;

use super::input::Input;
use super::process;
use super::start::follow;
use crate::backend::Backend;
use crate::configuration::Configuration;
use crate::exit::{Code, Error};
use crate::global::Global;
use crate::output;
use crate::reach::Reach;
use crate::render::Printer;

/// The question that the council gets by default.
pub(crate) const QUESTION: &str = "Explain write-ahead logging to a new colleague.";

/// Runs the built-in council in this process, shows its events as they happen, and ends with it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  runbus demo 'Is a monolith a good start?'\n  OPENAI_API_KEY=... runbus demo      with a real model instead of the scripted one"
)]
pub(crate) struct Demo {
    #[command(flatten)]
    input: Input,
    /// The longest time it may take, in seconds.
    #[arg(long, default_value_t = 900)]
    timeout: u64,
}

impl Demo {
    /// Runs it.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn run(self, global: &Global, configuration: Configuration) -> Result<Code, Error> {
        let backend = Backend::open(&configuration).await?;
        let worker = process::worker(&configuration, &backend)?;
        let shutdown = process::signals()?;
        let address = process::spawn_gateway_anywhere(&shutdown, &configuration, &backend).await?;
        if !global.json {
            output::lines(banner(&address, &configuration))?;
        }
        process::spawn_worker(&shutdown, worker).await?;
        let request = StartRequest::new("council", self.input.or(QUESTION)?);
        let reach = Reach::Here(Box::new(backend.clone()));
        let started = reach.start(request).await?;
        let mut printer = Printer::new(global.json);
        let filter = Filter::execution_of(started.stream_id.clone(), started.execution_id.clone());
        let limit = Some(Duration::from_secs(self.timeout));
        let code = tokio::select! {
            ended = follow(&reach, filter, &mut printer, limit) => ended?,
            () = shutdown.soft().cancelled() => Code::Negative,
        };
        if !global.json {
            output::lines(afterwards(&started.execution_id))?;
        }
        let _ = shutdown.drain(Duration::from_secs(10)).await;
        Ok(code)
    }
}

/// Where things are.
#[must_use]
pub(crate) fn banner(address: &SocketAddr, configuration: &Configuration) -> [String; 4] {
    let model = if configuration.model.is_scripted() {
        "the built-in scripted model (set OPENAI_API_KEY or OPENAI_BASE_URL for a real one)".into()
    } else if let Some(folder) = configuration.model.recordings() {
        format!("the recordings in {}", folder.display())
    } else {
        format!(
            "{} at {}",
            configuration.model.default_name().as_deref().unwrap_or("the first model"),
            configuration.model.base_url.as_deref().unwrap_or("OpenAI")
        )
    };
    [
        format!("gateway  http://{address}   WebSocket ws://{address}/v1/ws"),
        format!("model    {model}"),
        format!("log      {}", place(configuration)),
        String::new(),
    ]
}

/// The next steps for the reader.
#[must_use]
pub(crate) fn afterwards(execution: &ExecutionId) -> [String; 4] {
    [
        String::new(),
        format!("replay   runbus tail --execution {execution} --since all --until-end"),
        format!("events   runbus history --execution {execution} --oldest --limit 10000 --json"),
        "watch    runbus dev, then runbus tail in another terminal".to_owned(),
    ]
}

fn place(configuration: &Configuration) -> String {
    match configuration.log.backend {
        LogBackend::Embedded => configuration.embedded.data_dir.join("runbus.db").display().to_string(),
        LogBackend::Nats => configuration.nats.servers.join(","),
    }
}
