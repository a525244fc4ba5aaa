//! The actions of callers.

use std::fmt;
use std::str::FromStr;

use super::scope::Invalid;

/// One thing that scopes allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Read and follow events, status and statistics.
    Read,
    /// Publish events.
    Publish,
    /// Start executions and say something to them.
    Start,
    /// Decide approvals and answer questions.
    Decide,
    /// Cancel, pause, resume and close.
    Cancel,
    /// Revoke credentials, handle dead letters. Only where it is named: `*` does not hold it.
    Admin,
    /// Read the process's metrics. Only where it is named.
    Metrics,
}

impl Action {
    /// All that there are.
    pub const ALL: [Self; 7] =
        [Self::Read, Self::Publish, Self::Start, Self::Decide, Self::Cancel, Self::Admin, Self::Metrics];

    /// The actions of `*`.
    pub const ORDINARY: [Self; 5] = [Self::Read, Self::Publish, Self::Start, Self::Decide, Self::Cancel];

    /// Its name in scopes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Publish => "publish",
            Self::Start => "start",
            Self::Decide => "decide",
            Self::Cancel => "cancel",
            Self::Admin => "admin",
            Self::Metrics => "metrics",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Action {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|action| action.name() == text);
        found.ok_or(Invalid("an action is read, publish, start, decide, cancel, admin or metrics"))
    }
}
