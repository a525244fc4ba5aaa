//! `runbus pause` and `runbus unpause`.

use runbus::control::Acknowledged;
use runbus::id::ExecutionId;

use crate::configuration::Configuration;
use crate::exit::{Code, Error};
use crate::global::Global;
use crate::output;
use crate::reach::Reach;

/// Lets an execution begin no further step; the current step finishes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  runbus pause run-1 --reason 'until the invoice is paid'")]
pub(crate) struct Pause {
    /// The execution.
    execution: ExecutionId,
    /// Why.
    #[arg(long)]
    reason: Option<String>,
}

/// Continues a paused execution.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  runbus unpause run-1")]
pub(crate) struct Unpause {
    /// The execution.
    execution: ExecutionId,
}

impl Pause {
    /// Runs it.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn run(self, global: &Global, configuration: &Configuration) -> Result<Code, Error> {
        let reach = Reach::look(global, configuration).await?;
        said(global, &reach.pause(&self.execution, self.reason).await?, "will pause")
    }
}

impl Unpause {
    /// Runs it.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn run(self, global: &Global, configuration: &Configuration) -> Result<Code, Error> {
        let reach = Reach::look(global, configuration).await?;
        said(global, &reach.unpause(&self.execution).await?, "goes on")
    }
}

fn said(global: &Global, done: &Acknowledged, what: &str) -> Result<Code, Error> {
    if global.json {
        output::json(done)?;
    } else {
        output::line(&format!("{} {what}", done.execution_id))?;
    }
    Ok(Code::Ok)
}
