//! Tools that come and go while a worker runs.

use std::fmt::Debug;
use std::sync::Arc;

use super::Tool;

/// Where such tools come from. The names of all of them begin with the source's prefix.
pub trait Source: Send + Sync + Debug {
    /// What the names of its tools begin with. It MUST NOT change, and no other tool's name may begin so.
    fn prefix(&self) -> &str;

    /// The tools that are there at the moment. Cheap: it is asked before every call of a model.
    fn tools(&self) -> Arc<[Arc<dyn Tool>]>;

    /// A tool with its prefix that is not there at the moment: a call of it waits for it, within bounds, or fails.
    fn absent(&self, name: &str) -> Arc<dyn Tool>;
}
