//! Scopes: actions, and the streams, nodes and executions that they are allowed on.
//!
//! As text: `actions[:stream[/node[/execution]]]`, for instance `read,start:orders-*` or `read:*/*/run-7`. An omitted part
//! matches any.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use runbus::bus::Filter;
use runbus::id::{ExecutionId, NodeId, StreamId};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::action::Action;
use super::narrow::Narrow;
use super::pattern::Pattern;
use crate::limits;

/// Why a text is no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub(super) &'static str);

/// The permission of one scope of a credential.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    actions: BTreeSet<Action>,
    stream: Pattern,
    node: Pattern,
    execution: Pattern,
}

/// The target of an action; `None` is any, or none in particular.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Target<'t> {
    /// The line of work.
    pub stream: Option<&'t str>,
    /// The step.
    pub node: Option<&'t str>,
    /// The run.
    pub execution: Option<&'t str>,
}

impl Target<'_> {
    /// Everything.
    pub const EVERYTHING: Self = Self { stream: None, node: None, execution: None };
}

impl<'t> Target<'t> {
    /// A whole execution.
    #[must_use]
    pub fn execution(stream: &'t StreamId, execution: &'t ExecutionId) -> Self {
        Self { stream: Some(stream.as_str()), node: None, execution: Some(execution.as_str()) }
    }
}

impl<'t> From<&'t Filter> for Target<'t> {
    fn from(filter: &'t Filter) -> Self {
        Self {
            stream: filter.stream_id.as_ref().map(StreamId::as_str),
            node: filter.node_id.as_ref().map(NodeId::as_str),
            execution: filter.execution_id.as_ref().map(ExecutionId::as_str),
        }
    }
}

impl Scope {
    /// These actions on everything.
    #[must_use]
    pub fn everywhere(actions: impl IntoIterator<Item = Action>) -> Self {
        let actions = actions.into_iter().collect();
        Self { actions, stream: Pattern::Any, node: Pattern::Any, execution: Pattern::Any }
    }

    /// Whether it allows an action on all of `target`.
    #[must_use]
    pub fn covers(&self, action: Action, target: Target<'_>) -> bool {
        self.actions.contains(&action)
            && self.stream.holds(target.stream)
            && self.node.holds(target.node)
            && self.execution.holds(target.execution)
    }

    /// The fields that `target` must name for this scope to cover it; `None`: no value of them makes it.
    pub(super) fn lacks(&self, action: Action, target: Target<'_>) -> Option<Narrow> {
        let lacks = |pattern: &Pattern, id: Option<&str>| match id {
            None => Some(*pattern != Pattern::Any),
            Some(_) => pattern.holds(id).then_some(false),
        };
        if !self.actions.contains(&action) {
            return None;
        }
        Some(Narrow {
            stream: lacks(&self.stream, target.stream)?,
            node: lacks(&self.node, target.node)?,
            execution: lacks(&self.execution, target.execution)?,
        })
    }

    /// The streams that it is about, and whether it is about all of each.
    #[must_use]
    pub fn stream(&self) -> (&Pattern, bool) {
        (&self.stream, self.node == Pattern::Any && self.execution == Pattern::Any)
    }

    /// Its actions.
    #[must_use]
    pub const fn actions(&self) -> &BTreeSet<Action> {
        &self.actions
    }

    /// The same for some actions only; `None` when none is left.
    #[must_use]
    pub fn only(&self, keep: impl Fn(Action) -> bool) -> Option<Self> {
        let actions: BTreeSet<Action> = self.actions.iter().copied().filter(|action| keep(*action)).collect();
        (!actions.is_empty()).then(|| Self { actions, ..self.clone() })
    }

    /// Whether all that this scope allows is allowed by `scopes`: each action by one of them.
    #[must_use]
    pub fn is_within(&self, scopes: &[Self]) -> bool {
        self.actions.iter().all(|action| {
            scopes.iter().any(|scope| {
                scope.actions.contains(action)
                    && scope.stream.contains(&self.stream)
                    && scope.node.contains(&self.node)
                    && scope.execution.contains(&self.execution)
            })
        })
    }
}

impl FromStr for Scope {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.len() > limits::SCOPE_BYTES {
            return Err(Invalid("a scope has at most 1024 bytes"));
        }
        let (actions, target) = text.split_once(':').unwrap_or((text, "*"));
        let actions = match actions {
            "*" => Action::ORDINARY.into_iter().collect(),
            names => names.split(',').map(str::parse).collect::<Result<BTreeSet<Action>, _>>()?,
        };
        let mut patterns = target.split('/').map(str::parse);
        let mut next = || patterns.next().unwrap_or(Ok(Pattern::Any));
        let scope = Self { actions, stream: next()?, node: next()?, execution: next()? };
        match patterns.next() {
            None => Ok(scope),
            Some(_) => Err(Invalid("a scope has a stream, a node and an execution: two / at most")),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, action) in self.actions.iter().enumerate() {
            write!(f, "{}{action}", if n > 0 { "," } else { "" })?;
        }
        write!(f, ":{}/{}/{}", self.stream, self.node, self.execution)
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Scope {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Scope".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "maxLength": limits::SCOPE_BYTES, "format": "runbus-scope" })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use runbus::subject::Topic;

    use super::*;

    fn id() -> impl Strategy<Value = String> {
        "[ab*/:,% -]{1,3}"
    }

    fn pattern() -> impl Strategy<Value = Pattern> {
        prop_oneof![
            Just(Pattern::Any),
            id().prop_map(|id| Pattern::Prefix(id.into())),
            id().prop_map(|id| Pattern::Exact(id.into())),
        ]
    }

    fn scope() -> impl Strategy<Value = Scope> {
        let actions = proptest::collection::btree_set(proptest::sample::select(&Action::ALL[..]), 1..4);
        (actions, pattern(), pattern(), pattern()).prop_map(|(actions, stream, node, execution)| Scope {
            actions,
            stream,
            node,
            execution,
        })
    }

    fn filter() -> impl Strategy<Value = Filter> {
        use proptest::option::of;
        (of(id()), of(id()), of(id())).prop_map(|(stream, node, execution)| Filter {
            stream_id: stream.map(|id| id.parse().unwrap()),
            node_id: node.map(|id| id.parse().unwrap()),
            execution_id: execution.map(|id| id.parse().unwrap()),
            ..Filter::all()
        })
    }

    fn topic() -> impl Strategy<Value = Topic> {
        use proptest::option::of;
        (id(), of(id()), of(id())).prop_map(|(stream, node, execution)| Topic::Events {
            stream: stream.parse().unwrap(),
            node: node.map(|id| id.parse().unwrap()),
            execution: execution.map(|id| id.parse().unwrap()),
        })
    }

    fn place(topic: &Topic) -> Target<'_> {
        let Topic::Events { stream, node, execution } = topic else { return Target::EVERYTHING };
        Target {
            stream: Some(stream.as_str()),
            node: node.as_ref().map(NodeId::as_str),
            execution: execution.as_ref().map(ExecutionId::as_str),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        /// The one property that must hold: a caller with access to a filter has access to every event that it matches.
        #[test]
        fn a_filter_that_is_covered_admits_nothing_outside(scope in scope(), filter in filter(), topic in topic()) {
            let covered = scope.covers(Action::Read, Target::from(&filter));
            if covered && filter.scope().matches(&topic) {
                prop_assert!(scope.covers(Action::Read, place(&topic)), "{scope} {filter:?} {topic:?}");
            }
        }

        #[test]
        fn a_scope_within_another_allows_no_more(inner in scope(), outer in proptest::collection::vec(scope(), 1..3), topic in topic(), filter in filter()) {
            if inner.is_within(&outer) {
                for action in Action::ALL {
                    for target in [place(&topic), Target::from(&filter)] {
                        let allowed = outer.iter().any(|scope| scope.covers(action, target));
                        prop_assert!(allowed || !inner.covers(action, target), "{inner} {outer:?} {target:?}");
                    }
                }
            }
            prop_assert!(inner.is_within(std::slice::from_ref(&inner)));
            prop_assert!(inner.only(|action| action != Action::Admin).is_none_or(|less| less.is_within(&[inner])));
        }

        #[test]
        fn text_round_trips(scope in scope()) {
            prop_assert_eq!(scope.to_string().parse::<Scope>().unwrap(), scope);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "(read|\\*|admin)?(,start)?:?\\PC{0,20}") {
            if let Ok(scope) = text.parse::<Scope>() {
                prop_assert_eq!(scope.to_string().parse::<Scope>().unwrap(), scope);
            }
        }
    }

    #[test]
    fn an_omitted_part_matches_any_and_admin_is_named() {
        let all: Scope = "*".parse().unwrap();
        assert!(
            all.covers(Action::Cancel, Target::EVERYTHING) && !all.covers(Action::Admin, Target::EVERYTHING)
        );
        let some: Scope = "read,start:orders-*/*/run%2A".parse().unwrap();
        let target =
            |stream, execution| Target { stream: Some(stream), node: None, execution: Some(execution) };
        assert!(some.covers(Action::Read, target("orders-1", "run*")));
        assert!(!some.covers(Action::Read, target("orders", "run*")));
        assert!(!some.covers(Action::Read, target("orders-1", "run-1")));
        assert!(!some.covers(Action::Decide, target("orders-1", "run*")));
        for wrong in
            ["", "fly", "read:", "read:a*b", "read:a/b/c/d", "read:%2", "read:%zz", "read:%ff", "read,"]
        {
            wrong.parse::<Scope>().unwrap_err();
        }
    }
}
