//! An event as clients get it: decoded once and encoded once per gateway, whatever the number of clients.

use std::sync::Arc;

use bytes::Bytes;
use runbus::bus::Delivery;
use runbus::bus::delivery::{Delivered, Line, Undecodable, decode};
use runbus::event::Kind;
use runbus::log::{Cursor, Gap, Place, Stored};
use runbus::subject::Shard;
use runbus::time::Timestamp;
use serde_json::json;

use crate::protocol::server;

/// Something to deliver, with its place.
#[derive(Debug)]
pub struct Entry {
    /// The shard.
    pub shard: Shard,
    /// The place behind it; `None` for what has no place of its own.
    pub place: Option<Place>,
    /// What it is.
    pub content: Content,
}

/// What an entry is.
#[derive(Debug)]
pub enum Content {
    /// An event: its type, its time, and its JSON with `seq` and `cursor`.
    Event(Kind, Timestamp, Bytes),
    /// Another message: its type and its fields as a JSON object.
    Other(&'static str, Bytes),
}

impl Entry {
    /// A line of a frame. `cursor` is the place behind it, over all shards of the scope.
    #[must_use]
    pub fn line(stored: &Arc<Stored>, line: Line, cursor: Cursor) -> Self {
        let place = line.place;
        let content = match decode(stored, line, cursor) {
            Delivery::Event(found) => {
                Content::Event(found.event.kind.clone(), found.event.timestamp, event(&found))
            }
            Delivery::Undecodable(found) => Content::Other("undecodable", undecodable(&found)),
            // `decode` gives one of the two above.
            Delivery::Gap(_) | Delivery::CaughtUp => Content::Other("undecodable", Bytes::from_static(b"{}")),
        };
        Self { shard: stored.shard, place: Some(place), content }
    }

    /// What a reader gave; `None` for what says nothing to clients.
    #[must_use]
    pub fn delivery(delivery: &Delivery) -> Option<Self> {
        let content = match delivery {
            Delivery::Event(found) => {
                Content::Event(found.event.kind.clone(), found.event.timestamp, event(found))
            }
            Delivery::Undecodable(found) => Content::Other("undecodable", undecodable(found)),
            Delivery::Gap(gap) => Content::Other("gap", Bytes::from(server::gap_fields(gap))),
            Delivery::CaughtUp => return None,
        };
        Some(Self { shard: Shard(0), place: None, content })
    }

    /// Missing events.
    #[must_use]
    pub fn gap(gap: &Gap) -> Self {
        let content = Content::Other("gap", Bytes::from(server::gap_fields(gap)));
        // With its place, so that clients that stand behind it are not told.
        Self { shard: gap.shard, place: Some(gap.resumes()), content }
    }

    /// Its size in memory, about, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let text = match &self.content {
            Content::Event(_, _, text) | Content::Other(_, text) => text.len(),
        };
        text + size_of::<Self>()
    }
}

/// The stored line with its place. The place comes last: of two fields with one name parsers take the last, so that no
/// publisher can give its event another place.
fn event(found: &Delivered) -> Bytes {
    let line = found.line.trim_ascii_end();
    let line = line.strip_suffix(b"}").unwrap_or(line);
    let place = format!(",\"seq\":{},\"cursor\":\"{}\"}}", found.seq, found.cursor);
    let mut text = Vec::with_capacity(line.len() + place.len());
    text.extend_from_slice(line);
    text.extend_from_slice(place.as_bytes());
    Bytes::from(text)
}

fn undecodable(found: &Undecodable) -> Bytes {
    let fields = json!({
        "line": String::from_utf8_lossy(&found.line),
        "reason": found.reason,
        "seq": found.seq,
        "cursor": found.cursor,
    });
    Bytes::from(fields.to_string())
}
