//! The window of a live list, and the changes from one state to the next: pure.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::{Value, json};

/// One state of a live list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Window {
    /// Ids and entries, in order.
    pub entries: Vec<(String, Arc<Value>)>,
    /// The fields beside them.
    pub rest: Rest,
}

/// The fields beside the entries.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, schemars::JsonSchema)]
pub struct Rest {
    /// There are more that match than the window shows.
    pub more: bool,
    /// Entries that match, whatever their status, by status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts: Option<BTreeMap<String, u64>>,
    /// Whether all were counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts_exact: Option<bool>,
    /// Whether the index follows the log; else it is being built.
    pub complete: bool,
}

/// The changes from one state to the next: first the removals, then the upserts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Changes {
    /// Ids that are not in the window any more.
    pub removals: Vec<String>,
    /// Entries that are new in it, or other than before.
    pub upserts: Vec<Arc<Value>>,
}

impl Window {
    /// The changes that lead to `next`.
    #[must_use]
    pub fn changes(&self, next: &Self) -> Changes {
        let after: HashMap<&str, &Arc<Value>> =
            next.entries.iter().map(|(id, entry)| (id.as_str(), entry)).collect();
        let before: HashMap<&str, &Arc<Value>> =
            self.entries.iter().map(|(id, entry)| (id.as_str(), entry)).collect();
        let gone = self.entries.iter().filter(|(id, _)| !after.contains_key(id.as_str()));
        let other = next.entries.iter().filter(|(id, entry)| before.get(id.as_str()) != Some(&entry));
        Changes {
            removals: gone.map(|(id, _)| id.clone()).collect(),
            upserts: other.map(|(_, entry)| entry.clone()).collect(),
        }
    }

    /// All of it, as a message.
    pub(super) fn snapshot(&self, list: &str, revision: u64) -> Value {
        let entries: Vec<&Value> = self.entries.iter().map(|(_, entry)| entry.as_ref()).collect();
        let mut message =
            json!({ "type": "list_snapshot", "list": list, "revision": revision, "entries": entries });
        self.rest.write(&mut message);
        message
    }
}

impl Rest {
    fn write(&self, message: &mut Value) {
        // A struct of plain fields.
        let Ok(Value::Object(fields)) = serde_json::to_value(self) else { return };
        for (name, value) in fields {
            message[name] = value;
        }
    }
}

impl Changes {
    /// As a message. `now`: what has become of each removal, as far as it may be seen.
    pub(super) fn message(&self, list: &str, revision: u64, rest: &Rest, now: &[Option<Value>]) -> Value {
        let removals: Vec<Value> = self
            .removals
            .iter()
            .enumerate()
            .map(|(n, id)| match now.get(n).and_then(Option::as_ref) {
                Some(entry) => json!({ "id": id, "entry": entry }),
                None => json!({ "id": id }),
            })
            .collect();
        let upserts: Vec<&Value> = self.upserts.iter().map(AsRef::as_ref).collect();
        let mut message = json!({
            "type": "list_changes", "list": list, "base": revision - 1, "revision": revision,
            "removals": removals, "upserts": upserts,
        });
        rest.write(&mut message);
        message
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn window(entries: &[(u8, u8)]) -> Window {
        let mut seen = std::collections::BTreeSet::new();
        let entries = entries.iter().filter(|(id, _)| seen.insert(*id));
        let entries = entries
            .map(|(id, value)| (id.to_string(), Arc::new(json!({ "id": id.to_string(), "v": value }))));
        Window { entries: entries.collect(), rest: Rest::default() }
    }

    proptest! {
        /// A client that applies the changes holds the entries of the next state.
        #[test]
        fn changes_lead_to_the_next_state(
            a in proptest::collection::vec((0u8..12, 0u8..3), 0..12),
            b in proptest::collection::vec((0u8..12, 0u8..3), 0..12),
        ) {
            let (before, after) = (window(&a), window(&b));
            let changes = before.changes(&after);
            let mut held: BTreeMap<String, Value> =
                before.entries.iter().map(|(id, entry)| (id.clone(), (**entry).clone())).collect();
            changes.removals.iter().for_each(|id| _ = held.remove(id));
            for entry in &changes.upserts {
                held.insert(entry["id"].as_str().unwrap().to_owned(), (**entry).clone());
            }
            let wanted: BTreeMap<String, Value> =
                after.entries.iter().map(|(id, entry)| (id.clone(), (**entry).clone())).collect();
            prop_assert_eq!(held, wanted);
            prop_assert_eq!(after.changes(&after), Changes::default());
        }
    }
}
