//! Limits of the gateway that are not configuration, with their units in their names.

use std::time::Duration;

/// Events in one message to a client, at most.
pub const BATCH_EVENTS: usize = 256;

/// A message of events to a client is closed when it reaches this size, in bytes.
pub const BATCH_BYTES: usize = 16 * 1024;

/// Entries that a hub's task keeps room for between two batches.
pub const BATCH_ENTRIES: usize = 4;

/// Bytes that are prepared for one client at a time, at least: for a slow one, and for every one at first.
pub const LEAST_BYTES: usize = 16 * 1024;

/// A client whose write took longer than this is slow: it gets [`LEAST_BYTES`] at a time until it takes them faster.
pub const SLOW_WRITE: Duration = Duration::from_millis(250);

/// Of `gateway.history_reads`, one in so many may be of slow clients at the same time. Many clients that become writable together would
/// else have both ends of the log at work for them at once, and the others wait.
pub const SLOW_READS_SHARE: usize = 32;

/// Bytes of a connection's HTTP buffers, each: of a request's headers, and of an answer on its way.
pub const HTTP_BUFFER_BYTES: usize = 32 * 1024;

/// How long a connection may stay without a request: longer than the 60 s after which load balancers close theirs, so that no request is on
/// its way when the gateway closes.
pub const REQUEST_PATIENCE: Duration = Duration::from_secs(75);

const _: () = assert!(REQUEST_PATIENCE.as_secs() > 60);

/// Requests of one HTTP/2 connection at the same time.
pub const STREAMS: u32 = 256;

/// Bytes of a request's headers over HTTP/2.
pub const HEADERS_BYTES: u32 = 32 * 1024;

/// How often an HTTP/2 client is asked whether it is there, and how long it may take to say so.
pub const STREAMS_PING: Duration = Duration::from_secs(20);

/// How long the head of a request may take, from its first byte; of a connection's first request, from accept.
pub const HEAD_PATIENCE: Duration = Duration::from_secs(10);

/// How long a request's body may take.
pub const BODY_PATIENCE: Duration = Duration::from_secs(60);

/// A body that is not there yet must bring [`BODY_PROGRESS_BYTES`] within each of these.
pub const BODY_PROGRESS: Duration = Duration::from_secs(10);

/// See [`BODY_PROGRESS`].
pub const BODY_PROGRESS_BYTES: usize = 1024;

/// Bytes that a client which lets a write wait must take until it is cut.
pub const TAKEN_BYTES: usize = 4 * 1024;

/// Descriptors of a process beside those of its clients: listeners, the log, the queue, the store, [`LEAVING_SOCKETS`],
/// [`SCRAPE_SOCKETS`].
pub const OTHER_FILES: usize = 192;

/// Sockets that must go and have not yet, before the accept loop pauses for a moment.
pub const LEAVING_SOCKETS: usize = 32;

/// That moment, at most.
pub const LEAVING_PATIENCE: Duration = Duration::from_secs(1);

/// How long nobody is accepted when a connection could not be; twice as long each time that it could not again.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(5);

/// The longest of these pauses.
pub const ACCEPT_PAUSE_MAX: Duration = Duration::from_millis(500);

/// Connections to a listener for metrics alone.
pub const SCRAPE_SOCKETS: usize = 64;

/// The same of one address.
pub const SCRAPE_SOCKETS_PER_ADDRESS: usize = 32;

/// How long such a connection may take nothing of an answer.
pub const SCRAPE_PATIENCE: Duration = Duration::from_secs(10);

/// Connections that wait to be accepted: many clients come at once when another gateway went.
pub const BACKLOG: u32 = 4096;

/// A merged event is closed when the deltas in it reach this size, in bytes. A client that takes 1 KiB a second still takes
/// one within `gateway.write_timeout_ms`.
pub const MERGED_BYTES: usize = 8 * 1024;

/// Bytes of snapshots that are kept for the next client.
pub const SNAPSHOTS_BYTES: usize = 64 * 1024 * 1024;

/// Snapshots that are kept for the next client.
pub const SNAPSHOTS: usize = 10_000;

/// Events that may be sent behind a snapshot that is there already, instead of folding them in.
pub const SNAPSHOT_BEHIND: u64 = 256;

/// Events that are folded in before other tasks have their turn.
pub const SNAPSHOT_PAGE: usize = 500;

/// How often a fold begins again because the log's retention overtook it, before the snapshot says that something is missing.
pub const SNAPSHOT_RESTARTS: usize = 3;

/// How often a snapshot over REST looks again for frames that a replica of the log does not have yet, each time after
/// [`LAG_PAUSE`].
pub const SNAPSHOT_LOOKS: usize = 20;

/// Longest id that a client gives a subscription, in bytes.
pub const SUBSCRIPTION_ID_BYTES: usize = 64;

/// Commands of one connection that are at work at the same time.
pub const COMMANDS: usize = 16;

/// Events of one request to publish, at most.
pub const PUBLISH_EVENTS: usize = 1000;

/// Bytes of events that are on their way from clients to the log at the same time, with 1 KiB for each envelope. More are refused.
pub const PUBLISHING_BYTES: usize = 32 * 1024 * 1024;

/// The same of one principal, at least: one large request, for any usage of others.
pub const PUBLISHING_LEAST_BYTES: usize = 2 * 1024 * 1024;

/// Of `gateway.held_bytes`, anybody may hold one part in so many while there is room at all.
pub const LEAST_SHARE: usize = 32;

/// Bytes that a REST request takes beside its body until it is answered; then it takes as many as the answer has.
pub const REQUEST_COST_BYTES: usize = 16 * 1024;

/// Bytes that a command takes beside its message until it is answered.
pub const COMMAND_COST_BYTES: usize = 4 * 1024;

/// How long a request waits for room among what is held for clients.
pub const ROOM_PATIENCE: Duration = Duration::from_secs(5);

/// When a client comes back that found no room.
pub const ROOM_RETRY: Duration = Duration::from_secs(1);

/// Stream tokens of one principal whose use is counted before idle ones are looked for.
pub const TOKENS_SWEEP: usize = 1000;

/// How long commands of a connection that has ended may take to become durable.
pub const COMMANDS_PATIENCE: Duration = Duration::from_secs(30);

/// How long a hub that nobody watches stays, for clients that come back.
pub const HUB_LINGER: Duration = Duration::from_secs(5);

/// Bytes of a WebSocket's read buffer. It is allocated for every connection.
pub const READ_BUFFER_BYTES: usize = 2 * 1024;

/// Bytes of a WebSocket's write buffer that are collected before they are written.
pub const WRITE_BUFFER_BYTES: usize = 4 * 1024;

/// Batches that a reader of a broad scope's history prepares ahead of its client; `gateway.client_buffer_bytes` bounds their bytes.
pub const READ_AHEAD: usize = 64;

/// Such a batch is closed when it reaches this size, in bytes.
pub const READ_AHEAD_BYTES: usize = 16 * 1024;

/// How long a client waits that read the log and found what its hub has not there yet.
pub const LAG_PAUSE: Duration = Duration::from_millis(20);

/// How long a client waits whose read of the log was not answered.
pub const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// How soon the client of an event stream comes back when its connection broke.
pub const STREAM_RETRY: Duration = Duration::from_secs(2);

/// The same when the gateway drains. The drain window has spread the clients already.
pub const STREAM_DRAIN_RETRY: Duration = Duration::from_millis(500);

/// How often the status of an execution is looked at for a stream that ends with it, where no event tells.
pub const STATUS_LOOK: Duration = Duration::from_secs(2);

/// How long such a stream stays when the execution has ended, for events that are still on their way.
pub const STATUS_SETTLES: Duration = Duration::from_millis(500);

/// How much longer than the drain window clients that take nothing, and requests that are being answered, may take until they are cut.
pub const DRAIN_GRACE: Duration = Duration::from_secs(3);

/// How long a request for events may wait for them.
pub const WAIT_MAX: Duration = Duration::from_secs(60);

/// Bytes of events that a request which waits for them collects before it is answered.
pub const POLL_BYTES: usize = 1024 * 1024;

/// How much longer than `gateway.write_timeout_ms` a connection lives that takes nothing: a WebSocket gets the reason
/// first.
pub const STUCK_GRACE: Duration = Duration::from_secs(3);

/// How long browsers may remember what a page of an allowed origin may do.
pub const CORS_MAX_AGE: Duration = Duration::from_secs(600);

/// Bytes of a REST request's body, at most.
pub const BODY_BYTES: usize = 512 * 1024;

/// Bytes that are read and thrown away of a body that nobody read, so that its connection goes on.
pub const DISCARDED_BYTES: usize = 1024 * 1024;

/// How long that may take.
pub const DISCARD_PATIENCE: Duration = Duration::from_secs(1);

/// How long one check of readiness may take.
pub const READY_PATIENCE: Duration = Duration::from_secs(3);

/// Longest credential, in bytes.
pub const TOKEN_BYTES: usize = 8 * 1024;

/// Longest scope, in bytes of its text.
pub const SCOPE_BYTES: usize = 1024;

/// Scopes of one token, at most.
pub const TOKEN_SCOPES: usize = 100;

/// Longest text of a claim (`sub`, `jti`), in bytes.
pub const CLAIM_BYTES: usize = 256;

/// Longest name of an API key, in bytes.
pub const KEY_NAME_BYTES: usize = 64;

/// Shortest secret that tokens are signed with, in bytes.
pub const SECRET_MIN_BYTES: usize = 32;

/// Messages in a row that may be refused for being too many, before the connection is closed.
pub const REFUSED_MESSAGES: u32 = 100;

/// How long a client may take to leave.
pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a TLS handshake may take.
pub const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);

/// Keys of one key set (JWKS), at most.
pub const JWKS_KEYS: usize = 100;

/// Nodes of one execution that a drop-in endpoint keeps apart; workers of other producers may have any number.
pub const TRANSLATED_NODES: usize = 1024;

/// Executions that a client of `/ws/agents` knows to be Runbus's.
pub const TRANSLATED_RUNS: usize = 256;

/// Approvals that wait and whose request a client of `/ws/agents` gets with the decision.
pub const TRANSLATED_APPROVALS: usize = 4096;

/// How long a snapshot of an agent may stay out behind an event that does not change its monitor.
pub const SNAPSHOT_PATIENCE: Duration = Duration::from_millis(500);

/// Largest key set, in bytes.
pub const JWKS_BYTES: usize = 256 * 1024;

/// How long one read of a key set may take.
pub const JWKS_PATIENCE: Duration = Duration::from_secs(5);

/// Revocations that are kept at the same time.
pub const REVOCATIONS: usize = 100_000;

/// How often revocations are looked for, whether or not the live feed says something.
pub const REVOCATIONS_POLL: Duration = Duration::from_secs(2);

/// How long a caller waits for the revocations that were there before the gateway started.
pub const REVOCATIONS_PATIENCE: Duration = Duration::from_secs(5);

/// Accounts of principals that are there before idle ones are looked for.
pub const ACCOUNTS_SWEEP: usize = 10_000;

/// How long an account stays that nobody uses. Bursts are refilled by then.
pub const ACCOUNT_KEPT: Duration = Duration::from_secs(600);

/// How old workers' reports in a monitor are, at most, beside the time that they stand in the store.
pub const MONITOR_REPORTS: Duration = Duration::from_secs(2);

/// How long a monitor waits before it asks a log again that did not answer.
pub const MONITOR_PATIENCE: Duration = Duration::from_millis(500);

/// How long a request for a monitor waits until what is stored was read.
pub const MONITOR_WAIT: Duration = Duration::from_secs(20);

/// Monitors that read what is stored at the same time, when they begin.
pub const MONITOR_BEGINNINGS: usize = 4;

/// Executions whose presence is followed at the same time.
pub const PRESENCE_FOLLOWED: usize = 10_000;

/// How long the store does not hear of a join or leave: changes meanwhile are written together.
pub const PRESENCE_PAUSE: Duration = Duration::from_millis(200);

/// Watchers of one execution from which on it may take longer.
pub const PRESENCE_CROWD: u64 = 500;

/// How long then.
pub const PRESENCE_CROWD_PAUSE: Duration = Duration::from_secs(2);

/// How often the store is asked who watches on other gateways, for executions that somebody follows.
pub const PRESENCE_POLL: Duration = Duration::from_secs(1);

/// Reads or writes of presence that are on their way to the store at the same time.
pub const PRESENCE_BATCH: usize = 32;

/// How long presence waits for a store that does not answer.
pub const PRESENCE_PATIENCE: Duration = Duration::from_secs(1);

/// How long a gateway that ends takes back who watched there.
pub const PRESENCE_FAREWELL: Duration = Duration::from_secs(2);

/// Longest label of somebody who watches, in bytes.
pub const LABEL_BYTES: usize = 128;

/// Bytes of events that a monitor reads at once when it begins, about.
pub const MONITOR_PAGE_BYTES: usize = 2 * 1024 * 1024;

/// Reads of 50,000 stored messages each ([`runbus::limits::HISTORY_SCAN_FRAMES`]) that found less than asked for, after which a
/// monitor looks back no further.
pub const MONITOR_SCANS: usize = 4;

/// Entries of a live list when nobody says how many.
pub const LIVE_DEFAULT_ENTRIES: usize = 100;

/// Cost of an entry of a list while a page is made, in bytes, about: as it is kept, and as it is shown.
pub const ENTRY_COST_BYTES: usize = 4 * 1024;

/// Changes of a live list that are kept for clients that missed some.
pub const LIVE_CHANGES: usize = 32;

/// How often a live list looks at the index when nobody says that it has moved on.
pub const LIVE_LOOK: Duration = Duration::from_secs(2);

/// Changes of a live list that are kept, in bytes, beside as many as the list itself has.
pub const LIVE_CHANGES_BYTES: usize = 64 * 1024;
