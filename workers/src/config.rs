//! The `[worker]` section.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a worker works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The worker's name in logs and leases; a random part is added, so that several processes may share it.
    pub name: String,
    /// Sessions at work at the same time. 1 to 10000.
    #[schemars(range(min = 1, max = 10000))]
    pub concurrency: usize,
    /// Files or folders with agents and graphs (YAML or JSON), besides the built-in ones.
    pub definitions: Vec<String>,
    /// How long a worker's lease on a session lives without being renewed, in milliseconds. Together with the queue's
    /// hold and `takeover_grace_ms` it decides how soon another worker takes over. 500 to 600000.
    #[schemars(range(min = 500, max = 600_000))]
    pub lease_ttl_ms: u64,
    /// How long a session that its owner did not release must show no life before another worker claims it, in
    /// milliseconds. 100 to 600000.
    #[schemars(range(min = 100, max = 600_000))]
    pub takeover_grace_ms: u64,
    /// Workers that may die at one step of an execution, one after the other, before it is given up as a dead letter. 1 to
    /// 1000.
    #[schemars(range(min = 1, max = 1000))]
    pub max_attempts: u32,
    /// Executions with the same `concurrency_key` that are at work at the same time, over all workers; those that wait for
    /// a person do not count. 0: no limit. At most 10000.
    #[schemars(range(min = 0, max = 10000))]
    pub max_per_key: u32,
    /// How long an execution is queued before its session is woken again, in milliseconds: the wake-up that there was may be
    /// lost. One worker at a time looks. 1000 to 86400000.
    #[schemars(range(min = 1000, max = 86_400_000))]
    pub stranded_after_ms: u64,
    /// How long one tool call may take, in milliseconds. 1 to 86400000.
    #[schemars(range(min = 1, max = 86_400_000))]
    pub tool_timeout_ms: u64,
    /// How long a worker that shuts down lets running steps finish, in milliseconds; then it cuts them off, and another
    /// worker takes over. Less than the grace period of what ends the process. 0 to 86400000.
    #[schemars(range(min = 0, max = 86_400_000))]
    pub drain_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: "worker".into(),
            concurrency: 16,
            definitions: Vec::new(),
            lease_ttl_ms: 5_000,
            takeover_grace_ms: 2_000,
            max_attempts: 5,
            max_per_key: 0,
            stranded_after_ms: 60_000,
            tool_timeout_ms: 60_000,
            drain_ms: 20_000,
        }
    }
}

impl runbus::config::Validate for Config {
    fn validate(&self) -> Result<(), runbus::config::Invalid> {
        if self.name.is_empty() || self.name.chars().any(char::is_control) {
            return Err(runbus::config::Invalid::new(
                "name",
                &self.name,
                "a text without control characters",
            ));
        }
        Ok(())
    }
}

impl Config {
    /// See [`Config::lease_ttl_ms`].
    #[must_use]
    pub const fn lease_ttl(&self) -> Duration {
        Duration::from_millis(self.lease_ttl_ms)
    }

    /// See [`Config::stranded_after_ms`].
    #[must_use]
    pub const fn stranded_after(&self) -> Duration {
        Duration::from_millis(self.stranded_after_ms)
    }

    /// See [`Config::drain_ms`].
    #[must_use]
    pub const fn drain(&self) -> Duration {
        Duration::from_millis(self.drain_ms)
    }

    /// See [`Config::takeover_grace_ms`].
    #[must_use]
    pub const fn takeover_grace(&self) -> Duration {
        Duration::from_millis(self.takeover_grace_ms)
    }
}
