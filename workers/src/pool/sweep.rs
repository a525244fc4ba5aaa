//! The sweep for stranded executions: one worker at a time looks, now and then.

use std::time::Duration;

use runbus::control::Control;
use runbus::id::WorkerId;
use runbus::store::{Lease, Name};

/// How long the longest pause between two sweeps is.
const PAUSE: Duration = Duration::from_secs(30);

/// Wakes executions that have been queued for longer than `patience`, for ever. Ends when it is dropped.
pub(super) async fn keep(control: Control, worker: WorkerId, patience: Duration) {
    let pause = PAUSE.min(patience / 2);
    let name = Name { family: "sweep", id: "lease".into() };
    loop {
        tokio::time::sleep(pause).await;
        // Its holder goes on; another worker takes over when the lease has expired.
        match control.bus().store().lease(&name, worker.as_str(), pause * 3).await {
            Ok(Lease::Held) => {}
            Ok(Lease::HeldBy { .. }) => continue,
            Err(error) => {
                tracing::debug!(%error, "stranded executions are not looked for: the store does not answer");
                continue;
            }
        }
        match control.wake_stranded(patience).await {
            Ok(0) => {}
            Ok(woken) => tracing::info!(woken, "executions that were still queued were woken again"),
            Err(error) => tracing::debug!(%error, "stranded executions were not looked for"),
        }
    }
}
