//! A run in a council's format: status, draft, score, iterations, error.

use runbus::execution::{Execution, Status};
use serde::Serialize;
use serde_json::Value;

use crate::config::dropin::Config;
use crate::dialect::error_text::reason;

/// A run's status. The server that this one stands in for had these and no others; a cancelled run has failed.
#[must_use]
pub const fn status(status: Status) -> &'static str {
    match status {
        Status::Queued => "pending",
        Status::Running => "running",
        Status::WaitingForApproval | Status::WaitingForInput | Status::Paused => "paused",
        Status::Completed => "completed",
        Status::Failed | Status::Cancelled => "failed",
    }
}

/// Whether a run waits for a person.
#[must_use]
pub const fn is_paused(status: Status) -> bool {
    matches!(status, Status::WaitingForApproval | Status::WaitingForInput | Status::Paused)
}

/// The outcome of a run; `null` before there is one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, schemars::JsonSchema)]
#[schemars(rename = "CouncilOutcome")]
pub struct Outcome {
    /// The final text.
    pub final_draft: Value,
    /// The critic's last score.
    pub critic_score: Value,
    /// Passes of the graph's cycle.
    pub iteration_count: Value,
    /// The error.
    pub error: Option<String>,
}

impl Outcome {
    /// From what is known of a run.
    #[must_use]
    pub fn of(run: &Execution, names: &Config) -> Self {
        let error = match run.status {
            Status::Failed => Some(reason(run.error.as_ref())),
            Status::Cancelled => Some("cancelled".into()),
            _ => None,
        };
        let Some(output) = run.output.as_ref() else { return Self { error, ..Self::default() } };
        let found = |pointer: &str| output.pointer(pointer).cloned();
        Self {
            // A result that is no graph's is the draft.
            final_draft: found(&names.council_final_draft).unwrap_or_else(|| output.clone()),
            critic_score: found(&names.council_critic_score).unwrap_or_default(),
            iteration_count: found(&names.council_iteration_count)
                .or_else(|| run.iteration.map(Value::from))
                .unwrap_or_default(),
            error,
        }
    }
}
