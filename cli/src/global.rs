//! The arguments of every command.

use std::path::PathBuf;

/// The arguments of every command.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Global {
    /// Configuration file (TOML).
    #[arg(long, global = true, value_name = "FILE", env = "RUNBUS_CONFIG")]
    pub config: Option<PathBuf>,
    /// One configuration key, over file and environment.
    #[arg(long, global = true, value_name = "SECTION.KEY=VALUE", value_parser = pair)]
    pub set: Vec<(String, String)>,
    /// JSON for programs instead of text for people.
    #[arg(long, global = true)]
    pub json: bool,
    /// Act on this gateway (http://host:port) instead of the configured log. `gateway`, `worker`, `dev`, `demo`, `setup`, `doctor` and
    /// `models` act on this machine only.
    #[arg(long, global = true, value_name = "URL", env = "RUNBUS_GATEWAY")]
    pub gateway: Option<String>,
    /// The key or token for the gateway. The variable keeps it out of the list of processes.
    #[arg(long, global = true, value_name = "TOKEN", env = "RUNBUS_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected SECTION.KEY=VALUE")?;
    Ok((key.trim().into(), value.into()))
}
