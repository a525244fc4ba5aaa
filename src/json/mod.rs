//! The one way from JSON text to values: everything that others wrote is read here.
//!
//! `serde_json` reads an object whose first key is one of its private names (`$serde_json::private::RawValue`) as embedded
//! JSON, and parses that with a fresh limit on recursion. Escapes grow linearly with depth, so a text of 60 KiB holds
//! thousands of levels, which overflow the reader's stack. Therefore each text is scanned once before the parser
//! sees it: its size, its depth and those keys ([`scan`]). The scan uses no recursion. A text that passes is safe to parse
//! into any type: `Value`, `RawValue`, flattened and buffered fields.
//!
//! JSON that stands inside a string (a tool's arguments) is a text of its own: it comes through here again. Values that come
//! from other formats (CBOR, YAML) are built by [`tree`], which never honours those keys.
//!
//! `clippy.toml` denies `serde_json::from_*` elsewhere; see docs/adr/0033-one-json-reader.md.

mod error;
mod key;
pub mod object;
mod read;
pub mod scan;
pub mod tree;

#[cfg(test)]
mod tests;

pub use error::{Error, Fault, Located};
pub use read::{first_object, from_slice, from_str, from_value, read, read_object, shallow};
