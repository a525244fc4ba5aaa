//! Writing to stdout, in one place.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

/// One line.
///
/// # Errors
/// Nobody reads it any more.
pub(crate) fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Text as it is.
///
/// # Errors
/// Nobody reads it any more.
pub(crate) fn text(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// One JSON value on one line.
///
/// # Errors
/// Nobody reads it any more, or it is no JSON.
pub(crate) fn json(value: &impl Serialize) -> io::Result<()> {
    line(&serde_json::to_string(value)?)
}

/// Whether a person reads.
#[must_use]
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}
