//! `runbus dead-letters`: executions that no worker could finish.

use clap::Subcommand;
use runbus::control::DeadLetter;
use runbus::id::ExecutionId;
use runbus::limits;

use super::start::after;
use crate::configuration::Configuration;
use crate::exit::{Code, Error};
use crate::global::Global;
use crate::output;
use crate::reach::Reach;
use crate::render::short;

/// Lists executions that no worker could finish, shows one, tries one again.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  runbus dead-letters list\n  runbus dead-letters show run-1\n  runbus dead-letters retry run-1 --follow"
)]
pub(crate) struct DeadLetters {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show the newest.
    #[command(after_help = "Example:\n  runbus dead-letters list --limit 10")]
    List {
        /// At most so many, 1 to 10000.
        #[arg(long, default_value_t = limits::HISTORY_DEFAULT_EVENTS, value_parser = limit)]
        limit: usize,
    },
    /// Show one.
    #[command(after_help = "Example:\n  runbus dead-letters show run-1")]
    Show {
        /// The execution.
        execution: ExecutionId,
    },
    /// Try one again: a new execution of the same session with the same input.
    #[command(after_help = "Example:\n  runbus dead-letters retry run-1 --follow")]
    Retry {
        /// The execution.
        execution: ExecutionId,
        /// Show its events until it ends; exit code 1 when it ends badly.
        #[arg(long)]
        follow: bool,
    },
}

fn limit(text: &str) -> Result<usize, String> {
    let most = limits::HISTORY_MAX_EVENTS;
    let number = text.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| format!("expected 1 to {most}"))
}

impl DeadLetters {
    /// Runs it.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn run(self, global: &Global, configuration: &Configuration) -> Result<Code, Error> {
        let reach = Reach::look(global, configuration).await?;
        match self.what {
            What::List { limit } => {
                for letter in reach.dead_letters(limit).await? {
                    show(global, &letter)?;
                }
            }
            What::Show { execution } => show(global, &reach.dead_letter_of(&execution).await?)?,
            What::Retry { execution, follow } => {
                let started = reach.retry_dead_letter(&execution).await?;
                return after(&reach, global, started, follow).await;
            }
        }
        Ok(Code::Ok)
    }
}

fn show(global: &Global, letter: &DeadLetter) -> Result<(), Error> {
    if global.json {
        return Ok(output::json(letter)?);
    }
    let again = letter.retried_as.as_ref().map_or_else(String::new, |id| format!(", tried again as {id}"));
    output::line(&format!(
        "{} {} of {}, {} attempts{again}",
        letter.dead_since, letter.execution_id, letter.definition, letter.attempts
    ))?;
    output::line(&format!("    {}", short(&letter.reason)))?;
    Ok(())
}
