//! One message as clients get it, made once for all of them in each form that somebody reads.

use std::sync::OnceLock;

use axum::extract::ws::Utf8Bytes;
use bytes::Bytes;
use runbus::log::Cursor;

use super::encoding;

/// A message's JSON, and the frame of an event stream around it, in one piece of memory. It is text from the beginning: no form that
/// it is put into can find that it is none.
///
/// ```text
/// id: <cursor>\nevent: <type>\ndata: {...}\n\n
///                                   └────┘ the JSON
/// ```
#[derive(Debug, Clone)]
pub struct Text {
    frame: Utf8Bytes,
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
const END: &str = "\n\n";

impl Text {
    /// A message of a type; `json` are the pieces of one JSON object. `cursor` is the place behind it.
    #[must_use]
    pub fn new(cursor: Option<&Cursor>, kind: &str, json: &[&str]) -> Self {
        Self::at(&cursor.map(ToString::to_string).unwrap_or_default(), kind, json)
    }

    /// The same with the text of the cursor; empty: there is none.
    #[must_use]
    pub fn at(cursor: &str, kind: &str, json: &[&str]) -> Self {
        let size: usize = json.iter().map(|piece| piece.len()).sum();
        let mut frame =
            String::with_capacity(ID.len() + cursor.len() + EVENT.len() + kind.len() + DATA.len() + size + 4);
        if !cursor.is_empty() {
            [ID, cursor, "\n"].iter().for_each(|part| frame.push_str(part));
        }
        [EVENT, kind, "\n", DATA].iter().for_each(|part| frame.push_str(part));
        let begin = frame.len();
        for piece in json {
            // Between the tokens of JSON line ends are white space; in an event stream they would end the field.
            match memchr::memchr2(b'\r', b'\n', piece.as_bytes()) {
                None => frame.push_str(piece),
                Some(_) => frame.push_str(&piece.replace(['\r', '\n'], " ")),
            }
        }
        frame.push_str(END);
        // Cursors and types are far shorter than this: both fit.
        let short = |length: usize| u32::try_from(length).unwrap_or(0);
        Self { cursor: short(cursor.len()), json: short(begin), frame: frame.into(), cbor: OnceLock::new() }
    }

    /// The JSON object.
    #[must_use]
    pub fn json(&self) -> &str {
        self.frame.get(self.json as usize..self.frame.len() - END.len()).unwrap_or_default()
    }

    /// The same as CBOR; made when it is asked for first, and kept.
    #[must_use]
    pub fn cbor(&self) -> &[u8] {
        self.cbor.get_or_init(|| encoding::transcode(self.json()))
    }

    /// Its type.
    #[must_use]
    pub fn kind(&self) -> &str {
        let begin = if self.cursor == 0 { 0 } else { ID.len() + self.cursor as usize + 1 } + EVENT.len();
        let end = (self.json as usize).saturating_sub(DATA.len() + 1);
        self.frame.get(begin..end).unwrap_or_default()
    }

    /// The place behind it, if it has one.
    #[must_use]
    pub fn cursor(&self) -> Option<&str> {
        self.frame.get(ID.len()..ID.len() + self.cursor as usize).filter(|text| !text.is_empty())
    }

    /// Whether it is an event that somebody published who is no part of Runbus. The gateway says so behind everything that a
    /// publisher wrote.
    #[must_use]
    pub fn is_external(&self) -> bool {
        let Some(cursor) = self.cursor() else { return false };
        let head = self.json().strip_suffix("\"}").and_then(|json| json.strip_suffix(cursor));
        head.is_some_and(|json| json.ends_with(",\"external\":true,\"cursor\":\""))
    }

    /// The frame of an event stream.
    #[must_use]
    pub fn frame(&self) -> Bytes {
        self.frame.clone().into()
    }

    /// The JSON object, in the same memory.
    #[must_use]
    pub fn json_bytes(&self) -> Bytes {
        let frame = self.frame();
        frame.slice(self.json as usize..frame.len() - END.len())
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
        let text = Text::new(Some(&cursor), "custom", &["{\"a\":\r\n1", "}"]);
        assert_eq!(text.json(), "{\"a\":  1}");
        assert_eq!((text.cursor(), text.kind()), (Some(cursor.to_string().as_str()), "custom"));
        assert_eq!(text.frame(), format!("id: {cursor}\nevent: custom\ndata: {{\"a\":  1}}\n\n"));
        let text = Text::new(None, "gap", &["{}"]);
        assert_eq!((text.json(), text.cursor(), text.kind()), ("{}", None, "gap"));
        assert_eq!(&text.frame()[..], b"event: gap\ndata: {}\n\n");
    }
}
