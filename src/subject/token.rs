//! One id, one subject token: readable when the id is plain, percent-encoded where it is not.
//!
//! `A-Z a-z 0-9 - _` stand for themselves; every other byte of the UTF-8 becomes `%XX` with upper-case digits. The id
//! `_` becomes `%5F`, because the token `_` says "none".

use std::borrow::Cow;
use std::fmt::Write;

/// Stands for "no node" or "no execution".
pub const NONE: &str = "_";

/// The text is no token that [`encode`] makes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is empty or the reserved token.
    #[error("is empty or reserved")]
    Reserved,
    /// A byte stands for itself that must be encoded, or the other way round, or an escape is cut or in lower case.
    #[error("is not canonically encoded at byte {at}")]
    NotCanonical {
        /// Where.
        at: usize,
    },
    /// The decoded bytes are no UTF-8.
    #[error("is no UTF-8")]
    NotUtf8,
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// The token of an id.
#[must_use]
pub fn encode(id: &str) -> Cow<'_, str> {
    if id == NONE {
        return "%5F".into();
    }
    if id.bytes().all(is_plain) {
        return id.into();
    }
    let mut token = String::with_capacity(id.len());
    for byte in id.bytes() {
        if is_plain(byte) {
            token.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(token, "%{byte:02X}");
        }
    }
    token.into()
}

/// The id of a token; refuses every text that [`encode`] would not have made.
///
/// # Errors
/// See [`Error`].
pub fn decode(token: &str) -> Result<Cow<'_, str>, Error> {
    if token.is_empty() || token == NONE {
        return Err(Error::Reserved);
    }
    if token.bytes().all(is_plain) {
        return Ok(token.into());
    }
    let bytes = token.as_bytes();
    let mut id = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'%' => {
                let byte = escape(bytes, at).ok_or(Error::NotCanonical { at })?;
                if is_plain(byte) && token != "%5F" {
                    return Err(Error::NotCanonical { at });
                }
                id.push(byte);
                at += 3;
            }
            byte if is_plain(byte) => {
                id.push(byte);
                at += 1;
            }
            _ => return Err(Error::NotCanonical { at }),
        }
    }
    String::from_utf8(id).map(Cow::from).map_err(|_bytes| Error::NotUtf8)
}

fn escape(bytes: &[u8], at: usize) -> Option<u8> {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'A'..=b'F' => Some(b - b'A' + 10),
        _ => None,
    };
    Some(digit(*bytes.get(at + 1)?)? << 4 | digit(*bytes.get(at + 2)?)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn examples() {
        for (id, token) in [
            ("master_agent", "master_agent"),
            ("a.b c", "a%2Eb%20c"),
            ("*>", "%2A%3E"),
            ("_", "%5F"),
            ("__", "__"),
            ("ü%", "%C3%BC%25"),
        ] {
            assert_eq!(encode(id), token);
            assert_eq!(decode(token).unwrap(), id);
        }
        for bad in ["", "_", "a.b", "%", "%4", "%c3%bc", "%41", "a b", "%FF", "ü"] {
            assert!(decode(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn ids_round_trip(id in "[\\s\\S]{1,40}") {
            let token = encode(&id);
            prop_assert!(token.bytes().all(|b| is_plain(b) || b == b'%'));
            prop_assert_eq!(decode(&token).unwrap(), &*id);
        }

        #[test]
        fn a_decodable_token_is_canonical(token in "[a-zA-Z0-9%_.* -]{0,24}") {
            if let Ok(id) = decode(&token) {
                prop_assert_eq!(&*encode(&id), &*token);
            }
        }
    }
}
