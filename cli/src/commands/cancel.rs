//! `runbus cancel`: stops an execution.

use runbus::control::CancelState;
use runbus::id::{ExecutionId, SessionId};

use crate::configuration::Configuration;
use crate::exit::{Code, Error};
use crate::global::Global;
use crate::output;
use crate::reach::Reach;

/// Stops an execution; one that has not been started yet ends as cancelled when it is.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  runbus cancel run-1 --reason 'asked for the wrong thing'")]
pub(crate) struct Cancel {
    /// The execution.
    execution: ExecutionId,
    /// Why.
    #[arg(long)]
    reason: Option<String>,
    /// The session that an execution which is not started yet will run in, when that is not one of its own.
    #[arg(long, value_name = "ID")]
    session: Option<SessionId>,
}

impl Cancel {
    /// Runs it.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn run(self, global: &Global, configuration: &Configuration) -> Result<Code, Error> {
        let reach = Reach::open(global, configuration).await?;
        let done = reach.cancel(&self.execution, self.session, self.reason).await?;
        if global.json {
            output::json(&done)?;
        } else {
            let what = match done.cancel {
                Some(CancelState::Latched) => "is not known yet: it will end as cancelled when it is started",
                Some(CancelState::Cancelled) => "was cancelled before",
                Some(CancelState::Requested) | None => "will be stopped",
            };
            output::line(&format!("{} {what}", self.execution))?;
        }
        Ok(Code::Ok)
    }
}
