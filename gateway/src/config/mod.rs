//! The `[gateway]` section, with the sections in it.

pub mod dropin;
pub mod lists;
pub mod monitor;
mod sockets;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::Uri;
use runbus::config::{Invalid, Validate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::sockets::{Bounds, Trusted};
use crate::hosts::Hosts;
use crate::limits;

/// How a gateway serves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address and port to listen on. Port 0: a free one.
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// Whether to listen on another address than loopback although callers need no credential. Put a proxy that asks for
    /// one in front. It turns off no other check.
    pub allow_insecure: bool,
    /// Hosts that the gateway answers to (the header `Host`), beside `localhost`, loopback addresses and the address that it listens on: names
    /// or IP addresses, with `:port` where only that one counts. Every other host gets 421, so that no page can let a name of its own
    /// resolve to the gateway. Needed where `listen` is not loopback.
    #[schemars(length(max = 256))]
    pub hosts: Vec<String>,
    /// Certificate chain (PEM) for TLS; with `tls_key_file`. Read again when the file changes.
    pub tls_cert_file: Option<PathBuf>,
    /// Private key (PEM) for TLS.
    pub tls_key_file: Option<PathBuf>,
    /// Origins of web pages (`scheme://host`, with `:port` where there is one) that may use the gateway beside those of its own
    /// host and of this machine. Browsers let them read its answers (CORS).
    pub allowed_origins: Vec<String>,
    /// Connections of known clients at the same time: WebSockets, event streams, requests that are being answered. Lowered at start to what
    /// the limit of open files lets the process have. 1 to 10000000.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_connections: usize,
    /// The same of one client address: an address of IPv4, a /64 of IPv6. More are refused. 1 to 10000000.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_connections_per_address: usize,
    /// Further connections, whose client has not shown a valid credential: from accept to the first valid credential, and between two requests.
    /// When one more comes, the oldest of the address that has the most is closed. 1 to 1000000.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_unauthenticated: usize,
    /// The same of one client address. When one more comes, the oldest of that address is closed. 1 to 1000000.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_unauthenticated_per_address: usize,
    /// Addresses and networks (`10.0.0.0/8`) of proxies. They have no share of their own; the last address in `X-Forwarded-For` that is not
    /// one of them is the client's, for limits and logs.
    #[schemars(length(max = 256))]
    pub trusted_addresses: Vec<String>,
    /// Whether connections from `trusted_addresses` begin with a header of the PROXY protocol (version 1 or 2); those without it are
    /// closed.
    pub proxy_protocol: bool,
    /// Subscriptions of one connection. 1 to 10000.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_subscriptions: usize,
    /// Largest message from a client, in bytes. 256 to 16777216.
    #[schemars(range(min = 256, max = 16_777_216))]
    pub max_message_bytes: usize,
    /// Bytes that are prepared for one client before it takes them; a slower one is served from the log. 16384 to
    /// 67108864.
    #[schemars(range(min = 16_384, max = 67_108_864))]
    pub client_buffer_bytes: usize,
    /// Bytes that are held for all clients together: data prepared for them, beside the least share of each (16384), pages,
    /// filters, requests and answers (docs/limits.md). One principal may have half of what the others leave. 1048576 to
    /// 68719476736.
    #[schemars(range(min = 1_048_576, max = 68_719_476_736_u64))]
    pub held_bytes: usize,
    /// Bytes of each connection's send buffer; the kernel takes about twice as much of its own memory. 4096 to 16777216.
    #[schemars(range(min = 4096, max = 16_777_216))]
    pub socket_buffer_bytes: u32,
    /// Bytes of recent events that each hub keeps for all its clients; the CBOR of those that such clients read comes on top.
    /// 65536 to 1073741824.
    #[schemars(range(min = 65_536, max = 1_073_741_824))]
    pub hub_buffer_bytes: usize,
    /// Bytes of recent events that all hubs keep together, beside the least share of each (16384): where many scopes are watched,
    /// each hub keeps less than `hub_buffer_bytes`. 1048576 to 68719476736.
    #[schemars(range(min = 1_048_576, max = 68_719_476_736_u64))]
    pub recent_bytes: usize,
    /// Hubs (distinct scopes that are watched) at the same time. 1 to 10000000.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_hubs: usize,
    /// Reads of history at the same time, over all clients; one principal has half of them at most. One in 32, but at least one, may be of clients that are behind because
    /// they are slow. 1 to 10000.
    #[schemars(range(min = 1, max = 10_000))]
    pub history_reads: usize,
    /// Time between two pings to a client, in milliseconds. 100 to 3600000.
    #[schemars(range(min = 100, max = 3_600_000))]
    pub ping_interval_ms: u64,
    /// Time without a sign of life after which a client is gone, in milliseconds. 200 to 7200000.
    #[schemars(range(min = 200, max = 7_200_000))]
    pub idle_timeout_ms: u64,
    /// Time that one message to a client may take to be written, in milliseconds. 100 to 600000.
    #[schemars(range(min = 100, max = 600_000))]
    pub write_timeout_ms: u64,
    /// Time that a gateway which shuts down is not ready but still serves, so that load balancers send no more clients, in milliseconds.
    /// 0 to 600000. With `drain_window_ms` and 3000 it must be less than the grace period of what ends the process.
    #[schemars(range(min = 0, max = 600_000))]
    pub shutdown_delay_ms: u64,
    /// Time over which clients are asked to reconnect elsewhere when the gateway drains, in milliseconds: each is notified by then. 0 to 600000.
    #[schemars(range(min = 0, max = 600_000))]
    pub drain_window_ms: u64,
    /// Whether the gateway serves the console: `GET /` to browsers, and `/console/` (docs/console.md).
    pub console: bool,
    /// Origins of other gateways of the same log (`scheme://host`, with `:port` where there is one): the console switches to one of them when
    /// the gateway that it was loaded from is gone. They need this gateway's origin in `allowed_origins`, also on one machine.
    #[schemars(length(max = 64))]
    pub console_gateways: Vec<String>,
    /// Endpoints with the protocols of other servers (docs/dropin.md).
    pub dropin: dropin::Config,
    /// Monitors of one stream, or of all.
    pub monitor: monitor::Config,
    /// The lists of executions, sessions, approvals and questions.
    pub directory: lists::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8700)),
            allow_insecure: false,
            hosts: Vec::new(),
            tls_cert_file: None,
            tls_key_file: None,
            allowed_origins: Vec::new(),
            max_connections: 100_000,
            max_connections_per_address: 50_000,
            max_unauthenticated: 2048,
            max_unauthenticated_per_address: 1024,
            trusted_addresses: Vec::new(),
            proxy_protocol: false,
            max_subscriptions: 128,
            max_message_bytes: 64 * 1024,
            client_buffer_bytes: 256 * 1024,
            held_bytes: 256 * 1024 * 1024,
            socket_buffer_bytes: 128 * 1024,
            hub_buffer_bytes: 1024 * 1024,
            recent_bytes: 128 * 1024 * 1024,
            max_hubs: 100_000,
            history_reads: 64,
            ping_interval_ms: 20_000,
            idle_timeout_ms: 60_000,
            write_timeout_ms: 30_000,
            shutdown_delay_ms: 2_000,
            drain_window_ms: 2_000,
            console: true,
            console_gateways: Vec::new(),
            dropin: dropin::Config::default(),
            monitor: monitor::Config::default(),
            directory: lists::Config::default(),
        }
    }
}

impl Validate for Config {
    fn validate(&self) -> Result<(), Invalid> {
        if self.tls_cert_file.is_some() != self.tls_key_file.is_some() {
            return Err(Invalid::new("tls_cert_file", "alone", "tls_cert_file and tls_key_file, or neither"));
        }
        if self.idle_timeout_ms <= self.ping_interval_ms {
            return Err(Invalid::new(
                "idle_timeout_ms",
                self.idle_timeout_ms,
                "more than gateway.ping_interval_ms",
            ));
        }
        for (key, origins) in
            [("allowed_origins", &self.allowed_origins), ("console_gateways", &self.console_gateways)]
        {
            if let Some(wrong) = origins.iter().find(|origin| !is_origin(origin)) {
                let expected = "an origin as browsers send it, for instance https://app.example";
                return Err(Invalid::new(key, wrong, expected));
            }
        }
        self.hosts()?;
        self.trusted()?;
        self.dropin.validate().map_err(|invalid| invalid.within("dropin"))
    }
}

/// Whether it is what browsers send as `Origin`: a scheme, a host, perhaps a port, and nothing else.
fn is_origin(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else { return false };
    let (Some(scheme @ ("http" | "https")), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return false;
    };
    let lower = !text.bytes().any(|byte| byte.is_ascii_uppercase() || byte == b'@' || byte == b'*');
    lower && text == format!("{scheme}://{authority}")
}

impl Config {
    /// The hosts that it answers to.
    ///
    /// # Errors
    /// [`Config::hosts`] holds what is no host.
    pub fn hosts(&self) -> Result<Hosts, Invalid> {
        Hosts::new(&self.hosts).map_err(|(wrong, _)| {
            let expected = "names or IP addresses as clients call the gateway, for instance events.example or 192.0.2.7:8700: no \
                            scheme, no path, no *, international names in their xn-- form";
            Invalid::new("hosts", wrong, expected)
        })
    }

    /// The addresses that have no share.
    ///
    /// # Errors
    /// [`Config::trusted_addresses`] holds what is neither an address nor a network.
    pub fn trusted(&self) -> Result<Trusted, Invalid> {
        Trusted::new(&self.trusted_addresses).map_err(|wrong| {
            Invalid::new("trusted_addresses", wrong, "IP addresses or networks, for instance 10.0.0.0/8")
        })
    }

    /// How many sockets there may be.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        Bounds {
            admitted: self.max_connections,
            admitted_per_address: self.max_connections_per_address.min(self.max_connections),
            waiting: self.max_unauthenticated,
            waiting_per_address: self.max_unauthenticated_per_address.min(self.max_unauthenticated),
        }
    }

    /// Whether it is reachable from elsewhere although nobody is asked who they are, or although nobody said by which hosts.
    ///
    /// # Errors
    /// It is, and `allow_insecure` does not say that this is meant, or `hosts` is empty.
    pub fn check_exposure(&self, auth: &crate::auth::Config) -> Result<(), Invalid> {
        let asks = auth.mode == crate::auth::config::Mode::Required;
        if self.listen.ip().is_loopback() {
            return Ok(());
        }
        if self.allow_insecure || asks {
            return if self.hosts.is_empty() { Err(self.nameless()) } else { Ok(()) };
        }
        let expected = "a loopback address, or auth.mode = \"required\", or gateway.allow_insecure = true";
        Err(Invalid::new("listen", self.listen, expected))
    }

    fn nameless(&self) -> Invalid {
        let expected = format!(
            "the hosts by which clients call a gateway that listens on {}, for instance [\"events.example\"]",
            self.listen
        );
        Invalid::new("hosts", "[]", expected)
    }

    /// See [`Config::ping_interval_ms`].
    #[must_use]
    pub const fn ping_interval(&self) -> Duration {
        Duration::from_millis(self.ping_interval_ms)
    }

    /// See [`Config::idle_timeout_ms`].
    #[must_use]
    pub const fn idle_timeout(&self) -> Duration {
        Duration::from_millis(self.idle_timeout_ms)
    }

    /// See [`Config::write_timeout_ms`].
    #[must_use]
    pub const fn write_timeout(&self) -> Duration {
        Duration::from_millis(self.write_timeout_ms)
    }

    /// See [`Config::shutdown_delay_ms`].
    #[must_use]
    pub const fn shutdown_delay(&self) -> Duration {
        Duration::from_millis(self.shutdown_delay_ms)
    }

    /// The longest time that the shutdown of a gateway may take.
    #[must_use]
    pub const fn shutdown_most(&self) -> Duration {
        self.shutdown_delay().saturating_add(self.drain_window()).saturating_add(limits::DRAIN_GRACE)
    }

    /// See [`Config::drain_window_ms`].
    #[must_use]
    pub const fn drain_window(&self) -> Duration {
        Duration::from_millis(self.drain_window_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_written_as_browsers_send_them() {
        for good in ["https://app.example", "http://localhost:5173", "http://[::1]:1"] {
            assert!(is_origin(good), "{good}");
        }
        for bad in
            ["", "*", "null", "app.example", "https://app.example/", "https://App.example", "ftp://a.example"]
        {
            assert!(!is_origin(bad), "{bad}");
        }
        for bad in
            ["https://*.example", "https://a@b.example", "https://app.example/x", "https://a.example?x"]
        {
            assert!(!is_origin(bad), "{bad}");
        }
    }
}
