//! `runbus wait`: the first event that matches.

use std::time::Duration;

use runbus::bus::Delivery;
use runbus::log::Since;

use super::filter::{FilterArgs, since};
use crate::configuration::Configuration;
use crate::exit::{Code, Error};
use crate::global::Global;
use crate::reach::Reach;
use crate::render::Printer;

/// Waits for the first event that matches and shows it; exit code 1 when there is none in time.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  runbus wait --execution run-1 --type execution_completed,execution_failed --since all --timeout 60"
)]
pub(crate) struct Wait {
    #[command(flatten)]
    filter: FilterArgs,
    /// Where to begin: new, all, or a cursor.
    #[arg(long, default_value = "new", value_parser = since)]
    since: Since,
    /// How long, in seconds.
    #[arg(long, default_value_t = 60.0, value_parser = seconds)]
    timeout: f64,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=31_536_000.0).contains(&seconds) => Ok(seconds),
        _ => Err("expected seconds from 0 to 31536000".into()),
    }
}

impl Wait {
    /// Runs it.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn run(self, global: &Global, configuration: &Configuration) -> Result<Code, Error> {
        let reach = Reach::look(global, configuration).await?;
        let timeout = Duration::from_secs_f64(self.timeout);
        let first = async {
            let mut reader = reach.read(self.filter.filter(), self.since).await?;
            loop {
                let delivery = reader.next().await?;
                if matches!(delivery, Delivery::Event(_)) {
                    return Ok::<_, Error>(delivery);
                }
            }
        };
        let Ok(found) = tokio::time::timeout(timeout, first).await else { return Ok(Code::Negative) };
        let mut printer = Printer::new(global.json);
        printer.print(&found?)?;
        printer.finish()?;
        Ok(Code::Ok)
    }
}
