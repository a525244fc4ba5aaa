//! Whether a process can serve: the log and the queue must take what is appended. The store holds copies only: without it the
//! process serves, degraded.

use axum::Json;
use axum::http::StatusCode;
use runbus::control::Control;
use schemars::JsonSchema;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::limits;

/// Whether a process can serve.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Readiness {
    status: Status,
    checks: Checks,
}

/// A load balancer's view of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It serves.
    Ready,
    /// It serves; something that it does not need is missing.
    Degraded,
    /// It does not serve.
    NotReady,
}

/// Each `ok`, or what is wrong.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Checks {
    log: String,
    queue: String,
    /// Executions complete without it: it alone makes a process `degraded`.
    store: String,
    /// There while a gateway drains.
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway: Option<&'static str>,
    /// There while a worker starts or drains.
    #[serde(skip_serializing_if = "Option::is_none")]
    worker: Option<&'static str>,
}

/// The dependencies of a worker's readiness.
#[derive(Debug, Clone)]
pub struct WorkerProbe {
    /// Log, queue and store.
    pub control: Control,
    /// Cancelled once it takes wake-ups.
    pub started: CancellationToken,
    /// Cancelled when it takes no more.
    pub drain: CancellationToken,
}

impl WorkerProbe {
    /// Whether the worker can work.
    pub async fn check(&self) -> (StatusCode, Json<Readiness>) {
        let phase = match (self.drain.is_cancelled(), self.started.is_cancelled()) {
            (true, _) => Some("drains"),
            (false, false) => Some("starts"),
            (false, true) => None,
        };
        let mut checks = check(&self.control).await;
        checks.worker = phase;
        judge(checks)
    }
}

/// Whether a gateway can serve.
pub(crate) async fn of_gateway(control: &Control, drains: bool) -> (StatusCode, Json<Readiness>) {
    let mut checks = check(control).await;
    checks.gateway = drains.then_some("drains");
    judge(checks)
}

async fn check(control: &Control) -> Checks {
    let bus = control.bus();
    let (log, queue, store) = tokio::join!(
        answer(bus.log().ready()),
        answer(control.queue().ready()),
        answer(bus.store().ready()),
    );
    Checks { log, queue, store, gateway: None, worker: None }
}

fn judge(checks: Checks) -> (StatusCode, Json<Readiness>) {
    let well = |word: &String| word == OK;
    let serves =
        well(&checks.log) && well(&checks.queue) && checks.gateway.is_none() && checks.worker.is_none();
    let status = match (serves, well(&checks.store)) {
        (false, _) => Status::NotReady,
        (true, false) => Status::Degraded,
        (true, true) => Status::Ready,
    };
    let code = if serves { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(Readiness { status, checks }))
}

const OK: &str = "ok";

async fn answer<E: std::fmt::Display>(ready: impl Future<Output = Result<(), E>>) -> String {
    match tokio::time::timeout(limits::READY_PATIENCE, ready).await {
        Ok(Ok(())) => OK.into(),
        Ok(Err(error)) => error.to_string(),
        Err(_elapsed) => format!("no answer within {} ms", limits::READY_PATIENCE.as_millis()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_log_queue_and_the_process_itself_make_it_unready() {
        let checks = |log: &str, queue: &str, store: &str| Checks {
            log: log.into(),
            queue: queue.into(),
            store: store.into(),
            gateway: None,
            worker: None,
        };
        for (checks, code, status) in [
            (checks("ok", "ok", "ok"), 200, Status::Ready),
            (checks("ok", "ok", "OOM"), 200, Status::Degraded),
            (checks("full", "ok", "ok"), 503, Status::NotReady),
            (checks("ok", "full", "OOM"), 503, Status::NotReady),
            (Checks { worker: Some("starts"), ..checks("ok", "ok", "ok") }, 503, Status::NotReady),
            (Checks { gateway: Some("drains"), ..checks("ok", "ok", "OOM") }, 503, Status::NotReady),
        ] {
            let (found, Json(readiness)) = judge(checks);
            assert_eq!((found.as_u16(), readiness.status), (code, status));
        }
    }
}
