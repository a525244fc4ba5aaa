//! Every limit of the model client, with its unit in its name.

/// The longest line of a server-sent event stream. One chunk is one line; the largest seen was 40 kB.
pub const MAX_SSE_LINE_BYTES: usize = 4 * 1024 * 1024;

/// The most `data` bytes of one server-sent event, over all its lines.
pub const MAX_SSE_EVENT_BYTES: usize = 8 * 1024 * 1024;

/// The most bytes of one response, protocol included. A long answer of today's models is about 1 MB.
pub const MAX_RESPONSE_BYTES: usize = 64 * 1024 * 1024;

/// The most bytes of an error's response that are read.
pub const MAX_ERROR_BODY_BYTES: usize = 64 * 1024;

/// The most bytes of each text of a provider's error that are kept.
pub const MAX_ERROR_TEXT_BYTES: usize = 16 * 1024;

/// The most bytes of text, reasoning, tool calls and extras of one turn together.
pub const MAX_TURN_BYTES: usize = 512 * 1024;

/// The most tool calls of one turn.
pub const MAX_TOOL_CALLS: usize = 128;

/// The longest name of a called tool.
pub const MAX_TOOL_NAME_BYTES: usize = 256;

/// The longest id of a tool call.
pub const MAX_TOOL_CALL_ID_BYTES: usize = 256;

/// The longest wait that a provider may ask for with `retry-after`.
pub const MAX_RETRY_AFTER_SECONDS: u64 = 600;

/// The most redirects (307, 308) of one request.
pub const MAX_REDIRECTS: usize = 3;

/// How long a provider has for the rest behind the end of its answer (usage, `[DONE]`), heartbeats included.
pub const AFTER_FINISH_MS: u64 = 2_000;

/// Models whose abilities are remembered.
pub const MAX_KNOWN_MODELS: usize = 256;

/// How long connecting may take.
pub const CONNECT_TIMEOUT_MS: u64 = 10_000;

/// How long a provider may send nothing, also before its first byte: reasoning models think for minutes.
pub const IDLE_TIMEOUT_MS: u64 = 120_000;

/// How long a whole answer may take, from the request on.
pub const TOTAL_TIMEOUT_MS: u64 = 3_600_000;

/// Providers of one configuration.
pub const MAX_PROVIDERS: usize = 64;

/// The longest name of a provider, in bytes.
pub const MAX_PROVIDER_NAME_BYTES: usize = 32;

/// The longest name of a tool in a request, in bytes: what every provider takes.
pub const MAX_WIRE_NAME_BYTES: usize = 64;

/// The longest description of a tool, where a service limits it, in bytes.
pub const MAX_WIRE_DESCRIPTION_BYTES: usize = 1024;

/// Other forms of one request that are tried when a service refuses one.
pub const MAX_FORMS: usize = 8;

/// The most blocks of one turn.
pub const MAX_TURN_BLOCKS: usize = 1024;

/// The most bytes of a web page without a title that an error shows.
pub const MAX_PAGE_BYTES: usize = 200;

/// The most bytes of an answer that is recorded.
pub const MAX_RECORDED_ANSWER_BYTES: usize = 8 * 1024 * 1024;

/// The most bytes of one recording's file: a JSON text that is read again.
pub const MAX_RECORDING_BYTES: u64 = 48 * 1024 * 1024;

/// The most bytes that one process records.
pub const MAX_RECORDED_BYTES: u64 = 1024 * 1024 * 1024;

/// Conversations whose file a recorder remembers.
pub const MAX_OPEN_RECORDINGS: usize = 1024;

/// The most files of a folder that is played.
pub const MAX_REPLAY_FILES: usize = 10_000;

/// The most bytes of all files of a folder that is played.
pub const MAX_REPLAY_BYTES: usize = 512 * 1024 * 1024;

/// Requests that are compared with recordings at a time in a process.
pub const REPLAYS_AT_ONCE: usize = 2;

/// Requests that wait for that.
pub const REPLAYS_WAITING: usize = 1024;

/// How long one is waited for, in milliseconds.
pub const REPLAY_TIME_MS: u64 = 60_000;
