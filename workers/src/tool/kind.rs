//! How a call of a tool is carried out, and whether a person is asked first.

use std::fmt::Debug;

/// Whether a person must agree before a call runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Approval {
    /// A call runs at once.
    #[default]
    Never,
    /// Every call waits for a person, who may also edit its arguments.
    Always,
}

/// The part of the runtime that carries out a call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Kind {
    /// The registry: it calls [`super::Tool::call`].
    #[default]
    Function,
    /// A person: the runtime parks the call until somebody answers. The registry does not run it.
    AskHuman,
    /// Another session: the runtime starts it, parks the call and takes its result. The registry does not run it.
    Subagent(SubagentSpec),
}

/// Which session answers a call of a sub-agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubagentSpec {
    /// The definition that it runs.
    pub definition: String,
    /// Whether it starts anew with each call; else it is one session that remembers the calls before.
    pub ephemeral: bool,
}
