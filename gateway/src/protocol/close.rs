//! Close codes: 4000 to 4499 say "come back, with your cursor", 4500 to 4999 say "do not". Those after HTTP's codes (4401,
//! 4403, 4408, 4429) say "come back, with your cursor, and the correction that the code names".

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
/// No valid credential, or not any more: it has expired or was revoked. Come back with a fresh one.
pub const UNAUTHENTICATED: u16 = 4401;
/// A credential of somebody else was said in band. Come back with one connection for each.
pub const FORBIDDEN: u16 = 4403;
/// No credential in time. Come back and say it at once.
pub const PRE_AUTH: u16 = 4408;
/// Too many connections of one principal, or messages that go on although they are refused. Come back later.
pub const TOO_MANY: u16 = 4429;
