//! `runbus tail`: events as they happen.

use runbus::bus::Delivery;
use runbus::execution::{Folded, fold_event};
use runbus::log::Since;

use super::filter::{FilterArgs, since};
use crate::configuration::Configuration;
use crate::exit::{Code, Error};
use crate::global::Global;
use crate::reach::Reach;
use crate::render::Printer;
use crate::snapshot;

/// Shows events as they happen, until it is interrupted.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  runbus tail                                  everything from now on\n  runbus tail --execution run-1 --since all    one execution from its start\n  runbus tail --execution run-1 --since snapshot   what it has come to, then live\n  runbus tail --type tool_call_started --json | jq .data\n  runbus tail --since CURSOR                   go on where an earlier tail ended (its last event's cursor)"
)]
pub(crate) struct Tail {
    #[command(flatten)]
    filter: FilterArgs,
    /// Where to begin: new, all, a cursor, or snapshot (what the execution has come to, then what follows; needs
    /// --execution).
    #[arg(long, default_value = "new", value_parser = start)]
    since: Start,
    /// End with the execution (needs --execution).
    #[arg(long, requires = "execution")]
    until_end: bool,
}

/// Where to begin.
#[derive(Debug, Clone)]
enum Start {
    At(Since),
    Snapshot,
}

fn start(text: &str) -> Result<Start, String> {
    if text == "snapshot" { Ok(Start::Snapshot) } else { since(text).map(Start::At) }
}

impl Tail {
    /// Runs it.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn run(self, global: &Global, configuration: &Configuration) -> Result<Code, Error> {
        let mut printer = Printer::new(global.json);
        let filter = self.filter.filter();
        if matches!(self.since, Start::Snapshot) && filter.execution_id.is_none() {
            return Err(Error::Usage("--since snapshot needs --execution".into()));
        }
        let reach = Reach::look(global, configuration).await?;
        let since = match self.since {
            Start::At(since) => since,
            Start::Snapshot => {
                let taken = reach.snapshot(&filter).await?;
                snapshot::print(&taken, global.json)?;
                if self.until_end && taken.execution.is_some_and(|known| known.status.is_terminal()) {
                    return Ok(Code::Ok);
                }
                Since::After(taken.cursor)
            }
        };
        // The fold decides whose events end the execution.
        let of_one = filter.execution_id.clone().filter(|_| self.until_end);
        let mut known = match &of_one {
            Some(id) => reach.status(id).await?,
            None => None,
        };
        let mut reader = reach.read(filter, since).await?;
        let interrupted = tokio::signal::ctrl_c();
        tokio::pin!(interrupted);
        loop {
            let delivery = tokio::select! {
                _ = &mut interrupted => break,
                delivery = reader.next() => delivery?,
            };
            printer.print(&delivery)?;
            if self.until_end
                && let Delivery::Event(found) = &delivery
                && (of_one.is_none()
                    || fold_event(&mut known, &found.event, found.external) != Folded::Nothing)
                && found.event.kind.is_terminal()
            {
                break;
            }
        }
        printer.finish()?;
        Ok(Code::Ok)
    }
}
