//! Writing to stdout and stderr, in one place: nothing that people read leaves without [`runbus::visible`].
//!
//! Each function takes text of anybody and escapes it. The newlines and colours that people see are made here; the lints of
//! `clippy.toml` refuse the streams, and tables, elsewhere.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the one place that writes to the streams"
)]

use std::io::{self, IsTerminal, Write};

use comfy_table::Table;
use runbus::visible::{escape, indent, json as visible_json};
use serde::Serialize;

/// One line of text and colours.
#[derive(Debug)]
pub(crate) struct Line {
    text: String,
    colour: bool,
}

impl Line {
    /// An empty one, with colours or without.
    #[must_use]
    pub(crate) const fn new(colour: bool) -> Self {
        Self { text: String::new(), colour }
    }

    /// Adds text.
    #[must_use]
    pub(crate) fn plain(mut self, text: &str) -> Self {
        self.text.push_str(&escape(text));
        self
    }

    /// Adds text that stands out.
    #[must_use]
    pub(crate) fn bold(self, text: &str) -> Self {
        self.styled("1", text)
    }

    /// Adds text that stands back.
    #[must_use]
    pub(crate) fn dim(self, text: &str) -> Self {
        self.styled("2", text)
    }

    fn styled(mut self, style: &str, text: &str) -> Self {
        let text = escape(text);
        if self.colour && !text.is_empty() {
            self.text.push_str(&format!("\u{1b}[{style}m{text}\u{1b}[0m"));
        } else {
            self.text.push_str(&text);
        }
        self
    }
}

/// One line.
///
/// # Errors
/// Nobody reads it any more.
pub(crate) fn line(text: &str) -> io::Result<()> {
    write(&format!("{}\n", escape(text)))
}

/// Several lines.
///
/// # Errors
/// Nobody reads it any more.
pub(crate) fn lines<T: AsRef<str>>(lines: impl IntoIterator<Item = T>) -> io::Result<()> {
    lines.into_iter().try_for_each(|text| line(text.as_ref()))
}

/// A line with colours.
///
/// # Errors
/// Nobody reads it any more.
pub(crate) fn styled(line: &Line) -> io::Result<()> {
    write(&format!("{}\n", line.text.trim_end()))
}

/// A line with colours that [`running`] goes on with, until [`end`].
///
/// # Errors
/// Nobody reads it any more.
pub(crate) fn open(line: &Line) -> io::Result<()> {
    write(&line.text)
}

/// A piece of running text. Its newlines begin indented lines.
///
/// # Errors
/// Nobody reads it any more.
pub(crate) fn running(text: &str) -> io::Result<()> {
    write(&indent(text))
}

/// Ends an open line.
///
/// # Errors
/// Nobody reads it any more.
pub(crate) fn end() -> io::Result<()> {
    write("\n")
}

/// A table.
///
/// # Errors
/// Nobody reads it any more.
pub(crate) fn table<const N: usize>(
    header: Option<[&str; N]>,
    rows: impl IntoIterator<Item = [String; N]>,
) -> io::Result<()> {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    if let Some(header) = header {
        table.set_header(header.map(|cell| escape(cell).into_owned()));
    }
    for row in rows {
        table.add_row(row.map(|cell| escape(&cell).into_owned()));
    }
    write(&format!("{table}\n"))
}

/// One JSON value on one line. Control characters are escaped; it is the same JSON.
///
/// # Errors
/// Nobody reads it any more, or it is no JSON.
pub(crate) fn json(value: &impl Serialize) -> io::Result<()> {
    json_text(&serde_json::to_string(value)?)
}

/// The same of JSON that is text already: numbers and the order of fields stay as they are.
///
/// # Errors
/// Nobody reads it any more.
pub(crate) fn json_text(text: &str) -> io::Result<()> {
    write(&format!("{}\n", visible_json(text)))
}

fn write(shown: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(shown.as_bytes())?;
    out.flush()
}

/// A line on stderr.
pub(crate) fn complain(text: &str) {
    // Nothing can be done when even stderr is gone.
    let _ = writeln!(io::stderr(), "{}", escape(text));
}

/// Lines on stderr: the parser's messages about the command line.
pub(crate) fn complain_lines(text: &str) {
    text.lines().for_each(complain);
}

/// Whether a person reads.
#[must_use]
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}
