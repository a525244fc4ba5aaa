//! Why external events are not taken.

use serde_json::Value;

use crate::control;
use crate::error_code::ErrorCode;
use crate::event;

/// Why external events were not taken. Nothing was stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A field of one is wrong.
    #[error("{message}")]
    Invalid {
        /// Which: `events[3].data.content`.
        path: String,
        /// The fault of the event.
        message: String,
    },
    /// One is larger than [`EVENT_BYTES`](crate::limits::EVENT_BYTES).
    #[error("{error}")]
    TooLarge {
        /// Which: `events[3]`.
        path: String,
        /// Its size.
        error: event::Error,
    },
    /// They cannot be written.
    #[error(transparent)]
    Control(#[from] control::Error),
}

impl Error {
    /// A stable code for programs.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid { .. } => ErrorCode::InvalidArgument,
            Self::TooLarge { .. } => ErrorCode::TooLarge,
            Self::Control(error) => error.code(),
        }
    }

    /// The field that is wrong, if one is.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Invalid { path, .. } | Self::TooLarge { path, .. } => Some(path),
            Self::Control(error) => error.path(),
        }
    }

    /// The conflicting state, for programs.
    #[must_use]
    pub fn details(&self) -> Option<Value> {
        match self {
            Self::Control(error) => error.details(),
            Self::Invalid { .. } | Self::TooLarge { .. } => None,
        }
    }
}
