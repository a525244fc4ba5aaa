//! Adapters: one folder a backend, the same file names in each. They know nothing of each other.

pub mod embedded;
pub mod nats;
pub mod redis;
