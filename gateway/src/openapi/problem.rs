//! The refusals of requests: the one list of HTTP statuses and codes.

/// A status and its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Problem {
    /// A parameter, a body, or a field of one.
    Invalid,
    /// No valid credential.
    Unauthenticated,
    /// A credential that does not allow it, or a page that may not.
    Forbidden,
    /// It does not exist.
    NotFound,
    /// The path has no such method.
    Method,
    /// `Accept` matches no type of the answer.
    NotAcceptable,
    /// The body came too slowly.
    Slow,
    /// Calls are unresolved.
    Pending,
    /// An execution of the session is at work.
    Busy,
    /// The session takes no more input.
    Closed,
    /// Too late, or somebody else was first.
    Conflict,
    /// A list that has an end is full.
    Full,
    /// The body, or what is in it.
    TooLarge,
    /// The body is not said to be JSON.
    Media,
    /// The host by which the request calls the gateway is none of its own.
    Misdirected,
    /// Too many requests or bytes of this principal.
    Rate,
    /// Too many connections of this principal.
    Connections,
    /// A human must look.
    Internal,
    /// The same request may succeed later.
    Unavailable,
}

impl Problem {
    /// All that there are.
    pub const ALL: [Self; 19] = [
        Self::Invalid,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::Method,
        Self::NotAcceptable,
        Self::Slow,
        Self::Pending,
        Self::Busy,
        Self::Closed,
        Self::Conflict,
        Self::Full,
        Self::TooLarge,
        Self::Media,
        Self::Misdirected,
        Self::Rate,
        Self::Connections,
        Self::Internal,
        Self::Unavailable,
    ];

    /// Its HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Invalid => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Method => 405,
            Self::NotAcceptable => 406,
            Self::Slow => 408,
            Self::Pending | Self::Busy | Self::Closed | Self::Conflict | Self::Full => 409,
            Self::TooLarge => 413,
            Self::Media => 415,
            Self::Misdirected => 421,
            Self::Rate | Self::Connections => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }

    /// Its stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Invalid => "invalid_argument",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Method => "method_not_allowed",
            Self::NotAcceptable => "not_acceptable",
            Self::Slow => "too_slow",
            Self::Pending => "session_pending",
            Self::Busy => "session_busy",
            Self::Closed => "session_closed",
            Self::Conflict => "conflict",
            Self::Full | Self::Connections => "limit_exceeded",
            Self::TooLarge => "too_large",
            Self::Media => "unsupported_media_type",
            Self::Misdirected => "misdirected",
            Self::Rate => "rate_limited",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
        }
    }

    /// Its meaning.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Invalid => "a parameter or a field is missing, unknown or wrong; `path` names it",
            Self::Unauthenticated => "a valid credential is needed",
            Self::Forbidden => {
                "the credential does not allow it, or the page's origin may not use this gateway"
            }
            Self::NotFound => "unknown id",
            Self::Method => "the path has no such method; `Allow` names those that it has",
            Self::NotAcceptable => "`Accept` takes nothing of what there is",
            Self::Slow => "the body came too slowly; the connection is closed",
            Self::Pending => "calls are unresolved: `details.pending`",
            Self::Busy => "`details.execution_id` is at work",
            Self::Closed => "the session takes no more input",
            Self::Conflict => "too late, or another caller was first: `details.standing`",
            Self::Full => "no more of these can be kept",
            Self::TooLarge => "the body, or what is in it, is too large",
            Self::Media => "a request with a body needs `Content-Type: application/json`",
            Self::Misdirected => "the header `Host` names no host of `gateway.hosts`",
            Self::Rate => "too many requests or bytes: retry after `Retry-After` seconds",
            Self::Connections => "too many connections of this principal",
            Self::Internal => "a human must look",
            Self::Unavailable => {
                "the log or the queue does not answer, or the gateway drains or is full: the same request may succeed later"
            }
        }
    }

    /// Whether a status and a code belong together.
    #[must_use]
    pub fn is_known(status: u16, code: &str) -> bool {
        Self::ALL.iter().any(|problem| problem.status() == status && problem.code() == code)
    }
}
