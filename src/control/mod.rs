//! Control: commands to sessions and questions about executions, for gateways and the CLI.

mod dead_letters;
pub mod definitions;
mod executions;
pub mod external;
#[cfg(test)]
mod foreign_tests;
pub mod gateways;
mod people;
pub mod presence;
#[cfg(test)]
mod removed_tests;
mod sessions;
mod start;
pub mod status;
mod stranded;
pub mod workers;

use std::sync::Arc;

use serde_json::{Value, json};

use crate::bus::{Bus, history, publish};
use crate::error_code::ErrorCode;
use crate::id::{ExecutionId, SessionId};
use crate::log::{AppendError, ReadError};
use crate::queue::{self, Queue};
use crate::session::journal;
use crate::session::view::PendingCall;
use crate::time::Clock;

pub use dead_letters::DeadLetter;
pub use executions::{Acknowledged, CancelState};
pub use people::{AnswerRequest, DecideRequest, Decided, address, addressed};
pub use sessions::SendRequest;
pub use start::{Request as StartRequest, Started, class};

/// Sessions whose names begin so are Runbus's own: keys of the journal that hold no session.
pub const RESERVED_SESSIONS: &str = "runbus/";

/// Why a command was not given, or a question not answered.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A field is wrong.
    #[error("{path}: {message}")]
    Invalid {
        /// Which.
        path: &'static str,
        /// The fault of the value.
        message: String,
    },
    /// The command, or its input, is too large.
    #[error(
        "the command has {bytes} bytes, the limit is {limit}: shorten it, or pass the address of its data"
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// It does not exist.
    #[error("no such {what}: {id:?}")]
    NotFound {
        /// `session`, `execution`, `approval` or `request`.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// The session has calls that nobody answered: `resume` finishes them, `abort_pending` answers them.
    #[error("session {session_id} has {} unresolved calls: resume or abort them first", calls.len())]
    Pending {
        /// Which.
        session_id: SessionId,
        /// The calls.
        calls: Vec<PendingCall>,
    },
    /// Another execution of the session is at work, and the caller did not want to wait.
    #[error("session {session_id} is busy with execution {execution_id}: wait for it, or set `multitask`")]
    Busy {
        /// Which.
        session_id: SessionId,
        /// The execution at work.
        execution_id: ExecutionId,
    },
    /// The session takes no more input.
    #[error("session {session_id} is closed: start another one")]
    Closed {
        /// Which.
        session_id: SessionId,
    },
    /// It is too late, or another caller was first.
    #[error("{message}")]
    Conflict {
        /// The conflict with the current state.
        message: String,
        /// The current state: the decision, the status.
        standing: Value,
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
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid { .. } => ErrorCode::InvalidArgument,
            Self::TooLarge { .. } => ErrorCode::TooLarge,
            Self::NotFound { .. } => ErrorCode::NotFound,
            Self::Pending { .. } => ErrorCode::SessionPending,
            Self::Busy { .. } => ErrorCode::SessionBusy,
            Self::Closed { .. } => ErrorCode::SessionClosed,
            Self::Conflict { .. } => ErrorCode::Conflict,
            Self::Unavailable(_) => ErrorCode::Unavailable,
            Self::Internal(_) => ErrorCode::Internal,
        }
    }

    /// The field that is wrong, if one is.
    #[must_use]
    pub const fn path(&self) -> Option<&'static str> {
        match self {
            Self::Invalid { path, .. } => Some(path),
            _ => None,
        }
    }

    /// The conflicting state, for programs: the unresolved calls, the execution at work, the standing decision.
    #[must_use]
    pub fn details(&self) -> Option<Value> {
        match self {
            Self::Pending { calls, .. } => Some(json!({ "pending": calls })),
            Self::Busy { execution_id, .. } => Some(json!({ "execution_id": execution_id })),
            Self::Conflict { standing, .. } => Some(json!({ "standing": standing })),
            _ => None,
        }
    }

    fn of(retryable: bool, error: &impl std::fmt::Display) -> Self {
        let text = Arc::from(error.to_string());
        if retryable { Self::Unavailable(text) } else { Self::Internal(text) }
    }
}

impl From<history::Error> for Error {
    fn from(error: history::Error) -> Self {
        match error {
            history::Error::Log(error) => error.into(),
            error => Self::of(false, &error),
        }
    }
}

impl From<journal::Error> for Error {
    fn from(error: journal::Error) -> Self {
        Self::of(matches!(error, journal::Error::Unavailable(_)), &error)
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
