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

/// The longest name of a definition, node or field.
pub const MAX_NAME_BYTES: usize = 128;

/// The most bytes of a rendered prompt.
pub const MAX_PROMPT_BYTES: usize = 4 * 1024 * 1024;

/// How many places in an answer are tried when looking for its JSON object.
pub const MAX_JSON_CANDIDATES: usize = 64;
