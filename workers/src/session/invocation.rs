//! The trace of the execution that a session runs: one span for as long as a worker is at it.

use std::future::Future;
use std::sync::Arc;

use runbus::id::{ExecutionId, SessionId};
use runbus::log::Trace;
use runbus::session::entry::Outcome;
use runbus::session::run::Run;
use runbus::telemetry;
use serde_json::Value;
use tracing::{Instrument, Span};

use crate::definition::Plan;
use crate::spans::{self, Runs};

/// An execution's span and the trace that it belongs to. The span ends when this is dropped.
#[derive(Debug)]
pub(super) struct Invocation {
    execution: ExecutionId,
    span: Span,
    trace: Option<Arc<Trace>>,
}

impl Invocation {
    /// Of a run. It belongs to the trace of the command that started it, also when another command, or another worker's
    /// death, woke the session now: that is a link.
    pub(super) fn of(session: &SessionId, run: &Run, plan: Option<&Plan>) -> Self {
        let runs = match plan {
            Some(Plan::Graph(_)) => Runs::Workflow,
            Some(Plan::Agent(_)) | None => Runs::Agent,
        };
        let woken = telemetry::current_trace();
        let start = &run.start;
        let span = spans::invoke(runs, &start.definition, session, &start.execution_id);
        if let Some(trace) = &start.trace {
            telemetry::follow(&span, trace);
            if let Some(woken) = &woken {
                telemetry::link(&span, woken);
            }
        }
        telemetry::note(&span, "runbus.attempt", i64::from(run.attempt));
        let trace = start.trace.clone().or(woken).map(Arc::new);
        Self { execution: start.execution_id.clone(), span, trace }
    }

    /// Whether it is of that run.
    pub(super) fn is_of(&self, run: &Run) -> bool {
        self.execution == run.start.execution_id
    }

    /// Does `work` in the execution's trace.
    pub(super) fn doing<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        telemetry::passing(self.trace.clone(), work).instrument(self.span.clone())
    }

    /// The execution has ended.
    pub(super) fn ended(&self, end: &End) {
        match end {
            End::Completed => {}
            End::Failed(code) => telemetry::fail(&self.span, code, ""),
            // No failure, and no result.
            End::Cancelled => telemetry::note(&self.span, telemetry::ERROR_TYPE, "cancelled"),
        }
    }
}

/// How an execution ended, as its span says it.
#[derive(Debug)]
pub(super) enum End {
    Completed,
    /// With the code of its error.
    Failed(String),
    Cancelled,
}

impl End {
    pub(super) fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Completed { .. } => Self::Completed,
            Outcome::Failed { error } => {
                Self::Failed(error.get("code").and_then(Value::as_str).unwrap_or("_OTHER").to_owned())
            }
            Outcome::Cancelled { .. } => Self::Cancelled,
        }
    }
}
