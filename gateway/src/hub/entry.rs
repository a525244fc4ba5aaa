//! An event as clients get it: decoded once and encoded once per gateway, for any number of clients.

use runbus::bus::delivery::{Line, head};
use runbus::bus::history::Found;
use runbus::bus::{Delivery, Filter, Undecodable};
use runbus::event::{Event, Head, Kind, SoundLine};
use runbus::log::{Cursor, Gap, Place, Stored, Trace};
use runbus::subject::Shard;
use runbus::time::Timestamp;

use crate::protocol::{Text, server};

/// Something to deliver, with its place.
#[derive(Debug)]
pub struct Entry {
    /// The shard.
    pub shard: Shard,
    /// The place behind it; `None` without a place of its own.
    pub place: Option<Place>,
    /// The content.
    pub content: Content,
    /// The trace of its frame, at the frame's last event.
    pub trace: Option<Box<Trace>>,
}

/// The content of an entry.
#[derive(Debug)]
pub enum Content {
    /// An event: its type, its time, whether it is external, and its JSON with its place.
    Event(Kind, Timestamp, bool, Text),
    /// Something that is no event: `gap`, `undecodable`.
    Notice(Text),
}

impl Content {
    /// The text for clients.
    #[must_use]
    pub const fn text(&self) -> &Text {
        match self {
            Self::Event(_, _, _, text) | Self::Notice(text) => text,
        }
    }

    /// The same, for those who need nothing else of it.
    #[must_use]
    pub fn into_text(self) -> Text {
        match self {
            Self::Event(_, _, _, text) | Self::Notice(text) => text,
        }
    }
}

impl Entry {
    /// A line of a frame. `cursor` is the place behind it, over all shards of the scope.
    #[must_use]
    pub fn line(stored: &Stored, line: &Line, cursor: &Cursor) -> Self {
        let (shard, place) = (stored.shard, Some(line.place));
        match head(stored, line) {
            Ok((Head { kind, timestamp }, sound)) => {
                let external = stored.frame.author.is_external();
                let text = event(&kind, &sound, (line.seq, external), cursor);
                // One a frame is enough to trace a subscription's first delivery, and rings hold many events.
                let is_last = line.place.lines == u32::MAX;
                let trace = stored.frame.trace.as_ref().filter(|_| is_last).cloned().map(Box::new);
                Self { shard, place, content: Content::Event(kind, timestamp, external, text), trace }
            }
            Err(reason) => {
                let text = undecodable(&Undecodable::new(line.clone(), reason, cursor.clone()));
                Self { shard, place, content: Content::Notice(text), trace: None }
            }
        }
    }

    /// The text of a line in a page of history; `None`: the filter does not match the event.
    #[must_use]
    pub fn found(found: Found<'_>, filter: &Filter) -> Option<Text> {
        match Self::line(found.stored, &found.line, &found.cursor).content {
            Content::Event(kind, time, _, text) => filter.wants_kind(&kind, time).then_some(text),
            Content::Notice(text) => Some(text),
        }
    }

    /// The entry of a reader's delivery; `None` for one without a message to clients.
    #[must_use]
    pub fn delivery(delivery: &Delivery) -> Option<Self> {
        let content = match delivery {
            Delivery::Event(found) => {
                let Event { kind, timestamp, .. } = &found.event;
                let text = event(kind, &found.line, (found.seq, found.external), &found.cursor);
                Content::Event(kind.clone(), *timestamp, found.external, text)
            }
            Delivery::Undecodable(found) => Content::Notice(undecodable(found)),
            Delivery::Gap(gap) => Content::Notice(server::gap(gap)),
            Delivery::CaughtUp => return None,
        };
        Some(Self { shard: Shard(0), place: None, content, trace: None })
    }

    /// Missing events.
    #[must_use]
    pub fn gap(gap: &Gap) -> Self {
        // With its place, so that clients that stand behind it do not get it.
        let content = Content::Notice(server::gap(gap));
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
fn event(kind: &Kind, line: &SoundLine, (seq, external): (u64, bool), cursor: &Cursor) -> Text {
    let line = line.trim_ascii_end();
    let line = line.strip_suffix('}').unwrap_or(line);
    let (seq, cursor) = (seq.to_string(), cursor.text());
    let external = if external { ",\"external\":true" } else { "" };
    let pieces = [line, ",\"seq\":", &seq, external, ",\"cursor\":\"", &cursor, "\"}"];
    Text::at(&cursor, kind.as_str(), &pieces)
}

fn undecodable(found: &Undecodable) -> Text {
    Text::new(Some(&found.cursor), "undecodable", &[&found.json()])
}

#[cfg(test)]
mod tests {
    use axum::extract::ws::Message as Frame;
    use bytes::Bytes;
    use proptest::prelude::*;
    use runbus::bus::delivery::lines;
    use runbus::id::{EventId, StreamId};
    use runbus::log::{self, Epoch, Sequence};
    use runbus::subject::Topic;
    use serde_json::{Value, json};

    use super::*;
    use crate::protocol::{Encoding, Events};

    const SOUND: &[u8] = br#"{"id":"01890a5d-ac96-774b-bcce-b302099a8057","type":"custom","stream_id":"s","data":{"a":"b"},"timestamp":"2026-01-01T00:00:00Z","x":"y"}"#;

    /// A sound line of which something was replaced.
    fn line() -> impl Strategy<Value = Vec<u8>> {
        let with = prop_oneof![
            prop::collection::vec(any::<u8>().prop_filter("one line", |byte| *byte != b'\n'), 0..4),
            Just(br#""\ud800""#.to_vec()),
            Just(br"\udc00".to_vec()),
            Just(b"1e999".to_vec()),
            Just(br#"{"$serde_json::private::RawValue":"[]"}"#.to_vec()),
            Just(vec![b'['; 300]),
            Just(b"\xff".to_vec()),
        ];
        (any::<prop::sample::Index>(), with, 0_usize..6).prop_map(|(at, with, cut)| {
            let (at, mut line) = (at.index(SOUND.len()), SOUND.to_vec());
            line.splice(at..(at + cut).min(SOUND.len()), with);
            line
        })
    }

    fn stored(lines: &[Vec<u8>]) -> Stored {
        let lines: Vec<Bytes> = lines.iter().cloned().map(Bytes::from).collect();
        Stored {
            topic: Topic::Events { stream: StreamId::new("s").unwrap(), node: None, execution: None },
            shard: Shard(0),
            sequence: Sequence(7),
            prev: None,
            stored_at: Timestamp::default(),
            frame: log::Frame::open(&lines),
            damage: None,
        }
    }

    /// The sound line as another event.
    fn sound() -> Vec<u8> {
        let line = std::str::from_utf8(SOUND).unwrap().replace("\"b\"", "\"the sound one\"");
        line.replace("01890a5d-ac96-774b-bcce-b302099a8057", &EventId::generate().to_string()).into_bytes()
    }

    fn value(frame: &Frame) -> Value {
        match frame {
            Frame::Text(text) => serde_json::from_str(text).unwrap(),
            Frame::Binary(bytes) => cbor4ii::serde::from_slice(bytes).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    proptest! {
        /// For any lines of a frame, each is delivered once, in order, and both forms have the same content.
        #[test]
        fn every_line_is_delivered_beside_any_others(mut damaged in prop::collection::vec(line(), 1..5), at in any::<prop::sample::Index>()) {
            let at = at.index(damaged.len() + 1);
            damaged.insert(at, sound());
            let stored = stored(&damaged);
            let entries: Vec<Entry> =
                lines(&stored, Epoch(1), 0).map(|line| Entry::line(&stored, &line, &Cursor::start())).collect();
            prop_assert_eq!(entries.len(), damaged.len());
            let texts: Vec<&Text> = entries.iter().map(|entry| entry.content.text()).collect();
            let [json, binary] = [Encoding::Json, Encoding::Cbor].map(|encoding| {
                let mut events = Events::begin(encoding, "sub", texts[0]);
                texts.iter().for_each(|text| events.add(text));
                value(&events.finish())
            });
            prop_assert_eq!(&json, &binary);
            prop_assert_eq!(&json["sub"], "sub");
            let said = json["events"].as_array().unwrap();
            prop_assert_eq!(said.len(), damaged.len());
            prop_assert_eq!(&said[at]["data"], &json!({ "a": "the sound one" }));
            for (text, said) in texts.iter().zip(said) {
                let stream = text.frame();
                let frame = std::str::from_utf8(&stream).unwrap().trim_end_matches('\n');
                prop_assert_eq!(frame.lines().count(), 3, "{}", frame);
                let data = frame.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
                prop_assert_eq!(&serde_json::from_str::<Value>(data).unwrap(), said);
            }
        }
    }
}
