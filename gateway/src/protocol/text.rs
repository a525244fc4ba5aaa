//! One message as clients get it, made once for all of them in each form that somebody reads.

use std::sync::OnceLock;

use bytes::Bytes;
use runbus::log::Cursor;

use super::dialect;

/// A message's JSON, and the frame of an event stream around it, in one piece of memory:
///
/// ```text
/// id: <cursor>\nevent: <type>\ndata: {...}\n\n
///                                   └────┘ the JSON
/// ```
#[derive(Debug, Clone)]
pub struct Text {
    frame: Bytes,
    /// The length of the cursor; 0: there is none.
    cursor: u32,
    /// Where the JSON begins.
    json: u32,
    /// The JSON as CBOR, once somebody wants it.
    cbor: OnceLock<Bytes>,
}

const ID: &str = "id: ";
const EVENT: &str = "event: ";
const DATA: &str = "data: ";
const END: &[u8] = b"\n\n";

impl Text {
    /// A message of a type; `json` are the pieces of one JSON object. `cursor` is the place behind it.
    #[must_use]
    pub fn new(cursor: Option<&Cursor>, kind: &str, json: &[&[u8]]) -> Self {
        Self::at(&cursor.map(ToString::to_string).unwrap_or_default(), kind, json)
    }

    /// The same with the text of the cursor; empty: there is none.
    #[must_use]
    pub fn at(cursor: &str, kind: &str, json: &[&[u8]]) -> Self {
        let size: usize = json.iter().map(|piece| piece.len()).sum();
        let mut frame =
            Vec::with_capacity(ID.len() + cursor.len() + EVENT.len() + kind.len() + DATA.len() + size + 4);
        if !cursor.is_empty() {
            for part in [ID, cursor, "\n"] {
                frame.extend_from_slice(part.as_bytes());
            }
        }
        for part in [EVENT, kind, "\n", DATA] {
            frame.extend_from_slice(part.as_bytes());
        }
        let begin = frame.len();
        for piece in json {
            frame.extend_from_slice(piece);
        }
        // Between the tokens of JSON line ends are white space; in an event stream they would end the field.
        for byte in &mut frame[begin..] {
            if matches!(byte, b'\r' | b'\n') {
                *byte = b' ';
            }
        }
        frame.extend_from_slice(END);
        // Cursors and types are far shorter than this: both fit.
        let short = |length: usize| u32::try_from(length).unwrap_or(0);
        Self {
            cursor: short(cursor.len()),
            json: short(begin),
            frame: Bytes::from(frame),
            cbor: OnceLock::new(),
        }
    }

    /// The JSON object.
    #[must_use]
    pub fn json(&self) -> &[u8] {
        &self.frame[self.json as usize..self.frame.len() - END.len()]
    }

    /// The same as CBOR; made when it is asked for first, and kept.
    #[must_use]
    pub fn cbor(&self) -> &[u8] {
        self.cbor.get_or_init(|| dialect::transcode(self.json()))
    }

    /// Its type.
    #[must_use]
    pub fn kind(&self) -> &str {
        let begin = if self.cursor == 0 { 0 } else { ID.len() + self.cursor as usize + 1 } + EVENT.len();
        let end = (self.json as usize).saturating_sub(DATA.len() + 1);
        self.frame.get(begin..end).and_then(|kind| std::str::from_utf8(kind).ok()).unwrap_or_default()
    }

    /// The place behind it, if it has one.
    #[must_use]
    pub fn cursor(&self) -> Option<&str> {
        let text = self.frame.get(ID.len()..ID.len() + self.cursor as usize)?;
        std::str::from_utf8(text).ok().filter(|text| !text.is_empty())
    }

    /// Whether it is an event that somebody published who is no part of Runbus. The gateway says so behind everything that a
    /// publisher wrote.
    #[must_use]
    pub fn is_external(&self) -> bool {
        let Some(cursor) = self.cursor() else { return false };
        let head = self.json().strip_suffix(b"\"}").and_then(|json| json.strip_suffix(cursor.as_bytes()));
        head.is_some_and(|json| json.ends_with(b",\"external\":true,\"cursor\":\""))
    }

    /// The frame of an event stream.
    #[must_use]
    pub fn frame(&self) -> Bytes {
        self.frame.clone()
    }

    /// Bytes that it holds, without its CBOR.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.frame.len()
    }
}

#[cfg(test)]
mod tests {
    use runbus::log::{Epoch, Place, Sequence};
    use runbus::subject::Shard;

    use super::*;

    #[test]
    fn json_and_cursor_are_found_in_the_frame() {
        let cursor = Cursor::start().with(Shard(3), Place::after(Epoch(7), Sequence(9)));
        let text = Text::new(Some(&cursor), "custom", &[b"{\"a\":\r\n1", b"}"]);
        assert_eq!(text.json(), b"{\"a\":  1}");
        assert_eq!((text.cursor(), text.kind()), (Some(cursor.to_string().as_str()), "custom"));
        assert_eq!(text.frame(), format!("id: {cursor}\nevent: custom\ndata: {{\"a\":  1}}\n\n"));
        let text = Text::new(None, "gap", &[b"{}"]);
        assert_eq!((text.json(), text.cursor(), text.kind()), (&b"{}"[..], None, "gap"));
        assert_eq!(&text.frame()[..], b"event: gap\ndata: {}\n\n");
    }
}
