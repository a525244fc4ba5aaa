//! The built-in tool `http_fetch`: reads pages that the operator allows, and nothing else.
//!
//! Each request, also after a redirect, is checked against the list of allowed resources; the name is resolved once,
//! every address is checked, and the connection goes to a checked address, so that no later answer of the DNS leads
//! elsewhere. No proxy is used: it would resolve names by itself.

mod address;
mod allow;
mod client;
mod html;
mod section;
#[cfg(test)]
mod tests;

pub use allow::{InvalidRule, Rule};
pub use client::{Fault, http_fetch};
pub use section::Config;
