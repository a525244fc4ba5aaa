//! Which stored lines readers may be given as events: decided here, once, for every reader and every form.
//!
//! JSON parsers differ in what they refuse. Bytes that are no UTF-8 in a field that nobody reads, half of a surrogate pair, a number
//! that no float holds, or more levels than a parser's stack has pass one of them and stop another. A [`SoundLine`] passes all.

use std::fmt;
use std::ops::Deref;

use bytes::Bytes;
use bytestring::ByteString;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::limits;

/// A line of JSON that every parser decodes: UTF-8, bounded in size and depth, with texts and numbers that have a value.
#[derive(Clone, PartialEq, Eq)]
pub struct SoundLine(ByteString);

/// Why a line is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsound {
    /// It is larger than any event.
    #[error("the line has {bytes} bytes, the limit of an event is {limit}", limit = limits::EVENT_BYTES)]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// It is no text.
    #[error("the bytes at {at} are not UTF-8")]
    NotUtf8 {
        /// Where the first of them stands.
        at: usize,
    },
    /// Its arrays and objects are nested too deeply.
    #[error("more than {limit} levels are nested", limit = limits::EVENT_DEPTH)]
    TooDeep,
    /// A text, a number or a key has no value.
    #[error("{0}")]
    Value(String),
}

/// Keys that begin like this have a meaning of their own to a widely used parser, which reads what stands there as something else.
const RESERVED: &str = "$serde_json::private::";

/// Digits in a row that may make a number too large for a float even without an exponent.
const LONG_NUMBER: usize = 300;

impl SoundLine {
    /// Checks a line. Whether it has the syntax of JSON is found out by [`super::Head::decode`], which reads all of it.
    ///
    /// # Errors
    /// See [`Unsound`].
    pub fn check(line: Bytes) -> Result<Self, Unsound> {
        if line.len() > limits::EVENT_BYTES {
            return Err(Unsound::TooLarge { bytes: line.len() });
        }
        let not_utf8 = |error: std::str::Utf8Error| Unsound::NotUtf8 { at: error.valid_up_to() };
        let line = Self(ByteString::try_from(line).map_err(not_utf8)?);
        if is_doubtful(&line)? {
            crate::json::from_str::<Decoded>(&line).map_err(|error| Unsound::Value(error.to_string()))?;
        }
        Ok(line)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same memory as bytes.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0.into_bytes()
    }
}

impl Deref for SoundLine {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SoundLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

/// Looks through a line once. Whether something is in it that only decoding can judge; nearly no line has that.
fn is_doubtful(line: &str) -> Result<bool, Unsound> {
    let bytes = line.as_bytes();
    let (mut at, mut depth, mut digits, mut doubtful) = (0, 0_usize, 0, false);
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => {
                let (end, is_odd) = text(bytes, at);
                (at, doubtful) = (end, doubtful || is_odd);
            }
            b'{' | b'[' => {
                depth += 1;
                if depth > limits::EVENT_DEPTH {
                    return Err(Unsound::TooDeep);
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'0'..=b'9' => {
                digits += 1;
                doubtful |= digits >= LONG_NUMBER;
                continue;
            }
            // An exponent; `true` and `false` have no digit before theirs.
            b'e' | b'E' => doubtful |= digits > 0,
            _ => {}
        }
        digits = 0;
    }
    Ok(doubtful)
}

/// The place behind a text that begins at `at`, and whether only decoding can judge it.
fn text(bytes: &[u8], mut at: usize) -> (usize, bool) {
    let rest = bytes.get(at..).unwrap_or_default();
    let mut is_odd = rest.starts_with(b"$") || rest.starts_with(b"\\u0024");
    while let Some(found) = memchr::memchr2(b'"', b'\\', bytes.get(at..).unwrap_or_default()) {
        at += found;
        if bytes[at] == b'"' {
            return (at + 1, is_odd);
        }
        // A surrogate is `\ud800` to `\udfff`: each of a pair must have the other.
        is_odd |= matches!(bytes.get(at + 1..at + 3), Some([b'u', b'd' | b'D']));
        at += 2;
    }
    (bytes.len(), is_odd)
}

/// JSON that was decoded to its last text and number, and not kept.
struct Decoded;

impl<'de> Deserialize<'de> for Decoded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Decode)
    }
}

struct Decode;

macro_rules! scalars {
    ($($visit:ident: $kind:ty),*) => {
        $(fn $visit<E>(self, _: $kind) -> Result<Decoded, E> { Ok(Decoded) })*
    };
}

impl<'de> Visitor<'de> for Decode {
    type Value = Decoded;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    scalars!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_unit<E>(self) -> Result<Decoded, E> {
        Ok(Decoded)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Decoded, A::Error> {
        while items.next_element::<Decoded>()?.is_some() {}
        Ok(Decoded)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Decoded, A::Error> {
        while fields.next_key::<Key>()?.is_some() {
            fields.next_value::<Decoded>()?;
        }
        Ok(Decoded)
    }
}

/// A key that is not reserved.
struct Key;

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::deserialize(deserializer, |key| {
            if key.starts_with(RESERVED) { Err(format!("the key {key:?} is reserved")) } else { Ok(Self) }
        })
        .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn check(line: &[u8]) -> Result<SoundLine, Unsound> {
        SoundLine::check(Bytes::copy_from_slice(line))
    }

    #[test]
    fn a_line_that_one_parser_refuses_is_unsound() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels)).into_bytes();
        for bad in [
            &b"{\"a\":\"\xff\"}"[..],
            b"{\"\xc3\":1}",
            br#"{"a":"\ud800"}"#,
            br#"{"a":"\uDC00\ud800"}"#,
            br#"{"\udc00":1}"#,
            br#"{"a":[1e999]}"#,
            br#"{"a":-1E400}"#,
            br#"{"$serde_json::private::RawValue":"1"}"#,
            br#"{"a":[{"\u0024serde_json::private::RawValue":"1"}]}"#,
            br#"{"$\u0073erde_json::private::Number":"1"}"#,
            &[b"{\"a\":1".as_slice(), &[b'0'; 400], b"}"].concat(),
            &deep(limits::EVENT_DEPTH + 1),
            &vec![b' '; limits::EVENT_BYTES + 1],
        ] {
            check(bad).unwrap_err();
        }
        for good in [
            &br#"{"a":"\ud83d\ude00","b":"\\ud800","c":1e9,"d":"1e999","$e":"$f"}"#[..],
            br#"{"$serde_json":{"private":"$serde_json::private::RawValue"}}"#,
            &deep(limits::EVENT_DEPTH),
            &vec![b' '; limits::EVENT_BYTES],
            b"",
        ] {
            check(good).unwrap();
        }
    }

    /// JSON whose texts, numbers and keys are such as parsers disagree about.
    fn odd() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            r#""(\\u[dD][89a-fA-F][0-9]{2}|\\u0024|\$|serde_json::private::RawValue|\\"|\\\\|e|[a-z ]){0,4}""#,
            r"-?[1-9][0-9]{0,3}(\.[0-9]{1,3})?([eE][+-]?[0-9]{1,3})?",
            "true|false|null",
        ];
        let key = r#""(\$|\\u0024|\\u[dD]800)?(serde_json::private::)?[a-z]{0,3}""#;
        leaf.prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
                prop::collection::vec((key, inner), 0..4).prop_map(|fields| {
                    let fields: Vec<String> =
                        fields.iter().map(|(key, value)| format!("{key}:{value}")).collect();
                    format!("{{{}}}", fields.join(", "))
                }),
            ]
        })
    }

    proptest! {
        /// The look through the line and the decoding of all of it come to the same.
        #[test]
        fn nothing_that_decoding_refuses_is_sound(json in odd()) {
            let decoded = serde_json::from_str::<Decoded>(&json);
            prop_assert_eq!(check(json.as_bytes()).is_ok(), decoded.is_ok(), "{}", json);
            if decoded.is_ok() {
                serde_json::from_str::<Value>(&json).unwrap();
            }
        }

        #[test]
        fn any_bytes_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = check(&bytes);
        }
    }
}
