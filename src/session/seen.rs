//! The executions that a session was asked for: the newest ones, so that the same id again begins nothing anew.
//!
//! A bound is enough. Within the duplicate window the log keeps one command of an id. Behind it a caller has read the
//! execution's status before it asks, and asks for none that is known; it waits for an append for a quarter of the window at
//! most. So a second command of an id comes only from a caller that stood still in between, and is recognised here unless
//! [`limits::SESSION_STARTS`] other executions were asked for meanwhile.

use std::collections::{HashSet, VecDeque};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::ExecutionId;
use crate::limits;

/// The last executions that were asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    ids: HashSet<ExecutionId>,
    /// The same, oldest first.
    order: VecDeque<ExecutionId>,
}

impl Seen {
    pub(super) fn contains(&self, id: &ExecutionId) -> bool {
        self.ids.contains(id)
    }

    /// Adds one; the oldest one goes when they are too many.
    pub(super) fn insert(&mut self, id: ExecutionId) {
        if !self.ids.insert(id.clone()) {
            return;
        }
        self.order.push_back(id);
        if self.order.len() > limits::SESSION_STARTS
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }
}

impl Serialize for Seen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.order.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Seen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let order = VecDeque::<ExecutionId>::deserialize(deserializer)?;
        Ok(Self { ids: order.iter().cloned().collect(), order })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_ids_are_known_and_no_more_than_the_limit() {
        let id = |n: usize| ExecutionId::new(n.to_string()).unwrap();
        let mut seen = Seen::default();
        for n in 0..3 * limits::SESSION_STARTS {
            seen.insert(id(n));
            seen.insert(id(n));
            assert!(seen.contains(&id(n)));
            assert!(seen.ids.len() <= limits::SESSION_STARTS && seen.ids.len() == seen.order.len());
        }
        assert!(seen.contains(&id(2 * limits::SESSION_STARTS)));
        assert!(!seen.contains(&id(2 * limits::SESSION_STARTS - 1)));
        let text = serde_json::to_string(&seen).unwrap();
        assert_eq!(serde_json::from_str::<Seen>(&text).unwrap(), seen);
    }
}
