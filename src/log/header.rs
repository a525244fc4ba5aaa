//! The header beside a frame's payload: `v=1, count=3, crc32=1a2b3c4d, epoch=2, index=17, journal=4`.
//!
//! One header, because each costs every process that the message passes through an entry of a map. The text is a dictionary of
//! structured fields (RFC 9651) for numbers; members that are not known are left to later versions.

use std::fmt::Write as _;

use super::frame::{Author, Damage};

/// The version of the frame format that this code writes.
pub const FORMAT: u32 = 1;

/// Header names, for adapters that carry headers beside the payload.
pub(super) mod name {
    /// Everything that this module writes.
    pub(in crate::log) const FRAME: &str = "Rb-Frame";
    /// W3C trace context.
    pub(in crate::log) const TRACEPARENT: &str = "traceparent";
    /// W3C trace context.
    pub(in crate::log) const TRACESTATE: &str = "tracestate";
}

/// The members of a frame's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) author: Author,
    pub(super) count: u32,
    pub(super) checksum: u32,
}

impl Header {
    /// The header's text.
    pub(super) fn write(&self) -> String {
        let mut text = String::with_capacity(80);
        let written = match self.author {
            Author::Open | Author::External => {
                write!(text, "v={FORMAT}, count={}, crc32={:08x}", self.count, self.checksum)
            }
            Author::Owner { epoch, index, journal } => write!(
                text,
                "v={FORMAT}, count={}, crc32={:08x}, epoch={epoch}, index={index}, journal={journal}",
                self.count, self.checksum
            ),
        };
        written.expect("writing to a string does not fail");
        text
    }

    /// Reads a header. Author and line count come even from a damaged header: the count decides the next index, for any payload.
    /// `is_external`: any publisher may have written the header, so its author does not count.
    pub(super) fn read(text: &str, is_external: bool) -> (Option<Author>, Option<u32>, Result<Self, Damage>) {
        let mut found = Members::default();
        for member in text.split(',') {
            if let Some((name, value)) = member.trim_ascii().split_once('=') {
                found.put(name, value);
            }
        }
        let author = if is_external { Ok(Author::External) } else { found.author() };
        (author.as_ref().ok().copied(), found.count, found.whole(author))
    }
}

/// Members as they were found: numbers or nothing.
#[derive(Debug, Default)]
struct Members {
    format: Option<u32>,
    count: Option<u32>,
    checksum: Option<u32>,
    epoch: Option<Option<u64>>,
    index: Option<u64>,
    journal: Option<u64>,
}

impl Members {
    fn put(&mut self, name: &str, value: &str) {
        match name {
            "v" => self.format = value.parse().ok(),
            "count" => self.count = value.parse().ok(),
            "crc32" => self.checksum = u32::from_str_radix(value, 16).ok(),
            "epoch" => self.epoch = Some(value.parse().ok()),
            "index" => self.index = value.parse().ok(),
            "journal" => self.journal = value.parse().ok(),
            _ => {}
        }
    }

    fn author(&self) -> Result<Author, Damage> {
        let Some(epoch) = self.epoch else { return Ok(Author::Open) };
        Ok(Author::Owner {
            epoch: epoch.ok_or(Damage::Header("epoch"))?,
            index: self.index.ok_or(Damage::Header("index"))?,
            journal: self.journal.ok_or(Damage::Header("journal"))?,
        })
    }

    fn whole(&self, author: Result<Author, Damage>) -> Result<Header, Damage> {
        let author = author?;
        let count = self.count.ok_or(Damage::Header("count"))?;
        let format = self.format.ok_or(Damage::Header("v"))?;
        if format != FORMAT {
            return Err(Damage::Format(format));
        }
        let checksum = self.checksum.ok_or(Damage::Header("crc32"))?;
        Ok(Header { author, count, checksum })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn authors() -> impl Strategy<Value = Author> {
        prop_oneof![
            Just(Author::Open),
            Just(Author::External),
            (any::<u64>(), any::<u64>(), any::<u64>()).prop_map(|(epoch, index, journal)| Author::Owner {
                epoch,
                index,
                journal
            }),
        ]
    }

    proptest! {
        #[test]
        fn headers_round_trip(author in authors(), count: u32, checksum: u32, later in "(, [a-u]{2,9}=[0-9]{1,4}){0,3}") {
            let header = Header { author, count, checksum };
            let is_external = author == Author::External;
            prop_assert_eq!(Header::read(&header.write(), is_external), (Some(author), Some(count), Ok(header)));
            prop_assume!(!["count=", "epoch=", "index="].iter().any(|known| later.contains(known)));
            let longer = header.write() + &later;
            prop_assert_eq!(Header::read(&longer, is_external).2, Ok(header), "{}", longer);
        }

        #[test]
        fn any_text_is_read(text in ".{0,80}") {
            let _ = Header::read(&text, false);
            // An external header never names an author of Runbus.
            prop_assert_eq!(Header::read(&text, true).0, Some(Author::External));
        }

        #[test]
        fn a_cut_header_is_not_sound(author in authors(), count: u32, checksum: u32, cut in 0usize..80) {
            let text = Header { author, count, checksum }.write();
            // The last number is shorter then, and still a number: the checksum, the fence and the index guard the rest.
            let last = text.rfind(", ").unwrap_or(0);
            let outcome = Header::read(&text[..cut.min(last)], author == Author::External).2;
            let as_open = matches!(outcome, Ok(Header { author: Author::Open | Author::External, .. }));
            prop_assert!(outcome.is_err() || as_open, "{:?}", outcome);
        }
    }

    #[test]
    fn later_formats_are_refused_with_their_number() {
        let (author, count, outcome) =
            Header::read("v=2, count=3, crc32=00000000, epoch=1, index=0, journal=0", false);
        assert_eq!((author, count), (Some(Author::Owner { epoch: 1, index: 0, journal: 0 }), Some(3)));
        assert_eq!(outcome, Err(Damage::Format(2)));
    }
}
