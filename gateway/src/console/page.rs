//! The page itself: the one file that is made when a gateway starts, since it names the other gateways.

use axum::body::Bytes;

use super::bundle::Bundle;
use super::file::File;

/// Says how the console is built.
const MISSING: &str = include_str!("missing.html");

/// The page of a bundle, with the gateways that it may go on with; without a bundle, a page that says how to build it.
pub(super) fn of(bundle: &Bundle, gateways: &[String]) -> File {
    let Some(index) = bundle.get("index.html") else {
        return File::new("missing.html", Bytes::from_static(MISSING.as_bytes()));
    };
    let text = String::from_utf8_lossy(index.bytes());
    // Origins as the configuration takes them hold no character that HTML reads.
    let named = format!("<meta name=\"runbus-gateways\" content=\"{}\" />\n  </head>", gateways.join(" "));
    File::new("index.html", Bytes::from(text.replacen("</head>", &named, 1)))
}

/// The policy of the page: its own files and gateways, and nothing that a text of a model could bring.
pub(super) fn policy(gateways: &[String]) -> String {
    let connect: Vec<String> = gateways
        .iter()
        .flat_map(|origin| [origin.clone(), origin.replacen("http", "ws", 1)])
        .map(|origin| format!(" {origin}"))
        .collect();
    format!(
        "default-src 'self'; connect-src 'self'{}; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        connect.concat()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_the_gateways_and_its_policy_lets_it_reach_them() {
        let html = Bytes::from_static(b"<head></head>");
        let gateways = ["https://b.example".to_owned(), "http://127.0.0.1:8701".to_owned()];
        let page = of(&Bundle::of([("index.html".to_owned(), html)]), &gateways);
        assert!(
            page.bytes()
                .windows(44)
                .any(|part| part == &b"content=\"https://b.example http://127.0.0.1:8701"[..44])
        );
        let policy = policy(&gateways);
        assert!(policy.contains(
            "connect-src 'self' https://b.example wss://b.example http://127.0.0.1:8701 ws://127.0.0.1:8701;"
        ));
        assert!(policy.starts_with("default-src 'self';"));
    }

    #[test]
    fn without_a_bundle_the_page_says_how_to_build_it() {
        let page = of(&Bundle::default(), &[]);
        assert!(String::from_utf8_lossy(page.bytes()).contains("make console"));
    }
}
