//! What readers get: events with their place, and a word about what is missing or cannot be read.

use bytes::Bytes;

use crate::event::{Error, Event, Head, is_of};
use crate::log::{Author, Cursor, Epoch, Gap, Place, Stored, Trace};

/// An event with its place in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivered {
    /// The event.
    pub event: Event,
    /// Its line as it is stored.
    pub line: Bytes,
    /// Of a Runbus worker: its number in the execution, 0, 1, 2, ... without holes. Of anybody else: the place of
    /// its message in the shard, which only grows.
    pub seq: u64,
    /// Somebody who is no part of Runbus published it. It changes nothing that is known of what Runbus runs.
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
    /// What is wrong with it.
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
    /// What was stored when the reader came has been delivered; what follows is live.
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
/// A damaged frame is one line: its payload as a whole.
pub fn lines(stored: &Stored, epoch: Epoch, skip: u32) -> impl DoubleEndedIterator<Item = Line> {
    let sequence = stored.sequence;
    let found: Vec<Bytes> = if stored.damage.is_some() {
        vec![stored.frame.payload.clone()]
    } else {
        stored.frame.lines().collect()
    };
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
    match sound(stored, &line, Event::decode) {
        Ok(event) => {
            let Line { bytes, seq, .. } = line;
            let (trace, external) = (stored.frame.trace.clone(), stored.frame.author.is_external());
            Delivery::Event(Box::new(Delivered { event, line: bytes, seq, external, cursor, trace }))
        }
        Err(reason) => {
            Delivery::Undecodable(Box::new(Undecodable { line: line.bytes, reason, seq: line.seq, cursor }))
        }
    }
}

/// What passing a line on needs, for those who pass on many.
///
/// # Errors
/// What is wrong with the line: it is to be delivered as [`Undecodable`].
pub fn head(stored: &Stored, line: &Line) -> Result<Head, String> {
    sound(stored, line, Head::decode)
}

fn sound<T>(stored: &Stored, line: &Line, decode: fn(&[u8]) -> Result<T, Error>) -> Result<T, String> {
    if let Some(damage) = &stored.damage {
        return Err(damage.to_string());
    }
    let sound = decode(&line.bytes).map_err(|error| error.to_string())?;
    // Where somebody else published says what they speak of, and who may read it: the body must say the same.
    if stored.frame.author.is_external() && !is_of(&line.bytes, &stored.topic) {
        return Err("stream_id, node_id or execution_id differ from the subject".into());
    }
    Ok(sound)
}
