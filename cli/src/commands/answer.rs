//! `runbus answer`: answers a question.

use runbus::id::ExecutionId;

use super::input;
use super::waiting;
use crate::configuration::Configuration;
use crate::exit::{Code, Error};
use crate::global::Global;
use crate::output;
use crate::reach::Reach;

/// Answers a question that an execution asks. The first answer counts.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  runbus answer --list run-1               what is asked\n  runbus answer REQUEST 'the blue one'"
)]
pub(crate) struct Answer {
    /// The question, as `request_id` in `client_input_requested` and in `runbus answer --list`.
    #[arg(required_unless_present = "list", conflicts_with = "list")]
    request: Option<String>,
    /// The answer: JSON, or text.
    #[arg(required_unless_present = "list")]
    text: Option<String>,
    /// Show the questions of an execution that wait for an answer.
    #[arg(long, value_name = "EXECUTION")]
    list: Option<ExecutionId>,
}

impl Answer {
    /// Runs it.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn run(self, global: &Global, configuration: &Configuration) -> Result<Code, Error> {
        let reach = Reach::look(global, configuration).await?;
        if let Some(execution) = &self.list {
            waiting::questions(global, &reach.questions(execution).await?)?;
        }
        if let (Some(request), Some(text)) = (&self.request, &self.text) {
            let decided = reach.answer(request, input::value(text)?).await?;
            if global.json {
                output::json(&decided)?;
            } else {
                output::line(&format!("answered {request}"))?;
            }
        }
        Ok(Code::Ok)
    }
}
