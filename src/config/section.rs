//! The sections that belong to no adapter: which backend carries which port.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The backend of the log and the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogBackend {
    /// A SQLite file in the local data directory, for processes of one machine.
    #[default]
    Embedded,
    /// NATS `JetStream`.
    Nats,
}

/// The backend of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StoreBackend {
    /// A SQLite file in the local data directory, for processes of one machine.
    #[default]
    Embedded,
    /// Redis or Valkey.
    Redis,
}

/// Where events, journals, inboxes and wake-ups live.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogSection {
    /// The backend of the log and the queue: `embedded` (a SQLite file, for processes of one machine) or `nats` (`JetStream`).
    pub backend: LogBackend,
}

/// Where hot copies, leases and presence live.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StoreSection {
    /// The backend of the store: `embedded` (a SQLite file, for processes of one machine) or `redis`.
    pub backend: StoreBackend,
}
