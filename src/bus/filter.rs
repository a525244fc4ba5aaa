//! Filters: which events somebody wants.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::event::{Event, Kind};
use crate::id::{ExecutionId, NodeId, StreamId};
use crate::limits;
use crate::subject::Scope;
use crate::time::Timestamp;

/// An absent member matches all. The wire form is this form.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Event types; empty: all. 256 at most.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty", deserialize_with = "types")]
    #[schemars(length(max = 256))]
    pub types: BTreeSet<Kind>,
    /// The line of work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_id: Option<StreamId>,
    /// The step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_id: Option<NodeId>,
    /// The run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_id: Option<ExecutionId>,
    /// Only events that happened at this time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Timestamp>,
    /// Only events that happened before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Timestamp>,
}

/// Reads types one by one: a list that is too long is refused before it is held.
fn types<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<Kind>, D::Error> {
    struct Types;

    impl<'de> Visitor<'de> for Types {
        type Value = BTreeSet<Kind>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of event types")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
            let mut types = BTreeSet::new();
            while let Some(kind) = items.next_element()? {
                types.insert(kind);
                if types.len() > limits::FILTER_TYPES {
                    return Err(A::Error::custom(TooManyTypes));
                }
            }
            Ok(types)
        }
    }

    deserializer.deserialize_seq(Types)
}

/// A filter names too many types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a filter names {max} types at most; name fewer, or none for all", max = limits::FILTER_TYPES)]
pub struct TooManyTypes;

impl Filter {
    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// One execution.
    #[must_use]
    pub fn execution(id: ExecutionId) -> Self {
        Self { execution_id: Some(id), ..Self::default() }
    }

    /// One execution of a known stream: the cheapest to follow, because a frame then proves by itself that nothing is
    /// missing before it. (Two streams may use one execution id.)
    #[must_use]
    pub fn execution_of(stream: StreamId, id: ExecutionId) -> Self {
        Self { stream_id: Some(stream), ..Self::execution(id) }
    }

    /// One stream.
    #[must_use]
    pub fn stream(id: StreamId) -> Self {
        Self { stream_id: Some(id), ..Self::default() }
    }

    /// The same for these types only.
    #[must_use]
    pub fn types(mut self, kinds: impl IntoIterator<Item = Kind>) -> Self {
        self.types = kinds.into_iter().collect();
        self
    }

    /// Its size in memory, about, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        // A tree's node has room for more than it holds; a type that is not in the catalogue has its text elsewhere.
        let kind = |kind: &Kind| 2 * size_of::<Kind>() + kind.as_str().len() + 2 * size_of::<usize>();
        let ids = [
            self.stream_id.as_ref().map(|id| id.as_str().len()),
            self.node_id.as_ref().map(|id| id.as_str().len()),
            self.execution_id.as_ref().map(|id| id.as_str().len()),
        ];
        size_of::<Self>()
            + self.types.iter().map(kind).sum::<usize>()
            + ids.into_iter().flatten().sum::<usize>()
    }

    /// The topics that may hold such events.
    #[must_use]
    pub fn scope(&self) -> Scope {
        Scope::Events {
            stream: self.stream_id.clone(),
            node: self.node_id.clone(),
            execution: self.execution_id.clone(),
        }
    }

    /// Whether the filter matches an event of the scope: the conditions that the scope cannot express.
    #[must_use]
    pub fn wants(&self, event: &Event) -> bool {
        self.wants_kind(&event.kind, event.timestamp)
    }

    /// The same by kind and time.
    #[must_use]
    pub fn wants_kind(&self, kind: &Kind, timestamp: Timestamp) -> bool {
        (self.types.is_empty() || self.types.contains(kind))
            && self.after.is_none_or(|time| timestamp >= time)
            && self.before.is_none_or(|time| timestamp < time)
    }
}
