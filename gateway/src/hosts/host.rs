//! A host as requests and configuration write it: a name or an IP address, perhaps with a port.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// Longest name, in bytes (RFC 1035).
const NAME_BYTES: usize = 253;

/// Longest label of a name, in bytes.
const LABEL_BYTES: usize = 63;

/// A name or an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// An IP address. One of IPv4 that is written as IPv6 is one of IPv4.
    Ip(IpAddr),
    /// A name of DNS, in lower case and without the dot behind it.
    Dns(Box<str>),
}

/// A host, and the port if one is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its name.
    pub name: Name,
    /// Its port.
    pub port: Option<u16>,
}

/// It is no host: it has a user, a path, a space, a zone, or letters beyond ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "no host: a name or an IP address is needed, with `:port` or without, and international names in their `xn--` form"
)]
pub struct NotAHost;

impl Host {
    /// Reads one; nothing that is not a host passes, so that two readers cannot see two hosts in one text.
    ///
    /// # Errors
    /// [`NotAHost`].
    pub fn parse(text: &str) -> Result<Self, NotAHost> {
        let (name, rest) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, rest) = rest.split_once(']').ok_or(NotAHost)?;
                let address: Ipv6Addr = address.parse().map_err(|_| NotAHost)?;
                (Name::Ip(IpAddr::V6(address).to_canonical()), rest)
            }
            None => {
                let end = text.find(':').unwrap_or(text.len());
                let (name, rest) = text.split_at(end);
                (bare(name)?, rest)
            }
        };
        Ok(Self { name, port: port(rest)? })
    }
}

/// A port may be empty: `host:` is `host`.
fn port(rest: &str) -> Result<Option<u16>, NotAHost> {
    let Some(digits) = rest.strip_prefix(':') else {
        return if rest.is_empty() { Ok(None) } else { Err(NotAHost) };
    };
    if digits.is_empty() {
        return Ok(None);
    }
    if digits.len() > 5 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NotAHost);
    }
    digits.parse().map(Some).map_err(|_| NotAHost)
}

fn bare(text: &str) -> Result<Name, NotAHost> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(Name::Ip(address));
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    let is_name = !name.is_empty() && name.len() <= NAME_BYTES && name.split('.').all(is_label);
    if is_name { Ok(Name::Dns(name.to_ascii_lowercase().into())) } else { Err(NotAHost) }
}

fn is_label(label: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=LABEL_BYTES).contains(&label.len()) && label.bytes().all(is_part)
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Name::Ip(IpAddr::V6(address)) => write!(f, "[{address}]")?,
            Name::Ip(address) => write!(f, "{address}")?,
            Name::Dns(name) => f.write_str(name)?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hosts_are_read_in_one_form() {
        for (text, shown) in [
            ("Gate.Example", "gate.example"),
            ("gate.example.", "gate.example"),
            ("gate.example.:8700", "gate.example:8700"),
            ("gate.example:", "gate.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("my_service:80", "my_service:80"),
            ("127.0.0.1:8700", "127.0.0.1:8700"),
            ("[::1]:8700", "[::1]:8700"),
            ("[0:0:0:0:0:0:0:1]", "[::1]"),
            ("[::FFFF:127.0.0.1]", "127.0.0.1"),
            // No address: browsers write them in the usual form.
            ("127.1", "127.1"),
            ("0x7f000001", "0x7f000001"),
        ] {
            assert_eq!(Host::parse(text).unwrap().to_string(), shown, "{text}");
        }
    }

    #[test]
    fn invalid_hosts_are_refused() {
        for text in [
            "",
            ".",
            ":8700",
            "a..b",
            ".a",
            "a.b..",
            "localhost@evil.example",
            "user:pw@localhost",
            "localhost/",
            "localhost#@evil.example",
            "localhost?",
            "local host",
            " localhost",
            "localhost,evil.example",
            "localhost:80:80",
            "localhost:+80",
            "localhost:65536",
            "localhost:8 0",
            "::1",
            "[::1",
            "[::1]x",
            "[::1%25lo]",
            "[fe80::1%lo]",
            "[127.0.0.1]",
            "127.0.0.1%00",
            "bücher.example",
            "localhost\u{ff0e}evil.example",
            "http://localhost",
            "*.example",
            "localhost\0",
        ] {
            assert_eq!(Host::parse(text), Err(NotAHost), "{text}");
        }
        Host::parse(&"a".repeat(63)).unwrap();
        Host::parse(&"a".repeat(64)).unwrap_err();
        Host::parse(&"a.".repeat(127)).unwrap();
        Host::parse(&"a.".repeat(128)).unwrap_err();
    }

    proptest! {
        #[test]
        fn no_text_has_two_readings(text in r"[a-zA-Z0-9.:\[\]@/%_-]{0,24}") {
            if let Ok(host) = Host::parse(&text) {
                prop_assert_eq!(Host::parse(&host.to_string()).unwrap(), host);
                prop_assert!(!text.contains(['@', '/', '%']));
            }
        }
    }
}
