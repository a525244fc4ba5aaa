//! Scopes: which topics a reader wants.

use super::shard::{Layout, Shard};
use super::token;
use super::topic::{Key, Lane, Topic, pattern_token};
use crate::id::{ExecutionId, NodeId, SessionId, StreamId};

/// A set of topics of one lane. `None` matches any.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Events, by stream, node and execution.
    Events {
        /// The line of work.
        stream: Option<StreamId>,
        /// The step.
        node: Option<NodeId>,
        /// The run.
        execution: Option<ExecutionId>,
    },
    /// Journals.
    Journal(Option<SessionId>),
    /// Inboxes.
    Inbox(Option<SessionId>),
}

impl Scope {
    /// Every event.
    pub const EVERYTHING: Self = Self::Events { stream: None, node: None, execution: None };

    /// Its lane.
    #[must_use]
    pub const fn lane(&self) -> Lane {
        match self {
            Self::Events { .. } => Lane::Events,
            Self::Journal(_) => Lane::Journal,
            Self::Inbox(_) => Lane::Inbox,
        }
    }

    /// Whether a topic belongs to it.
    #[must_use]
    pub fn matches(&self, topic: &Topic) -> bool {
        fn fits<T: PartialEq>(wanted: Option<&T>, found: Option<&T>) -> bool {
            wanted.is_none() || wanted == found
        }
        match (self, topic) {
            (
                Self::Events { stream, node, execution },
                Topic::Events { stream: s, node: n, execution: e },
            ) => {
                fits(stream.as_ref(), Some(s))
                    && fits(node.as_ref(), n.as_ref())
                    && fits(execution.as_ref(), e.as_ref())
            }
            (Self::Journal(wanted), Topic::Journal(found)) | (Self::Inbox(wanted), Topic::Inbox(found)) => {
                fits(wanted.as_ref(), Some(found))
            }
            (Self::Events { stream: None, node: None, execution: None }, Topic::Opaque(lane, _)) => {
                *lane == Lane::Events
            }
            (Self::Journal(None), Topic::Opaque(lane, _)) => *lane == Lane::Journal,
            (Self::Inbox(None), Topic::Opaque(lane, _)) => *lane == Lane::Inbox,
            _ => false,
        }
    }

    /// The shards that may hold its topics: one a generation, newest first, when the scope names what decides the
    /// shard, else all.
    #[must_use]
    pub fn shards(&self, layout: &Layout) -> Vec<Shard> {
        let token = match self {
            Self::Events { execution, .. } => execution.as_ref().map(ExecutionId::as_str),
            Self::Journal(session) | Self::Inbox(session) => session.as_ref().map(SessionId::as_str),
        };
        token.map_or_else(|| layout.all().collect(), |id| layout.candidates(&token::encode(id)))
    }

    /// Whether all its topics are of one key, so that a frame's `prev` tells what stands before it.
    #[must_use]
    pub const fn is_one_key(&self) -> bool {
        match self {
            // Two streams may use one execution id: then there are two keys.
            Self::Events { stream, execution, .. } => stream.is_some() && execution.is_some(),
            Self::Journal(session) | Self::Inbox(session) => session.is_some(),
        }
    }

    /// Its NATS subject in a shard, with wildcards for unset parts and for the author.
    #[must_use]
    pub fn pattern(&self, prefix: &str, shard: Shard) -> String {
        let lane = pattern_token(self.lane());
        let any = |id: Option<&str>| id.map_or_else(|| "*".into(), |id| token::encode(id).into_owned());
        match self {
            Self::Events { stream, node, execution } => format!(
                "{prefix}.{lane}.{shard}.{}.{}.{}",
                any(stream.as_ref().map(StreamId::as_str)),
                any(node.as_ref().map(NodeId::as_str)),
                any(execution.as_ref().map(ExecutionId::as_str)),
            ),
            Self::Journal(session) | Self::Inbox(session) => {
                format!("{prefix}.{lane}.{shard}.{}", any(session.as_ref().map(SessionId::as_str)))
            }
        }
    }
}

impl From<&Key> for Scope {
    fn from(key: &Key) -> Self {
        match key {
            Key::Execution(stream, execution) => {
                Self::Events { stream: Some(stream.clone()), node: None, execution: Some(execution.clone()) }
            }
            Key::Journal(session) => Self::Journal(Some(session.clone())),
            Key::Inbox(session) => Self::Inbox(Some(session.clone())),
        }
    }
}
