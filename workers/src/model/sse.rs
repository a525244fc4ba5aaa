//! A parser for server-sent events as providers send them: bounded, and tolerant where the standard is.
//!
//! It follows the WHATWG HTML standard, section 9.2.6, except for these points: unused fields (`id`, `retry`) are ignored;
//! [`Parser::finish`] gives the last event even when the blank line after it never came; a line of JSON behind a complete one
//! begins another event, since some servers leave the blank line out; and the field `error` is an event of that name.

use std::collections::VecDeque;

use super::Fault;
use super::limits::{MAX_SSE_EVENT_BYTES, MAX_SSE_LINE_BYTES};

/// One server-sent event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// Its name; empty for the default.
    pub name: String,
    /// Its data: the `data` lines, joined by line feeds. Never empty.
    pub data: String,
}

/// Turns bytes, split anywhere, into events.
#[derive(Debug, Default)]
pub struct Parser {
    /// The line of which the end has not come.
    line: Vec<u8>,
    /// Whether the last byte was a carriage return, so that a line feed belongs to it.
    after_return: bool,
    /// Whether a line has ended, so that there can be no byte order mark any more.
    started: bool,
    name: String,
    data: Option<String>,
    ready: VecDeque<Event>,
}

impl Parser {
    /// Takes the next bytes.
    ///
    /// # Errors
    ///
    /// [`Fault::TooLarge`] for a line or an event over its limit; the parser is of no use after that.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<(), Fault> {
        while let Some(&first) = bytes.first() {
            if std::mem::take(&mut self.after_return) && first == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let piece = &bytes[..end.unwrap_or(bytes.len())];
            if self.line.len() + piece.len() > MAX_SSE_LINE_BYTES {
                return Err(Fault::TooLarge { what: "bytes of one line", limit: MAX_SSE_LINE_BYTES });
            }
            self.line.extend_from_slice(piece);
            let Some(end) = end else {
                break;
            };
            self.after_return = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            self.end_line()?;
        }
        Ok(())
    }

    /// The next complete event.
    pub fn pop(&mut self) -> Option<Event> {
        self.ready.pop_front()
    }

    /// Says that no byte follows. It gives the event that was not terminated, if there is one; it may be
    /// incomplete.
    ///
    /// # Errors
    ///
    /// As [`Parser::feed`].
    pub fn finish(&mut self) -> Result<Option<Event>, Fault> {
        if !self.line.is_empty() {
            self.end_line()?;
        }
        self.dispatch();
        Ok(self.ready.pop_front())
    }

    fn end_line(&mut self) -> Result<(), Fault> {
        let line = std::mem::take(&mut self.line);
        let mut text = line.as_slice();
        if !std::mem::replace(&mut self.started, true) {
            text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
        }
        if text.is_empty() {
            self.dispatch();
        } else {
            self.field(text)?;
        }
        // The allocation is kept for the next line, unless an unusual one made it large.
        self.line = line;
        self.line.clear();
        self.line.shrink_to(64 * 1024);
        Ok(())
    }

    fn field(&mut self, line: &[u8]) -> Result<(), Fault> {
        let colon = line.iter().position(|&byte| byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = String::from_utf8_lossy(value.strip_prefix(b" ").unwrap_or(value));
        match &line[..colon] {
            b"data" => {
                if self.data.as_deref().is_some_and(|before| begins_another(before, &value)) {
                    self.dispatch();
                }
                let data = self.data.get_or_insert_default();
                if data.len() + value.len() + 1 > MAX_SSE_EVENT_BYTES {
                    return Err(Fault::TooLarge { what: "bytes of one event", limit: MAX_SSE_EVENT_BYTES });
                }
                data.push_str(&value);
                data.push('\n');
            }
            b"event" => self.name = value.into_owned(),
            // llama.cpp reports errors so.
            b"error" if !value.is_empty() => {
                self.dispatch();
                self.ready.push_back(Event { name: "error".into(), data: value.into_owned() });
            }
            // A comment (a line that starts with a colon) or a field of no meaning here.
            _ => {}
        }
        Ok(())
    }

    fn dispatch(&mut self) {
        let name = std::mem::take(&mut self.name);
        let Some(mut data) = self.data.take() else {
            return;
        };
        data.pop();
        if !data.is_empty() {
            self.ready.push_back(Event { name, data });
        }
    }
}

/// Whether a line is another JSON text, and no more of the one before it: no JSON text holds such a line break.
fn begins_another(before: &str, line: &str) -> bool {
    let (before, line) = (before.trim_end(), line.trim_start());
    (before.ends_with('}') || before == "[DONE]") && (line.starts_with('{') || line.starts_with("[DONE]"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All events of `chunks`, the unterminated last one included.
    fn parse<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Event> {
        let mut parser = Parser::default();
        let mut events = Vec::new();
        for chunk in chunks {
            parser.feed(chunk).unwrap();
            events.extend(std::iter::from_fn(|| parser.pop()));
        }
        events.extend(parser.finish().unwrap());
        events
    }

    fn event(name: &str, data: &str) -> Event {
        Event { name: name.to_owned(), data: data.to_owned() }
    }

    #[test]
    fn reads_what_providers_send() {
        for (text, events) in [
            ("data: a\n\ndata: b\n\n", vec![event("", "a"), event("", "b")]),
            ("data:a\r\ndata:  b\r\n\r\n", vec![event("", "a\n b")]),
            (": OPENROUTER PROCESSING\n\ndata: a\r\r", vec![event("", "a")]),
            ("event: error\ndata: {}\n\ndata: x\n\n", vec![event("error", "{}"), event("", "x")]),
            ("id: 1\nretry: 5\nnonsense\nfoo: bar\ndata\ndata: a\n\n", vec![event("", "\na")]),
            ("\u{feff}data: a\n\n", vec![event("", "a")]),
            ("event: ping\n\ndata: \n\ndata: [DONE]", vec![event("", "[DONE]")]),
            (
                "data: {\"a\":1}\ndata: {}\ndata: [DONE]\n\n",
                vec![event("", "{\"a\":1}"), event("", "{}"), event("", "[DONE]")],
            ),
            ("data: {\"a\":\ndata: 1}\n\n", vec![event("", "{\"a\":\n1}")]),
            (
                "error: {\"code\":400}\n\ndata: [DONE]\n\n",
                vec![event("error", "{\"code\":400}"), event("", "[DONE]")],
            ),
            ("", vec![]),
        ] {
            assert_eq!(parse([text.as_bytes()]), events, "{text:?}");
        }
    }

    #[test]
    fn has_limits() {
        let mut parser = Parser::default();
        let chunk = vec![b'x'; MAX_SSE_LINE_BYTES];
        parser.feed(&chunk).unwrap();
        assert!(matches!(parser.feed(b"x"), Err(Fault::TooLarge { .. })));

        let mut parser = Parser::default();
        let line = format!("data: {}\n", "x".repeat(MAX_SSE_LINE_BYTES / 2));
        let full = (0..8).try_for_each(|_| parser.feed(line.as_bytes()));
        assert!(matches!(full, Err(Fault::TooLarge { .. })));
    }

    /// Text that exercises what a parser can get wrong.
    fn stream() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            Just("data: ".to_owned()),
            Just("data".to_owned()),
            Just("event: ".to_owned()),
            Just(": ".to_owned()),
            Just("\n".to_owned()),
            Just("\r".to_owned()),
            Just("\r\n".to_owned()),
            Just("\n\n".to_owned()),
            Just("\u{feff}".to_owned()),
            "[a-zé漢🎉:{} ]{1,6}",
        ];
        prop::collection::vec(part, 0..60).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same_events(text in stream(), sizes in prop::collection::vec(1usize..9, 1..20)) {
            let mut chunks = Vec::new();
            let mut rest = text.as_bytes();
            for size in sizes.into_iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (chunk, after) = rest.split_at(size.min(rest.len()));
                chunks.push(chunk);
                rest = after;
            }
            prop_assert_eq!(parse(chunks), parse([text.as_bytes()]));
        }

        #[test]
        fn reads_back_what_was_written(
            events in prop::collection::vec(("[a-z]{0,5}", "[^\r\n\0]{1,20}(\n[^{\\[\\s\0][^\r\n\0]{0,9}){0,2}"), 0..9),
            end in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
        ) {
            let mut text = String::new();
            for (name, data) in &events {
                text += &format!(": comment{end}event: {name}{end}");
                for line in data.split('\n') {
                    text += &format!("data: {line}{end}");
                }
                text += end;
            }
            let events: Vec<Event> = events.iter().map(|(name, data)| event(name, data)).collect();
            prop_assert_eq!(parse([text.as_bytes()]), events);
        }

        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            parse([bytes.as_slice()]);
        }
    }
}
