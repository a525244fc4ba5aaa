//! The meaning of the client library's errors.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::store::Error;

/// Answers of a server that works again later. The library does not name the last ones.
const PASSING: &[&str] = &["OOM", "NOREPLICAS", "MISCONF", "BUSY", "UNBLOCKED"];

/// As the port says it. The text has no address with a password: addresses have none.
pub(super) fn to_port(error: &RedisError) -> Error {
    let text = error.to_string();
    match error.kind() {
        _ if error.is_unrecoverable_error() && error.kind() != ErrorKind::AuthenticationFailed => {
            Error::Unavailable(text)
        }
        ErrorKind::Io
        | ErrorKind::MasterNameNotFoundBySentinel
        | ErrorKind::Server(
            ServerErrorKind::BusyLoading
            | ServerErrorKind::ClusterDown
            | ServerErrorKind::MasterDown
            | ServerErrorKind::Moved
            | ServerErrorKind::Ask
            | ServerErrorKind::ReadOnly
            | ServerErrorKind::TryAgain,
        ) => Error::Unavailable(text),
        _ if error.code().is_some_and(|code| PASSING.contains(&code)) => Error::Unavailable(text),
        _ => Error::Refused(text),
    }
}

/// Whether the connection is of no more use: it is lost, it does not answer, or it leads to a replica.
pub(super) fn spoils_connection(error: &RedisError) -> bool {
    error.is_unrecoverable_error()
        || error.is_timeout()
        || error.is_io_error()
        || error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
}

/// Whether the same command is sent once more on a fresh connection. Not after a time-out: the caller has waited.
pub(super) fn deserves_retry(error: &RedisError) -> bool {
    !error.is_timeout() && error.kind() != ErrorKind::AuthenticationFailed && spoils_connection(error)
}
