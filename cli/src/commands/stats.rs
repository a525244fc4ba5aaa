//! `runbus stats`: the content of the log.

use crate::configuration::Configuration;
use crate::exit::{Code, Error};
use crate::global::Global;
use crate::output;
use crate::reach::Reach;

/// Shows what the log holds: events by type and by stream, bytes, first and last position.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  runbus stats --json | jq .by_type")]
pub(crate) struct Stats {}

impl Stats {
    /// Runs it.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn run(self, global: &Global, configuration: &Configuration) -> Result<Code, Error> {
        let stats = Reach::look(global, configuration).await?.stats().await?;
        if global.json {
            output::json(&stats)?;
            return Ok(Code::Ok);
        }
        output::line(&format!(
            "{} events ({} bytes), {} undecodable; the log holds {} frames ({} bytes)",
            stats.events, stats.bytes, stats.undecodable, stats.stored_frames, stats.stored_bytes,
        ))?;
        output::lines([format!("first {}", stats.first), format!("last  {}", stats.last), String::new()])?;
        for (title, counts) in [("type", &stats.by_type), ("stream", &stats.by_stream)] {
            let mut rows: Vec<_> = counts.iter().collect();
            rows.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
            let rows = rows.into_iter().map(|(name, count)| [name.clone(), count.to_string()]);
            output::table(Some([title, "events"]), rows)?;
            output::end()?;
        }
        Ok(Code::Ok)
    }
}
