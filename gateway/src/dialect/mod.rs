//! The dialects that clients speak: [`native`], and those of other servers, so that a front end written for one of them needs only a
//! new address (docs/dropin.md).
//!
//! A dialect of another server is a translation and nothing else: events come from the subscription that every client has, commands go to
//! [`runbus::control`]. In its folder `translate` turns events into that server's messages and knows no socket; `socket` has its
//! endpoint. `translated` makes a dialect of it, which the loop of connections serves like every other.

pub mod agents;
mod commands;
pub mod council;
mod error_text;
pub mod native;
pub mod tasks;
pub mod translated;
mod upgrade;
