//! Why a caller is not served. Only the log has the fault of a credential.

use std::time::Duration;

use runbus::metrics;

use super::narrow::Narrow;

/// Why a caller is not served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No credential, or none that is valid.
    #[error("a valid credential is needed")]
    Unauthenticated,
    /// A valid credential that does not allow this.
    #[error("this credential does not allow it")]
    Forbidden,
    /// A valid credential that allows it on less than was asked for.
    #[error("this credential allows it only for some: add {0}")]
    TooBroad(Narrow),
    /// Too many connections of one principal.
    #[error("connection limit of this principal reached (auth.limits.max_connections): close one first")]
    Connections,
    /// Too many messages or bytes of one principal.
    #[error("rate limit reached; retry after {} ms", .0.as_millis())]
    Rate(Duration),
    /// Credentials cannot be checked yet: keys or revocations are not there.
    #[error("credentials cannot be checked now")]
    Unavailable,
}

impl Refusal {
    /// Counts it, where a caller receives it.
    pub fn count(&self) {
        let reason = match self {
            Self::Unauthenticated => metrics::Auth::Unauthenticated,
            Self::Forbidden | Self::TooBroad(_) => metrics::Auth::Forbidden,
            Self::Connections | Self::Rate(_) => metrics::Auth::Limited,
            Self::Unavailable => metrics::Auth::Unavailable,
        };
        metrics::gateway::AUTH_FAILURES.of(reason).inc();
    }

    /// A stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden | Self::TooBroad(_) => "forbidden",
            Self::Connections => "limit_exceeded",
            Self::Rate(_) => "rate_limited",
            Self::Unavailable => "unavailable",
        }
    }
}
