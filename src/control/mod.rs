//! Control: commands to sessions and questions about executions, for gateways and the CLI.

pub mod command;
mod start;
pub mod status;

use std::sync::Arc;

use crate::bus::{Bus, publish};
use crate::log::{AppendError, ReadError};
use crate::queue::{self, Queue};
use crate::time::Clock;

pub use start::{Request as StartRequest, Started};

/// Why a command was not given, or a question not answered.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A field is wrong.
    #[error("{path}: {message}")]
    Invalid {
        /// Which.
        path: &'static str,
        /// What is wrong.
        message: String,
    },
    /// The command, or its input, is too large.
    #[error("the command has {bytes} bytes, the limit is {limit}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The log or the queue does not answer. The same call with the same ids is safe.
    #[error("{0}")]
    Unavailable(Arc<str>),
    /// It will not succeed later either.
    #[error("{0}")]
    Internal(Arc<str>),
}

impl Error {
    /// A stable code for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "invalid_argument",
            Self::TooLarge { .. } => "too_large",
            Self::Unavailable(_) => "unavailable",
            Self::Internal(_) => "internal",
        }
    }

    fn of(retryable: bool, error: &impl std::fmt::Display) -> Self {
        let text = Arc::from(error.to_string());
        if retryable { Self::Unavailable(text) } else { Self::Internal(text) }
    }
}

impl From<AppendError> for Error {
    fn from(error: AppendError) -> Self {
        Self::of(error.is_retryable(), &error)
    }
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        Self::of(error.is_retryable(), &error)
    }
}

impl From<queue::Error> for Error {
    fn from(error: queue::Error) -> Self {
        Self::of(error.is_retryable(), &error)
    }
}

impl From<publish::Error> for Error {
    fn from(error: publish::Error) -> Self {
        Self::of(error.is_retryable(), &error)
    }
}

/// A cheap handle.
#[derive(Debug, Clone)]
pub struct Control {
    bus: Bus,
    queue: Arc<dyn Queue>,
    clock: Clock,
}

impl Control {
    /// Control over a bus and its queue.
    #[must_use]
    pub fn new(bus: Bus, queue: Arc<dyn Queue>, clock: Clock) -> Self {
        Self { bus, queue, clock }
    }

    /// The bus.
    #[must_use]
    pub const fn bus(&self) -> &Bus {
        &self.bus
    }

    /// The queue.
    #[must_use]
    pub fn queue(&self) -> &Arc<dyn Queue> {
        &self.queue
    }
}
