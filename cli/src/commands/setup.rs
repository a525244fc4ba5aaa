//! `runbus setup`: makes what gateways and workers may not make themselves.

use crate::backend::Backend;
use crate::configuration::Configuration;
use crate::exit::{Code, Error};
use crate::global::Global;
use crate::output;

/// Makes the streams of the configuration and records how the log is split; brings streams of earlier versions up to date.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Gateways and workers do the same at start. Where their NATS users may not, run it once as a user who may.\n\nExample:\n  runbus setup --config worker.toml --set nats.user=admin --set nats.password=PASSWORD"
)]
pub(crate) struct Setup {}

impl Setup {
    /// Runs it.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn run(self, global: &Global, configuration: &Configuration) -> Result<Code, Error> {
        let backend = Backend::open(configuration).await?;
        tokio::select! {
            refused = backend.refused() => return Err(refused),
            ready = backend.log.ready() => ready?,
        }
        let layout = backend.log.layout();
        if global.json {
            output::json(&serde_json::json!({ "shards": layout.counts() }))?;
        } else {
            output::line(&format!("the log is set up, with {layout} shards"))?;
        }
        Ok(Code::Ok)
    }
}
