//! Counting how calls end.

use std::sync::atomic::{AtomicU64, Ordering};

use runbus::metrics::{ToolOutcome, worker as metrics};
use serde::Serialize;

use super::Error;

/// How many calls ended in which way, since the registry was made. Calls that the runtime parks are not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Stats {
    /// All calls, also those that were refused.
    pub calls: u64,
    /// Calls of a tool that there is not.
    pub unknown_tool: u64,
    /// Refused: the arguments did not fit the schema.
    pub invalid_arguments: u64,
    /// Not run: a person must approve it, and nobody has.
    pub needs_approval: u64,
    /// The tool failed.
    pub failed: u64,
    /// The tool took too long.
    pub timed_out: u64,
    /// The tool panicked.
    pub panicked: u64,
    /// The result, or the error, was cut.
    pub truncated: u64,
}

/// The same over all registries of the process.
fn count_for_all(error: Option<&Error>, truncated: bool) {
    let outcome = match error {
        None => ToolOutcome::Ok,
        Some(Error::Unknown { .. }) => ToolOutcome::UnknownTool,
        Some(Error::Arguments { .. }) => ToolOutcome::InvalidArguments,
        Some(Error::NeedsApproval { .. }) => ToolOutcome::NeedsApproval,
        Some(Error::Failed { .. }) => ToolOutcome::Failed,
        Some(Error::TimedOut { .. }) => ToolOutcome::TimedOut,
        Some(Error::Panicked { .. }) => ToolOutcome::Panicked,
    };
    metrics::TOOL_CALLS.of(outcome).inc();
    if truncated {
        metrics::TRUNCATED.inc();
    }
}

/// The counters themselves.
#[derive(Debug, Default)]
pub(super) struct Counters {
    calls: AtomicU64,
    unknown_tool: AtomicU64,
    invalid_arguments: AtomicU64,
    needs_approval: AtomicU64,
    failed: AtomicU64,
    timed_out: AtomicU64,
    panicked: AtomicU64,
    truncated: AtomicU64,
}

impl Counters {
    /// Counts one call and how it ended.
    pub(super) fn count(&self, error: Option<&Error>, truncated: bool) {
        let add = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
        count_for_all(error, truncated);
        add(&self.calls);
        if truncated {
            add(&self.truncated);
        }
        match error {
            None => return,
            Some(Error::Unknown { .. }) => add(&self.unknown_tool),
            Some(Error::Arguments { .. }) => add(&self.invalid_arguments),
            Some(Error::NeedsApproval { .. }) => add(&self.needs_approval),
            Some(Error::Failed { .. }) => add(&self.failed),
            Some(Error::TimedOut { .. }) => add(&self.timed_out),
            Some(Error::Panicked { .. }) => add(&self.panicked),
        };
    }

    /// The current counts.
    pub(super) fn read(&self) -> Stats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            calls: read(&self.calls),
            unknown_tool: read(&self.unknown_tool),
            invalid_arguments: read(&self.invalid_arguments),
            needs_approval: read(&self.needs_approval),
            failed: read(&self.failed),
            timed_out: read(&self.timed_out),
            panicked: read(&self.panicked),
            truncated: read(&self.truncated),
        }
    }
}
