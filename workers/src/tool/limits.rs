//! Every limit of tools, with its unit in its name.

/// The most bytes of a result that the model gets to see; the rest is cut with a marker.
pub const MAX_RESULT_BYTES: usize = 64 * 1024;

/// The largest image, audio or file of a result that a model gets, in bytes of base64; a larger one is only described.
pub const MAX_MEDIUM_BYTES: usize = runbus::limits::PART_DATA_BYTES;

/// The media of one result that a model gets, in bytes of base64 together: they are a part of one entry of the journal.
pub const MAX_MEDIA_BYTES: usize = 320 * 1024;

/// The time between two events of one call's progress, in milliseconds: the latest word counts.
pub const PROGRESS_EVENT_MS: u64 = 250;

/// The most bytes of an error that the model gets to see.
pub const MAX_ERROR_BYTES: usize = 8 * 1024;

/// The most bytes of the names of tools in an error.
pub const MAX_KNOWN_BYTES: usize = 2 * 1024;

/// The most bytes of a call's arguments.
pub const MAX_ARGUMENTS_BYTES: usize = 1024 * 1024;

/// How long a call may take, unless its registry says otherwise.
pub const CALL_TIMEOUT_MS: u64 = 60_000;

/// The longest name that every provider accepts.
pub const MAX_NAME_BYTES: usize = 64;

/// The most tools of one model, and of one registry: providers refuse more.
pub const MAX_TOOLS: usize = 128;

/// Pages that become text at a time in a process.
pub const PAGES_AT_ONCE: usize = 2;

/// Pages that wait for that.
pub const PAGES_WAITING: usize = 256;

/// How long one is waited for, in milliseconds.
pub const PAGE_TIME_MS: u64 = 10_000;

/// The most blocking calls that run at a time in a process.
pub const BLOCKING_AT_ONCE: usize = 8;

/// The stack of each of them, in bytes; only what is used takes memory.
pub const BLOCKING_STACK_BYTES: usize = 64 * 1024 * 1024;

/// The longest expression of the calculator, in bytes.
pub const CALCULATOR_BYTES: usize = 500;

/// The most brackets in each other in it: the time to read it doubles with each.
pub const CALCULATOR_NESTING: usize = 10;

/// How long it computes, in milliseconds.
pub const CALCULATOR_TIME_MS: u64 = 1_000;

/// The longest result, in bytes.
pub const CALCULATOR_RESULT_BYTES: usize = 4 * 1024;

/// The most redirects that one request follows.
pub const FETCH_REDIRECTS: usize = 5;

/// The longest address, in bytes.
pub const FETCH_URL_BYTES: usize = 2_048;

/// The most bytes of an answer that is an error.
pub const FETCH_ERROR_BYTES: usize = 2_048;

/// How long connecting may take, in milliseconds.
pub const FETCH_CONNECT_MS: u64 = 10_000;
