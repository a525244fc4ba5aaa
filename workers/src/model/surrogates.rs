//! JSON with halves of characters: `\ud83d` alone, as providers send when they cut an emoji in two.

use std::borrow::Cow;

use runbus::json;
use serde_json::Value;

/// Parses a text; each half of a character becomes U+FFFD.
///
/// # Errors
/// It is not JSON, or over a limit of [`runbus::json`].
pub(super) fn parse(text: &str) -> Result<Value, json::Error> {
    match json::from_str(text) {
        Err(error @ json::Error::Parse(_)) => match replace(text) {
            Cow::Owned(replaced) => {
                let count = replaced.matches("\\ufffd").count() - text.matches("\\ufffd").count();
                tracing::debug!(count, "halves of characters in a provider's answer are replaced");
                runbus::metrics::worker::HALVES.add(u64::try_from(count).unwrap_or(u64::MAX));
                json::from_str(&replaced)
            }
            Cow::Borrowed(_) => Err(error),
        },
        parsed => parsed,
    }
}

/// Takes what a field holds; nothing when there is no such field, or no object that could have it.
pub(super) fn take(value: &mut Value, field: &str) -> Value {
    value.get_mut(field).map(Value::take).unwrap_or_default()
}

/// Replaces escapes of lone surrogates; pairs stay.
fn replace(text: &str) -> Cow<'_, str> {
    if !text.contains("\\ud") && !text.contains("\\uD") {
        return Cow::Borrowed(text);
    }
    let mut replaced = String::with_capacity(text.len());
    let (mut rest, mut is_changed) = (text, false);
    while let Some(at) = rest.find('\\') {
        replaced.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = match (unit(rest), rest.get(6..).and_then(unit)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                replaced.push_str("\\ufffd");
                is_changed = true;
                rest = &rest[6..];
                continue;
            }
            // An escape has two characters at least; the parser refuses an invalid escape.
            _ => rest.char_indices().nth(2).map_or(rest.len(), |(at, _)| at),
        };
        replaced.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    replaced.push_str(rest);
    if is_changed { Cow::Owned(replaced) } else { Cow::Borrowed(text) }
}

/// The unit of an escape `\uXXXX` at the beginning.
fn unit(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        u32::from_str_radix(digits, 16).ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn halves_are_replaced_and_pairs_and_text_stay() {
        for (text, value) in [
            (r#""a \ud83d b""#, "a \u{fffd} b"),
            (r#""\udE00\uD83D""#, "\u{fffd}\u{fffd}"),
            (r#""\ud83d\ude00\ud83d""#, "😀\u{fffd}"),
            (r#""\\ud83d \ud83d""#, "\\ud83d \u{fffd}"),
            (r#""\ud83dé""#, "\u{fffd}é"),
        ] {
            assert_eq!(parse(text).unwrap(), json!(value), "{text}");
        }
        for text in [r#""\ud8""#, r#""\ud83d"#, r#""\ud83dx\q""#, "\\"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(parts in prop::collection::vec(prop_oneof![
            Just("\\ud83d".to_owned()), Just("\\ude00".to_owned()), Just("\\".to_owned()), Just("\\u".to_owned()), "[a-f0-9\"é]{0,3}",
        ], 0..12)) {
            let text = parts.concat();
            let _any = parse(&text);
            let _any = parse(&format!("\"{text}\""));
        }
    }
}
