//! Stored messages become frames.

use async_nats::{HeaderMap, Message, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;

use super::check::header as expected;
use super::names::Names;
use crate::log::{Frame, Origin, Sequence, Stored};
use crate::subject::{Lane, Shard, Topic};

pub(super) const SUBJECT: &str = "Nats-Subject";
pub(super) const SEQUENCE: &str = "Nats-Sequence";
const STORED_AT: &str = "Nats-Time-Stamp";

/// Where a message was stored, as the broker tells.
pub(super) struct Place<'a> {
    pub(super) lane: Lane,
    pub(super) shard: Shard,
    pub(super) subject: &'a str,
    pub(super) sequence: u64,
    pub(super) stored_at: &'a str,
}

/// The frame of a stored message.
pub(super) fn stored<'h>(
    names: &Names,
    place: &Place<'_>,
    payload: Bytes,
    header: impl Fn(&'static str) -> Option<&'h str>,
) -> Stored {
    let (topic, origin) = names.topic(place.lane, place.shard, place.subject);
    of_topic(place, topic, origin, payload, header)
}

/// The same, when the topic is known.
fn of_topic<'h>(
    place: &Place<'_>,
    topic: Topic,
    origin: Origin,
    payload: Bytes,
    header: impl Fn(&'static str) -> Option<&'h str>,
) -> Stored {
    // Of what anybody may publish nothing is believed.
    let prev = if origin == Origin::External { None } else { prev(place, &topic, &header) };
    let (frame, damage) = Frame::read(payload, origin, header);
    Stored {
        topic,
        shard: place.shard,
        sequence: Sequence(place.sequence),
        prev,
        stored_at: place.stored_at.parse().unwrap_or_default(),
        frame,
        damage,
    }
}

/// The broker stores only what it has checked, so the expectation is the truth, if it was over the whole key.
fn prev<'h>(
    place: &Place<'_>,
    topic: &Topic,
    header: &impl Fn(&'static str) -> Option<&'h str>,
) -> Option<Sequence> {
    let sequence = header(expected::EXPECTED)?.parse().ok()?;
    let checked = header(expected::EXPECTED_SUBJECT).unwrap_or(place.subject);
    is_whole_key(topic, place.subject, checked).then_some(Sequence(sequence))
}

/// Whether `checked` is the pattern of a topic's key, as [`crate::subject::Key::pattern`] makes it: its subject, for an execution
/// over all nodes and with external events. A narrower check proves nothing about external events.
fn is_whole_key(topic: &Topic, subject: &str, checked: &str) -> bool {
    match topic {
        Topic::Journal(_) | Topic::Inbox(_) => subject == checked,
        Topic::Events { execution: Some(_), .. } => {
            let over_all = || {
                let (head, execution) = subject.rsplit_once('.')?;
                let (head, _node) = head.rsplit_once('.')?;
                // `<prefix>.ev.<shard>.<stream>`, checked over `<prefix>.*.<shard>.<stream>`.
                let (head, stream) = head.rsplit_once('.')?;
                let (head, shard) = head.rsplit_once('.')?;
                let (prefix, _lane) = head.rsplit_once('.')?;
                let rest = checked.strip_prefix(prefix)?.strip_prefix(".*.")?;
                let rest = rest.strip_prefix(shard)?.strip_prefix('.')?.strip_prefix(stream)?;
                Some(rest.strip_prefix(".*.")? == execution)
            };
            over_all() == Some(true)
        }
        Topic::Events { execution: None, .. } | Topic::Opaque(..) => false,
    }
}

/// The topic of the previous message: most consecutive messages of a narrow feed, or of a page of one execution, share it.
#[derive(Debug, Default)]
pub(super) struct Last(Option<(Box<str>, Topic, Origin)>);

impl Last {
    fn topic(&mut self, names: &Names, lane: Lane, shard: Shard, subject: &str) -> (Topic, Origin) {
        match &self.0 {
            Some((known, topic, origin)) if **known == *subject => (topic.clone(), *origin),
            _ => {
                let (topic, origin) = names.topic(lane, shard, subject);
                self.0 = Some((subject.into(), topic.clone(), origin));
                (topic, origin)
            }
        }
    }
}

/// A message of the live feed, or an answer of direct get.
pub(super) fn message(
    names: &Names,
    last: &mut Last,
    lane: Lane,
    shard: Shard,
    message: Message,
) -> Option<Stored> {
    let headers = message.headers?;
    let header = |name: &'static str| get(&headers, name);
    let place = Place {
        lane,
        shard,
        subject: by_broker(&headers, SUBJECT)?,
        sequence: by_broker(&headers, SEQUENCE)?.parse().ok()?,
        stored_at: by_broker(&headers, STORED_AT)?,
    };
    let (topic, origin) = last.topic(names, lane, shard, place.subject);
    Some(of_topic(&place, topic, origin, message.payload, header))
}

/// A header that the publisher wrote.
fn get<'h>(headers: &'h HeaderMap, name: &'static str) -> Option<&'h str> {
    headers.get(name).map(async_nats::HeaderValue::as_str)
}

/// A header that the broker added on delivery: the last one of its name. It stands behind those that the publisher wrote, which may have
/// the same names.
pub(super) fn by_broker<'h>(headers: &'h HeaderMap, name: &'static str) -> Option<&'h str> {
    headers.get_last(name).map(async_nats::HeaderValue::as_str)
}

/// The broker's status of an answer. A stored message has none, even if its publisher wrote one: the broker adds its sequence. The
/// subject alone does not tell: nats-server 2.15 puts it into the status of a request that nobody answers.
pub(super) fn status(message: &Message) -> Option<StatusCode> {
    let is_stored = message.headers.as_ref().is_some_and(|headers| by_broker(headers, SEQUENCE).is_some());
    message.status.filter(|_| !is_stored)
}

/// The leader's answer to a direct read.
#[derive(Debug, Deserialize)]
pub(super) struct Raw {
    subject: String,
    seq: u64,
    #[serde(default)]
    hdrs: String,
    #[serde(default)]
    data: String,
    time: String,
}

/// An answer of the leader; `None` when it is garbled.
pub(super) fn raw(names: &Names, lane: Lane, shard: Shard, raw: &Raw) -> Option<Stored> {
    let payload = STANDARD.decode(&raw.data).ok()?;
    let text = String::from_utf8(STANDARD.decode(&raw.hdrs).ok()?).ok()?;
    let headers: Vec<(&str, &str)> = text
        .split("\r\n")
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .map(|(k, v)| (k, v.trim()))
        .collect();
    let header = |name: &'static str| headers.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
    let place = Place { lane, shard, subject: &raw.subject, sequence: raw.seq, stored_at: &raw.time };
    Some(stored(names, &place, payload.into(), header))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Author;

    fn read_at(subject: &str, headers: &str, data: &[u8]) -> Stored {
        let message = Raw {
            subject: subject.into(),
            seq: 7,
            hdrs: STANDARD.encode(headers),
            data: STANDARD.encode(data),
            time: "2026-11-21T05:56:24.320711913Z".into(),
        };
        raw(&Names::new("rb"), Lane::Events, Shard(2), &message).unwrap()
    }

    #[test]
    fn prev_is_known_only_by_a_check_over_the_whole_key() {
        let checked = "Nats-Expected-Last-Subject-Sequence: 5\r\n";
        let of = |at: &str, over: &str| {
            let line = format!("Nats-Expected-Last-Subject-Sequence-Subject: {over}\r\n");
            read_at(at, &format!("NATS/1.0\r\n{checked}{line}\r\n"), b"{}").prev
        };
        let over = |subject: &str| of("rb.ev.2.s.n.x", subject);
        assert_eq!(over("rb.*.2.s.*.x"), Some(Sequence(5)));
        assert_eq!(of("rb.ext.2.s.n.x", "rb.*.2.s.*.x"), None, "anybody may write that");
        for other in [
            "rb.ev.2.s.n.x",
            // As earlier versions wrote it: it proves nothing about external events.
            "rb.ev.2.s.*.x",
            "rb.*.2.s.*.y",
            "rb.*.2.s.*.yx",
            "rb.*.2.s.*.y.x",
            "rb.*.2.t.*.x",
            "rb.*.3.s.*.x",
            "rb.*.2.s.>",
            "rb.*.2.*.*.x",
            "x",
            "",
        ] {
            assert_eq!(over(other), None, "{other}");
        }
        assert_eq!(
            read_at("rb.ev.2.s.n.x", &format!("NATS/1.0\r\n{checked}\r\n"), b"{}").prev,
            None,
            "only its own node"
        );
    }

    /// The subject decides who wrote a frame; a header can only say less.
    #[test]
    fn the_subject_says_who_wrote_a_frame() {
        let author = |subject, header: &str| {
            let stored = read_at(subject, header, b"{\"a\":1}\n{}");
            assert_eq!((stored.frame.count, stored.damage), (2, None), "{header}");
            assert_eq!(stored.stored_at.to_string(), "2026-11-21T05:56:24.320711Z");
            stored.frame.author
        };
        let crc = format!("{:08x}", crc32fast::hash(b"{\"a\":1}\n{}"));
        let owner = format!(
            "NATS/1.0\r\nRb-Frame: v=1, count=2, crc32={crc}, epoch=9223372036854775808, index=0, journal=0\r\n\r\n"
        );
        let open = format!("NATS/1.0\r\nRb-Frame: v=1, count=2, crc32={crc}\r\n\r\n");
        let (ours, theirs) = ("rb.ev.2.s.n.x", "rb.ext.2.s.n.x");
        assert_eq!(author(ours, &owner), Author::Owner { epoch: 1 << 63, index: 0, journal: 0 });
        assert_eq!(author(ours, &open), Author::Open);
        assert_eq!(author(ours, ""), Author::External, "a plain publisher without permissions");
        for header in [&owner, &open, ""] {
            assert_eq!(author(theirs, header), Author::External, "{header}");
        }
    }
}
