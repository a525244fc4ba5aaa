//! The native protocol: JSON text messages over WebSocket, subprotocol `runbus.v1`. See docs/protocol.md.

pub mod client;
pub mod close;
pub mod server;

/// The subprotocol's name.
pub const SUBPROTOCOL: &str = "runbus.v1";
