//! `X-Forwarded-For`: the client of a request that trusted proxies passed on.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

use crate::config::Trusted;

/// The header. Each proxy adds the address that it got the request from at the end.
const HEADER: &str = "x-forwarded-for";

/// Most addresses that are looked at.
const HOPS: usize = 32;

/// The last address that is no trusted proxy's; everything before it is the client's own claim. `None`: the header names none.
pub(super) fn client(headers: &HeaderMap, trusted: &Trusted) -> Option<IpAddr> {
    let lines: Vec<&str> = headers.get_all(HEADER).iter().filter_map(|line| line.to_str().ok()).collect();
    let addresses = lines.into_iter().rev().flat_map(|line| line.rsplit(','));
    for text in addresses.take(HOPS) {
        let ip = address(text.trim())?;
        if !trusted.hold(ip) {
            return Some(ip);
        }
    }
    None
}

/// An address, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let ip = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    ip.map(|ip: IpAddr| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_address_that_no_trusted_proxy_has_is_the_client() {
        let trusted = Trusted::new(&["10.0.0.0/8".into()]).unwrap();
        for (lines, expected) in [
            (&["192.0.2.7"][..], Some("192.0.2.7")),
            (&["192.0.2.7, 10.0.0.1"], Some("192.0.2.7")),
            (&["198.51.100.1, 192.0.2.7,10.0.0.2 , 10.0.0.1"], Some("192.0.2.7")),
            (&["198.51.100.1", "192.0.2.7:443"], Some("192.0.2.7")),
            (&["[2001:db8::1]:443"], Some("2001:db8::1")),
            (&["2001:db8::1"], Some("2001:db8::1")),
            (&["::ffff:192.0.2.7"], Some("192.0.2.7")),
            (&["192.0.2.7, unknown"], None),
            (&["10.0.0.1"], None),
            (&[""], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(HEADER, line.parse().unwrap());
            }
            assert_eq!(client(&headers, &trusted), expected.map(|ip| ip.parse().unwrap()), "{lines:?}");
        }
    }
}
