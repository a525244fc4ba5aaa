//! Which events an endpoint gets.

use runbus::bus::Filter;
use runbus::event::{Event, Kind, Payload};

use super::config::Endpoint;

/// The reader's filter.
pub(super) fn filter(endpoint: &Endpoint) -> Filter {
    Filter::all().types(endpoint.events.iter().cloned())
}

/// Whether an event of the filter is to be sent to the endpoint `name`.
///
/// An event about an event that this endpoint could not get is not sent here: it would fail too, for ever.
pub(super) fn wants(name: &str, endpoint: &Endpoint, event: &Event) -> bool {
    let stream = event.stream_id.as_str();
    if !endpoint.streams.is_empty() && !endpoint.streams.iter().any(|pattern| matches(pattern, stream)) {
        return false;
    }
    if event.kind != Kind::WebhookFailed {
        return true;
    }
    !matches!(event.payload(), Ok(Payload::WebhookFailed(failed)) if failed.endpoint == name)
}

/// Whether a text fits a pattern in which `*` is any text.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_are_any_text() {
        for (pattern, text, fits) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("*", "ü.x", true),
            ("a*", "abc", true),
            ("a*", "ba", false),
            ("*c", "abc", true),
            ("a*c", "ac", true),
            ("a*bc*c", "abcc", true),
            ("a*bc*c", "abc", false),
            ("ab*ba", "aba", false),
            ("**x**", "axb", true),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_piece_of_a_text_in_stars_fits(before in "\\PC{0,9}", piece in "[^*\\pC]{0,9}", after in "\\PC{0,9}") {
            let text = format!("{before}{piece}{after}");
            let pattern = format!("*{piece}*");
            proptest::prop_assert!(matches(&pattern, &text));
        }
    }
}
