//! External text that people read on a terminal: characters that would move the cursor, change colours, begin another
//! line or reverse the reading order are shown escaped.
//!
//! ```text
//! newline, carriage return, tab               \n  \r  \t
//! other controls below U+0080 (C0 and DEL)    \x1b
//! C1 controls, marks of direction, invisible  \u{202e}
//! ```

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

/// Whether a character does something to a terminal, or hides, instead of being seen.
#[must_use]
pub const fn is_hostile(c: char) -> bool {
    matches!(
        c,
        // C0, DEL and C1.
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        // Direction of reading: marks, embeddings, overrides, isolates.
        | '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        // Line and paragraph separators; invisible operators and isolates; annotations.
        | '\u{2028}'..='\u{2029}' | '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}'
        // Invisible, or nothing at all: soft hyphen, Mongolian vowel separator, zero-width space, byte order mark, tags.
        | '\u{ad}' | '\u{180e}' | '\u{200b}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}'
    )
}

/// The text on one line, without anything that [`is_hostile`].
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    replace(text, |out, c| match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        // Writing into a text cannot fail.
        c if c.is_ascii() => _ = write!(out, "\\x{:02x}", u32::from(c)),
        c => _ = write!(out, "\\u{{{:x}}}", u32::from(c)),
    })
}

/// Text of several lines, each below the first indented: it cannot look like a line of the program's own.
#[must_use]
pub fn indent(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(escape).collect();
    lines.join("\n    ")
}

/// JSON that means the same, without anything hostile. JSON itself escapes what is below U+0020.
#[must_use]
pub fn json(text: &str) -> Cow<'_, str> {
    replace(text, |out, c| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            _ = write!(out, "\\u{unit:04x}");
        }
    })
}

fn replace(text: &str, mut one: impl FnMut(&mut String, char)) -> Cow<'_, str> {
    if !text.contains(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_hostile(c) { one(&mut out, c) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// Each write is one line: every hostile character in it is escaped, except the newline at its end.
#[derive(Debug)]
pub struct Lines<W> {
    inner: W,
    how: fn(&str) -> Cow<'_, str>,
}

impl<W: Write> Lines<W> {
    /// Lines of plain text.
    pub fn of_text(inner: W) -> Self {
        Self { inner, how: escape }
    }

    /// Lines of JSON.
    pub fn of_json(inner: W) -> Self {
        Self { inner, how: json }
    }
}

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let text = String::from_utf8_lossy(bytes);
        let (line, end) = text.strip_suffix('\n').map_or((&*text, ""), |line| (line, "\n"));
        let shown = (self.how)(line);
        self.inner.write_all(format!("{shown}{end}").as_bytes())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Any text, with more hostile characters than chance would give.
    fn any_text() -> impl Strategy<Value = String> {
        let hostile =
            prop::sample::select(('\0'..='\u{e007f}').filter(|c| is_hostile(*c)).collect::<Vec<_>>());
        prop::collection::vec(prop_oneof![any::<char>(), hostile], 0..40)
            .prop_map(|chars| chars.into_iter().collect())
    }

    #[test]
    fn hostile_characters_are_seen() {
        assert_eq!(escape("a\u{1b}]0;x\u{7}\n\r\tb"), "a\\x1b]0;x\\x07\\n\\r\\tb");
        assert_eq!(escape("\u{9b}31m \u{202e}\u{2066}\u{feff}"), "\\u{9b}31m \\u{202e}\\u{2066}\\u{feff}");
        assert_eq!(escape("grün 你好 👩‍👩‍👧"), "grün 你好 👩‍👩‍👧", "ordinary text stays");
        assert_eq!(indent("one\ntwo\u{1b}"), "one\n    two\\x1b");
        for c in "\u{80}\u{9f}\u{202a}\u{202e}\u{2066}\u{2069}\u{200e}\u{200f}\u{61c}\u{feff}\u{2028}\u{2029}\u{e0041}".chars() {
            assert!(is_hostile(c), "{c:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_hostile_is_left(text in any_text()) {
            prop_assert!(!escape(&text).contains(is_hostile));
            let indented = indent(&text);
            prop_assert!(indented.split("\n    ").all(|line| !line.contains(is_hostile)));
        }

        #[test]
        fn json_stays_the_same(text in any_text()) {
            let written = serde_json::Value::from(text).to_string();
            let shown = json(&written).into_owned();
            prop_assert!(!shown.contains(is_hostile));
            let read = |text: &str| text.parse::<serde_json::Value>().unwrap();
            prop_assert_eq!(read(&shown), read(&written));
        }

        #[test]
        fn a_line_stays_a_line(text in any_text()) {
            let mut out = Vec::new();
            Lines::of_text(&mut out).write_all(format!("{text}\n").as_bytes()).unwrap();
            let out = String::from_utf8(out).unwrap();
            prop_assert!(!out.strip_suffix('\n').unwrap().contains(is_hostile));
        }
    }
}
