//! SIGHUP: a server reads its configuration again and takes over the log filter. Certificates and secrets in files need no
//! signal: they are read again when their files change. Every other key needs a restart.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::configuration;
use crate::global::Global;

/// Handles the signal from now on; it never ends the process.
pub(crate) fn on_hangup(global: Global) -> std::io::Result<()> {
    let hangup = signal(SignalKind::hangup())?;
    tokio::spawn(follow(hangup, global));
    Ok(())
}

async fn follow(mut hangup: Signal, global: Global) {
    while hangup.recv().await.is_some() {
        let global = global.clone();
        let read = tokio::task::spawn_blocking(move || {
            let configuration = configuration::load(&global, std::env::vars())?;
            let filter = configuration.telemetry.filter;
            runbus::telemetry::set_filter(&filter)
                .map_err(|invalid| crate::exit::Error::Usage(invalid.within("telemetry").to_string()))?;
            Ok::<_, crate::exit::Error>(filter)
        });
        match read.await {
            Ok(Ok(filter)) => tracing::info!(
                filter,
                "SIGHUP: the log filter was read again; certificates and secrets follow their files; other keys need a restart"
            ),
            Ok(Err(error)) => {
                tracing::warn!(%error, "SIGHUP: the configuration is refused; everything stays")
            }
            Err(error) => tracing::warn!(%error, "SIGHUP: the configuration cannot be read"),
        }
    }
}
