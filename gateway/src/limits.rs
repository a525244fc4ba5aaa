//! Limits of the gateway that are not configuration, with their units in their names.

use std::time::Duration;

/// Events in one message to a client, at most.
pub const BATCH_EVENTS: usize = 256;

/// A message of events to a client is closed when it reaches this size, in bytes.
pub const BATCH_BYTES: usize = 64 * 1024;

/// Longest id that a client gives a subscription, in bytes.
pub const SUBSCRIPTION_ID_BYTES: usize = 64;

/// How long a hub that nobody watches stays, for clients that come back.
pub const HUB_LINGER: Duration = Duration::from_secs(5);

/// Bytes of a WebSocket's read buffer. It is allocated for every connection.
pub const READ_BUFFER_BYTES: usize = 2 * 1024;

/// Bytes of a WebSocket's write buffer that are collected before they are written.
pub const WRITE_BUFFER_BYTES: usize = 4 * 1024;

/// Messages that a reader of a broad scope's history prepares ahead of its client.
pub const READ_AHEAD: usize = 64;

/// How long a client waits that read the log and found what its hub has not there yet.
pub const LAG_PAUSE: Duration = Duration::from_millis(20);

/// Bytes of a REST request's body, at most.
pub const BODY_BYTES: usize = 512 * 1024;

/// How long one check of readiness may take.
pub const READY_PATIENCE: Duration = Duration::from_secs(3);
