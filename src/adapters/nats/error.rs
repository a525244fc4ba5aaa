//! The errors that the broker returns.

use super::config::Config;
use super::connect::is_up;
use super::last_fault::is_denial;
use super::publish::Link;
use crate::config::Invalid;
use crate::log::ReadError;
use crate::queue;
use crate::tls;

/// Error codes of the JetStream API that decide something here.
pub(super) mod code {
    /// The account's limits are exceeded: storage, mostly.
    pub(crate) const ACCOUNT_FULL: u64 = 10_002;
    /// Too few servers of the cluster are there to hold the replicas: one is down, or its first report is not in yet.
    pub(crate) const NO_PEERS: u64 = 10_005;
    /// The server has no room left within its own limits.
    pub(crate) const SERVER_FULL: u64 = 10_023;
    /// The server's memory for streams is used up.
    pub(crate) const MEMORY_FULL: u64 = 10_028;
    /// The server's disk space for streams is used up.
    pub(crate) const STORAGE_FULL: u64 = 10_047;
    /// JetStream is not enabled for the account.
    pub(crate) const NOT_ENABLED_FOR_ACCOUNT: u64 = 10_039;
    /// No message found.
    pub(crate) const NO_MESSAGE: u64 = 10_037;
    /// Message size exceeds the maximum.
    pub(crate) const TOO_LARGE: u64 = 10_054;
    /// The stream exists with a different configuration.
    pub(crate) const NAME_IN_USE: u64 = 10_058;
    /// The message was meant for another stream.
    pub(crate) const OTHER_STREAM: u64 = 10_060;
    /// The stream does not exist.
    pub(crate) const NO_STREAM: u64 = 10_059;
    /// Another last sequence than expected; the description ends with it.
    pub(crate) const WRONG_LAST: u64 = 10_071;
    /// Storing failed: no space, or the stream is full.
    pub(crate) const STORE_FAILED: u64 = 10_077;
    /// JetStream is not enabled.
    pub(crate) const NOT_ENABLED: u64 = 10_076;
    /// The consumer name is in use.
    pub(crate) const CONSUMER_NAME_IN_USE: u64 = 10_013;
    /// The consumer exists with a different configuration.
    pub(crate) const CONSUMER_EXISTS: u64 = 10_148;
    /// The same message id is being stored.
    pub(crate) const ID_IN_PROCESS: u64 = 10_158;
    /// A checked message of the same key is being stored; its outcome is not known.
    pub(crate) const LAST_IN_PROCESS: u64 = 10_164;
}

/// Why a request did not get its answer.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Failure {
    /// No answer in time. It may have been done.
    #[error("the broker did not answer in time")]
    Timeout,
    /// Nobody is there to answer: no leader, no stream, or no JetStream.
    #[error("no answer (no leader, or JetStream is off)")]
    NoResponders,
    /// The connection broke. It may have been done.
    #[error("the connection to the broker is down")]
    Disconnected,
    /// The user may not do that.
    #[error("the NATS user lacks a permission: {0}")]
    Denied(String),
    /// The broker's own error.
    #[error("{description} (code {code})")]
    Api {
        /// The JetStream error code; 0 when there is none.
        code: u64,
        /// The HTTP-like status.
        status: u64,
        /// The broker's description of the error.
        description: String,
    },
    /// The answer is not what it must be.
    #[error("unexpected answer: {0}")]
    Unexpected(String),
}

impl Failure {
    /// Whether the broker stored nothing because it has no room. Somebody must make some; then the same request succeeds.
    pub(super) const fn is_full(&self) -> bool {
        matches!(
            self,
            Self::Api {
                code: code::ACCOUNT_FULL
                    | code::SERVER_FULL
                    | code::MEMORY_FULL
                    | code::STORAGE_FULL
                    | code::STORE_FAILED,
                ..
            }
        )
    }

    /// Whether the same request may succeed later.
    pub(super) const fn is_retryable(&self) -> bool {
        match self {
            full if full.is_full() => true,
            Self::Timeout | Self::NoResponders | Self::Disconnected | Self::Unexpected(_) => true,
            Self::Denied(_) => false,
            // The status is 400, but the request is right: it succeeds as soon as the servers are back.
            Self::Api { code: code::NO_PEERS, .. } => true,
            // 4xx says that the request is wrong; 429 and 5xx that the broker cannot answer now.
            Self::Api { status, .. } => *status == 429 || *status >= 500,
        }
    }
}

impl From<Failure> for ReadError {
    fn from(failure: Failure) -> Self {
        if failure.is_retryable() {
            Self::Unavailable(failure.to_string())
        } else {
            Self::Refused(failure.to_string())
        }
    }
}

impl From<Failure> for queue::Error {
    fn from(failure: Failure) -> Self {
        if failure.is_retryable() {
            Self::Unavailable(failure.to_string())
        } else {
            Self::Refused(failure.to_string())
        }
    }
}

/// Why the adapter cannot be built at all. These are configuration errors.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A value is refused.
    #[error("nats.{0}")]
    Invalid(#[from] Invalid),
    /// A file with credentials cannot be read or used.
    #[error("nats: the credentials of {} cannot be used: {reason}", path.display())]
    Credentials {
        /// Which.
        path: std::path::PathBuf,
        /// Why.
        reason: String,
    },
    /// The client refuses its options (for instance a CA file that cannot be read).
    #[error("the NATS client refuses its options: {0}")]
    Options(String),
}

/// One field of a stream that is not as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The field, as NATS calls it.
    pub field: String,
    /// The broker's value, as JSON.
    pub found: String,
    /// The configured value, as JSON.
    pub wanted: String,
}

/// A stream exists with another configuration. It is never altered silently.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("stream {stream} differs from the configuration: {}{}", list(differences), advise(stream, old.as_deref()))]
pub struct Drift {
    /// Which.
    pub stream: String,
    /// Every field that differs.
    pub differences: Vec<Difference>,
    /// An earlier version made it, and it could not be brought up to date: why.
    pub old: Option<String>,
}

fn advise(stream: &str, old: Option<&str>) -> String {
    old.map_or_else(String::new, |reason| {
        format!(
            "; an earlier version made it, and bringing it up to date failed ({reason}): run `runbus setup` once with this \
             configuration and a NATS user that may publish to $JS.API.STREAM.UPDATE.{stream}"
        )
    })
}

fn because(reason: Option<&str>) -> String {
    reason.map_or_else(String::new, |reason| format!(": {reason}"))
}

fn list(differences: &[Difference]) -> String {
    let one = |d: &Difference| format!("{} is {}, wanted {}", d.field, d.found, d.wanted);
    differences.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// Why the broker cannot be used, at least not yet.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SetupError {
    /// No connection yet.
    #[error("no connection to {servers}{}", because(reason.as_deref()))]
    Unreachable {
        /// Where it was tried.
        servers: String,
        /// The last error, if one is known.
        reason: Option<String>,
    },
    /// The server is older than the checks below require.
    #[error(
        "nats-server {found} is too old: {needed} or later is needed (older ones ignore the fencing header)"
    )]
    Version {
        /// The reported version.
        found: String,
        /// The oldest that will do.
        needed: &'static str,
    },
    /// The server runs without JetStream, or the account may not use it.
    #[error(
        "JetStream is not enabled for this account: start the server with -js or give the account limits"
    )]
    NoJetStream,
    /// The broker accepted two writers that expected the same last frame.
    #[error(
        "the broker's compare-and-set is broken: {accepted} of {tried} conflicting appends were accepted"
    )]
    CompareAndSet {
        /// How many it took; one is right.
        accepted: usize,
        /// How many were tried.
        tried: usize,
    },
    /// The log is split in another way.
    #[error(
        "the log has {recorded} shards and nats.shards is {configured}: set nats.shards to {recorded}; to grow, add a \
         generation behind it, as [4, 8]"
    )]
    Layout {
        /// The recorded layout.
        recorded: String,
        /// The configured layout.
        configured: String,
    },
    /// A stream is not as configured.
    #[error(transparent)]
    Drift(#[from] Drift),
    /// The broker did not answer a step.
    #[error("{step}: {reason}")]
    Step {
        /// The step that failed.
        step: String,
        /// The reason of the failure.
        reason: String,
        /// Whether it may pass without anybody's help.
        passing: bool,
    },
}

/// A fault of a connection with the keys of its cause.
fn explain(config: &Config, text: &str) -> String {
    let advice = if text.contains("authorization violation") {
        Some(format!("the server refuses {}", config.login()))
    } else {
        tls::advice(text, "nats", "servers")
    };
    advice.map_or_else(|| text.to_owned(), |advice| format!("{text}; {advice}"))
}

impl SetupError {
    pub(super) fn step(step: impl Into<String>, failure: &Failure) -> Self {
        Self::Step { step: step.into(), reason: failure.to_string(), passing: failure.is_retryable() }
    }

    /// Why the broker does not answer. A connection that stands is not to blame: the user may lack a permission, which the broker
    /// reports beside the request.
    pub(super) fn no_answer(config: &Config, link: &Link) -> Self {
        let last = link.last_fault.last();
        if !is_up(&link.client) {
            let reason = last.map(|text| explain(config, &text));
            return Self::Unreachable { servers: config.servers.join(", "), reason };
        }
        let denial = last.filter(|text| is_denial(text)).map(Failure::Denied);
        let reason = denial.unwrap_or(Failure::Timeout).to_string();
        // The set-up goes on, and may find the whole cause.
        Self::Step { step: "asking the broker".into(), reason, passing: true }
    }

    /// Whether it may pass without anybody's help.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Step { passing, .. } => *passing,
            Self::Version { .. }
            | Self::NoJetStream
            | Self::CompareAndSet { .. }
            | Self::Layout { .. }
            | Self::Drift(_) => false,
        }
    }
}

impl From<&SetupError> for ReadError {
    fn from(error: &SetupError) -> Self {
        if error.is_retryable() {
            Self::Unavailable(error.to_string())
        } else {
            Self::Refused(error.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: u64, status: u64) -> Failure {
        Failure::Api { code, status, description: String::new() }
    }

    #[test]
    fn a_refused_login_names_the_keys_of_the_login() {
        let refused = |config: &Config| explain(config, "nats: authorization violation");
        let base = Config::default();
        assert!(refused(&base).contains("nats.nkey_file"), "{}", refused(&base));
        let user = Config { user: Some("u".into()), password_file: Some("p".into()), ..base.clone() };
        assert!(refused(&user).ends_with("nats.user with nats.password_file"), "{}", refused(&user));
        let key = Config { nkey_file: Some("k".into()), ..base };
        assert!(refused(&key).ends_with("the key of nats.nkey_file"), "{}", refused(&key));
        assert_eq!(explain(&key, "nats: IO error"), "nats: IO error");
    }

    /// A status of 400 ends a process, except where the state of the cluster is the reason.
    #[test]
    fn placement_is_tried_again_when_servers_are_missing() {
        assert!(answer(code::NO_PEERS, 400).is_retryable());
        assert!(answer(10_008, 503).is_retryable());
        assert!(!answer(code::NAME_IN_USE, 400).is_retryable());
        assert!(!answer(code::NOT_ENABLED, 400).is_retryable());
    }
}
