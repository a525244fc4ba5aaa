//! The deliveries of readers: events with their place, and notices of missing or undecodable ones.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::json;

use crate::event::{Event, Head, SoundLine, is_of};
use crate::limits;
use crate::log::{Author, Cursor, Epoch, Gap, Place, Stored, Trace};

/// An event with its place in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivered {
    /// The event.
    pub event: Event,
    /// Its line as it is stored.
    pub line: SoundLine,
    /// Of a Runbus worker: its number in the execution, 0, 1, 2, ... without holes. Of anybody else: the place of
    /// its message in the shard, which only grows.
    pub seq: u64,
    /// An external producer published it. It does not change the state of executions that Runbus runs.
    pub external: bool,
    /// Hand it back to go on behind this event.
    pub cursor: Cursor,
    /// Trace context of the frame that carried it.
    pub trace: Option<Trace>,
}

/// A line of the log that is no event.
#[derive(Debug, Clone, PartialEq)]
pub struct Undecodable {
    /// The line as it is stored.
    pub line: Bytes,
    /// The fault of the line.
    pub reason: String,
    /// As for an event.
    pub seq: u64,
    /// As for an event.
    pub cursor: Cursor,
}

/// The next thing that a reader gets.
#[derive(Debug, Clone)]
pub enum Delivery {
    /// An event.
    Event(Box<Delivered>),
    /// Something that is no event, with its place; the reader goes on.
    Undecodable(Box<Undecodable>),
    /// Events are missing.
    Gap(Gap),
    /// The events stored before the reader came have been delivered; live events follow.
    CaughtUp,
}

/// One line of a frame.
#[derive(Debug, Clone)]
pub struct Line {
    /// As it is stored.
    pub bytes: Bytes,
    /// See [`Delivered::seq`].
    pub seq: u64,
    /// The reader's place behind it.
    pub place: Place,
}

/// The lines of a frame with their places, without those that were read before.
///
/// A damaged frame is one line: its payload as a whole. So is one without any line.
pub fn lines(stored: &Stored, epoch: Epoch, skip: u32) -> impl DoubleEndedIterator<Item = Line> {
    let sequence = stored.sequence;
    let whole = || vec![stored.frame.payload.clone()];
    let mut found: Vec<Bytes> =
        if stored.damage.is_some() { whole() } else { stored.frame.lines().collect() };
    if found.is_empty() {
        // Every frame has a line, so that a reader that reads on stands behind it.
        found = whole();
    }
    let count = found.len();
    let base = match stored.frame.author {
        Author::Owner { index, .. } => Some(index),
        Author::Open | Author::External => None,
    };
    found.into_iter().enumerate().skip(skip as usize).map(move |(n, bytes)| {
        let lines = if n + 1 == count { u32::MAX } else { u32::try_from(n + 1).unwrap_or(u32::MAX) };
        Line {
            bytes,
            seq: base.map_or(sequence.0, |base| base.saturating_add(n as u64)),
            place: Place { epoch, sequence, lines },
        }
    })
}

/// Decodes a line.
#[must_use]
pub fn decode(stored: &Stored, line: Line, cursor: Cursor) -> Delivery {
    let read = |sound: SoundLine| {
        let event = Event::decode_sound(&sound).map_err(|error| error.to_string())?;
        speaks_of_its_subject(stored, &sound)?;
        Ok((event, sound))
    };
    match sound(stored, &line).and_then(read) {
        Ok((event, sound)) => {
            let (trace, external) = (stored.frame.trace.clone(), stored.frame.author.is_external());
            Delivery::Event(Box::new(Delivered {
                event,
                line: sound,
                seq: line.seq,
                external,
                cursor,
                trace,
            }))
        }
        Err(reason) => Delivery::Undecodable(Box::new(Undecodable::new(line, reason, cursor))),
    }
}

/// The parts of a line for a process that passes lines on: its head, and the line as text that any document can contain.
///
/// # Errors
/// The fault of the line: the reader delivers it as [`Undecodable`].
pub fn head(stored: &Stored, line: &Line) -> Result<(Head, SoundLine), String> {
    let sound = sound(stored, line)?;
    let head = Head::decode_sound(&sound).map_err(|error| error.to_string())?;
    speaks_of_its_subject(stored, &sound)?;
    Ok((head, sound))
}

fn sound(stored: &Stored, line: &Line) -> Result<SoundLine, String> {
    match &stored.damage {
        Some(damage) => Err(damage.to_string()),
        None => SoundLine::check(line.bytes.clone()).map_err(|error| error.to_string()),
    }
}

/// The subject of an external event names its execution and decides who may read it: the body must name the same.
fn speaks_of_its_subject(stored: &Stored, line: &SoundLine) -> Result<(), String> {
    if stored.frame.author.is_external() && !is_of(line.as_bytes(), &stored.topic) {
        return Err("stream_id, node_id or execution_id differ from the subject".into());
    }
    Ok(())
}

impl Undecodable {
    /// A line that is no event for this reason; `cursor` is the place behind it.
    #[must_use]
    pub fn new(line: Line, reason: String, cursor: Cursor) -> Self {
        Self { line: line.bytes, reason, seq: line.seq, cursor }
    }

    /// As JSON, for every reader the same: `line` is the line as text, `line_base64` its bytes where they are no text. Of a long line the
    /// first [`limits::UNDECODABLE_BYTES`] are shown, and `line_bytes` says how long it is.
    #[must_use]
    pub fn json(&self) -> String {
        let mut shown = &self.line[..self.line.len().min(limits::UNDECODABLE_BYTES)];
        let is_cut = shown.len() < self.line.len();
        if is_cut
            && let Err(error) = std::str::from_utf8(shown)
            && error.error_len().is_none()
        {
            // The cut went through a character.
            shown = &shown[..error.valid_up_to()];
        }
        let mut fields = json!({
            "type": "undecodable",
            "line": String::from_utf8_lossy(shown),
            "reason": self.reason,
            "seq": self.seq,
            "cursor": self.cursor,
        });
        if std::str::from_utf8(shown).is_err() {
            fields["line_base64"] = STANDARD.encode(shown).into();
        }
        if is_cut {
            fields["line_bytes"] = self.line.len().into();
        }
        fields.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Sequence;

    fn shown(line: &[u8]) -> serde_json::Value {
        let place = Place::after(Epoch(1), Sequence(1));
        let line = Line { bytes: Bytes::copy_from_slice(line), seq: 7, place };
        serde_json::from_str(&Undecodable::new(line, "why".into(), Cursor::start()).json()).unwrap()
    }

    #[test]
    fn a_line_that_is_no_event_is_shown_as_text_with_its_bytes_where_they_are_none() {
        let text = shown("no event \u{0} é".as_bytes());
        assert_eq!((text["line"].as_str(), &text["line_base64"]), (Some("no event \u{0} é"), &().into()));
        assert_eq!((text["type"].as_str(), text["reason"].as_str()), (Some("undecodable"), Some("why")));
        let bytes = shown(b"a\xff\xfeb");
        assert_eq!(bytes["line"], "a\u{fffd}\u{fffd}b");
        assert_eq!(STANDARD.decode(bytes["line_base64"].as_str().unwrap()).unwrap(), b"a\xff\xfeb");
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let long = format!("a{}", "é".repeat(limits::UNDECODABLE_BYTES));
        let cut = shown(long.as_bytes());
        assert_eq!(cut["line_bytes"], long.len());
        assert!(
            cut["line"].as_str().is_some_and(|line| long.starts_with(line))
                && cut.get("line_base64").is_none()
        );
        let zeros = shown(&vec![0; 1024 * 1024]);
        assert_eq!(zeros["line"].as_str().map(str::len), Some(limits::UNDECODABLE_BYTES));
    }
}
