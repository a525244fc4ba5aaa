//! By which host a request calls the gateway.

use axum::http::{HeaderMap, Uri, Version, header};

use super::host::Host;

/// Why nobody can say by which host a request calls the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unclear {
    /// It has no `Host`. HTTP/1.1 needs one.
    #[error("a request needs the header Host")]
    Missing,
    /// It has several, or its target names another one.
    #[error("a request has one host: the header Host once, and the same host in its target")]
    Several,
    /// Its value is no host.
    #[error(
        "the header Host, or the request's target, is no host: a name or an IP address with a port is needed"
    )]
    Malformed,
}

/// The host by which a request calls the gateway; `None`: HTTP/1.0, which needs to name none. Browsers always do. Headers that proxies
/// add (`Forwarded`, `X-Forwarded-Host`) count nothing: everybody can add them.
///
/// # Errors
/// [`Unclear`]: another reader of the request could see another host.
pub fn called(version: Version, uri: &Uri, headers: &HeaderMap) -> Result<Option<Host>, Unclear> {
    let read = |text: &str| Host::parse(text).map_err(|_| Unclear::Malformed);
    let mut named = headers.get_all(header::HOST).iter();
    let header = match named.next() {
        Some(value) => Some(read(value.to_str().map_err(|_| Unclear::Malformed)?)?),
        None => None,
    };
    if named.next().is_some() {
        return Err(Unclear::Several);
    }
    let target = uri.authority().map(|authority| read(authority.as_str())).transpose()?;
    match (header, target) {
        (Some(header), Some(target)) if header != target => Err(Unclear::Several),
        (Some(header), _) => Ok(Some(header)),
        (None, _) if version > Version::HTTP_10 => Err(Unclear::Missing),
        (None, target) => Ok(target),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(version: Version, target: &str, hosts: &[&str]) -> Result<Option<String>, Unclear> {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(header::HOST, axum::http::HeaderValue::from_bytes(host.as_bytes()).unwrap());
        }
        headers.insert("x-forwarded-host", "localhost".parse().unwrap());
        headers.insert(header::FORWARDED, "host=localhost".parse().unwrap());
        called(version, &target.parse().unwrap(), &headers).map(|host| host.map(|host| host.to_string()))
    }

    #[test]
    fn a_request_has_one_host() {
        let (new, old) = (Version::HTTP_11, Version::HTTP_10);
        for (version, target, hosts, outcome) in [
            (new, "/", &["localhost:1"][..], Ok(Some("localhost:1"))),
            (new, "/", &[], Err(Unclear::Missing)),
            (new, "/", &[""], Err(Unclear::Malformed)),
            (new, "/", &["a", "a"], Err(Unclear::Several)),
            (new, "/", &["a", "b"], Err(Unclear::Several)),
            (new, "/", &["b\u{fc}cher"], Err(Unclear::Malformed)),
            (new, "http://a/x", &["A."], Ok(Some("a"))),
            (new, "http://evil.example/", &["localhost"], Err(Unclear::Several)),
            (new, "http://localhost/", &["evil.example"], Err(Unclear::Several)),
            (new, "http://localhost/", &[], Err(Unclear::Missing)),
            (new, "http://localhost@evil.example/", &["localhost"], Err(Unclear::Malformed)),
            (old, "/", &[], Ok(None)),
            (old, "/", &["evil.example"], Ok(Some("evil.example"))),
            (old, "http://evil.example/", &[], Ok(Some("evil.example"))),
        ] {
            let wanted = outcome.map(|host: Option<&str>| host.map(str::to_owned));
            assert_eq!(ask(version, target, hosts), wanted, "{version:?} {target} {hosts:?}");
        }
    }
}
