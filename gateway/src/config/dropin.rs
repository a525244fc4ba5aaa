//! The `[gateway.dropin]` section.

use std::time::Duration;

use runbus::config::{Invalid, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the endpoints behave that stand in for other servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The definition that `/ws/tasks/{task_id}` starts when the task has not been started and `?agent=` names none.
    /// Empty: none.
    pub task_agent: String,
    /// Time without a message of a task's client after which it is closed, in milliseconds. 100 to 3600000.
    #[schemars(range(min = 100, max = 3_600_000))]
    pub task_heartbeat_ms: u64,
    /// The definition that `POST /api/councils/run` starts.
    pub council: String,
    /// The field of a node's output that holds its score.
    pub council_score: String,
    /// Where the final draft is in the result of a council (JSON Pointer).
    pub council_final_draft: String,
    /// Where the critic's last score is there (JSON Pointer).
    pub council_critic_score: String,
    /// Where the number of iterations is there (JSON Pointer).
    pub council_iteration_count: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            task_agent: "assistant".into(),
            task_heartbeat_ms: 60_000,
            council: "council".into(),
            council_score: "score".into(),
            council_final_draft: "/output".into(),
            council_critic_score: "/outputs/critic_agent/score".into(),
            council_iteration_count: "/iterations".into(),
        }
    }
}

impl Validate for Config {
    fn validate(&self) -> Result<(), Invalid> {
        let names = [("council", &self.council), ("council_score", &self.council_score)];
        if let Some((key, _)) = names.into_iter().find(|(_, name)| name.is_empty()) {
            return Err(Invalid::new(key, "", "a name"));
        }
        let pointers = [
            ("council_final_draft", &self.council_final_draft),
            ("council_critic_score", &self.council_critic_score),
            ("council_iteration_count", &self.council_iteration_count),
        ];
        match pointers.into_iter().find(|(_, pointer)| !pointer.is_empty() && !pointer.starts_with('/')) {
            Some((key, wrong)) => Err(Invalid::new(key, wrong, "a JSON Pointer, for instance /output")),
            None => Ok(()),
        }
    }
}

impl Config {
    /// See [`Config::task_heartbeat_ms`].
    #[must_use]
    pub const fn task_heartbeat(&self) -> Duration {
        Duration::from_millis(self.task_heartbeat_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_pointers() {
        Config::default().validate().unwrap();
        Config { council_final_draft: "output".into(), ..Config::default() }.validate().unwrap_err();
        Config { council: String::new(), ..Config::default() }.validate().unwrap_err();
    }
}
