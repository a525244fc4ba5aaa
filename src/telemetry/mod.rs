//! Diagnostics: lines to stderr, spans to an OpenTelemetry collector, W3C trace context in and out.

mod config;
mod init;
mod spans;
#[cfg(test)]
mod tests;
mod trace;

pub use config::{Config, Format};
pub use init::{Error, Guard, captures_content, init, set_filter};
pub use spans::{ERROR_TYPE, fail, note, note_list, publish};
pub use trace::{TRACEPARENT, TRACESTATE, current_trace, follow, link, passing, read};
