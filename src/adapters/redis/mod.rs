//! The store on Redis or Valkey: one server, Sentinel, or Cluster.
//!
//! All keys of one name lie in one slot (hash tag around the id) and change in one Lua script each, so that every
//! operation is atomic, works on Cluster, and does no harm when the client library sends it twice.
//!
//! Keys, below a configurable prefix; ids as they are, with `%`, `{` and `}` percent-encoded:
//!
//! | key | type | what |
//! |---|---|---|
//! | `rb:p:<family>:{<id>}` | hash `e`, `v`, `d` | projection: epoch, version, document |
//! | `rb:l:<family>:{<id>}` | string | lease: its owner |
//! | `rb:t:<family>:{<id>}` | sorted set | presence: members by deadline |
//! | `rb:m:<family>:{<id>}` | hash | presence: descriptions by member |
//! | `rb:r:<family>:{<id>}` | string | remembered value |
//! | `rb:x:{directory}:...` | | the index of the lists (`index`) |
//! | `rb:ready` | string | what the readiness check writes |

mod certificates;
mod config;
mod connect;
mod error;
mod index;
mod keys;
mod link;
mod permissions;
mod scripts;
mod sentinel;
mod store;
#[cfg(any(test, feature = "test-util"))]
pub mod testing;
#[cfg(test)]
mod tests;

pub use config::{Config, Mode};
pub use permissions::{USER, acl};
pub use store::Redis;
