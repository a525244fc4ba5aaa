//! Tools that come and go while a worker runs.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use super::Tool;

/// How much is known of a source's tools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listing {
    /// Nothing yet: it has not listed them.
    Unknown,
    /// It has listed them, and each guard of the source covers one.
    Checked,
    /// It has listed them, and a guard of the source covers none.
    Faulty(String),
}

/// Where such tools come from. The names of all of them begin with the source's prefix.
#[async_trait]
pub trait Source: Send + Sync + Debug {
    /// The prefix of its tools' names. It MUST NOT change, and no other tool's name may begin so.
    fn prefix(&self) -> &str;

    /// The tools that are there at the moment. Cheap: it is asked before every call of a model.
    fn tools(&self) -> Arc<[Arc<dyn Tool>]>;

    /// How much is known of its tools. Unless it is [`Listing::Checked`], every call of one of them needs an approval.
    fn listing(&self) -> Listing;

    /// Waits until its tools are known or it was tried in vain, within bounds of its own.
    async fn settled(&self) {}

    /// A tool with its prefix that is not there at the moment: a call of it waits for it, within bounds, or fails.
    fn absent(&self, name: &str) -> Arc<dyn Tool>;
}
