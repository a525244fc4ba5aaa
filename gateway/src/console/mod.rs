//! The console: the page that people use, served by every gateway from the binary itself.
//!
//! Its files are public and hold no data: whoever loads them is asked for a credential by the endpoints that the page calls, like any
//! other program. So it is a layer before the endpoints and asks nobody ([ADR 54](../../../docs/adr/0054-the-console-is-files.md)).

mod accept;
mod bundle;
mod file;
mod page;
mod serve;

pub use bundle::Bundle;
pub use serve::{Console, serve};
