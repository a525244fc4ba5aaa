//! Why a text or a value is refused.

use crate::limits;

/// A fault found by the scan: the parser must not see this text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is larger than [`limits::JSON_BYTES`].
    #[error("the JSON has {bytes} bytes, the limit is {limit}: shorten it", limit = limits::JSON_BYTES)]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// It is nested too deeply.
    #[error("the JSON is nested {depth} levels deep, the limit is {limit}: flatten it")]
    TooDeep {
        /// Its depth, in levels of lists and objects.
        depth: usize,
        /// The most that is allowed.
        limit: usize,
    },
    /// An object has a key that means something to the parser.
    #[error("keys that begin with {:?} are reserved: rename {key:?}", super::key::RESERVED)]
    Reserved {
        /// The key, cut to a message's limit.
        key: String,
    },
}

/// A text or a value cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is refused before it is parsed.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// It is no JSON, or its type has other fields.
    #[error(transparent)]
    Parse(#[from] serde_json::Error),
}

/// The same, with the field's path.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {error}")]
pub struct Located {
    /// As in `nodes.critic.tools[1]`; `.` is the whole.
    pub path: String,
    /// The fault at that place.
    pub error: Error,
}

impl Located {
    /// A fault of the whole.
    pub(crate) fn whole(error: impl Into<Error>) -> Self {
        Self { path: ".".into(), error: error.into() }
    }
}
