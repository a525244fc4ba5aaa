//! Tools of MCP servers: one supervised connection for each server of the configuration.
//!
//! ```text
//! Servers ──starts──▶ Supervisor (one task per server) ──opens──▶ Connection ──▶ child process (stdio) | HTTP
//!    │                    │ publishes
//!    │                    ▼
//!    │                  Link: state, tools, connection ◀──reads── Remote (a `Tool`) ◀── Registry (through `Source`)
//!    └── status() for the monitoring snapshot
//! ```
//! The protocol itself is the official SDK's; none of its types leaves this folder.

mod call;
mod child;
mod client;
pub mod config;
mod content;
mod decode;
mod envelope;
mod error_text;
mod guards;
mod http;
pub mod limits;
mod link;
mod matched;
mod name;
mod oversize;
mod pace;
mod post;
mod progress;
mod refusal;
mod remote;
mod same;
mod servers;
mod sse;
mod status;
mod stdio;
mod supervisor;

pub use config::Config;
pub use servers::Servers;
pub use status::{State, Status};

/// Reads a line of a server as the pipe does, and a tool's result in it: for fuzzing.
#[cfg(feature = "test-util")]
pub fn fuzz(line: &[u8]) {
    use rmcp::model::{JsonRpcMessage, ServerResult};
    for message in decode::messages(line) {
        let JsonRpcMessage::Response(answer) = message else { continue };
        if let ServerResult::CallToolResult(result) = answer.result {
            drop(content::read(result, |_image| true));
        }
    }
}
