//! Cursors: opaque, printable positions that a client hands back to resume.
//!
//! The text is base64url (no padding) of: a version byte, the number of positions, for each the shard (varint), the
//! shard's epoch (4 bytes), the sequence (varint) and the line (varint), then two check bytes. Clients must not look
//! inside.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits;
use crate::subject::Shard;

/// A place in one shard, counted from 1; 0 is before the first message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequence(pub u64);

impl Sequence {
    /// Behind every message.
    pub const MAX: Self = Self(u64::MAX);

    /// The next place.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The place before; 0 stays.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Identifies one incarnation of a shard: a log that was deleted and made again has another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Epoch(pub u32);

/// How far a reader has come in one shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The shard's incarnation.
    pub epoch: Epoch,
    /// The last frame that was read from, at least in part.
    pub sequence: Sequence,
    /// Lines of that frame that were read. `u32::MAX` says all.
    pub lines: u32,
}

impl Place {
    /// Behind the whole frame at `sequence`.
    #[must_use]
    pub const fn after(epoch: Epoch, sequence: Sequence) -> Self {
        Self { epoch, sequence, lines: u32::MAX }
    }

    /// Whether it stands behind `other`. In another incarnation it does.
    #[must_use]
    pub fn is_behind(self, other: Self) -> bool {
        self.epoch != other.epoch || (self.sequence, self.lines) > (other.sequence, other.lines)
    }

    /// The first frame that was not read whole.
    #[must_use]
    pub const fn unread(self) -> Sequence {
        if self.lines == u32::MAX { self.sequence.next() } else { self.sequence }
    }
}

/// How far a reader has come, in every shard that it reads.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Cursor {
    /// In order of the shards. Every event of a broad scope carries a copy of all of them: one piece of memory.
    places: Vec<(Shard, Place)>,
}

/// The text is no cursor that Runbus made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is no cursor: {0}")]
pub struct Invalid(&'static str);

const VERSION: u8 = 1;

impl Cursor {
    /// Before everything.
    #[must_use]
    pub fn start() -> Self {
        Self::default()
    }

    /// The place in a shard; `None`: nothing of it was read.
    #[must_use]
    pub fn place(&self, shard: Shard) -> Option<Place> {
        self.find(shard).ok().map(|at| self.places[at].1)
    }

    /// Moves the place in a shard.
    pub fn set(&mut self, shard: Shard, place: Place) {
        match self.find(shard) {
            Ok(at) => self.places[at].1 = place,
            Err(at) => self.places.insert(at, (shard, place)),
        }
    }

    fn find(&self, shard: Shard) -> Result<usize, usize> {
        self.places.binary_search_by_key(&shard, |(known, _)| *known)
    }

    /// The same with another place in one shard.
    #[must_use]
    pub fn with(&self, shard: Shard, place: Place) -> Self {
        let mut moved = self.clone();
        moved.set(shard, place);
        moved
    }

    /// All places.
    pub fn places(&self) -> impl Iterator<Item = (Shard, Place)> + '_ {
        self.places.iter().copied()
    }
}

impl Cursor {
    /// The text, which is what [`Display`](fmt::Display) shows.
    #[must_use]
    pub fn text(&self) -> String {
        let mut bytes = Vec::with_capacity(4 + 14 * self.places.len());
        bytes.push(VERSION);
        varint(&mut bytes, self.places.len() as u64);
        for (shard, place) in &self.places {
            varint(&mut bytes, u64::from(shard.0));
            bytes.extend_from_slice(&place.epoch.0.to_be_bytes());
            varint(&mut bytes, place.sequence.0);
            // All lines is the usual case: shift it to 0 so that it takes one byte.
            varint(&mut bytes, u64::from(place.lines.wrapping_add(1)));
        }
        let check = check(&bytes);
        bytes.extend_from_slice(&check);
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl FromStr for Cursor {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.len() > limits::CURSOR_BYTES {
            return Err(Invalid("too long"));
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_encoding| Invalid("no base64url"))?;
        let Some((body, found)) = bytes.split_last_chunk::<2>() else { return Err(Invalid("too short")) };
        if check(body) != *found {
            return Err(Invalid("check bytes differ"));
        }
        let [VERSION, rest @ ..] = body else { return Err(Invalid("unknown version")) };
        let mut rest = rest;
        let count = take_varint(&mut rest)?;
        let mut cursor = Self::default();
        for _ in 0..count {
            let shard =
                u16::try_from(take_varint(&mut rest)?).map_err(|_large| Invalid("shard out of range"))?;
            let Some((epoch, tail)) = rest.split_first_chunk::<4>() else { return Err(Invalid("cut short")) };
            rest = tail;
            let sequence = Sequence(take_varint(&mut rest)?);
            let lines =
                u32::try_from(take_varint(&mut rest)?).map_err(|_large| Invalid("line out of range"))?;
            let place =
                Place { epoch: Epoch(u32::from_be_bytes(*epoch)), sequence, lines: lines.wrapping_sub(1) };
            match cursor.find(Shard(shard)) {
                Ok(_) => return Err(Invalid("a shard twice")),
                Err(at) => cursor.places.insert(at, (Shard(shard), place)),
            }
        }
        if rest.is_empty() { Ok(cursor) } else { Err(Invalid("bytes left over")) }
    }
}

fn check(bytes: &[u8]) -> [u8; 2] {
    let crc = crc32fast::hash(bytes).to_be_bytes();
    [crc[0], crc[1]]
}

fn varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(u8::try_from(value & 0x7f).unwrap_or(0) | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap_or(0));
}

fn take_varint(bytes: &mut &[u8]) -> Result<u64, Invalid> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let Some((&byte, rest)) = bytes.split_first() else { return Err(Invalid("cut short")) };
        *bytes = rest;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            break;
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Invalid("number out of range"))
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn cursors_round_trip(places in proptest::collection::vec(any::<(u16, u32, u64, u32)>(), 0..9)) {
            let mut cursor = Cursor::start();
            for (shard, epoch, sequence, lines) in places {
                cursor.set(Shard(shard), Place { epoch: Epoch(epoch), sequence: Sequence(sequence), lines });
            }
            prop_assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
        }

        #[test]
        fn any_text_is_a_cursor_or_refused(text in "[A-Za-z0-9_-]{0,40}|\\PC{0,40}") {
            let _ = text.parse::<Cursor>();
        }

        #[test]
        fn a_changed_character_is_noticed(sequence in any::<u32>(), at in 0usize..8) {
            let cursor = Cursor::start().with(Shard(1), Place::after(Epoch(7), Sequence(u64::from(sequence))));
            let mut text = cursor.to_string().into_bytes();
            let at = at % text.len();
            text[at] = if text[at] == b'A' { b'B' } else { b'A' };
            prop_assert_ne!(String::from_utf8(text).unwrap().parse::<Cursor>(), Ok(cursor));
        }
    }

    #[test]
    fn one_execution_takes_few_bytes() {
        let cursor = Cursor::start().with(Shard(3), Place::after(Epoch(1), Sequence(1_000_000)));
        assert!(cursor.to_string().len() <= 18, "{cursor}");
    }
}
