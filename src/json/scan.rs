//! Looks at a text before the parser does: size, depth, reserved keys. One pass, no recursion, no allocation.

use memchr::{memchr2, memmem};

use super::error::Fault;
use super::key;
use crate::limits;

/// Checks a text that is about to be parsed.
///
/// It need not be JSON: as far as it is, the scan and the parser see the same strings and brackets, and the parser stops where
/// it is not.
///
/// # Errors
/// See [`Fault`].
pub fn check(text: &[u8]) -> Result<(), Fault> {
    check_within(text, limits::JSON_DEPTH)
}

/// The same with a smaller limit on the depth.
///
/// # Errors
/// See [`Fault`].
pub fn check_within(text: &[u8], limit: usize) -> Result<(), Fault> {
    if text.len() > limits::JSON_BYTES {
        return Err(Fault::TooLarge { bytes: text.len() });
    }
    if is_plain(text, limit) {
        return Ok(());
    }
    let depth = exactly(text, Depth::default())?.deepest;
    if depth > limit { Err(Fault::TooDeep { depth, limit }) } else { Ok(()) }
}

/// Where the first value of a text ends that begins with `{` or `[`; `None`: it does not end.
pub(super) fn end_of_first(text: &[u8]) -> Option<usize> {
    exactly(text, Depth { first_only: true, ..Depth::default() }).ok()?.end
}

/// Whether a text can be neither too deep nor hold a reserved key. Most texts are; telling so costs a small part of parsing.
fn is_plain(text: &[u8], limit: usize) -> bool {
    let (mut opened, mut escapes, mut marked) = (0, 0, 0);
    // Sums of one byte each: the compiler makes vector instructions of them.
    for chunk in text.chunks(128) {
        let (mut opened_here, mut escapes_here, mut marked_here) = (0_u8, 0_u8, 0_u8);
        for byte in chunk {
            // `[` and `{` differ in this bit alone, and no other character becomes `{` by it.
            opened_here += u8::from(byte | 0x20 == b'{');
            escapes_here |= u8::from(*byte == b'\\');
            marked_here |= u8::from(*byte == b'$');
        }
        opened += usize::from(opened_here);
        escapes |= escapes_here;
        marked |= marked_here;
    }
    // A reserved key begins with `$`, which JSON spells in two ways only: its code has no letters.
    opened <= limit && marked == 0 && (escapes == 0 || memmem::find(text, br"\u0024").is_none())
}

/// The depth seen so far in a pass over a text.
#[derive(Debug, Default)]
struct Depth {
    now: usize,
    deepest: usize,
    /// Stop behind the first value.
    first_only: bool,
    end: Option<usize>,
}

/// Follows strings and brackets.
fn exactly(text: &[u8], mut depth: Depth) -> Result<Depth, Fault> {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => {
                depth.now += 1;
                depth.deepest = depth.deepest.max(depth.now);
            }
            b'}' | b']' => {
                depth.now = depth.now.saturating_sub(1);
                if depth.first_only && depth.now == 0 {
                    depth.end = Some(at);
                    return Ok(depth);
                }
            }
            b'"' => {
                let end = end_of_string(text, at);
                let inside = &text[at..end.min(text.len())];
                at = end + 1;
                if matches!(inside.first(), Some(b'$' | b'\\'))
                    && key::is_reserved_spelling(inside)
                    && is_key(text, at)
                {
                    return Err(Fault::Reserved { key: key::shown(&String::from_utf8_lossy(inside)) });
                }
            }
            _ => {}
        }
    }
    Ok(depth)
}

/// Where a string that begins at `from` is closed; the text's end when it is not.
fn end_of_string(text: &[u8], mut from: usize) -> usize {
    while let Some(found) = text.get(from..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        if text[from + found] == b'"' {
            return from + found;
        }
        from += found + 2;
    }
    text.len()
}

/// Whether the string that ends before `at` is a key.
fn is_key(text: &[u8], at: usize) -> bool {
    let rest = text.get(at..).unwrap_or_default();
    rest.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n')) == Some(&b':')
}
