//! Keys that mean something to the parser, in every spelling.

/// How all of them begin.
pub(super) const RESERVED: &str = "$serde_json::private::";

/// The longest part of such a key that an error repeats, in bytes.
const SHOWN_BYTES: usize = 64;

/// Whether a key, as its text says it, is reserved.
pub(super) fn is_reserved(key: &str) -> bool {
    key.starts_with(RESERVED)
}

/// Whether a key, as it stands between its quotation marks, is reserved: escapes are read.
pub(super) fn is_reserved_spelling(raw: &[u8]) -> bool {
    let mut rest = raw;
    RESERVED.bytes().all(|wanted| match next(rest) {
        Some((byte, after)) if byte == wanted => {
            rest = after;
            true
        }
        _ => false,
    })
}

/// A key for an error.
pub(super) fn shown(key: &str) -> String {
    key[..key.floor_char_boundary(SHOWN_BYTES)].to_owned()
}

/// The first character, if it is ASCII, and the rest.
fn next(raw: &[u8]) -> Option<(u8, &[u8])> {
    match raw {
        [b'\\', b'u', a, b, c, d, rest @ ..] => {
            let digits = [*a, *b, *c, *d];
            let code = u32::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?;
            u8::try_from(code).ok().filter(u8::is_ascii).map(|byte| (byte, rest))
        }
        // Of the short escapes only these stand for themselves, and no reserved key has another.
        [b'\\', byte @ (b'/' | b'"' | b'\\'), rest @ ..] => Some((*byte, rest)),
        [b'\\', ..] | [] => None,
        [byte, rest @ ..] => byte.is_ascii().then_some((*byte, rest)),
    }
}
