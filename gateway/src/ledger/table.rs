//! The shared tables.

use std::fmt;

use crate::limits;

/// Something of which there is so much for all clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    /// Bytes in memory: prepared data, pages, snapshots under way, filters, requests, commands and answers.
    Bytes,
    /// Hubs: scopes that are watched.
    Hubs,
    /// Monitors of streams.
    Monitors,
    /// Monitors that read what is stored.
    Beginnings,
    /// Live lists.
    Lists,
    /// Executions whose presence is followed.
    Followed,
    /// Bytes of events that are on their way to the log.
    Publishing,
}

impl Table {
    /// How many there are.
    pub const COUNT: usize = 7;

    /// All.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Bytes,
        Self::Hubs,
        Self::Monitors,
        Self::Beginnings,
        Self::Lists,
        Self::Followed,
        Self::Publishing,
    ];

    /// The least of it that is of use to somebody.
    #[must_use]
    pub const fn least(self) -> usize {
        match self {
            Self::Bytes => limits::LEAST_BYTES,
            Self::Publishing => limits::PUBLISHING_LEAST_BYTES,
            Self::Hubs | Self::Monitors | Self::Beginnings | Self::Lists | Self::Followed => 1,
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bytes => "bytes that are held for clients",
            Self::Hubs => "scopes that are watched",
            Self::Monitors => "streams that are monitored",
            Self::Beginnings => "monitors that begin",
            Self::Lists => "live lists that are watched",
            Self::Followed => "executions whose presence is followed",
            Self::Publishing => "bytes of events on their way to the log",
        })
    }
}
