//! `runbus start`: an execution.

use std::time::Duration;

use runbus::bus::{Delivery, Filter};
use runbus::control::{StartRequest, Started};
use runbus::event::Kind;
use runbus::id::{ExecutionId, SessionId, StreamId};
use runbus::labels::Label;
use runbus::log::Since;

use super::input::Input;
use super::run::RunArgs;
use crate::configuration::Configuration;
use crate::exit::{Code, Error};
use crate::global::Global;
use crate::output;
use crate::reach::Reach;
use crate::render::Printer;

/// Starts an execution; a worker runs it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  runbus start council 'Should agents have a log?'\n  runbus start council --execution run-1 --follow\n  runbus start council --key customer-7 --priority low --budget-tokens 20000 --budget-wall-time 600"
)]
pub(crate) struct Start {
    /// The agent or graph.
    definition: String,
    #[command(flatten)]
    input: Input,
    /// The execution's id; starting the same id twice starts one.
    #[arg(long, value_name = "ID")]
    execution: Option<ExecutionId>,
    /// The stream's id; absent: the definition's name.
    #[arg(long, value_name = "ID")]
    stream: Option<StreamId>,
    /// The session that it continues.
    #[arg(long, value_name = "ID")]
    session: Option<SessionId>,
    /// A label that lists can be filtered by; several are possible.
    #[arg(long = "label", value_name = "KEY=VALUE")]
    labels: Vec<Label>,
    #[command(flatten)]
    run: RunArgs,
    /// Show its events until it ends; exit code 1 when it ends badly.
    #[arg(long)]
    follow: bool,
}

impl Start {
    /// Runs it.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn run(self, global: &Global, configuration: &Configuration) -> Result<Code, Error> {
        let reach = Reach::open(global, configuration).await?;
        let request = StartRequest {
            execution_id: self.execution,
            stream_id: self.stream,
            session_id: self.session,
            multitask: self.run.multitask(),
            budget: self.run.budget(),
            scheduling: self.run.scheduling().unwrap_or_default(),
            labels: self.labels.into_iter().collect(),
            ..StartRequest::new(self.definition, self.input.or("")?)
        };
        let started = reach.start(request).await?;
        after(&reach, global, started, self.follow).await
    }
}

/// Says what was started, or shows its events until it ends.
///
/// # Errors
/// See [`Error`].
pub(super) async fn after(
    reach: &Reach,
    global: &Global,
    started: Started,
    follows: bool,
) -> Result<Code, Error> {
    if follows {
        let mut printer = Printer::new(global.json);
        let filter = Filter::execution_of(started.stream_id, started.execution_id);
        return follow(reach, filter, &mut printer, None).await;
    }
    if global.json {
        output::json(&started)?;
    } else {
        let word = if started.created { "started" } else { "was there already" };
        output::line(&format!("{} {word} (session {})", started.execution_id, started.session_id))?;
    }
    Ok(Code::Ok)
}

/// Shows an execution's events from its start to its end.
///
/// # Errors
/// See [`Error`].
pub(crate) async fn follow(
    reach: &Reach,
    filter: Filter,
    printer: &mut Printer,
    limit: Option<Duration>,
) -> Result<Code, Error> {
    let mut reader = reach.read(filter, Since::All).await?;
    let deadline = tokio::time::Instant::now() + limit.unwrap_or(Duration::from_secs(365 * 24 * 3600));
    loop {
        let Ok(delivery) = tokio::time::timeout_at(deadline, reader.next()).await else {
            return Err(Error::Unavailable("the execution did not end in time".into()));
        };
        let delivery = delivery?;
        printer.print(&delivery)?;
        if let Delivery::Event(found) = &delivery
            && found.event.kind.is_terminal()
            // Runbus runs it: external events do not end it.
            && !found.external
        {
            printer.finish()?;
            let well = found.event.kind == Kind::ExecutionCompleted;
            return Ok(if well { Code::Ok } else { Code::Negative });
        }
    }
}
