//! The query of a list, and the permission of its reader.

use std::collections::BTreeSet;

use super::listed::{Facets, Listed};
use crate::bus::history::Order;
use crate::labels::Label;
use crate::store::index::Direction;
use crate::time::Timestamp;

/// The query of a list. Each part narrows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Query {
    /// Which end first.
    pub order: Order,
    /// Entries at most, 1 to [`crate::limits::LIST_ENTRIES`].
    pub limit: usize,
    /// Go on behind a page: its `next`.
    pub cursor: Option<String>,
    /// Whether to count.
    pub counts: bool,
    /// In one of these; none: in any.
    pub statuses: BTreeSet<String>,
    /// Of this agent or graph.
    pub definition: Option<String>,
    /// Of this line of work.
    pub stream: Option<String>,
    /// Of this conversation.
    pub session: Option<String>,
    /// Of this execution.
    pub execution: Option<String>,
    /// Started as a sub-agent by this execution.
    pub parent: Option<String>,
    /// In the tree below this execution, it included.
    pub root: Option<String>,
    /// Tied to others by this.
    pub correlation: Option<String>,
    /// First seen then or later.
    pub after: Option<Timestamp>,
    /// First seen before.
    pub before: Option<Timestamp>,
    /// With all of these.
    pub labels: BTreeSet<Label>,
    /// With this in what [`super::Listing`] says, upper and lower case alike.
    pub text: Option<String>,
}

impl Query {
    pub(super) const fn direction(&self) -> Direction {
        match self.order {
            Order::Newest => Direction::Newest,
            Order::Oldest => Direction::Oldest,
        }
    }

    /// The text as it is looked for.
    pub(super) fn needle(&self) -> Option<String> {
        self.text.as_ref().map(|text| text.to_lowercase())
    }

    /// Whether an entry is wanted, whatever its status. `needle`: see [`Query::needle`].
    pub(super) fn wants<T: Listed>(&self, entry: &T, facets: &Facets<'_>, needle: Option<&str>) -> bool {
        let is = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        let at = entry.at();
        let is_root = || self.root.as_deref().is_some_and(|root| facets.execution == Some(root));
        is(&self.definition, facets.definition)
            && self.stream.as_deref().is_none_or(|stream| facets.streams.contains(&stream))
            && is(&self.session, facets.session)
            && is(&self.execution, facets.execution)
            && is(&self.parent, facets.parent)
            && (is(&self.root, facets.root) || is_root())
            && is(&self.correlation, facets.correlation)
            && self.after.is_none_or(|time| at >= time)
            && self.before.is_none_or(|time| at < time)
            && self.labels.iter().all(|label| {
                let found = facets.labels.and_then(|labels| labels.0.get(&label.key));
                found == Some(&label.value)
            })
            && needle
                .is_none_or(|needle| entry.texts().iter().any(|text| text.to_lowercase().contains(needle)))
    }

    pub(super) fn wants_status(&self, status: &str) -> bool {
        self.statuses.is_empty() || self.statuses.contains(status)
    }
}

/// The target of a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen<'a> {
    /// The line of work; `None`: any.
    pub stream: Option<&'a str>,
    /// The step; `None`: all of them.
    pub node: Option<&'a str>,
    /// The run; of a session its id.
    pub execution: Option<&'a str>,
}

/// Streams that somebody may see something of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Streams {
    /// The name, or how it begins.
    pub name: String,
    /// Whether all that begin so are meant.
    pub is_beginning: bool,
    /// Whether all of them may be seen.
    pub is_whole: bool,
}

/// The permission of a reader.
pub trait Visibility: Send + Sync {
    /// Whether this may be seen.
    fn sees(&self, seen: Seen<'_>) -> bool;

    /// The streams outside of which nothing may be seen; `None`: there is no such bound.
    fn streams(&self) -> Option<Vec<Streams>>;
}

/// Everything may be seen.
#[derive(Debug, Clone, Copy)]
pub struct Everything;

impl Visibility for Everything {
    fn sees(&self, _: Seen<'_>) -> bool {
        true
    }
    fn streams(&self) -> Option<Vec<Streams>> {
        None
    }
}

/// Whether an entry may be seen: all of the streams that it is of.
pub(super) fn is_seen(visibility: &dyn Visibility, facets: &Facets<'_>) -> bool {
    let sees = |stream| visibility.sees(Seen { stream, node: facets.node, execution: facets.execution });
    if facets.has_more_streams || facets.streams.is_empty() {
        return sees(None);
    }
    facets.streams.iter().all(|stream| sees(Some(stream)))
}
