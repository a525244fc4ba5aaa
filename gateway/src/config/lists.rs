//! The keys below `gateway.directory`.

use std::time::Duration;

use runbus::directory::Bounds;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the lists of executions, sessions, approvals and questions are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Whether this gateway may maintain the lists. A gateway that may not only reads them.
    pub keep: bool,
    /// Entries of each list: above the limit the one that ended first is removed, external ones before those of Runbus. An entry takes 0.8 to 1.9 KiB
    /// of the store (docs/lists.md). 100 to 10000000.
    #[schemars(range(min = 100, max = 10_000_000))]
    pub max_entries: u64,
    /// How long an entry stays after its last change once it has ended, in hours. 1 to 87600.
    #[schemars(range(min = 1, max = 87_600))]
    pub keep_hours: u32,
    /// Least time between two changes of a live list, in milliseconds: what happens meanwhile comes together. 50 to 60000.
    #[schemars(range(min = 50, max = 60_000))]
    pub interval_ms: u64,
    /// Different live lists (query and rights) that are watched at the same time. 1 to 100000.
    #[schemars(range(min = 1, max = 100_000))]
    pub max_live: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { keep: true, max_entries: 100_000, keep_hours: 720, interval_ms: 250, max_live: 1000 }
    }
}

impl Config {
    /// How many entries there may be, and how long they stay.
    #[must_use]
    pub const fn bounds(&self) -> Bounds {
        let keep = Duration::from_secs(self.keep_hours as u64 * 3600);
        Bounds { max_entries: self.max_entries, keep }
    }

    /// See [`Config::interval_ms`].
    #[must_use]
    pub const fn interval(&self) -> Duration {
        Duration::from_millis(self.interval_ms)
    }
}
