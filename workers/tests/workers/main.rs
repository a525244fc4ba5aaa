//! The workers from outside: one topic per file.

mod builtin;
mod client;
mod client_faults;
mod definitions;
mod recordings;
mod routing;
mod tools;
