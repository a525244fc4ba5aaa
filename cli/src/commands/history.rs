//! `runbus history`: stored events.

use runbus::bus::history::{Order, Query};
use runbus::log::Cursor;
use runbus::time::Timestamp;

use super::filter::FilterArgs;
use crate::configuration::Configuration;
use crate::exit::{Code, Error};
use crate::global::Global;
use crate::output;
use crate::reach::Reach;
use crate::render::Printer;

/// Shows stored events, newest first by default.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  runbus history --execution run-1 --oldest --limit 10000\n  runbus history --type execution_failed --after 2026-01-01T00:00:00Z\n  runbus history --cursor CURSOR               the next page (the command prints its cursor)"
)]
pub(crate) struct History {
    #[command(flatten)]
    filter: FilterArgs,
    /// Oldest first.
    #[arg(long)]
    oldest: bool,
    /// Events at most, 1 to 10000.
    #[arg(long, default_value_t = runbus::limits::HISTORY_DEFAULT_EVENTS)]
    limit: usize,
    /// Go on behind it.
    #[arg(long)]
    cursor: Option<Cursor>,
    /// Only events at this time or later (RFC 3339).
    #[arg(long, value_name = "TIME")]
    after: Option<Timestamp>,
    /// Only events before this time (RFC 3339).
    #[arg(long, value_name = "TIME")]
    before: Option<Timestamp>,
}

impl History {
    /// Runs it.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn run(self, global: &Global, configuration: &Configuration) -> Result<Code, Error> {
        let most = runbus::limits::HISTORY_MAX_EVENTS;
        if !(1..=most).contains(&self.limit) {
            return Err(Error::Usage(format!("--limit: is {}, from 1 to {most} is allowed", self.limit)));
        }
        let reach = Reach::look(global, configuration).await?;
        let mut query = Query {
            filter: self.filter.within(self.after, self.before),
            order: if self.oldest { Order::Oldest } else { Order::Newest },
            limit: self.limit,
            cursor: self.cursor,
            ..Query::default()
        };
        let mut printer = Printer::new(global.json);
        // Pages are bounded in bytes too: as many as it takes.
        let next = loop {
            let (found, next) = reach.history(&query).await?;
            for delivery in &found {
                printer.print(delivery)?;
            }
            query.limit = query.limit.saturating_sub(found.len());
            if query.limit == 0 || found.is_empty() || next.is_none() {
                break next;
            }
            query.cursor = next;
        };
        printer.finish()?;
        if let Some(next) = &next {
            if global.json {
                output::json(&serde_json::json!({ "type": "next", "cursor": next }))?;
            } else {
                output::line(&format!("-- more: --cursor {next}"))?;
            }
        }
        Ok(Code::Ok)
    }
}
