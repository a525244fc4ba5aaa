//! Where a request carries its credential. Exactly one is taken; two are refused, because nobody can tell which counts.

use axum::http::{HeaderMap, Uri, header};
use runbus::config::Secret;

use super::refusal::Refusal;
use crate::limits;

/// Before the token in a subprotocol: browsers can set no header on a WebSocket.
pub const SUBPROTOCOL_PREFIX: &str = "runbus.bearer.";

/// The query parameter of a stream token: browsers can set no header on an `EventSource`.
pub const PARAMETER: &str = "access_token";

/// A caller's credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// `x-api-key`.
    Key(Secret),
    /// A token or a key, in a header or in band.
    Bearer(Secret),
    /// In the address, which gets written to logs: only what lives shortly.
    Address(Secret),
}

/// Finds the credential of a request. `foreign` are parameters that hold any credential: the endpoints that stand in for
/// other servers have them, because those servers' clients send them.
///
/// # Errors
/// There are two, or one that cannot be read.
pub fn find(headers: &HeaderMap, uri: &Uri, foreign: &[&str]) -> Result<Option<Credential>, Refusal> {
    let mut found = None;
    let mut take = |credential: Credential| {
        let (Credential::Key(text) | Credential::Bearer(text) | Credential::Address(text)) = &credential;
        let sound = !text.reveal().is_empty() && text.reveal().len() <= limits::TOKEN_BYTES;
        if !sound || found.replace(credential).is_some() {
            return Err(Refusal::Unauthenticated);
        }
        Ok(())
    };
    for value in headers.get_all(header::AUTHORIZATION) {
        let text = value.to_str().map_err(|_| Refusal::Unauthenticated)?;
        match text.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                take(Credential::Bearer(Secret::new(token.trim())))?;
            }
            _ => return Err(Refusal::Unauthenticated),
        }
    }
    for value in headers.get_all("x-api-key") {
        let text = value.to_str().map_err(|_| Refusal::Unauthenticated)?;
        take(Credential::Key(Secret::new(text.trim())))?;
    }
    for value in headers.get_all(header::SEC_WEBSOCKET_PROTOCOL) {
        let offered = value.to_str().unwrap_or("").split(',').map(str::trim);
        for token in offered.filter_map(|protocol| protocol.strip_prefix(SUBPROTOCOL_PREFIX)) {
            take(Credential::Bearer(Secret::new(token)))?;
        }
    }
    for (key, value) in form_urlencoded::parse(uri.query().unwrap_or("").as_bytes()) {
        if key == PARAMETER {
            take(Credential::Address(Secret::new(value)))?;
        } else if foreign.contains(&key.as_ref()) {
            take(Credential::Bearer(Secret::new(value)))?;
        }
    }
    Ok(found)
}

/// Whether a request may be of a web page: pages can set no header on a WebSocket, and see no status of a handshake that fails.
#[must_use]
pub fn is_of_a_page(headers: &HeaderMap, uri: &Uri) -> bool {
    let mut offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    headers.contains_key(header::ORIGIN)
        || offered.any(|value| value.to_str().is_ok_and(|offered| offered.contains(SUBPROTOCOL_PREFIX)))
        || form_urlencoded::parse(uri.query().unwrap_or("").as_bytes()).any(|(key, _)| key == PARAMETER)
}

/// The same address without the credential, so that no handler sees it; `None` when it has none.
#[must_use]
pub fn strip(uri: &Uri, foreign: &[&str]) -> Option<Uri> {
    let query = uri.query()?;
    let is_credential = |pair: &&str| {
        let key = form_urlencoded::parse(pair.as_bytes()).next();
        key.is_some_and(|(key, _)| key == PARAMETER || foreign.contains(&key.as_ref()))
    };
    if !query.split('&').any(|pair| is_credential(&pair)) {
        return None;
    }
    let rest: Vec<&str> = query.split('&').filter(|pair| !is_credential(pair)).collect();
    let path =
        if rest.is_empty() { uri.path().to_owned() } else { format!("{}?{}", uri.path(), rest.join("&")) };
    path.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(headers: &[(&'static str, &str)], uri: &str) -> Result<Option<Credential>, Refusal> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        find(&map, &uri.parse().unwrap(), &[])
    }

    #[test]
    fn credentials_are_found_in_their_places() {
        let bearer = |text: &str| Ok(Some(Credential::Bearer(Secret::new(text))));
        assert_eq!(request(&[], "/v1/ws?x=1"), Ok(None));
        assert_eq!(request(&[("authorization", "bearer  t")], "/"), bearer("t"));
        assert_eq!(request(&[("x-api-key", "k")], "/"), Ok(Some(Credential::Key(Secret::new("k")))));
        let offered = [("sec-websocket-protocol", "runbus.v1, runbus.bearer.a.b.c")];
        assert_eq!(request(&offered, "/"), bearer("a.b.c"));
        let address = Ok(Some(Credential::Address(Secret::new("t"))));
        assert_eq!(request(&[], "/?a=1&access%5Ftoken=t"), address);
    }

    #[test]
    fn only_where_it_is_said_so_an_address_holds_a_key() {
        let find = |foreign: &[&str]| find(&HeaderMap::new(), &"/?api_key=k".parse().unwrap(), foreign);
        assert_eq!(find(&["api_key"]), Ok(Some(Credential::Bearer(Secret::new("k")))));
        assert_eq!(find(&[]), Ok(None));
        let strip = |foreign: &[&str]| strip(&"/?api_key=k&a=1".parse().unwrap(), foreign);
        assert_eq!(
            (strip(&["api_key"]).map(|uri| uri.to_string()).as_deref(), strip(&[])),
            (Some("/?a=1"), None)
        );
    }

    #[test]
    fn two_credentials_and_other_schemes_are_refused() {
        let long = format!("Bearer {}", "x".repeat(limits::TOKEN_BYTES + 1));
        for (headers, uri) in [
            (&[("authorization", "Bearer a"), ("x-api-key", "b")][..], "/"),
            (&[("authorization", "Bearer a"), ("authorization", "Bearer a")], "/"),
            (&[("authorization", "Basic a")], "/"),
            (&[("authorization", "Bearer ")], "/"),
            (&[("authorization", "Bearer a")], "/?access_token=a"),
            (&[], "/?access_token=a&access_token=b"),
            (&[], "/?access_token="),
            (&[("authorization", &long)], "/"),
        ] {
            assert_eq!(request(headers, uri), Err(Refusal::Unauthenticated), "{headers:?} {uri}");
        }
    }

    #[test]
    fn handlers_do_not_see_it() {
        let strip = |uri: &str| strip(&uri.parse().unwrap(), &[]).map(|uri| uri.to_string());
        assert_eq!(strip("/a?b=1"), None);
        assert_eq!(strip("/a?access_token=t").as_deref(), Some("/a"));
        assert_eq!(strip("/a?b=%2F&access%5Ftoken=t&c=2").as_deref(), Some("/a?b=%2F&c=2"));
    }

    proptest! {
        #[test]
        fn any_header_is_read_or_refused(scheme in "(Bearer |basic|)[ -~]{0,20}", query in "[a-z_&=%0-9]{0,30}") {
            let _ = request(&[("authorization", &scheme)], "/");
            if let Ok(uri) = format!("/?{query}").parse::<Uri>() {
                let _ = find(&HeaderMap::new(), &uri, &["api_key"]);
                if let Some(stripped) = strip(&uri, &["api_key"]) {
                    prop_assert!(strip(&stripped, &["api_key"]).is_none() && find(&HeaderMap::new(), &stripped, &["api_key"]) == Ok(None));
                }
            }
        }
    }
}
