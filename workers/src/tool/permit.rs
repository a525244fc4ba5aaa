//! The permission to run one call, and the run itself.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt;
use runbus::metrics::worker as metrics;
use runbus::session::ToolCall;
use serde_json::Value;
use tokio::sync::watch;

use super::beside::Beside;
use super::limits::{MAX_ARGUMENTS_BYTES, MAX_ERROR_BYTES};
use super::scope::{Need, Scope};
use super::{Error, Invocation, Kind, Outcome, Progress, Tool, truncate};

/// A call that may run. Only [`Scope::clear`] makes one.
#[derive(Debug)]
pub struct Permit {
    tool: Arc<dyn Tool>,
    call: ToolCall,
    arguments: Value,
    clearance: Clearance,
    beside: Beside,
}

/// Why a call was cleared, so that it can be looked at again.
#[derive(Debug, Clone)]
pub(super) struct Clearance {
    scope: Scope,
    name: Arc<str>,
    approved: bool,
}

/// Why a call may not run.
#[derive(Debug, Clone, PartialEq)]
pub enum Refusal {
    /// It cannot run.
    Error(Error),
    /// A person must approve it first.
    NeedsApproval {
        /// Why.
        need: Need,
        /// Its arguments, read and checked.
        arguments: Value,
        /// The schema that they fit.
        schema: Option<Arc<Value>>,
    },
}

impl Refusal {
    /// The answer for the model.
    #[must_use]
    pub fn into_outcome(self) -> Outcome {
        let error = match self {
            Self::Error(error) => error,
            Self::NeedsApproval { need, .. } => Error::NeedsApproval { reason: need.to_string() },
        };
        failed(error)
    }
}

impl Clearance {
    pub(super) fn new(scope: Scope, name: &str, approved: bool) -> Self {
        Self { scope, name: Arc::from(name), approved }
    }

    /// Whether the guards still have nothing against it.
    ///
    /// # Errors
    /// See [`Error::NeedsApproval`].
    pub(super) fn check(&self) -> Result<(), Error> {
        match self.scope.need(&self.name) {
            Some(need) if !self.approved => Err(Error::NeedsApproval { reason: need.to_string() }),
            _ => Ok(()),
        }
    }
}

impl Permit {
    pub(super) fn new(tool: Arc<dyn Tool>, call: ToolCall, arguments: Value, clearance: Clearance) -> Self {
        Self { tool, call, arguments, clearance, beside: Beside::default() }
    }

    /// How far the call has come, as the tool says so while it runs.
    #[must_use]
    pub fn progress(&self) -> watch::Receiver<Option<Progress>> {
        self.beside.watch()
    }

    /// The call.
    #[must_use]
    pub const fn call(&self) -> &ToolCall {
        &self.call
    }

    /// Its arguments, read and checked.
    #[must_use]
    pub const fn arguments(&self) -> &Value {
        &self.arguments
    }

    /// The part of the runtime that carries it out.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.tool.kind()
    }

    /// Runs the call within the limits, and always has an answer for the model. Dropping the future drops the call.
    pub async fn run(self, idempotency_key: &str) -> Outcome {
        let (_running, begun) = (metrics::TOOL_CALLS_NOW.hold(), Instant::now());
        let (scope, beside) = (self.clearance.scope.clone(), self.beside.clone());
        let outcome = match self.carry_out(idempotency_key).await {
            Ok(result) => {
                let (content, truncated) = truncate(result, scope.registry().max_result_bytes);
                Outcome { content, error: None, truncated, media: beside.media() }
            }
            Err(error) => failed(error),
        };
        scope.registry().counters.count(outcome.error.as_ref(), outcome.truncated);
        metrics::TOOL_LATENCY.observe(begun.elapsed());
        outcome
    }

    async fn carry_out(self, key: &str) -> Result<String, Error> {
        let Self { tool, call, arguments, clearance, beside } = self;
        clearance.check()?;
        let timeout = tool.timeout().unwrap_or(clearance.scope.registry().timeout);
        let invocation =
            Invocation { call_id: call.id, idempotency_key: key.to_owned(), arguments, clearance, beside };
        // A tool keeps no state that we would look at after its panic, so nothing broken can be observed.
        let running = AssertUnwindSafe(async { tool.call(invocation).await }).catch_unwind();
        match tokio::time::timeout(timeout, running).await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => Err(Error::Panicked { message: panic_text(panic.as_ref()) }),
            Err(_elapsed) => {
                let limit_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
                Err(Error::TimedOut { limit_ms })
            }
        }
    }
}

fn failed(mut error: Error) -> Outcome {
    let cut = error.cut(MAX_ERROR_BYTES);
    let (content, truncated) = truncate(error.to_string(), MAX_ERROR_BYTES);
    Outcome { content, error: Some(error), truncated: cut || truncated, media: Vec::new() }
}

/// Reads a model's arguments.
pub(super) fn parse(arguments: &str) -> Result<Value, Error> {
    let whole = |message: String| Error::Arguments { path: ".".to_owned(), message };
    if arguments.len() > MAX_ARGUMENTS_BYTES {
        return Err(whole(format!(
            "{} bytes are more than the limit of {MAX_ARGUMENTS_BYTES}",
            arguments.len()
        )));
    }
    if arguments.trim().is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    let value: Value = runbus::json::shallow(arguments).map_err(|error| match error {
        runbus::json::Error::Fault(fault) => whole(fault.to_string()),
        runbus::json::Error::Parse(error) => whole(format!("no JSON: {error}")),
    })?;
    if value.is_object() { Ok(value) } else { Err(whole("not a JSON object".to_owned())) }
}

/// The message of a panic.
fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
