//! Recorded provider traffic, and a server that serves it as the provider did. For tests and benchmarks.
//!
//! A [`Recording`] is one conversation with a provider. [`Server::start`] serves one on a free loopback port, cut
//! into arbitrary chunks, broken where a [`Mode`] says so. [`expected`] extracts what a client must make of it,
//! by means that share nothing with the client.

mod body;
mod expected;
mod format;
mod server;

pub use crate::model::recorded::{Interaction, Recording};
pub use body::{Chunking, Mode};
pub use expected::{Expected, expected};
pub use format::LoadFault;
pub use server::{Matching, Options, Received, Server};
