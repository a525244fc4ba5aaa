//! The form that a caller takes: a page or JSON, and its compression.

use axum::http::{HeaderMap, HeaderName, header};

/// The largest quality that a header gives one of these names, in thousandths; `None`: it names none of them.
fn quality(headers: &HeaderMap, header: &HeaderName, names: &[&str]) -> Option<u32> {
    let said = headers.get_all(header).into_iter().filter_map(|said| said.to_str().ok());
    let parts = said.flat_map(|said| said.split(','));
    parts
        .filter_map(|part| {
            let mut fields = part.split(';').map(str::trim);
            let name = fields.next().unwrap_or_default();
            if !names.iter().any(|known| name.eq_ignore_ascii_case(known)) {
                return None;
            }
            let quality =
                fields.find_map(|field| field.strip_prefix("q=").or_else(|| field.strip_prefix("Q=")));
            Some(quality.map_or(1000, thousandths))
        })
        .max()
}

/// A quality from 0 to 1; what is none counts as 0.
fn thousandths(text: &str) -> u32 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match whole {
        "1" => 1000,
        "0" if digits(part) => format!("{part:0<3}").get(..3).and_then(|text| text.parse().ok()).unwrap_or(0),
        _ => 0,
    }
}

/// Whether it is a browser that opens a page: it names HTML, and likes JSON no better. Programs say `*/*` or nothing.
pub(super) fn wants_page(headers: &HeaderMap) -> bool {
    let html = quality(headers, &header::ACCEPT, &["text/html", "application/xhtml+xml"]).unwrap_or(0);
    let json = quality(headers, &header::ACCEPT, &["application/json"]).unwrap_or(0);
    html > 0 && html >= json
}

/// How bytes may be packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    /// Brotli.
    Brotli,
    /// Gzip.
    Gzip,
}

impl Packing {
    /// The smallest first.
    pub(super) const ALL: [Self; 2] = [Self::Brotli, Self::Gzip];

    /// Its name in headers.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// How the names of such files end.
    pub(super) const fn ending(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
        }
    }

    /// Whether the caller takes it.
    pub(super) fn is_taken(self, headers: &HeaderMap) -> bool {
        let own = quality(headers, &header::ACCEPT_ENCODING, &[self.name()]);
        own.or_else(|| quality(headers, &header::ACCEPT_ENCODING, &["*"])).is_some_and(|quality| quality > 0)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(name: HeaderName, said: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(said).unwrap())])
    }

    #[test]
    fn browsers_get_the_page_and_programs_the_index() {
        for (said, page) in [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", true),
            ("TEXT/HTML", true),
            ("text/html;q=0.5", true),
            ("application/json, text/html;q=0.9", false),
            ("application/json;q=0.9, text/html", true),
            ("text/html;q=0", false),
            ("text/html;q=0.000", false),
            ("text/html;q=high", false),
            ("*/*", false),
            ("text/*", false),
            ("application/json", false),
            ("", false),
        ] {
            assert_eq!(wants_page(&headers(header::ACCEPT, said)), page, "{said}");
        }
        assert!(!wants_page(&HeaderMap::new()));
    }

    #[test]
    fn a_packing_is_taken_when_it_is_named() {
        for (said, brotli, gzip) in [
            ("gzip, deflate, br, zstd", true, true),
            ("gzip", false, true),
            ("br;q=0, *", false, true),
            ("*;q=0", false, false),
            ("identity", false, false),
            ("", false, false),
        ] {
            let headers = headers(header::ACCEPT_ENCODING, said);
            assert_eq!(Packing::Brotli.is_taken(&headers), brotli, "{said}");
            assert_eq!(Packing::Gzip.is_taken(&headers), gzip, "{said}");
        }
    }
}
