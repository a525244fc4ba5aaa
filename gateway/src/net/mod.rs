//! Connections from accept to close, below HTTP's endpoints.
//!
//! [`sockets`]: a place for each, its deadlines, the limit of open files. [`tls`] and `expiry`: certificates. [`shared_socket`]: one
//! that its client's task lends to others. [`serving`]: HTTP on them. [`body_drain`]: the rest of request bodies.

pub mod body_drain;
mod expiry;
pub mod serving;
pub mod shared_socket;
pub mod sockets;
pub mod tls;
