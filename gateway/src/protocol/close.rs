//! Close codes: 4000 to 4499 say "come back, with your cursor", 4500 to 4999 say "do not".

/// The gateway drains: connect to another one.
pub const DRAINING: u16 = 4000;
/// The client did not take what was sent in time.
pub const TOO_SLOW: u16 = 4001;
/// No sign of life.
pub const IDLE: u16 = 4002;
/// The gateway cannot serve: the log refuses.
pub const UNAVAILABLE: u16 = 4003;
/// The client sent what this protocol does not have: binary messages, or too large ones.
pub const PROTOCOL: u16 = 4500;
