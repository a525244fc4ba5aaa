//! Tags of what caches may have (`ETag`, `If-None-Match`).

use axum::http::{HeaderMap, header};

/// Whether the caller has what this tag is of; proxies that compress may have made the tag a weak one.
#[must_use]
pub fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let said = headers.get_all(header::IF_NONE_MATCH).into_iter().filter_map(|said| said.to_str().ok());
    said.flat_map(|said| said.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_weakly() {
        for (said, known) in [
            ("\"a\"", true),
            ("W/\"a\"", true),
            ("\"b\", \"a\"", true),
            ("*", true),
            ("\"b\"", false),
            ("a", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, said.parse().unwrap());
            assert_eq!(is_known(&headers, "\"a\""), known, "{said}");
        }
        assert!(!is_known(&HeaderMap::new(), "\"a\""));
    }
}
