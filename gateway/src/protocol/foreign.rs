//! Close codes of the drop-in endpoints: where the server that they stand in for has one, it is that server's.

use super::close;

/// The work has ended and its end was sent, or there is none; also "Heartbeat timeout".
pub const DONE: u16 = 1000;
/// The gateway cannot serve: the log or the store does not answer.
pub const FAULT: u16 = 1011;
/// The gateway drains: connect to another one.
pub const DRAINING: u16 = 1012;
/// The client did not take what was sent in time: connect again.
pub const TOO_SLOW: u16 = 1013;
/// No valid credential, or not any more.
pub const UNAUTHENTICATED: u16 = 4001;
/// A valid credential that does not allow it.
pub const FORBIDDEN: u16 = 4403;

/// The native close code with the same cause, which metrics count; where there is none, the code itself.
#[must_use]
pub const fn cause(code: u16) -> u16 {
    match code {
        FAULT => close::UNAVAILABLE,
        DRAINING => close::DRAINING,
        TOO_SLOW => close::TOO_SLOW,
        UNAUTHENTICATED => close::UNAUTHENTICATED,
        other => other,
    }
}
