//! Why a definition was refused, an answer does not fit, or no edge could be chosen.

use std::path::PathBuf;

/// Why a definition was refused.
#[derive(Debug, thiserror::Error)]
pub enum LoadFault {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The file is larger than a definition may be.
    #[error("{source_name}: {bytes} bytes are more than the limit of {limit}")]
    TooLarge {
        /// Where it was read from.
        source_name: String,
        /// Its size.
        bytes: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// It is no YAML, or does not have the format's shape.
    #[error("{source_name}: {path}: {message}")]
    Shape {
        /// Where it was read from.
        source_name: String,
        /// The key, as in `nodes.critic_agent.tools[1]`.
        path: String,
        /// The fault, with line and column.
        message: String,
    },
    /// It has the right shape and makes no sense.
    #[error("{source_name}: {path}: {message}")]
    Meaning {
        /// Where it was read from.
        source_name: String,
        /// The key, as in `edges[1].to`.
        path: String,
        /// The fault at that key.
        message: String,
    },
}

/// Why an answer is not what its node declares. The text can be shown to the model, so that it tries again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutputFault {
    /// There is no JSON object in it.
    #[error("the answer must be a JSON object with the fields {fields}; it contains none")]
    NoObject {
        /// The declared fields, comma separated.
        fields: String,
    },
    /// A field is missing or wrong.
    #[error("the answer's field {field:?} {message}")]
    Field {
        /// The field.
        field: String,
        /// The fault of the answer.
        message: String,
    },
}

/// Why no edge could be chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteFault {
    /// The node is not in the graph: it was started with another version of it.
    #[error("no such node {0:?}")]
    UnknownNode(String),
    /// A condition looks at a field that the node's output does not have, or of which it cannot say.
    #[error("edges[{edge}].when.field: {field:?} of {node:?} {message}")]
    Field {
        /// The edge's place in the file.
        edge: usize,
        /// The node.
        node: String,
        /// The field.
        field: String,
        /// The fault of the edge.
        message: String,
    },
}
