//! Topics: where a frame lives, and the keys whose frames one owner writes.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::shard::Shard;
use super::token;
use crate::id::{ExecutionId, NodeId, SessionId, StreamId};

/// The three kinds of log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// The events that people and programs watch, per execution.
    Events,
    /// The decisions of agents, per session.
    Journal,
    /// Commands for a session's owner.
    Inbox,
}

impl Lane {
    /// All lanes.
    pub const ALL: [Self; 3] = [Self::Events, Self::Journal, Self::Inbox];

    /// Its token in subjects.
    #[must_use]
    pub const fn token(self) -> &'static str {
        match self {
            Self::Events => "ev",
            Self::Journal => "se",
            Self::Inbox => "in",
        }
    }
}

/// The token, in the place of a lane's, of events that anybody may publish. They share the shards of [`Lane::Events`].
pub const EXTERNAL: &str = "ext";

/// The pattern of both kinds of events: those that Runbus writes, and those that anybody may publish.
pub(super) const fn pattern_token(lane: Lane) -> &'static str {
    match lane {
        Lane::Events => "*",
        Lane::Journal | Lane::Inbox => lane.token(),
    }
}

/// Where a frame lives: one subject.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Events of one node of one execution; `None` for events of the execution, or of the stream, itself.
    Events {
        /// The line of work.
        stream: StreamId,
        /// The step.
        node: Option<NodeId>,
        /// The run.
        execution: Option<ExecutionId>,
    },
    /// A session's journal.
    Journal(SessionId),
    /// A session's inbox.
    Inbox(SessionId),
    /// A subject that somebody else wrote to and that names no ids; it stays readable under broad scopes.
    Opaque(Lane, Arc<str>),
}

/// The frames that a compare-and-set append is checked against: all topics of one execution, one journal, one inbox.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// An execution, over all its nodes.
    Execution(StreamId, ExecutionId),
    /// A session's journal.
    Journal(SessionId),
    /// A session's inbox.
    Inbox(SessionId),
}

impl Topic {
    /// Its lane.
    #[must_use]
    pub const fn lane(&self) -> Lane {
        match self {
            Self::Events { .. } => Lane::Events,
            Self::Journal(_) => Lane::Journal,
            Self::Inbox(_) => Lane::Inbox,
            Self::Opaque(lane, _) => *lane,
        }
    }

    /// The key that its owner's appends are checked against; `None` for a topic without owner.
    #[must_use]
    pub fn key(&self) -> Option<Key> {
        match self {
            Self::Events { stream, execution: Some(execution), .. } => {
                Some(Key::Execution(stream.clone(), execution.clone()))
            }
            Self::Journal(session) => Some(Key::Journal(session.clone())),
            Self::Inbox(session) => Some(Key::Inbox(session.clone())),
            Self::Events { execution: None, .. } | Self::Opaque(..) => None,
        }
    }

    /// The token that decides its shard.
    #[must_use]
    pub fn shard_token(&self) -> Cow<'_, str> {
        match self {
            Self::Events { execution, .. } => {
                execution.as_ref().map_or_else(|| token::NONE.into(), |id| token::encode(id.as_str()))
            }
            Self::Journal(session) | Self::Inbox(session) => token::encode(session.as_str()),
            Self::Opaque(_, subject) => (&**subject).into(),
        }
    }

    /// Its NATS subject, where only Runbus writes.
    #[must_use]
    pub fn subject(&self, prefix: &str, shard: Shard) -> String {
        self.subject_under(self.lane().token(), prefix, shard)
    }

    /// Its NATS subject, where anybody may publish; `None` where nobody else may.
    #[must_use]
    pub fn external_subject(&self, prefix: &str, shard: Shard) -> Option<String> {
        matches!(self, Self::Events { .. }).then(|| self.subject_under(EXTERNAL, prefix, shard))
    }

    fn subject_under(&self, lane: &str, prefix: &str, shard: Shard) -> String {
        match self {
            Self::Events { stream, node, .. } => {
                let stream = token::encode(stream.as_str());
                let node = node.as_ref().map_or_else(|| token::NONE.into(), |id| token::encode(id.as_str()));
                format!("{prefix}.{lane}.{shard}.{stream}.{node}.{}", self.shard_token())
            }
            Self::Journal(_) | Self::Inbox(_) => format!("{prefix}.{lane}.{shard}.{}", self.shard_token()),
            Self::Opaque(_, subject) => subject.to_string(),
        }
    }

    /// Reads the part of a subject behind `<prefix>.<lane>.<shard>.`, or behind `<prefix>.ext.<shard>.`.
    ///
    /// Tokens that are not canonically encoded (plain publishers write `100%`) are taken literally; a token that is
    /// still no id becomes [`Topic::Opaque`] with the whole `subject`.
    #[must_use]
    pub fn parse(lane: Lane, rest: &str, subject: &str) -> Self {
        let opaque = || Self::Opaque(lane, Arc::from(subject));
        let literal = |text| token::decode(text).unwrap_or(Cow::Borrowed(text));
        let mut tokens = rest.split('.');
        let tokens = [tokens.next(), tokens.next(), tokens.next(), tokens.next()];
        match (lane, tokens) {
            (Lane::Events, [Some(stream), Some(node), Some(execution), None]) => {
                let Ok(stream) = StreamId::new(literal(stream)) else { return opaque() };
                let node = match node {
                    token::NONE => None,
                    text => match NodeId::new(literal(text)) {
                        Ok(id) => Some(id),
                        Err(_no_id) => return opaque(),
                    },
                };
                let execution = match execution {
                    token::NONE => None,
                    text => match ExecutionId::new(literal(text)) {
                        Ok(id) => Some(id),
                        Err(_no_id) => return opaque(),
                    },
                };
                Self::Events { stream, node, execution }
            }
            (Lane::Journal, [Some(session), None, ..]) => {
                SessionId::new(literal(session)).map_or_else(|_no_id| opaque(), Self::Journal)
            }
            (Lane::Inbox, [Some(session), None, ..]) => {
                SessionId::new(literal(session)).map_or_else(|_no_id| opaque(), Self::Inbox)
            }
            _ => opaque(),
        }
    }
}

impl Key {
    /// Its lane.
    #[must_use]
    pub const fn lane(&self) -> Lane {
        match self {
            Self::Execution(..) => Lane::Events,
            Self::Journal(_) => Lane::Journal,
            Self::Inbox(_) => Lane::Inbox,
        }
    }

    /// The token that decides its shard.
    #[must_use]
    pub fn shard_token(&self) -> Cow<'_, str> {
        match self {
            Self::Execution(_, execution) => token::encode(execution.as_str()),
            Self::Journal(session) | Self::Inbox(session) => token::encode(session.as_str()),
        }
    }

    /// The NATS subject, or wildcard, of all its topics, with external events to them.
    #[must_use]
    pub fn pattern(&self, prefix: &str, shard: Shard) -> String {
        self.pattern_under(pattern_token(self.lane()), prefix, shard)
    }

    /// The same without what others published.
    #[must_use]
    pub fn own_pattern(&self, prefix: &str, shard: Shard) -> String {
        self.pattern_under(self.lane().token(), prefix, shard)
    }

    fn pattern_under(&self, lane: &str, prefix: &str, shard: Shard) -> String {
        match self {
            Self::Execution(stream, _) => {
                format!("{prefix}.{lane}.{shard}.{}.*.{}", token::encode(stream.as_str()), self.shard_token())
            }
            Self::Journal(_) | Self::Inbox(_) => format!("{prefix}.{lane}.{shard}.{}", self.shard_token()),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Execution(stream, execution) => write!(f, "execution {execution} of {stream}"),
            Self::Journal(session) => write!(f, "journal of {session}"),
            Self::Inbox(session) => write!(f, "inbox of {session}"),
        }
    }
}
