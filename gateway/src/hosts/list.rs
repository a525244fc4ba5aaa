//! The hosts that a listener answers to.

use std::net::IpAddr;

use super::host::{Host, Name, NotAHost};

/// The hosts that a listener answers to, beside those that always are: loopback, and the address that a request came to. A page cannot let
/// its own name be one of these.
#[derive(Debug, Clone, Default)]
pub struct Hosts(Box<[Host]>);

impl Hosts {
    /// From configuration.
    ///
    /// # Errors
    /// Which is no host.
    pub fn new(hosts: &[String]) -> Result<Self, (String, NotAHost)> {
        let read = |text: &String| Host::parse(text).map_err(|error| (text.clone(), error));
        hosts.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Whether it answers to `host`. `reached`: the address that the request came to.
    #[must_use]
    pub fn hold(&self, host: &Host, reached: Option<IpAddr>) -> bool {
        let is_here = match &host.name {
            Name::Ip(address) => address.is_loopback() || reached == Some(*address),
            Name::Dns(name) => &**name == "localhost",
        };
        is_here
            || self
                .0
                .iter()
                .any(|own| own.name == host.name && own.port.is_none_or(|port| host.port == Some(port)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_hosts_and_this_machine_are_answered() {
        let hosts =
            Hosts::new(&["gate.example".into(), "ported.example:8443".into(), "192.0.2.7".into()]).unwrap();
        let reached = Some("198.51.100.1".parse().unwrap());
        for (host, may) in [
            ("localhost:1", true),
            ("127.0.0.1", true),
            ("127.9.9.9:80", true),
            ("[::1]:8700", true),
            ("[::ffff:127.0.0.1]", true),
            ("198.51.100.1:8700", true),
            ("192.0.2.7", true),
            ("GATE.example.:1", true),
            ("ported.example:8443", true),
            ("ported.example", false),
            ("ported.example:8444", false),
            ("198.51.100.2", false),
            ("0.0.0.0", false),
            ("[::]", false),
            ("evil.example", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("sub.gate.example", false),
            ("gate.example.evil.example", false),
            ("127.1", false),
        ] {
            assert_eq!(hosts.hold(&Host::parse(host).unwrap(), reached), may, "{host}");
        }
        assert!(!Hosts::default().hold(&Host::parse("198.51.100.1").unwrap(), None));
        Hosts::new(&["http://gate.example".into()]).unwrap_err();
    }
}
