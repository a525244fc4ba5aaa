//! `runbus dev`: gateway and worker in one process.

use runbus::bus::Filter;
use runbus::control::StartRequest;
use tokio_util::sync::CancellationToken;

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

/// Runs gateway and worker in this process on the configured backend (embedded by default), runs the council
/// once, and stays up.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  runbus dev\n  runbus dev --idle --set gateway.listen=127.0.0.1:9000")]
pub(crate) struct Dev {
    /// Start nothing.
    #[arg(long)]
    idle: bool,
    #[command(flatten)]
    input: Input,
}

impl Dev {
    /// Runs it.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn run(self, global: &Global, configuration: Configuration) -> Result<Code, Error> {
        let backend = Backend::open(&configuration).await?;
        backend.agreed().await?;
        let worker = process::worker(&configuration, &backend)?;
        let shutdown = process::signals()?;
        let started = CancellationToken::new();
        let probe = process::worker_probe(&shutdown, &backend, started.clone());
        process::spawn_metrics(&configuration, Some(probe)).await?;
        let address = process::spawn_gateway(&shutdown, &configuration, &backend).await?;
        process::spawn_webhooks(&shutdown, &configuration, &backend)?;
        if !global.json {
            output::lines(super::demo::banner(&address, &configuration))?;
        }
        process::spawn_worker(&shutdown, worker).await?;
        started.cancel();
        if !self.idle {
            let request = StartRequest::new("council", self.input.or(super::demo::QUESTION)?);
            let reach = Reach::Here(Box::new(backend.clone()));
            let started = reach.start(request).await?;
            let mut printer = Printer::new(global.json);
            let filter = Filter::execution_of(started.stream_id.clone(), started.execution_id.clone());
            tokio::select! {
                ended = follow(&reach, filter, &mut printer, None) => { ended?; }
                () = shutdown.soft().cancelled() => {}
            }
            if !global.json && !shutdown.is_draining() {
                output::lines(super::demo::afterwards(&started.execution_id))?;
                output::line("Staying up; Ctrl-C ends.")?;
            }
        }
        process::until_signal(&shutdown, &backend, &configuration).await
    }
}
