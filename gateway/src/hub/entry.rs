//! An event as clients get it: decoded once and encoded once per gateway, whatever the number of clients.

use runbus::bus::Delivery;
use runbus::bus::delivery::{Line, head};
use runbus::event::{Event, Head, Kind};
use runbus::log::{Cursor, Gap, Place, Stored, Trace};
use runbus::subject::Shard;
use runbus::time::Timestamp;
use serde_json::json;

use crate::protocol::{Text, server};

/// Something to deliver, with its place.
#[derive(Debug)]
pub struct Entry {
    /// The shard.
    pub shard: Shard,
    /// The place behind it; `None` for what has no place of its own.
    pub place: Option<Place>,
    /// What it is.
    pub content: Content,
    /// The trace of its frame, at the frame's last event.
    pub trace: Option<Box<Trace>>,
}

/// What an entry is.
#[derive(Debug)]
pub enum Content {
    /// An event: its type, its time, whether it is external, and its JSON with its place.
    Event(Kind, Timestamp, bool, Text),
    /// Something that is no event: `gap`, `undecodable`.
    Word(Text),
}

impl Content {
    /// What clients get.
    #[must_use]
    pub const fn text(&self) -> &Text {
        match self {
            Self::Event(_, _, _, text) | Self::Word(text) => text,
        }
    }

    /// The same, for those who need nothing else of it.
    #[must_use]
    pub fn into_text(self) -> Text {
        match self {
            Self::Event(_, _, _, text) | Self::Word(text) => text,
        }
    }
}

impl Entry {
    /// A line of a frame. `cursor` is the place behind it, over all shards of the scope.
    #[must_use]
    pub fn line(stored: &Stored, line: &Line, cursor: &Cursor) -> Self {
        let (shard, place) = (stored.shard, Some(line.place));
        match head(stored, line) {
            Ok(Head { kind, timestamp }) => {
                let external = stored.frame.author.is_external();
                let text = event(&kind, &line.bytes, (line.seq, external), cursor);
                // One a frame is enough to trace a subscription's first delivery, and rings hold many events.
                let is_last = line.place.lines == u32::MAX;
                let trace = stored.frame.trace.as_ref().filter(|_| is_last).cloned().map(Box::new);
                Self { shard, place, content: Content::Event(kind, timestamp, external, text), trace }
            }
            Err(reason) => {
                let text = undecodable(&line.bytes, &reason, line.seq, cursor);
                Self { shard, place, content: Content::Word(text), trace: None }
            }
        }
    }

    /// What a reader gave; `None` for what says nothing to clients.
    #[must_use]
    pub fn delivery(delivery: &Delivery) -> Option<Self> {
        let content = match delivery {
            Delivery::Event(found) => {
                let Event { kind, timestamp, .. } = &found.event;
                let text = event(kind, &found.line, (found.seq, found.external), &found.cursor);
                Content::Event(kind.clone(), *timestamp, found.external, text)
            }
            Delivery::Undecodable(found) => {
                Content::Word(undecodable(&found.line, &found.reason, found.seq, &found.cursor))
            }
            Delivery::Gap(gap) => Content::Word(server::gap(gap)),
            Delivery::CaughtUp => return None,
        };
        Some(Self { shard: Shard(0), place: None, content, trace: None })
    }

    /// Missing events.
    #[must_use]
    pub fn gap(gap: &Gap) -> Self {
        // With its place, so that clients that stand behind it are not told.
        let content = Content::Word(server::gap(gap));
        Self { shard: gap.shard, place: Some(gap.resumes()), content, trace: None }
    }

    /// Its size in memory, about, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let trace = self.trace.as_ref().map_or(0, |trace| {
            size_of::<Trace>() + trace.parent.len() + trace.state.as_ref().map_or(0, String::len)
        });
        self.content.text().bytes() + trace + size_of::<Self>()
    }
}

/// The stored line with its place, and that it is external if it is. These come last: of two fields with one name parsers take the
/// last, so that no publisher can give its event another place, or pass for Runbus.
fn event(kind: &Kind, line: &[u8], (seq, external): (u64, bool), cursor: &Cursor) -> Text {
    let line = line.trim_ascii_end();
    let line = line.strip_suffix(b"}").unwrap_or(line);
    let (seq, cursor) = (seq.to_string(), cursor.text());
    let external: &[u8] = if external { b",\"external\":true" } else { b"" };
    let pieces = [line, b",\"seq\":", seq.as_bytes(), external, b",\"cursor\":\"", cursor.as_bytes(), b"\"}"];
    Text::at(&cursor, kind.as_str(), &pieces)
}

fn undecodable(line: &[u8], reason: &str, seq: u64, cursor: &Cursor) -> Text {
    let fields = json!({
        "type": "undecodable",
        "line": String::from_utf8_lossy(line),
        "reason": reason,
        "seq": seq,
        "cursor": cursor,
    });
    Text::new(Some(cursor), "undecodable", &[fields.to_string().as_bytes()])
}
