//! How many sockets there may be, and whose addresses do not count.

use std::net::IpAddr;

use ipnet::IpNet;

/// How many sockets there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Admitted ones.
    pub admitted: usize,
    /// The same of one address.
    pub admitted_per_address: usize,
    /// Waiting ones.
    pub waiting: usize,
    /// The same of one address.
    pub waiting_per_address: usize,
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
