//! The codes of errors, and of connections that the gateway closes: the only list of them. HTTP statuses, close codes, labels of
//! metrics, exit codes and the tables in `docs/errors.md` are made from it.

use std::fmt;

use serde::{Serialize, Serializer};

/// The stable code of an error, as programs compare it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorCode {
    /// A parameter, a body, or a field of one.
    InvalidArgument,
    /// A text that is no JSON.
    InvalidJson,
    /// A message that is no CBOR.
    InvalidCbor,
    /// An event that is none.
    InvalidEvent,
    /// A message of a type that does not exist.
    UnknownCommand,
    /// No valid credential.
    Unauthenticated,
    /// A credential that does not allow it, or a page that may not.
    Forbidden,
    /// It does not exist.
    NotFound,
    /// The path has no such method.
    MethodNotAllowed,
    /// `Accept` matches no type of the answer.
    NotAcceptable,
    /// The body came too slowly.
    TooSlow,
    /// Calls are unresolved.
    SessionPending,
    /// An execution of the session is at work.
    SessionBusy,
    /// The session takes no more input.
    SessionClosed,
    /// Too late, or another caller was first.
    Conflict,
    /// A list that has an end is full.
    ListFull,
    /// The body, or a part of it.
    TooLarge,
    /// The body is not declared as JSON.
    UnsupportedMediaType,
    /// The host by which the request calls the gateway is none of its own.
    Misdirected,
    /// Too many requests or bytes of one principal.
    RateLimited,
    /// Too many connections of one principal.
    LimitExceeded,
    /// A human must look.
    Internal,
    /// The same request may succeed later.
    Unavailable,
}

/// All properties of a code.
struct Row {
    /// Its name on the wire.
    name: &'static str,
    /// The HTTP status of an answer with it.
    status: u16,
    /// The close of a connection that it ends.
    close: Option<CloseCode>,
    /// How a command that meets it exits.
    exit: ExitCode,
    /// The value of the label `code` in metrics.
    label: &'static str,
    /// When the same call may succeed.
    again: &'static str,
    /// Its meaning.
    meaning: &'static str,
}

const OTHER: &str = "other";

impl ErrorCode {
    /// All that there are.
    pub const ALL: [Self; 23] = [
        Self::InvalidArgument,
        Self::InvalidJson,
        Self::InvalidCbor,
        Self::InvalidEvent,
        Self::UnknownCommand,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::NotAcceptable,
        Self::TooSlow,
        Self::SessionPending,
        Self::SessionBusy,
        Self::SessionClosed,
        Self::Conflict,
        Self::ListFull,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::Misdirected,
        Self::RateLimited,
        Self::LimitExceeded,
        Self::Internal,
        Self::Unavailable,
    ];

    /// The values of the label `code`: codes that need the same remedy share one.
    pub const LABELS: [&'static str; 12] = [
        "invalid_argument",
        "not_found",
        "conflict",
        "unauthenticated",
        "forbidden",
        "limited",
        "too_large",
        "misdirected",
        "unsupported_media_type",
        "unavailable",
        "internal",
        OTHER,
    ];

    #[expect(clippy::too_many_lines, reason = "one row a code: the table is read as a whole")]
    const fn row(self) -> Row {
        match self {
            Self::InvalidArgument => Row {
                name: "invalid_argument",
                status: 400,
                close: None,
                exit: ExitCode::Data,
                label: "invalid_argument",
                again: "no",
                meaning: "a parameter or a field is missing, unknown or wrong; `path` names it",
            },
            Self::InvalidJson => Row {
                name: "invalid_json",
                status: 400,
                close: None,
                exit: ExitCode::Data,
                label: OTHER,
                again: "no",
                meaning: "the message is no JSON",
            },
            Self::InvalidCbor => Row {
                name: "invalid_cbor",
                status: 400,
                close: None,
                exit: ExitCode::Data,
                label: OTHER,
                again: "no",
                meaning: "the message is no CBOR, or has a value without a JSON form",
            },
            Self::InvalidEvent => Row {
                name: "invalid_event",
                status: 400,
                close: None,
                exit: ExitCode::Data,
                label: OTHER,
                again: "no",
                meaning: "the event is no JSON, a field of its envelope is missing or wrong, or its payload does not have the fields \
                          of its type; the message begins with the field's path",
            },
            Self::UnknownCommand => Row {
                name: "unknown_command",
                status: 400,
                close: None,
                exit: ExitCode::Data,
                label: OTHER,
                again: "no",
                meaning: "no message of a client has this `type`",
            },
            Self::Unauthenticated => Row {
                name: "unauthenticated",
                status: 401,
                close: Some(CloseCode::Unauthenticated),
                exit: ExitCode::Forbidden,
                label: "unauthenticated",
                again: "with a valid credential",
                meaning: "a valid credential is needed",
            },
            Self::Forbidden => Row {
                name: "forbidden",
                status: 403,
                close: Some(CloseCode::Forbidden),
                exit: ExitCode::Forbidden,
                label: "forbidden",
                again: "no",
                meaning: "the credential does not allow it, or the page's origin may not use this gateway",
            },
            Self::NotFound => Row {
                name: "not_found",
                status: 404,
                close: None,
                exit: ExitCode::NotFound,
                label: "not_found",
                again: "no",
                meaning: "unknown id",
            },
            Self::MethodNotAllowed => Row {
                name: "method_not_allowed",
                status: 405,
                close: None,
                exit: ExitCode::Software,
                label: OTHER,
                again: "no",
                meaning: "the path has no such method; `Allow` names those that it has",
            },
            Self::NotAcceptable => Row {
                name: "not_acceptable",
                status: 406,
                close: None,
                exit: ExitCode::Software,
                label: OTHER,
                again: "no",
                meaning: "`Accept` matches no type of the answer",
            },
            Self::TooSlow => Row {
                name: "too_slow",
                status: 408,
                close: None,
                exit: ExitCode::Unavailable,
                label: OTHER,
                again: "yes",
                meaning: "the body came too slowly; the connection is closed",
            },
            Self::SessionPending => Row {
                name: "session_pending",
                status: 409,
                close: None,
                exit: ExitCode::Conflict,
                label: "conflict",
                again: "after `resume`, which finishes the calls, or `abort_pending`, which answers them",
                meaning: "calls are unresolved: `details.pending`",
            },
            Self::SessionBusy => Row {
                name: "session_busy",
                status: 409,
                close: None,
                exit: ExitCode::Conflict,
                label: "conflict",
                again: "when the execution has ended",
                meaning: "`details.execution_id` is at work",
            },
            Self::SessionClosed => Row {
                name: "session_closed",
                status: 409,
                close: None,
                exit: ExitCode::Conflict,
                label: "conflict",
                again: "no",
                meaning: "the session takes no more input",
            },
            Self::Conflict => Row {
                name: "conflict",
                status: 409,
                close: None,
                exit: ExitCode::Conflict,
                label: "conflict",
                again: "no",
                meaning: "too late, or another caller was first: `details.standing`",
            },
            Self::ListFull => Row {
                name: "limit_exceeded",
                status: 409,
                close: None,
                exit: ExitCode::Conflict,
                label: "limited",
                again: "when some have ended",
                meaning: "no more of these can be kept",
            },
            Self::TooLarge => Row {
                name: "too_large",
                status: 413,
                close: None,
                exit: ExitCode::Data,
                label: "too_large",
                again: "no",
                meaning: "the body, or a part of it, is too large; the message has its size and the limit in bytes",
            },
            Self::UnsupportedMediaType => Row {
                name: "unsupported_media_type",
                status: 415,
                close: None,
                exit: ExitCode::Software,
                label: "unsupported_media_type",
                again: "no",
                meaning: "a request with a body needs `Content-Type: application/json`",
            },
            Self::Misdirected => Row {
                name: "misdirected",
                status: 421,
                close: None,
                exit: ExitCode::Usage,
                label: "misdirected",
                again: "no",
                meaning: "the header `Host` names no host of `gateway.hosts`",
            },
            Self::RateLimited => Row {
                name: "rate_limited",
                status: 429,
                close: Some(CloseCode::TooMany),
                exit: ExitCode::Unavailable,
                label: "limited",
                again: "yes",
                meaning: "too many requests or bytes: retry after `Retry-After` seconds",
            },
            Self::LimitExceeded => Row {
                name: "limit_exceeded",
                status: 429,
                close: Some(CloseCode::TooMany),
                exit: ExitCode::Unavailable,
                label: "limited",
                again: "when a connection has ended",
                meaning: "too many connections of this principal",
            },
            Self::Internal => Row {
                name: "internal",
                status: 500,
                close: Some(CloseCode::Unavailable),
                exit: ExitCode::Software,
                label: "internal",
                again: "no",
                meaning: "a human must look",
            },
            Self::Unavailable => Row {
                name: "unavailable",
                status: 503,
                close: Some(CloseCode::Unavailable),
                exit: ExitCode::Unavailable,
                label: "unavailable",
                again: "yes",
                meaning: "the log or the queue does not answer, or the gateway drains or is full: the same request may succeed later",
            },
        }
    }

    /// Its name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().name
    }

    /// The HTTP status of an answer with it.
    #[must_use]
    pub const fn status(self) -> u16 {
        self.row().status
    }

    /// How the gateway closes a connection that it ends for this reason; `None`: such an error ends no connection.
    #[must_use]
    pub const fn close(self) -> Option<CloseCode> {
        self.row().close
    }

    /// How a command that meets it exits.
    #[must_use]
    pub const fn exit(self) -> ExitCode {
        self.row().exit
    }

    /// The value of the label `code` in metrics.
    #[must_use]
    pub const fn label(self) -> &'static str {
        self.row().label
    }

    /// When the same call may succeed.
    #[must_use]
    pub const fn again(self) -> &'static str {
        self.row().again
    }

    /// Its meaning.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        self.row().meaning
    }

    /// The code of a name on the wire, in an answer with this status. `None`: a later version's.
    #[must_use]
    pub fn of(name: &str, status: u16) -> Option<Self> {
        let mut named = Self::ALL.into_iter().filter(|code| code.as_str() == name);
        let first = named.next()?;
        Some(named.find(|code| code.status() == status).unwrap_or(first))
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl PartialEq<&str> for ErrorCode {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

/// Why the gateway closes a WebSocket. 4000 to 4499: connect again with the last cursor. 4500 to 4999: do not. Those after HTTP's codes
/// (4401, 4403, 4408, 4429): connect again with the correction that the code names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum CloseCode {
    /// The gateway drains: connect to another one.
    Draining = 4000,
    /// The client did not take the sent data in time.
    TooSlow = 4001,
    /// No sign of life.
    Idle = 4002,
    /// The gateway cannot serve: the log refuses.
    Unavailable = 4003,
    /// No valid credential, or not any more: it has expired or was revoked. Come back with a fresh one.
    Unauthenticated = 4401,
    /// A credential of another principal was given in band. Come back with one connection for each.
    Forbidden = 4403,
    /// No credential in time. Come back and give it at once.
    PreAuth = 4408,
    /// Too many connections of one principal, or messages that go on although they are refused. Come back later.
    TooMany = 4429,
    /// The client sent a message that this protocol does not have: binary, or too large.
    Protocol = 4500,
}

impl CloseCode {
    /// All that there are.
    pub const ALL: [Self; 9] = [
        Self::Draining,
        Self::TooSlow,
        Self::Idle,
        Self::Unavailable,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::PreAuth,
        Self::TooMany,
        Self::Protocol,
    ];

    /// The values of the label `code`, in the order of [`Self::ALL`], and one for the codes of other protocols.
    pub const LABELS: [&'static str; 10] =
        ["4000", "4001", "4002", "4003", "4401", "4403", "4408", "4429", "4500", OTHER];

    /// The number in the close frame.
    #[must_use]
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// That of a number.
    #[must_use]
    pub fn of(code: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|close| close.code() == code)
    }
}

/// How a command ends (sysexits.h).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// As asked.
    Ok = 0,
    /// Nothing was found, or an execution ended badly.
    Negative = 1,
    /// The command line or the configuration is wrong; nothing was started.
    Usage = 64,
    /// The input is wrong.
    Data = 65,
    /// The named object does not exist.
    NotFound = 66,
    /// A server does not answer.
    Unavailable = 69,
    /// Something that should not happen.
    Software = 70,
    /// The command conflicts with the current state: unresolved calls, an execution at work, an earlier decision.
    Conflict = 75,
    /// The credential does not allow it.
    Forbidden = 77,
}

impl ExitCode {
    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// The table in `docs/errors.md`.
#[must_use]
pub fn table() -> String {
    let rows = ErrorCode::ALL.into_iter().map(|code| {
        let close = code.close().map_or_else(|| "-".to_owned(), |close| close.code().to_string());
        let (status, exit) = (code.status(), code.exit().code());
        format!("| `{code}` | {status} | {close} | {exit} | {} | {} |\n", code.meaning(), code.again())
    });
    let head = "| code | HTTP | close | exit | meaning | again |\n|---|---|---|---|---|---|\n";
    std::iter::once(head.to_owned()).chain(rows).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_code_is_listed_once_and_each_label_is_used() {
        let pairs: BTreeSet<_> = ErrorCode::ALL.into_iter().map(|code| (code.as_str(), code.status())).collect();
        assert_eq!(pairs.len(), ErrorCode::ALL.len(), "a name and a status are one code");
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::of(code.as_str(), code.status()), Some(code));
        }
        let used: BTreeSet<_> = ErrorCode::ALL.into_iter().map(ErrorCode::label).collect();
        assert_eq!(used, ErrorCode::LABELS.into_iter().collect());
        assert_eq!(ErrorCode::of("from_a_later_version", 400), None);
        let closes = CloseCode::ALL.map(|close| close.code().to_string());
        assert_eq!(closes[..], CloseCode::LABELS[..closes.len()]);
    }

    /// `RUNBUS_BLESS=1` writes the table.
    #[test]
    fn the_table_of_codes_in_the_docs_is_this_list() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/errors.md");
        let page = std::fs::read_to_string(path).unwrap();
        let (begin, end) = ("<!-- codes -->\n", "<!-- /codes -->\n");
        let (head, rest) = page.split_once(begin).unwrap();
        let (found, tail) = rest.split_once(end).unwrap();
        if std::env::var_os("RUNBUS_BLESS").is_some() {
            std::fs::write(path, format!("{head}{begin}{}{end}{tail}", table())).unwrap();
            return;
        }
        assert_eq!(found, table(), "run with RUNBUS_BLESS=1");
    }
}
