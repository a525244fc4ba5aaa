//! The clients that watch an execution, as gateways report them, for clients and workers.
//!
//! Each gateway keeps one entry for each execution that its clients watch and renews it; nothing of it is in the log. The
//! entry of a gateway that died stays for [`STANDS`].

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Control, Error};
use crate::id::ExecutionId;
use crate::limits;
use crate::store::Name;
use crate::time::Timestamp;

/// How long a gateway's word stands without being renewed: that long the clients of a dead one are still counted.
pub const STANDS: Duration = Duration::from_secs(15);

/// How often a gateway says it again: that long nobody is seen after the store was wiped.
pub const REFRESHED: Duration = Duration::from_secs(5);

/// Those who watch under one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Watcher {
    /// The subject of the credential; `everyone` where authentication is disabled.
    pub subject: String,
    /// The client's own label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Subscriptions under this name.
    pub connections: u64,
    /// Since when there is one.
    pub since: Timestamp,
}

/// The watchers of one execution at one gateway.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Watched {
    /// Subscriptions.
    pub count: u64,
    /// Those who watch longest, [`limits::PRESENCE_WATCHERS`] at most.
    pub watchers: Vec<Watcher>,
}

/// The watchers of an execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Presence {
    /// Which.
    pub execution_id: ExecutionId,
    /// Subscriptions, over all gateways.
    pub count: u64,
    /// Those who watch longest, 100 at most.
    pub watchers: Vec<Watcher>,
}

/// Where gateways say it.
#[must_use]
pub fn place(execution: &ExecutionId) -> Name {
    Name { family: "presence", id: execution.to_string() }
}

impl Presence {
    /// Puts together what several gateways say.
    #[must_use]
    pub fn of(execution_id: ExecutionId, gateways: impl IntoIterator<Item = Watched>) -> Self {
        let mut count = 0;
        let mut by_name: BTreeMap<(String, Option<String>), Watcher> = BTreeMap::new();
        for said in gateways {
            count += said.count;
            for watcher in said.watchers {
                let name = (watcher.subject.clone(), watcher.label.clone());
                let known =
                    by_name.entry(name).or_insert_with(|| Watcher { connections: 0, ..watcher.clone() });
                known.connections += watcher.connections;
                known.since = known.since.min(watcher.since);
            }
        }
        let mut watchers: Vec<Watcher> = by_name.into_values().collect();
        longest(&mut watchers);
        Self { execution_id, count, watchers }
    }
}

/// Keeps those who watch longest, in that order.
pub fn longest(watchers: &mut Vec<Watcher>) {
    watchers.sort_by(|a, b| (a.since, &a.subject, &a.label).cmp(&(b.since, &b.subject, &b.label)));
    watchers.truncate(limits::PRESENCE_WATCHERS);
}

impl Control {
    /// The watchers of an execution now. An empty list is no error.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn presence(&self, id: &ExecutionId) -> Result<Presence, Error> {
        let present = self.bus.store().present(&place(id)).await;
        let present = present.map_err(|error| Error::of(error.is_retryable(), &error))?;
        let said = present.iter().filter_map(|(_, said)| crate::json::from_slice(said).ok());
        Ok(Presence::of(id.clone(), said))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watcher(subject: &str, label: Option<&str>, connections: u64, since: i64) -> Watcher {
        let since = Timestamp::from_micros(since);
        Watcher { subject: subject.into(), label: label.map(str::to_owned), connections, since }
    }

    #[test]
    fn gateways_words_are_put_together_by_name() {
        let one =
            Watched { count: 3, watchers: vec![watcher("a", None, 2, 5), watcher("b", Some("x"), 1, 4)] };
        let two = Watched { count: 2, watchers: vec![watcher("a", None, 1, 3), watcher("b", None, 1, 9)] };
        let id = ExecutionId::new("e").unwrap();
        let all = Presence::of(id.clone(), [one, two]);
        let wanted = vec![watcher("a", None, 3, 3), watcher("b", Some("x"), 1, 4), watcher("b", None, 1, 9)];
        assert_eq!((all.count, all.watchers), (5, wanted));
        let many = (0..1000).map(|n| watcher(&n.to_string(), None, 1, 1000 - n)).collect();
        let many = Presence::of(id, [Watched { count: 1000, watchers: many }]);
        assert_eq!((many.count, many.watchers.len()), (1000, limits::PRESENCE_WATCHERS));
        assert_eq!(many.watchers[0].subject, "999", "the one that has watched longest");
    }
}
