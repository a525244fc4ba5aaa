//! The sockets of a listener, from accept to close: their number, their clients, and which one goes when another one comes.
//!
//! A socket is *waiting* until a request over it shows a valid credential, and again between two requests; it is *admitted* while such a
//! request is answered, and for as long as a WebSocket stands whose client is known. Both kinds are bounded, over all addresses and
//! for each. Nobody waits for a place among the waiting: the oldest of an address that has too many goes, or the oldest of the address
//! that has the most. So silent sockets cost their sender's address, and never the places of those who are known.

pub mod acceptor;
pub mod address;
pub mod descriptors;
mod forwarded;
mod peer;
pub(crate) mod proxied;
mod signal;
mod socket;
mod table;
mod tally;

pub use address::Address;
pub use peer::{Exchange, Peer, Permit};
pub use socket::Socket;
pub use table::LimitReached;
pub use tally::Sockets;
