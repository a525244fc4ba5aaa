//! Where a subscription begins.

use runbus::log::Since;

/// Where a subscription begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// At a place of the log.
    At(Since),
    /// With what an execution's events say so far, then behind them.
    Snapshot,
}

impl From<Since> for Start {
    fn from(since: Since) -> Self {
        Self::At(since)
    }
}
