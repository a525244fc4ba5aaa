//! The tools that a node may call, and the one place where calls are guarded.
//!
//! ```text
//! Registry ──scope(tools, approve)──▶ Scope ──clear(call, approval)──▶ Permit ──run──▶ Outcome
//!                                       └── or a Refusal: an error, or an approval that is missing
//! ```
//! Nothing else makes a [`Permit`], and nothing runs without one.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use runbus::pattern::{Pattern, Patterns};
use runbus::session::ToolCall;
use runbus::session::approval;

use super::limits::MAX_TOOLS;
use super::permit::{Clearance, Permit, Refusal};
use super::registry::list;
use super::{Approval, Error, Kind, Listing, Outcome, Registry, RegistryFault, Source, Spec, Tool, permit};

/// The tools that a node may call, with their guards. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Scope(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    tools: Patterns,
    approve: Patterns,
}

/// Why a call needs a person's approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// The tool, or the configuration of its server, asks for it.
    Tool,
    /// A pattern of the node's `approve` covers the tool.
    Listed(Pattern),
    /// The tools of its server are not known yet, so that guards cannot be checked.
    Unknown {
        /// The prefix of the server's tool names.
        prefix: String,
    },
    /// A guard of its server covers no tool, so that it may be meant for this one.
    Faulty(String),
    /// A pattern of the node's `approve` covers no tool, so that it may be meant for this one.
    Idle(Pattern),
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tool => f.write_str("the tool requires it"),
            Self::Listed(pattern) => write!(f, "`approve` has {pattern:?}", pattern = pattern.as_str()),
            Self::Unknown { prefix } => write!(f, "the tools {prefix}* are not known yet"),
            Self::Faulty(reason) => f.write_str(reason),
            Self::Idle(pattern) => {
                write!(f, "`approve` has {:?}, which covers no tool", pattern.as_str())
            }
        }
    }
}

impl Scope {
    pub(super) fn new(registry: Registry, tools: Patterns, approve: Patterns) -> Self {
        Self(Arc::new(Inner { registry, tools, approve }))
    }

    pub(super) fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// Every tool that is there at the moment, by name.
    fn present(&self) -> BTreeMap<String, Arc<dyn Tool>> {
        let Inner { registry, tools, .. } = &*self.0;
        let mut present: BTreeMap<String, Arc<dyn Tool>> = registry
            .names()
            .filter(|name| tools.matches(name))
            .filter_map(|name| Some((name.to_owned(), Arc::clone(registry.get(name)?))))
            .collect();
        for source in &registry.sources {
            let all = source.tools();
            let covered = all.iter().filter(|tool| tools.matches(&tool.spec().name));
            present.extend(covered.map(|tool| (tool.spec().name.clone(), Arc::clone(tool))));
        }
        present
    }

    /// The tool `name`: of a source whose tools are not known also one that may be there.
    fn find(&self, name: &str) -> Option<Arc<dyn Tool>> {
        let Inner { registry, tools, .. } = &*self.0;
        if !tools.matches(name) {
            return None;
        }
        registry.get(name).cloned().or_else(|| {
            let source = registry.source(name)?;
            let present = source.tools().iter().find(|tool| tool.spec().name == name).cloned();
            present.or_else(|| (source.listing() == Listing::Unknown).then(|| source.absent(name)))
        })
    }

    /// Waits until the tools of each source that may have one of this scope are known, or the source was tried in vain. A source that
    /// hangs delays those alone who want its tools.
    pub async fn settled(&self) {
        let wanted = self.0.tools.iter().flat_map(|pattern| self.sources_of(pattern));
        for source in wanted.filter(|source| source.listing() == Listing::Unknown) {
            source.settled().await;
        }
    }

    /// The descriptions of the present tools for a model, sorted by name: the first [`MAX_TOOLS`] by importance.
    #[must_use]
    pub fn specs(&self) -> Vec<Spec> {
        let present = self.present();
        let mut names = self.by_importance(&present);
        let left_out = names.split_off(names.len().min(MAX_TOOLS));
        if !left_out.is_empty() {
            let left_out = list(&left_out);
            tracing::warn!(left_out, limit = MAX_TOOLS, "too many tools for one model; some are left out");
        }
        names.sort_unstable();
        names.into_iter().filter_map(|name| Some(present.get(name)?.spec().clone())).collect()
    }

    /// The names of its tools, the most important ones first: in the order of the patterns that cover them. Those of one pattern take
    /// turns by their source, so that a large one leaves room for the others.
    fn by_importance<'a>(&self, present: &'a BTreeMap<String, Arc<dyn Tool>>) -> Vec<&'a str> {
        let Inner { registry, tools, .. } = &*self.0;
        let mut turns: BTreeMap<(usize, Option<&str>), usize> = BTreeMap::new();
        let mut ranked: Vec<(usize, usize, &str)> = Vec::with_capacity(present.len());
        for (name, tool) in present {
            // A node's own children are named one by one. Every other tool here is covered by a pattern.
            let pattern = match tool.kind() {
                Kind::Subagent(_) => 0,
                _ => tools
                    .iter()
                    .position(|pattern| pattern.matches(name))
                    .map_or(usize::MAX, |place| place + 1),
            };
            let source =
                registry.get(name).is_none().then(|| registry.source(name).map(|source| source.prefix()));
            let turn = turns.entry((pattern, source.flatten())).or_default();
            ranked.push((pattern, *turn, name));
            *turn += 1;
        }
        ranked.sort_unstable();
        ranked.into_iter().map(|(_, _, name)| name).collect()
    }

    /// Whether a call of `name` starts a child.
    #[must_use]
    pub(crate) fn is_child(&self, name: &str) -> bool {
        self.find(name).is_some_and(|tool| matches!(tool.kind(), Kind::Subagent(_)))
    }

    /// Whether a call of `name` whose outcome is unknown may simply run again: also when there is no such tool, since that
    /// call does nothing.
    #[must_use]
    pub fn is_safe_to_repeat(&self, name: &str) -> bool {
        self.find(name).is_none_or(|tool| tool.safe_to_repeat())
    }

    /// Checks that each name and pattern of both lists covers a tool, and that a model takes all of them, as far as the tools are
    /// known.
    ///
    /// # Errors
    /// See [`RegistryFault::Idle`] and [`RegistryFault::Excess`].
    pub fn check(&self) -> Result<(), RegistryFault> {
        let Inner { registry, tools, approve } = &*self.0;
        let known = || registry.known();
        let everything = registry.everything().present().into_keys().collect::<Vec<_>>();
        self.covers("tools", tools, &everything, known)?;
        let present = self.present();
        let names = self.by_importance(&present);
        if names.len() > MAX_TOOLS {
            let (count, left_out) = (names.len(), list(&names[MAX_TOOLS..]));
            return Err(RegistryFault::Excess { count, limit: MAX_TOOLS, left_out });
        }
        let mine: Vec<String> = present.into_keys().collect();
        self.covers("approve", approve, &mine, || list(&mine))
    }

    fn covers(
        &self,
        list: &'static str,
        patterns: &Patterns,
        names: &[String],
        known: impl Fn() -> String,
    ) -> Result<(), RegistryFault> {
        let unknown = |source: &Arc<dyn Source>| source.listing() == Listing::Unknown;
        let waits = |pattern: &Pattern| self.sources_of(pattern).any(unknown);
        match patterns.idle(names).find(|(_, pattern)| !waits(pattern)) {
            Some((index, pattern)) => {
                Err(RegistryFault::Idle { list, index, pattern: pattern.to_string(), known: known() })
            }
            None => Ok(()),
        }
    }

    /// The sources that may have a tool that a pattern covers.
    fn sources_of(&self, pattern: &Pattern) -> impl Iterator<Item = &Arc<dyn Source>> {
        self.registry().sources.iter().filter(|source| pattern.meets_prefix(source.prefix()))
    }

    /// Why a call of a tool of this scope needs a person's approval; `None`: it needs none.
    #[must_use]
    pub fn need(&self, name: &str) -> Option<Need> {
        let Inner { registry, approve, .. } = &*self.0;
        let tool = self.find(name)?;
        let source = if registry.get(name).is_some() { None } else { registry.source(name) };
        match source.map(|source| (source, source.listing())) {
            Some((source, Listing::Unknown)) => {
                return Some(Need::Unknown { prefix: source.prefix().to_owned() });
            }
            Some((_, Listing::Faulty(reason))) => return Some(Need::Faulty(reason)),
            Some((_, Listing::Checked)) | None => {}
        }
        if tool.approval() == Approval::Always {
            return Some(Need::Tool);
        }
        if let Some(pattern) = approve.iter().find(|pattern| pattern.matches(name)) {
            return Some(Need::Listed(pattern.clone()));
        }
        // A guard without a tool is a slip, or the tool has another name now: all that it may have meant are guarded.
        let names: Vec<String> = self.present().into_keys().collect();
        let prefix = source.map(|source| source.prefix());
        let concerns = |pattern: &Pattern| {
            let mut prefixes = self.sources_of(pattern).map(|source| source.prefix()).peekable();
            prefixes.peek().is_none() || prefixes.any(|known| Some(known) == prefix)
        };
        approve
            .idle(&names)
            .find(|(_, pattern)| concerns(pattern))
            .map(|(_, pattern)| Need::Idle(pattern.clone()))
    }

    /// Clears a call: the only way to one that runs. `approval` is what a person said about it.
    ///
    /// A refusal with an error counts as a call.
    ///
    /// # Errors
    /// There is no such tool, its arguments do not fit, or a guard covers it and `approval` is not for this very call.
    pub fn clear(&self, call: &ToolCall, approval: Option<&approval::Approval>) -> Result<Permit, Refusal> {
        let refused = |error| {
            self.registry().counters.count(Some(&error), false);
            Refusal::Error(error)
        };
        let Some(tool) = self.find(&call.name) else {
            return Err(refused(Error::Unknown { name: call.name.clone(), known: self.known() }));
        };
        let arguments = permit::parse(&call.arguments).map_err(refused)?;
        let schema = self.registry().schema(&call.name).cloned().or_else(|| tool.schema());
        if let Some(schema) = &schema {
            schema.check(&arguments).map_err(|mismatch| refused(mismatch.into()))?;
        }
        let approved = approval.is_some_and(|approval| approval.allows(call, &arguments));
        if !approved && let Some(need) = self.need(&call.name) {
            let schema = schema.map(|schema| schema.parameters().clone());
            return Err(Refusal::NeedsApproval { need, arguments, schema });
        }
        let clearance = Clearance::new(self.clone(), &call.name, approved);
        Ok(Permit::new(tool, call.clone(), arguments, clearance))
    }

    /// Runs a call that needs no approval, and always has an answer; one that needs an approval is not run.
    ///
    /// `arguments` is the model's text. An empty one counts as an empty object: models write that for tools
    /// without parameters. Dropping the future drops the call.
    pub async fn attempt(
        &self,
        name: &str,
        call_id: &str,
        idempotency_key: &str,
        arguments: &str,
    ) -> Outcome {
        let (id, name, arguments) = (call_id.to_owned(), name.to_owned(), arguments.to_owned());
        match self.clear(&ToolCall::new(id, name, arguments), None) {
            Ok(permit) => permit.run(idempotency_key).await,
            Err(refusal) => refusal.into_outcome(),
        }
    }

    fn known(&self) -> String {
        list(&self.present().into_keys().collect::<Vec<_>>())
    }
}
