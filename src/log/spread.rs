//! Messages of plain publishers that spread one JSON object over several lines, as `jq` and many libraries print it.

use bytes::Bytes;
use serde::de::IgnoredAny;

/// Whether a text is one JSON object.
fn is_object(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    text.starts_with(b"{") && text.ends_with(b"}") && crate::json::from_slice::<IgnoredAny>(text).is_ok()
}

/// The message as one line, when it is one object over several lines, or the ruin of one; `None`: each line is for itself.
///
/// Line feeds stand between the tokens of JSON, never in them: a space in their place changes nothing. A message with a line that is
/// an object by itself is never one ruin, so that no line hides another.
pub(super) fn whole(payload: &Bytes) -> Option<Bytes> {
    let end = memchr::memchr(b'\n', payload)?;
    let first = payload[..end].trim_ascii();
    if !first.starts_with(b"{") || is_object(first) {
        return None;
    }
    let one: Vec<u8> = payload
        .trim_ascii()
        .iter()
        .map(|&byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte })
        .collect();
    if !is_object(&one) && payload.split(|&byte| byte == b'\n').any(is_object) {
        return None;
    }
    Some(one.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<String> {
        whole(&Bytes::copy_from_slice(text.as_bytes())).map(|one| String::from_utf8(one.to_vec()).unwrap())
    }

    #[test]
    fn an_object_over_several_lines_is_one_line() {
        let pretty =
            serde_json::to_string_pretty(&serde_json::json!({"a": {"b": [1, {"c": "x y"}]}, "d": {}}))
                .unwrap();
        let one = of(&pretty).unwrap();
        assert!(!one.contains('\n'));
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&one).unwrap(),
            serde_json::from_str::<serde_json::Value>(&pretty).unwrap()
        );
        assert!(of(&pretty.replace('\n', "\r\n")).is_some_and(|one| !one.contains(['\r', '\n'])));
        assert!(of(&format!("\n{pretty}\n")).is_none(), "an empty first line begins no object");
        assert!(of(&format!("{pretty}\n")).is_some());
    }

    #[test]
    fn the_ruin_of_one_is_one_line_and_lines_of_their_own_stay_so() {
        assert!(of("{\n  \"a\": 1,\n  \"b\": [1, 2\n").is_some(), "cut off");
        assert!(of("{\n  \"a\": 1\n  \"b\": 2\n}").is_some(), "a comma is missing");
        for lines in [
            "{\"a\":1}",
            "{\"a\":1}\n{\"a\":2}",
            "no JSON\n{\"a\":2}",
            "{\"a\":\n{\"a\":2}",
            "{ruin\n{\"a\":2}\n",
        ] {
            assert_eq!(of(lines), None, "{lines}");
        }
    }
}
