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

/// Commands that one look into the inbox takes.
pub const COMMANDS_AT_ONCE: usize = 100;

/// Longest result of a tool that the model reads, in bytes.
pub const TOOL_RESULT_BYTES: usize = 64 * 1024;

/// Largest file with agents and graphs, in bytes.
pub const DEFINITION_BYTES: usize = 1024 * 1024;
