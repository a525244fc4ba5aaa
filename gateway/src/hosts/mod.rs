//! The hosts that a listener answers to: a page whose name suddenly resolves to this machine (DNS rebinding) calls it by that name, and
//! gets no answer.

pub mod called;
mod check;
pub mod host;
mod list;

pub use check::HostCheck;
pub use list::Hosts;
