//! An event as clients get it: decoded once and encoded once per gateway, whatever the number of clients.

use std::sync::Arc;

use runbus::bus::Delivery;
use runbus::bus::delivery::{Delivered, Line, Undecodable, decode};
use runbus::event::Kind;
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
    /// An event: its type, its time, and its JSON with `seq` and `cursor`.
    Event(Kind, Timestamp, Text),
    /// Something that is no event: `gap`, `undecodable`.
    Word(Text),
}

impl Content {
    /// What clients get.
    #[must_use]
    pub const fn text(&self) -> &Text {
        match self {
            Self::Event(_, _, text) | Self::Word(text) => text,
        }
    }
}

impl Entry {
    /// A line of a frame. `cursor` is the place behind it, over all shards of the scope; `None` for what says nothing to
    /// clients.
    #[must_use]
    pub fn line(stored: &Arc<Stored>, line: Line, cursor: Cursor) -> Option<Self> {
        let place = line.place;
        let entry = Self::delivery(&decode(stored, line, cursor))?;
        // One a frame is enough to trace a subscription's first delivery, and rings hold many events.
        let trace = entry.trace.filter(|_| place.lines == u32::MAX);
        Some(Self { shard: stored.shard, place: Some(place), content: entry.content, trace })
    }

    /// What a reader gave; `None` for what says nothing to clients.
    #[must_use]
    pub fn delivery(delivery: &Delivery) -> Option<Self> {
        let mut trace = None;
        let content = match delivery {
            Delivery::Event(found) => {
                trace = found.trace.clone().map(Box::new);
                Content::Event(found.event.kind.clone(), found.event.timestamp, event(found))
            }
            Delivery::Undecodable(found) => Content::Word(undecodable(found)),
            Delivery::Gap(gap) => Content::Word(server::gap(gap)),
            Delivery::CaughtUp => return None,
        };
        Some(Self { shard: Shard(0), place: None, content, trace })
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

/// The stored line with its place. The place comes last: of two fields with one name parsers take the last, so that no
/// publisher can give its event another place.
fn event(found: &Delivered) -> Text {
    let line = found.line.trim_ascii_end();
    let line = line.strip_suffix(b"}").unwrap_or(line);
    let cursor = found.cursor.to_string();
    let place = format!(",\"seq\":{},\"cursor\":\"{cursor}\"}}", found.seq);
    Text::at(&cursor, found.event.kind.as_str(), &[line, place.as_bytes()])
}

fn undecodable(found: &Undecodable) -> Text {
    let fields = json!({
        "type": "undecodable",
        "line": String::from_utf8_lossy(&found.line),
        "reason": found.reason,
        "seq": found.seq,
        "cursor": found.cursor,
    });
    Text::new(Some(&found.cursor), "undecodable", &[fields.to_string().as_bytes()])
}
