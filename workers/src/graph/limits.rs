//! Every limit of definitions, with its unit in its name.

/// The most bytes of a definition file.
pub const MAX_DEFINITION_BYTES: usize = 1024 * 1024;

/// The most nodes of a graph.
pub const MAX_NODES: usize = 256;

/// The most edges of a graph.
pub const MAX_EDGES: usize = 1024;

/// The most iterations that a graph may allow itself.
pub const MAX_ITERATIONS: u32 = 1000;

/// The most model turns that one run of an agent or node may allow itself.
pub const MAX_ROUNDS: u32 = 1000;

/// How many model turns one run of an agent or node may take unless it says otherwise.
pub const DEFAULT_ROUNDS: u32 = 16;

/// The user message of a node without a prompt: the input of the execution.
pub const DEFAULT_PROMPT: &str = "{{input}}";

/// The longest name of a definition, node or field.
pub const MAX_NAME_BYTES: usize = 128;

/// The most bytes of a rendered prompt.
pub const MAX_PROMPT_BYTES: usize = 4 * 1024 * 1024;

/// How many places in an answer are tried when looking for its JSON object.
pub const MAX_JSON_CANDIDATES: usize = 64;

/// How many bytes of an answer are read for that, over all places: one object that is not closed is read to the end.
pub const MAX_JSON_READ_BYTES: usize = 2 * 1024 * 1024;

/// Messages that compaction leaves as they are unless a definition says otherwise.
pub const DEFAULT_KEEP_MESSAGES: usize = 8;

/// The most messages that a definition may tell compaction to leave.
pub const MAX_KEEP_MESSAGES: usize = 1000;

/// The fewest tokens from which on a context may be folded.
pub const MIN_COMPACTION_TOKENS: u64 = 100;

/// The shortest and the longest time that a person is waited for, in milliseconds.
pub const PERSON_TIMEOUT_MS: std::ops::RangeInclusive<u64> = 1_000..=90 * 24 * 3600 * 1000;

/// The shortest and the longest time without progress that a definition may name, in milliseconds.
pub const STALL_AFTER_MS: std::ops::RangeInclusive<u64> = 100..=24 * 3600 * 1000;

/// The most tool calls of one node that run at the same time.
pub const MAX_TOOLS_AT_ONCE: u32 = 64;

/// The most tries of one call of the model.
pub const MAX_MODEL_TRIES: u32 = 20;

/// The most fallbacks of one model.
pub const MAX_FALLBACKS: usize = 8;

/// The most texts that end an answer.
pub const MAX_STOPS: usize = 16;

/// The longest name of a model, in bytes.
pub const MAX_MODEL_NAME_BYTES: usize = 256;

/// The longest name of a tool, in bytes.
pub const MAX_TOOL_NAME_BYTES: usize = 64;

/// The most criteria of a goal, and the most constraints of a graph.
pub const MAX_CONDITIONS: usize = 64;

/// The most sub-agents of one node.
pub const MAX_SUBAGENTS: usize = 32;

/// The most answers that a person may choose from.
pub const MAX_CHOICES: usize = 64;

/// The greatest weight of a criterion.
pub const MAX_WEIGHT: f64 = 1_000_000.0;
