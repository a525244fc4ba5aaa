//! Limits of the gateway that are not configuration, with their units in their names.

use std::time::Duration;

/// Events in one message to a client, at most.
pub const BATCH_EVENTS: usize = 256;

/// A message of events to a client is closed when it reaches this size, in bytes.
pub const BATCH_BYTES: usize = 64 * 1024;

/// Longest id that a client gives a subscription, in bytes.
pub const SUBSCRIPTION_ID_BYTES: usize = 64;

/// Commands of one connection that are at work at the same time.
pub const COMMANDS: usize = 16;

/// How long commands of a connection that has ended may take to become durable.
pub const COMMANDS_PATIENCE: Duration = Duration::from_secs(30);

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

/// How long a client waits whose read of the log was not answered.
pub const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// How soon the client of an event stream comes back when its connection broke.
pub const STREAM_RETRY: Duration = Duration::from_secs(2);

/// The same when the gateway drains. The drain window has spread the clients already.
pub const STREAM_DRAIN_RETRY: Duration = Duration::from_millis(500);

/// How long a request for events may wait for them.
pub const WAIT_MAX: Duration = Duration::from_secs(60);

/// Bytes of events that a request which waits for them collects before it is answered.
pub const POLL_BYTES: usize = 1024 * 1024;

/// How much longer than `gateway.write_timeout_ms` a connection lives that takes nothing: a WebSocket is told why first.
pub const STUCK_GRACE: Duration = Duration::from_secs(3);

/// How long browsers may remember what a page of an allowed origin may do.
pub const CORS_MAX_AGE: Duration = Duration::from_secs(600);

/// Bytes of a REST request's body, at most.
pub const BODY_BYTES: usize = 512 * 1024;

/// How long one check of readiness may take.
pub const READY_PATIENCE: Duration = Duration::from_secs(3);
