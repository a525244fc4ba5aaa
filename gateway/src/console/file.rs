//! One file of the console, as it is sent.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::accept::Packing;
use crate::api::tag;

/// How long caches keep a file without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeping {
    /// For ever: its name has a digest of its bytes.
    Forever,
    /// They ask each time whether it is still the one.
    Asking,
}

/// A file, with its packed forms.
#[derive(Debug, Clone)]
pub(super) struct File {
    media: &'static str,
    keeping: Keeping,
    plain: Form,
    packed: Vec<(Packing, Form)>,
}

#[derive(Debug, Clone)]
struct Form {
    bytes: Bytes,
    tag: HeaderValue,
}

impl Form {
    fn new(bytes: Bytes) -> Self {
        let digest = ring::digest::digest(&ring::digest::SHA256, &bytes);
        let short = digest.as_ref().get(..12).unwrap_or_default();
        let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(short));
        Self {
            bytes,
            tag: HeaderValue::from_str(&tag).unwrap_or_else(|_never| HeaderValue::from_static("\"\"")),
        }
    }
}

impl File {
    /// A file of this name.
    pub(super) fn new(name: &str, bytes: Bytes) -> Self {
        let keeping = if name.starts_with("assets/") { Keeping::Forever } else { Keeping::Asking };
        Self { media: media(name), keeping, plain: Form::new(bytes), packed: Vec::new() }
    }

    /// The same file, packed; of use only where that makes it smaller.
    pub(super) fn pack(&mut self, packing: Packing, bytes: Bytes) {
        if bytes.len() < self.plain.bytes.len() {
            self.packed.push((packing, Form::new(bytes)));
        }
    }

    /// The bytes as they are.
    pub(super) const fn bytes(&self) -> &Bytes {
        &self.plain.bytes
    }

    /// The file, in the smallest form that the caller takes, unless it is there.
    pub(super) fn answer(&self, method: &Method, headers: &HeaderMap) -> Response {
        let packed = Packing::ALL.into_iter().find_map(|packing| {
            let form = self.packed.iter().find(|(known, _)| *known == packing);
            form.filter(|(packing, _)| packing.is_taken(headers))
        });
        let (packing, form) =
            packed.map_or((None, &self.plain), |(packing, form)| (Some(packing.name()), form));
        let caching = match self.keeping {
            Keeping::Forever => "public, max-age=31536000, immutable",
            Keeping::Asking => "no-cache",
        };
        let always = [
            (header::ETAG, form.tag.clone()),
            (header::CACHE_CONTROL, HeaderValue::from_static(caching)),
            (header::VARY, HeaderValue::from_static("accept-encoding")),
        ];
        if tag::is_known(headers, form.tag.to_str().unwrap_or_default()) {
            return (StatusCode::NOT_MODIFIED, always).into_response();
        }
        let body = if method == Method::HEAD { Body::empty() } else { Body::from(form.bytes.clone()) };
        let mut response = (always, body).into_response();
        let sent = response.headers_mut();
        sent.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media));
        sent.insert(header::CONTENT_LENGTH, form.bytes.len().into());
        if let Some(packing) = packing {
            sent.insert(header::CONTENT_ENCODING, HeaderValue::from_static(packing));
        }
        response
    }
}

/// The media type, by the ending of the name.
fn media(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("txt") => "text/plain; charset=utf-8",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> File {
        let mut file = File::new("assets/a.js", Bytes::from_static(b"let a = 1;"));
        file.pack(Packing::Gzip, Bytes::from_static(b"gz"));
        file.pack(Packing::Brotli, Bytes::from_static(b"larger than the file is"));
        file
    }

    fn asking(name: header::HeaderName, said: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(said).unwrap())])
    }

    #[test]
    fn the_smallest_form_that_the_caller_takes_is_sent() {
        let response = file().answer(&Method::GET, &asking(header::ACCEPT_ENCODING, "br, gzip"));
        assert_eq!(response.headers()[header::CONTENT_ENCODING], "gzip");
        assert_eq!(response.headers()[header::CONTENT_LENGTH], "2");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
        let plain = file().answer(&Method::GET, &HeaderMap::new());
        assert!(!plain.headers().contains_key(header::CONTENT_ENCODING));
        assert_ne!(plain.headers()[header::ETAG], response.headers()[header::ETAG]);
    }

    #[test]
    fn whoever_has_the_file_is_told_so() {
        let tag = file().answer(&Method::GET, &HeaderMap::new()).headers()[header::ETAG].clone();
        let again = file().answer(&Method::GET, &asking(header::IF_NONE_MATCH, tag.to_str().unwrap()));
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        let other = file().answer(&Method::GET, &asking(header::IF_NONE_MATCH, "\"other\""));
        assert_eq!(other.status(), StatusCode::OK);
    }
}
