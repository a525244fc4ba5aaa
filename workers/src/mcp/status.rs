//! How a server is, for people and monitors.

use std::collections::BTreeMap;

use runbus::time::Timestamp;
use serde::Serialize;

use super::config::Transport;

/// The state of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// It is being started, or reached.
    Starting,
    /// It answers.
    Ready,
    /// It does not; it is tried again.
    Failed {
        /// Why, in words.
        reason: String,
    },
    /// The worker ends, and with it the server.
    Stopped,
}

impl State {
    /// Whether it has come to an end for now: everything but [`State::Starting`].
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        !matches!(self, Self::Starting)
    }
}

/// How a server is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Its name in the configuration.
    pub server: String,
    /// How it is reached.
    pub transport: Transport,
    /// The state.
    #[serde(flatten)]
    pub state: State,
    /// Its tools, by the names that definitions use, sorted; those that it had last while it is down.
    pub tools: Vec<String>,
    /// Tools that it has and that nobody can call, by its own names, each with the reason.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub refused: BTreeMap<String, String>,
    /// Why every call of its tools needs an approval: a guard of its configuration covers none of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guards: Option<String>,
    /// How often it was started again.
    pub restarts: u64,
    /// Since when it is in this state.
    pub since: Timestamp,
}
