//! What clients and gateway say: JSON text over WebSocket (subprotocol `runbus.v1`), or in event streams. See
//! docs/protocol.md.

pub mod body;
pub mod client;
pub mod close;
pub mod command;
pub mod foreign;
pub mod server;
pub mod text;

pub use text::Text;

/// The subprotocol's name.
pub const SUBPROTOCOL: &str = "runbus.v1";
