//! Exit codes (sysexits.h) and the last words of a process.

use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use runbus::visible::escape;

use crate::output;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// As asked.
    Ok,
    /// Nothing was found, or an execution ended badly.
    Negative,
    /// The command line or the configuration is wrong; nothing was started.
    Usage,
    /// The input is wrong.
    Data,
    /// The named object does not exist.
    NotFound,
    /// The command conflicts with the current state: unresolved calls, an execution at work, an earlier decision.
    Conflict,
    /// A server does not answer.
    Unavailable,
    /// The credential does not allow it.
    Forbidden,
    /// Something that should not happen.
    Software,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(match code {
            Code::Ok => 0,
            Code::Negative => 1,
            Code::Usage => 64,
            Code::Data => 65,
            Code::NotFound => 66,
            Code::Conflict => 75,
            Code::Unavailable => 69,
            Code::Software => 70,
            Code::Forbidden => 77,
        })
    }
}

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The command line or the configuration is wrong.
    #[error("{0}")]
    Usage(String),
    /// The input is wrong.
    #[error("{0}")]
    Data(String),
    /// The named object does not exist.
    #[error("{0}")]
    NotFound(String),
    /// The command conflicts with the current state.
    #[error("{0}")]
    Conflict(String),
    /// A server does not answer.
    #[error("{0}")]
    Unavailable(String),
    /// The credential does not allow it.
    #[error("{0}")]
    Forbidden(String),
    /// Something that should not happen.
    #[error("{0}")]
    Software(String),
    /// The reader of the output went away: the command ends quietly.
    #[error("the output has no reader")]
    Output(#[from] std::io::Error),
}

impl From<runbus::log::ReadError> for Error {
    fn from(error: runbus::log::ReadError) -> Self {
        if error.is_retryable() {
            Self::Unavailable(error.to_string())
        } else {
            Self::Software(error.to_string())
        }
    }
}

impl From<runbus::control::Error> for Error {
    fn from(error: runbus::control::Error) -> Self {
        use runbus::control::Error as Control;
        let text = error.to_string();
        match error {
            Control::Invalid { .. } | Control::TooLarge { .. } => Self::Data(text),
            Control::NotFound { .. } => Self::NotFound(text),
            Control::Pending { session_id, calls } => {
                let calls: Vec<&str> = calls.iter().map(|call| call.tool_name.as_str()).collect();
                Self::Conflict(format!(
                    "{text}: {}; `runbus session resume {session_id}` finishes them, \
                     `runbus session abort-pending {session_id}` answers them",
                    calls.join(", ")
                ))
            }
            Control::Conflict { standing, .. } if standing["approval_id"].is_string() => {
                let field = |name: &str| standing[name].as_str().unwrap_or("-").to_owned();
                let (status, digest) = (field("status"), field("arguments_digest"));
                Self::Conflict(format!("{text} (it is {status}; its arguments have the digest {digest})"))
            }
            Control::Busy { .. } | Control::Closed { .. } | Control::Conflict { .. } => Self::Conflict(text),
            Control::Unavailable(_) => Self::Unavailable(text),
            Control::Internal(_) => Self::Software(text),
        }
    }
}

/// The messages of clap: help and version are no errors.
pub(crate) fn usage(mut error: clap::Error) -> ExitCode {
    if error.use_stderr() {
        // It repeats what stood in the command line, where a newline is no newline of clap's.
        for (kind, value) in shown(&error) {
            error.insert(kind, value);
        }
        output::complain_lines(&error.to_string());
        return Code::Usage.into();
    }
    let _ = error.print();
    Code::Ok.into()
}

/// The parts of the command line that an error repeats, as people may see them.
fn shown(error: &clap::Error) -> Vec<(ContextKind, ContextValue)> {
    let one = |text: &String| escape(text).into_owned();
    let part = |(kind, value): (ContextKind, &ContextValue)| match value {
        ContextValue::String(text) => Some((kind, ContextValue::String(one(text)))),
        ContextValue::Strings(texts) => Some((kind, ContextValue::Strings(texts.iter().map(one).collect()))),
        _ => None,
    };
    error.context().filter_map(part).collect()
}

/// Says an error and gives its code.
pub(crate) fn report(error: &Error) -> Code {
    match error {
        Error::Output(io) if io.kind() == std::io::ErrorKind::BrokenPipe => return Code::Ok,
        error => output::complain(&format!("runbus: {error}")),
    }
    match error {
        Error::Usage(_) => Code::Usage,
        Error::Data(_) => Code::Data,
        Error::NotFound(_) => Code::NotFound,
        Error::Conflict(_) => Code::Conflict,
        Error::Unavailable(_) => Code::Unavailable,
        Error::Forbidden(_) => Code::Forbidden,
        Error::Software(_) | Error::Output(_) => Code::Software,
    }
}
