//! Diagnostics: lines to stderr, spans to an OpenTelemetry collector, W3C trace context in and out.

mod config;
mod init;
#[cfg(test)]
mod tests;
mod trace;

pub use config::{Config, Format};
pub use init::{Error, Guard, init};
pub use trace::{current_trace, follow, link};
