//! Every limit of tools, with its unit in its name.

/// The most bytes of a result that the model gets to see; the rest is cut with a marker.
pub const MAX_RESULT_BYTES: usize = 64 * 1024;

/// The most bytes of an error that the model gets to see.
pub const MAX_ERROR_BYTES: usize = 8 * 1024;

/// The most bytes of a call's arguments.
pub const MAX_ARGUMENTS_BYTES: usize = 1024 * 1024;

/// How long a call may take, unless its registry says otherwise.
pub const CALL_TIMEOUT_MS: u64 = 60_000;

/// The longest name that every provider accepts.
pub const MAX_NAME_BYTES: usize = 64;

/// The most tools of one registry: providers refuse more.
pub const MAX_TOOLS: usize = 128;
