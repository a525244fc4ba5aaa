//! The meaning of the client library's errors.

use redis::{ErrorKind, RedisError, ServerErrorKind};

use super::config::Config;
use super::connect::HANDSHAKE;
use super::sentinel;
use crate::store::Error;
use crate::tls;

/// Answers of a server that works again later. The library does not name the last ones.
const PASSING: &[&str] = &["OOM", "NOREPLICAS", "MISCONF", "BUSY", "UNBLOCKED"];

/// The text of an error with the keys of its cause. It has no address with a password: addresses have none.
pub(super) fn explain(config: &Config, error: &RedisError) -> String {
    let text = error.to_string();
    // A cluster's client gives the faults of its nodes as text alone.
    let is_about = |code: &str, words: &str| error.code() == Some(code) || text.contains(words);
    let advice = if text.contains(sentinel::LOGIN) {
        Some("correct redis.sentinel_user and redis.sentinel_password".to_owned())
    } else if text.contains(sentinel::UNKNOWN) {
        Some("redis.service must be a name that the sentinels watch".to_owned())
    } else if is_about("NOAUTH", "NOAUTH") {
        Some("the server wants a login; set redis.user and redis.password".to_owned())
    } else if is_about("NOPERM", "NoPerm") {
        Some("`runbus permissions redis` prints what the user of redis.user needs".to_owned())
    } else if error.kind() == ErrorKind::AuthenticationFailed || text.contains("AuthenticationFailed") {
        Some("the server refuses redis.user with redis.password".to_owned())
    } else if text.contains(HANDSHAKE) {
        // A server without TLS reads the handshake as the begin of a command, and waits for its end.
        Some(format!(
            "perhaps the server does not speak TLS at the address of redis.{}: redis:// is without TLS",
            config.address_key()
        ))
    } else {
        tls::advice(&text, "redis", config.address_key())
    };
    advice.map_or_else(|| text.clone(), |advice| format!("{text}; {advice}"))
}

/// As the port says it.
pub(super) fn to_port(config: &Config, error: &RedisError) -> Error {
    let text = explain(config, error);
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
