//! How events and reports make the document.

use super::approvals::Approvals;
use super::contributions::Contributions;
use super::conversations::Conversations;
use super::cost::Prices;
use super::runs::Runs;
use super::view::{Context, Monitor};
use crate::control::workers::WorkerReport;
use crate::event::{Class, Event, Kind, Payload};
use crate::execution::Folded;
use crate::id::StreamId;
use crate::limits;
use crate::pattern::Pattern;

/// The state of one stream, or of all. Its size is bounded.
#[derive(Debug, Clone, Default)]
pub struct Fold {
    stream: Option<StreamId>,
    complete: bool,
    approvals: Approvals,
    contributions: Contributions,
    conversations: Conversations,
    runs: Runs,
}

/// How much of it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// No messages, few executions, few approvals.
    Least,
    /// Few of everything.
    Less,
    /// All that is remembered.
    Full,
}

impl Detail {
    /// From the most to the least.
    pub const ALL: [Self; 3] = [Self::Full, Self::Less, Self::Least];

    /// Messages of a conversation, executions, approvals.
    const fn most(self) -> (usize, usize, usize) {
        match self {
            Self::Full => (limits::MONITOR_MESSAGES, limits::MONITOR_EXECUTIONS, limits::MONITOR_APPROVALS),
            Self::Less => (4, 32, 32),
            Self::Least => (0, 4, 4),
        }
    }
}

impl Fold {
    /// An empty state. `complete`: the events that follow are all; else they are the newest part.
    #[must_use]
    pub fn new(stream: Option<StreamId>, complete: bool) -> Self {
        Self { stream, complete, ..Self::default() }
    }

    /// Whether such an event can change a monitor.
    #[must_use]
    pub fn wants(kind: &Kind) -> bool {
        kind.class() == Class::Critical
            && !matches!(kind, Kind::NodeInternalOutput | Kind::Custom | Kind::Other(_) | Kind::WebhookFailed)
    }

    /// Takes the next event; whether it may have changed something. Events of one execution come in its order. Those of other
    /// streams, and payloads that are not as their type says, change nothing. `external`: somebody who is no part of Runbus published
    /// it.
    pub fn apply(&mut self, event: &Event, external: bool) -> bool {
        if !Self::wants(&event.kind) || self.stream.as_ref().is_some_and(|stream| *stream != event.stream_id)
        {
            return false;
        }
        let Ok(payload) = event.payload() else { return false };
        match self.runs.fold(event, external) {
            // Earlier external events do not count.
            Some(Folded::Begins) => {
                if let Some(id) = &event.execution_id {
                    self.approvals.forget_run(id);
                    self.conversations.forget_run(id);
                }
            }
            Some(Folded::Nothing) => return false,
            Some(Folded::Counts) | None => {}
        }
        let contributed = match &payload {
            Payload::StateChanged(said) => self.contributions.apply(event, said),
            _ => false,
        };
        let waits = self.approvals.apply(event, &payload, external);
        let said = self.conversations.apply(event, &payload, external);
        let ran = self.runs.apply(event, &payload);
        contributed || waits || said || ran
    }

    /// Events are missing: the document is not complete any more.
    pub fn lost(&mut self) -> bool {
        std::mem::take(&mut self.complete)
    }

    /// Takes what all workers say now; whether it changed anything.
    pub fn report(&mut self, workers: &[WorkerReport]) -> bool {
        self.contributions.report(workers)
    }

    /// The document.
    #[must_use]
    pub fn view(&self, prices: &Prices, detail: Detail) -> Monitor {
        let (messages, executions, approvals) = detail.most();
        let context = self.context(messages);
        // Of one stream: the servers whose tools its agents may call, `<server>__<tool>`.
        let may_call = |server: &str| {
            let prefix = format!("{server}__");
            let nodes = context.agents.values().flat_map(|agent| agent.nodes.values());
            let meets = |tool: &String| Pattern::new(tool).is_ok_and(|tool| tool.meets_prefix(&prefix));
            nodes.flat_map(|node| &node.tools).any(meets)
        };
        let mcp = self.contributions.mcp(|server| self.stream.is_none() || may_call(server));
        Monitor {
            stream_id: self.stream.clone(),
            complete: self.complete,
            reduced: detail != Detail::Full,
            approvals: self.approvals.view(approvals),
            context: (context != Context::default()).then_some(context),
            mcp,
            code_execution: self.contributions.code_execution(),
            usage: self.runs.used(prices),
            graph: self.runs.view(executions),
        }
    }

    fn context(&self, messages: usize) -> Context {
        let runs: std::collections::BTreeSet<&str> = self.runs.definitions().collect();
        let is_meant = |name: &str| match &self.stream {
            Some(stream) => stream.as_str() == name || runs.contains(name),
            None => true,
        };
        let agents = self.contributions.agents.iter().filter(|(name, _)| is_meant(name));
        let agents: std::collections::BTreeMap<_, _> =
            agents.map(|(name, agent)| (name.clone(), agent.clone())).collect();
        let mut tools = self.conversations.tools.clone();
        for name in agents.values().flat_map(|agent| agent.nodes.values()).flat_map(|node| &node.tools) {
            if tools.len() < limits::MONITOR_NAMES {
                tools.entry(name.clone()).or_default();
            }
        }
        Context { agents, tools, conversations: self.conversations.view(messages) }
    }
}
