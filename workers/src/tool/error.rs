//! Why a call failed, and why a registry refused a tool.

use runbus::json_schema::Mismatch;

/// Why a call failed. Its text is what the model gets to see.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no such tool.
    #[error("no such tool {name:?}; the tools are: {known}")]
    Unknown {
        /// The name that was called.
        name: String,
        /// The names that there are, comma separated.
        known: String,
    },
    /// The arguments do not fit the tool's schema.
    #[error("invalid arguments at `{path}`: {message}")]
    Arguments {
        /// Where, as in `items[2].price`; `.` for the whole.
        path: String,
        /// The fault.
        message: String,
    },
    /// A person must approve the call, and nobody has: it did not run.
    #[error("the call needs an approval and did not run: {reason}")]
    NeedsApproval {
        /// Which guard covers it.
        reason: String,
    },
    /// The tool ran and failed.
    #[error("{message}")]
    Failed {
        /// The tool's message.
        message: String,
    },
    /// It took too long and was dropped; whether it had an effect is unknown.
    #[error("the tool did not answer within {limit_ms} ms")]
    TimedOut {
        /// The limit in milliseconds.
        limit_ms: u64,
    },
    /// It panicked; whether it had an effect before that is unknown.
    #[error("the tool panicked: {message}")]
    Panicked {
        /// The tool's message.
        message: String,
    },
}

impl From<Mismatch> for Error {
    fn from(Mismatch { path, message }: Mismatch) -> Self {
        Self::Arguments { path, message }
    }
}

impl Error {
    /// A failure with the tool's own words.
    pub fn failed(message: impl std::fmt::Display) -> Self {
        Self::Failed { message: message.to_string() }
    }

    /// Cuts the tool's own words to at most `limit` bytes; also whether it did.
    pub(super) fn cut(&mut self, limit: usize) -> bool {
        let (Self::Failed { message } | Self::Panicked { message } | Self::Arguments { message, .. }) = self
        else {
            return false;
        };
        let (short, cut) = super::truncate(std::mem::take(message), limit);
        *message = short;
        cut
    }

    /// A stable code for events and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "unknown_tool",
            Self::Arguments { .. } => "invalid_arguments",
            Self::NeedsApproval { .. } => "needs_approval",
            Self::Failed { .. } => "failed",
            Self::TimedOut { .. } => "timed_out",
            Self::Panicked { .. } => "panicked",
        }
    }
}

/// Why a registry refused a tool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryFault {
    /// Another tool has that name.
    #[error("there are two tools named {0:?}")]
    Duplicate(String),
    /// Providers do not accept that name.
    #[error("{0:?} is no tool name: it takes 1 to 64 of a-z, A-Z, 0-9, _ and -")]
    Name(String),
    /// Its JSON Schema is no good.
    #[error("the schema of tool {name:?} is not valid: {message}")]
    Schema {
        /// The tool's name.
        name: String,
        /// The fault.
        message: String,
    },
    /// Providers do not accept that many.
    #[error("too many tools: at most {limit}")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// A node asks for more tools than a model takes.
    #[error(
        "tools: {count} tools are more than the limit of {limit} for one model; those beyond it, by the order of the list: {left_out}; name fewer, or narrow a pattern"
    )]
    Excess {
        /// How many.
        count: usize,
        /// The limit.
        limit: usize,
        /// The names beyond it, comma separated.
        left_out: String,
    },
    /// A list names a tool that is not there, or has a pattern that covers none.
    #[error("{list}[{index}]: {pattern:?} covers no tool; the tools are: {known}")]
    Idle {
        /// Which list.
        list: &'static str,
        /// Where in it.
        index: usize,
        /// The name or pattern.
        pattern: String,
        /// The names that there are, comma separated.
        known: String,
    },
}
