//! The section `[embedded]` of the configuration.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Invalid, Validate};

/// The durability that a commit waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Synchronous {
    /// The disk: acknowledged writes survive a power failure.
    #[default]
    Full,
    /// The operating system: acknowledged writes survive kill -9, but a power failure can lose the last of them.
    Normal,
}

/// The embedded backend: log, queue and store in one SQLite file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The folder of the database file `runbus.db`; made when it is not there.
    pub data_dir: PathBuf,
    /// The durability that a commit waits for: `full` survives a power failure, `normal` only kill -9.
    pub synchronous: Synchronous,
    /// Connections that read at the same time, 1 to 64.
    #[schemars(range(min = 1, max = 64))]
    pub read_connections: u32,
    /// Page cache of the writer, in MiB, 1 to 4096; the other connections have an eighth of it.
    #[schemars(range(min = 1, max = 4096))]
    pub cache_mib: u32,
    /// How long to wait for another process that writes, in milliseconds.
    pub busy_timeout_ms: u32,
    /// How long a job is held by a worker that neither acknowledges nor extends it, in milliseconds.
    #[schemars(range(min = 1))]
    pub hold_ms: u64,
    /// Events older than this many hours are removed; without it they stay. Journals and inboxes always stay.
    pub max_age_hours: Option<u32>,
    /// The oldest events are removed when all events have more than this many MiB of payload; without it they stay. The
    /// file does not shrink, its space is used again.
    pub max_bytes_mib: Option<u64>,
}

impl Validate for Config {
    fn validate(&self) -> Result<(), Invalid> {
        if self.data_dir.as_os_str().is_empty() {
            return Err(Invalid::new("data_dir", "", "a folder"));
        }
        Ok(())
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from(".runbus"),
            synchronous: Synchronous::Full,
            read_connections: 4,
            cache_mib: 64,
            busy_timeout_ms: 5_000,
            hold_ms: 6_000,
            max_age_hours: None,
            max_bytes_mib: None,
        }
    }
}
