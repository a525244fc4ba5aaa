//! The workers' reports, read once for all monitors of a gateway.

use std::sync::Arc;

use runbus::control::Control;
use runbus::control::workers::WorkerReport;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::limits;

/// The workers' reports, at most [`limits::MONITOR_REPORTS`] old.
#[derive(Debug)]
pub(super) struct Reports {
    control: Control,
    last: Mutex<Option<(Instant, Arc<[WorkerReport]>)>>,
}

impl Reports {
    pub(super) fn new(control: Control) -> Self {
        Self { control, last: Mutex::default() }
    }

    /// They; the last ones when the store does not answer, `None` when it never did.
    pub(super) async fn get(&self) -> Option<Arc<[WorkerReport]>> {
        let mut last = self.last.lock().await;
        if let Some((at, reports)) = last.as_ref().filter(|(at, _)| at.elapsed() < limits::MONITOR_REPORTS) {
            let _ = at;
            return Some(reports.clone());
        }
        match self.control.workers().await {
            Ok(reports) => {
                let reports: Arc<[WorkerReport]> = reports.into();
                *last = Some((Instant::now(), reports.clone()));
                Some(reports)
            }
            Err(error) => {
                tracing::debug!(%error, "workers' reports are not there");
                last.as_ref().map(|(_, reports)| reports.clone())
            }
        }
    }
}
