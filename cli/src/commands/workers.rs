//! `runbus workers`: the workers that are there.

use runbus::time::Clock;

use crate::configuration::Configuration;
use crate::exit::{Code, Error};
use crate::global::Global;
use crate::output;
use crate::reach::Reach;

/// Lists workers: their load, definitions and tools.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  runbus workers --json | jq .tools")]
pub(crate) struct Workers {}

impl Workers {
    /// Runs it.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn run(self, global: &Global, configuration: &Configuration) -> Result<Code, Error> {
        let workers = Reach::look(global, configuration).await?.workers().await?;
        if global.json {
            workers.iter().try_for_each(output::json)?;
            return Ok(Code::Ok);
        }
        if workers.is_empty() {
            output::line("no worker is at work")?;
            return Ok(Code::Negative);
        }
        let now = Clock::System.now();
        let rows = workers.iter().map(|worker| {
            [
                worker.worker.to_string(),
                format!("{} of {}", worker.sessions, worker.concurrency),
                format!("{} s", now.since(worker.since).as_secs()),
                worker.definitions.join(","),
                worker.tools.len().to_string(),
            ]
        });
        output::table(Some(["worker", "sessions", "up", "definitions", "tools"]), rows)?;
        Ok(Code::Ok)
    }
}
