//! The hosts of one listener.

use super::list::Hosts;

/// A listener's hosts.
#[derive(Debug)]
pub struct HostCheck {
    /// Those that it answers to.
    pub hosts: Hosts,
    /// The key of the configuration that lists them.
    pub key: &'static str,
}
