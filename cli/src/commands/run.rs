//! The flags that say how an execution runs.

use runbus::session::command::{Budget, Multitask, Priority, Scheduling};

/// How an execution runs.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct RunArgs {
    /// The policy while another execution of the session is at work: reject, enqueue, interrupt, rollback.
    #[arg(long, value_name = "WHAT", value_parser = word::<Multitask>)]
    multitask: Option<Multitask>,
    /// Its rank among those that wait for a worker: high, normal, low.
    #[arg(long, value_name = "RANK", value_parser = word::<Priority>)]
    priority: Option<Priority>,
    /// Executions with the same key (a tenant, a customer) share the limit worker.max_per_key.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Calls of the model, at most.
    #[arg(long, value_name = "N")]
    budget_rounds: Option<u32>,
    /// Tokens read and written, at most.
    #[arg(long, value_name = "N")]
    budget_tokens: Option<u64>,
    /// Seconds from its start, waiting included, at most.
    #[arg(long, value_name = "SECONDS", value_parser = milliseconds)]
    budget_wall_time: Option<u64>,
}

/// A word as the wire has it.
fn word<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    runbus::json::from_value(text.into()).map_err(|error| error.to_string())
}

fn milliseconds(text: &str) -> Result<u64, String> {
    let seconds = text.parse().ok().filter(|seconds| (1..=31_536_000).contains(seconds));
    seconds.map(|seconds: u64| seconds * 1000).ok_or_else(|| "expected seconds from 1 to 31536000".into())
}

impl RunArgs {
    /// The policy when another execution is at work.
    #[must_use]
    pub(super) fn multitask(&self) -> Multitask {
        self.multitask.unwrap_or_default()
    }

    /// The limits of the execution.
    #[must_use]
    pub(super) const fn budget(&self) -> Budget {
        Budget { rounds: self.budget_rounds, tokens: self.budget_tokens, wall_time_ms: self.budget_wall_time }
    }

    /// How it is scheduled; `None`: nothing was said.
    #[must_use]
    pub(super) fn scheduling(&self) -> Option<Scheduling> {
        (self.priority.is_some() || self.key.is_some()).then(|| Scheduling {
            priority: self.priority.unwrap_or_default(),
            concurrency_key: self.key.clone(),
        })
    }
}
