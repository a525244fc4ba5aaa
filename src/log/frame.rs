//! Frames: one message of the log, several events or entries of one topic, one JSON object a line.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::header::{Header, name};
use super::spread;
use crate::limits;

/// W3C trace context.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Trace {
    /// `traceparent`.
    #[serde(rename = "traceparent")]
    pub parent: String,
    /// `tracestate`.
    #[serde(rename = "tracestate", default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// The author of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Author {
    /// Somebody who is no part of Runbus: it decides nothing about what Runbus runs.
    External,
    /// Runbus, without being the key's owner: no index, no fence.
    Open,
    /// The key's owner.
    Owner {
        /// The owner's epoch, from 1.
        epoch: u64,
        /// The index of the first line in its key: 0, 1, 2, ... without holes.
        index: u64,
        /// How many journal entries the key's frames up to and with this one reflect.
        journal: u64,
    },
}

impl Author {
    /// Whether somebody who is no part of Runbus wrote it.
    #[must_use]
    pub const fn is_external(self) -> bool {
        matches!(self, Self::External)
    }
}

/// The place of a stored message: it decides which authors are possible; the message's own header does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Where Runbus writes: its events, journals and inboxes. A message without the frame's header is somebody else's: a plain
    /// publisher's, of a log from before there was a place for those or of a server without permissions, or an answer of the
    /// broker that a publisher had sent there.
    Runbus,
    /// Where anybody may publish.
    External,
}

/// One message of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The author.
    pub author: Author,
    /// The number of lines.
    pub count: u32,
    /// Trace context of the first event.
    pub trace: Option<Trace>,
    /// The lines, each a JSON object, separated by line feeds.
    pub payload: Bytes,
}

/// Why a stored message is no sound frame. Its payload is still delivered, as `undecodable`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// A member of the header is missing or no number.
    #[error("{0} is missing or malformed")]
    Header(&'static str),
    /// A later version wrote it.
    #[error("frame format {0} is not known")]
    Format(u32),
    /// The payload is not what was written.
    #[error("checksum {found:08x} differs from {expected:08x}")]
    Checksum {
        /// As the header says.
        expected: u32,
        /// As the payload is.
        found: u32,
    },
    /// The number of lines differs from the header.
    #[error("{found} lines instead of {expected}")]
    Count {
        /// As the header says.
        expected: u32,
        /// As the payload is.
        found: u32,
    },
}

fn join(lines: &[Bytes]) -> (u32, Bytes) {
    if let [line] = lines {
        return (1, line.clone());
    }
    let mut payload = Vec::with_capacity(lines.iter().map(|line| line.len() + 1).sum());
    for (n, line) in lines.iter().enumerate() {
        if n > 0 {
            payload.push(b'\n');
        }
        payload.extend_from_slice(line);
    }
    (u32::try_from(lines.len()).unwrap_or(u32::MAX), Bytes::from(payload))
}

impl Frame {
    /// A frame of Runbus's that needs no owner. Lines hold no line feed.
    #[must_use]
    pub fn open(lines: &[Bytes]) -> Self {
        let (count, payload) = join(lines);
        Self { author: Author::Open, count, trace: None, payload }
    }

    /// A frame of somebody who is no part of Runbus. Lines hold no line feed.
    #[must_use]
    pub fn external(lines: &[Bytes]) -> Self {
        Self { author: Author::External, ..Self::open(lines) }
    }

    /// A frame of a key's owner. Lines hold no line feed.
    #[must_use]
    pub fn owned(epoch: u64, index: u64, journal: u64, lines: &[Bytes]) -> Self {
        let (count, payload) = join(lines);
        Self { author: Author::Owner { epoch, index, journal }, count, trace: None, payload }
    }

    /// The lines; they share the payload's memory. An object that somebody else wrote over several lines is one.
    pub fn lines(&self) -> impl Iterator<Item = Bytes> + '_ {
        let whole = self.author.is_external().then(|| spread::whole(&self.payload)).flatten();
        let rest = if whole.is_some() { &[][..] } else { &self.payload[..] };
        let rest = rest
            .split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| self.payload.slice_ref(line));
        whole.into_iter().chain(rest)
    }

    /// CRC-32 of the payload.
    #[must_use]
    pub fn checksum(&self) -> u32 {
        crc32fast::hash(&self.payload)
    }

    /// Whether both are the same owner's frame: how an unknown outcome is resolved.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.author == other.author && self.count == other.count && self.payload == other.payload
    }

    /// The owner's epoch.
    #[must_use]
    pub const fn epoch(&self) -> Option<u64> {
        match self.author {
            Author::Open | Author::External => None,
            Author::Owner { epoch, .. } => Some(epoch),
        }
    }

    /// The index of the first line.
    #[must_use]
    pub const fn index(&self) -> Option<u64> {
        match self.author {
            Author::Open | Author::External => None,
            Author::Owner { index, .. } => Some(index),
        }
    }

    /// The headers to store beside the payload.
    #[must_use]
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let frame = Header { author: self.author, count: self.count, checksum: self.checksum() };
        let mut headers = vec![(name::FRAME, frame.write())];
        if let Some(trace) = &self.trace {
            headers.push((name::TRACEPARENT, trace.parent.clone()));
            if let Some(state) = &trace.state {
                headers.push((name::TRACESTATE, state.clone()));
            }
        }
        headers
    }

    /// Reads a stored message.
    ///
    /// The frame is returned even when it is damaged, so that its bytes can be delivered.
    pub fn read<'h>(
        payload: Bytes,
        origin: Origin,
        header: impl Fn(&'static str) -> Option<&'h str>,
    ) -> (Self, Option<Damage>) {
        // A frame without a header of Runbus is another author's.
        let mut frame = Self { author: Author::External, count: 0, trace: None, payload };
        frame.trace = header(name::TRACEPARENT)
            .map(|parent| Trace { parent: parent.into(), state: header(name::TRACESTATE).map(Into::into) });
        let found = u32::try_from(frame.lines().count()).unwrap_or(u32::MAX);
        frame.count = found;
        let damage = header(name::FRAME).and_then(|text| frame.fill(found, text, origin).err());
        (frame, damage)
    }

    fn fill(&mut self, found: u32, text: &str, origin: Origin) -> Result<(), Damage> {
        let (author, count, header) = Header::read(text, origin == Origin::External);
        self.author = author.unwrap_or(self.author);
        self.count = count.unwrap_or(self.count);
        let expected = header?.checksum;
        let checksum = self.checksum();
        if checksum != expected {
            return Err(Damage::Checksum { expected, found: checksum });
        }
        if self.count != found {
            return Err(Damage::Count { expected: self.count, found });
        }
        self.numbered()
    }

    /// Whether all lines of an owner have numbers.
    pub(crate) fn numbered(&self) -> Result<(), Damage> {
        let fits = self.index().is_none_or(|index| index.checked_add(u64::from(self.count)).is_some());
        if fits { Ok(()) } else { Err(Damage::Header("index")) }
    }
}

/// Whether one more line fits into a frame that holds `bytes` in `count` lines.
#[must_use]
pub const fn has_room(count: usize, bytes: usize, line: usize) -> bool {
    count == 0 || (count < limits::FRAME_EVENTS && bytes + 1 + line <= limits::FRAME_BYTES)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn store(frame: &Frame) -> HashMap<&'static str, String> {
        frame.headers().into_iter().collect()
    }

    proptest! {
        #[test]
        fn frames_round_trip(
            lines in proptest::collection::vec("\\{\"[a-z]{0,9}\":[0-9]\\}", 1..20),
            owner in proptest::option::of((1u64.., 0u64..=u64::MAX - 20, 0u64..)),
            is_external: bool,
            trace in proptest::option::of("[0-9a-f-]{10,20}"),
        ) {
            let lines: Vec<Bytes> = lines.into_iter().map(Bytes::from).collect();
            let mut frame = match owner {
                Some((epoch, index, journal)) => Frame::owned(epoch, index, journal, &lines),
                None if is_external => Frame::external(&lines),
                None => Frame::open(&lines),
            };
            let origin = if frame.author.is_external() { Origin::External } else { Origin::Runbus };
            frame.trace = trace.map(|parent| Trace { parent, state: None });
            let headers = store(&frame);
            let (back, damage) = Frame::read(frame.payload.clone(), origin, |name| headers.get(name).map(String::as_str));
            prop_assert_eq!(damage, None);
            prop_assert_eq!(back.lines().collect::<Vec<_>>(), lines);
            prop_assert!(back.is_same(&frame));
            prop_assert_eq!(back, frame);
        }

        #[test]
        fn any_headers_and_bytes_give_a_frame(
            payload in proptest::collection::vec(any::<u8>(), 0..60),
            text in "(v|count|crc32|epoch|index|journal)=[0-9a-f]{0,12}(, (v|count|crc32|epoch|index|journal)=[0-9a-f]{0,12}){0,6}",
        ) {
            let header = |asked| (asked == super::name::FRAME).then_some(text.as_str());
            let (frame, _) = Frame::read(Bytes::from(payload.clone()), Origin::Runbus, header);
            prop_assert_eq!(&frame.payload, &payload);
            let (frame, _) = Frame::read(Bytes::from(payload.clone()), Origin::External, header);
            prop_assert_eq!((frame.author, frame.payload), (Author::External, Bytes::from(payload)));
        }
    }

    #[test]
    fn numbers_that_do_not_fit_are_damage() {
        for (index, count, fits) in [(u64::MAX, 1, false), (u64::MAX - 1, 2, false), (u64::MAX - 1, 1, true)]
        {
            let lines = vec![Bytes::from_static(b"{}"); count];
            let frame = Frame::owned(1, index, 0, &lines);
            let headers = store(&frame);
            let header = |name| headers.get(name).map(String::as_str);
            let (_, damage) = Frame::read(frame.payload.clone(), Origin::Runbus, header);
            assert_eq!(damage.is_none(), fits, "{index} {count}");
        }
    }

    /// The broker writes its answers without headers, wherever the asker has them sent.
    #[test]
    fn a_message_without_a_header_is_not_of_runbus() {
        let answer = Bytes::from_static(b"{\"stream\":\"RB_EV_0\",\"seq\":7}");
        let (frame, damage) = Frame::read(answer.clone(), Origin::Runbus, |_name| None);
        assert_eq!((frame.author, frame.count, damage), (Author::External, 1, None));
        assert_eq!(frame.payload, answer);
    }

    #[test]
    fn changed_payloads_are_noticed() {
        let frame = Frame::owned(1, 0, 0, &[Bytes::from_static(b"{}")]);
        let headers = store(&frame);
        let (_, damage) = Frame::read(Bytes::from_static(b"[]"), Origin::Runbus, |name| {
            headers.get(name).map(String::as_str)
        });
        assert!(matches!(damage, Some(Damage::Checksum { .. })));
    }
}
