//! Limits of the runtime, with their units in their names.

use std::time::Duration;

/// Largest content that a span holds (`telemetry.capture_content`), in bytes; larger content is left out.
pub const SPAN_CONTENT_BYTES: usize = 64 * 1024;

/// Nodes that one execution runs at most, over all passes: ends graphs that would never end.
pub const VISITS_MAX: u32 = 1000;

/// Tool calls that run at the same time in one session.
pub const TOOLS_AT_ONCE: usize = 8;

/// Tries of one call of the model, with the first.
pub const MODEL_TRIES: u32 = 5;

/// Tries of one call of the model whose fault was the model's own: a tool call that the provider refused.
pub const CORRECTIONS: u32 = 3;

/// The first wait between two tries of a call of the model; it doubles each time.
pub const MODEL_BACKOFF_MIN: Duration = Duration::from_millis(500);

/// The longest wait between two tries of a call of the model.
pub const MODEL_BACKOFF_MAX: Duration = Duration::from_secs(30);

/// How long an approval is waited for, when its definition does not say.
pub const APPROVAL_TIMEOUT: Duration = Duration::from_secs(24 * 3600);

/// Sessions that may stand above a child.
pub const CHILD_DEPTH: u32 = 8;

/// Largest definition that a journal keeps, in bytes of JSON; a larger one is looked up by name by every owner.
pub const KEPT_DEFINITION_BYTES: usize = 128 * 1024;

/// A session that must be looked at again within this time waits in its worker; one with longer to wait is parked.
pub const WAIT_IN_PLACE: Duration = Duration::from_secs(5);

/// Longest time that a parked session's wake-up is set for at once.
pub const WAKE_AT_MOST: Duration = Duration::from_secs(3600);

/// How often the inbox is read while effects are at work, besides what its live feed says.
pub const INBOX_POLL: Duration = Duration::from_secs(5);

/// Longest result of a tool that the model reads, in bytes.
pub const TOOL_RESULT_BYTES: usize = 64 * 1024;

/// Largest file with agents and graphs, in bytes.
pub const DEFINITION_BYTES: usize = 1024 * 1024;

/// Endpoints of webhooks in one configuration.
pub const WEBHOOK_ENDPOINTS: usize = 64;

/// Longest name of an endpoint, in bytes.
pub const WEBHOOK_NAME_BYTES: usize = 32;

/// Events that are read ahead of the first one that an endpoint has neither taken nor was given up.
pub const WEBHOOK_WINDOW_EVENTS: usize = 4096;

/// The same in bytes of events that are not settled; the last one may exceed it.
pub const WEBHOOK_WINDOW_BYTES: usize = 16 * 1024 * 1024;

/// Deliveries after which progress is recorded, independent of the time.
pub const WEBHOOK_CHECKPOINT_EVENTS: usize = 500;

/// How often progress is recorded while nothing is to be delivered.
pub const WEBHOOK_IDLE_CHECKPOINT: Duration = Duration::from_secs(60);

/// Bytes of a receiver's answer that are read, so that its connection can be used again.
pub const WEBHOOK_ANSWER_BYTES: usize = 4 * 1024;

/// How long connecting to a receiver may take.
pub const WEBHOOK_CONNECT: Duration = Duration::from_secs(10);

/// The most names and guards without a tool that a worker's report shows.
pub const REPORT_FAULTS: usize = 32;

/// The longest text of each of them, in bytes.
pub const REPORT_FAULT_BYTES: usize = 512;

/// Sessions that could not go on, as far as a worker counts how often.
pub const REMEMBERED_FAILURES: usize = 10_000;
