//! The client of a socket, by its address.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

/// The unit that counts as one client: an address of IPv4, a /64 of IPv6, which one subscriber gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Address {
    /// IPv4.
    V4(Ipv4Addr),
    /// The first 64 bits of IPv6.
    V6(u64),
}

impl Address {
    /// That of an IP address. One of IPv4 that is written as IPv6 is one of IPv4.
    #[must_use]
    pub fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(ip) => Self::V4(ip),
            IpAddr::V6(ip) => Self::V6(u64::try_from(ip.to_bits() >> 64).unwrap_or(u64::MAX)),
        }
    }
}

/// Addresses of proxies: their sockets have no share of their own, and they name the addresses of their clients.
#[derive(Debug, Clone, Default)]
pub struct Trusted(Box<[IpNet]>);

impl Trusted {
    /// From configuration: addresses, and networks as `10.0.0.0/8`.
    ///
    /// # Errors
    /// Which is neither.
    pub fn new(texts: &[String]) -> Result<Self, String> {
        let read = |text: &String| {
            let net = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            net.map_err(|_| text.clone())
        };
        texts.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Whether it is one of them.
    #[must_use]
    pub fn hold(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.0.iter().any(|net| net.contains(&ip))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::of(text.parse().unwrap())
    }

    #[test]
    fn a_client_is_an_address_of_ipv4_or_a_network_of_ipv6() {
        assert_eq!(address("::ffff:192.0.2.7"), address("192.0.2.7"));
        assert_ne!(address("192.0.2.7"), address("192.0.2.8"));
        assert_eq!(address("2001:db8:1:2::1"), address("2001:db8:1:2:ffff::9"));
        assert_ne!(address("2001:db8:1:2::1"), address("2001:db8:1:3::1"));
    }

    #[test]
    fn proxies_are_addresses_and_networks() {
        let trusted =
            Trusted::new(&["10.0.0.0/8".into(), "192.0.2.7".into(), "2001:db8::/32".into()]).unwrap();
        for (ip, is_trusted) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("2001:db8:1::1", true),
            ("127.0.0.1", false),
        ] {
            assert_eq!(trusted.hold(ip.parse().unwrap()), is_trusted, "{ip}");
        }
        assert_eq!(Trusted::new(&["10.0.0.0/33".into()]).unwrap_err(), "10.0.0.0/33");
        Trusted::new(&["proxy.example".into()]).unwrap_err();
    }
}
