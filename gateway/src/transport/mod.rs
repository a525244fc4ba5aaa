//! The transports of connections: WebSockets ([`websocket`]) and event streams ([`pieces`]). That of a client that waits once is
//! with it, in `connection::poll`.

pub mod pieces;
pub mod websocket;
