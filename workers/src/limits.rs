//! Limits of the runtime, with their units in their names.

use std::time::Duration;

/// Nodes that one execution runs at most, over all passes: ends graphs that would never end.
pub const VISITS_MAX: u32 = 1000;

/// Rounds (calls of the model) in one pass of a node, when its definition does not say.
pub const ROUNDS_DEFAULT: u32 = 20;

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
