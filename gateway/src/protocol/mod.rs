//! The messages of clients and gateway: JSON or CBOR over WebSocket (subprotocols `runbus.v1`, `runbus.v1.cbor`), JSON
//! in event streams. See docs/protocol.md.

pub mod body;
mod cbor;
pub mod client;
pub mod close;
pub mod command;
pub mod encoding;
pub mod events;
pub mod foreign;
pub mod list;
pub mod publish;
pub mod said;
pub mod server;
pub mod start;
pub mod text;

pub use encoding::Encoding;
pub use events::Events;
pub use publish::Publish;
pub use start::Start;
pub use text::Text;
