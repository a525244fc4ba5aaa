//! Where a page ends: opaque text that a client hands back for the next page.
//!
//! The text is base64url (no padding) of a version byte, the list's letter, the order's letter, the time, the entry's id, then two check
//! bytes. Clients must not look inside.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::limits;
use crate::store::index::{Direction, Family, Place};

const VERSION: u8 = 1;

/// The text is no position of this list in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no cursor of this list in this order: pass the `next` of a page of the same query")]
pub struct Invalid;

const fn letter(direction: Direction) -> u8 {
    match direction {
        Direction::Newest => b'n',
        Direction::Oldest => b'o',
    }
}

fn check(bytes: &[u8]) -> [u8; 2] {
    let crc = crc32fast::hash(bytes).to_be_bytes();
    [crc[0], crc[1]]
}

pub(super) fn encode(family: Family, direction: Direction, place: &Place) -> String {
    // Letters of families are ASCII.
    let family = u8::try_from(family.letter()).unwrap_or_default();
    let mut bytes = vec![VERSION, family, letter(direction)];
    bytes.extend_from_slice(&place.at.to_be_bytes());
    bytes.extend_from_slice(place.id.as_bytes());
    let check = check(&bytes);
    bytes.extend_from_slice(&check);
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn decode(family: Family, direction: Direction, text: &str) -> Result<Place, Invalid> {
    if text.len() > limits::CURSOR_BYTES {
        return Err(Invalid);
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_encoding| Invalid)?;
    let (body, found) = bytes.split_last_chunk::<2>().ok_or(Invalid)?;
    if check(body) != *found {
        return Err(Invalid);
    }
    let (head, rest) = body.split_first_chunk::<3>().ok_or(Invalid)?;
    if *head != [VERSION, u8::try_from(family.letter()).unwrap_or_default(), letter(direction)] {
        return Err(Invalid);
    }
    let (at, id) = rest.split_first_chunk::<8>().ok_or(Invalid)?;
    let id = String::from_utf8(id.to_vec()).map_err(|_utf8| Invalid)?;
    Ok(Place { at: i64::from_be_bytes(*at), id })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn positions_round_trip(at in any::<i64>(), id in "\\PC{0,20}", n in 0usize..4) {
            let (family, place) = (Family::ALL[n], Place { at, id });
            let text = encode(family, Direction::Oldest, &place);
            prop_assert_eq!(decode(family, Direction::Newest, &text), Err(Invalid));
            prop_assert_eq!(decode(Family::ALL[(n + 1) % 4], Direction::Oldest, &text), Err(Invalid));
            prop_assert_eq!(decode(family, Direction::Oldest, &text), Ok(place));
        }

        #[test]
        fn any_text_is_a_position_or_refused(text in "[A-Za-z0-9_-]{0,40}|\\PC{0,40}") {
            let _ = decode(Family::Executions, Direction::Newest, &text);
        }
    }
}
