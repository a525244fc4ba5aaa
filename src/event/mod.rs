//! Events: the envelope, the catalogue of types with their payloads, and the JSON Schema of both.
//!
//! # Layout
//! `catalogue` is the table that everything is made from; [`family`] holds the payloads, one file a family;
//! [`Event`] is the envelope, [`SoundLine`] a line that every reader can decode, [`Head`] what passing it on needs, [`Source`] makes events, [`Draft`] is one that somebody hands in, [`tree`] says what is above and below an execution, [`schema()`] documents them.

pub(crate) mod catalogue;
mod draft;
mod envelope;
pub mod family;
mod head;
mod kind;
mod payload;
mod schema;
mod sound;
mod source;
pub mod tree;

#[cfg(test)]
mod tests;

pub use draft::Draft;
pub use envelope::{Error, Event};
pub use head::{Head, is_of};
pub use kind::{Class, Invalid, Kind};
pub use payload::{Mismatch, Payload};
pub use schema::{Form, Union, schema, schema_in, union};
pub use sound::{SoundLine, Unsound};
pub use source::Source;
