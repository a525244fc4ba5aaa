//! How a call ended.

use runbus::session::Media;

use super::Error;

/// How a call ended, as the model and the readers of events get to see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The result, or the error's text; within the registry's limit.
    pub content: String,
    /// Why it failed, if it did.
    pub error: Option<Error>,
    /// Whether `content` was cut.
    pub truncated: bool,
    /// Media that belong to the result.
    pub media: Vec<Media>,
}

impl Outcome {
    /// Whether the call failed.
    pub fn is_error(&self) -> bool {
        self.error.is_some()
    }
}
