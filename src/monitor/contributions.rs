//! Reports of workers, and contributions of producers by `state_changed` in the scope `monitor`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::cut;
use crate::control::workers::{AgentReport, WorkerReport};
use crate::event::Event;
use crate::event::family::state;
use crate::limits;

/// The scope of `state_changed` that contributes to monitors. Keys: `code_execution`, and `mcp/<server>`; `null` takes the
/// contribution back.
pub(super) const SCOPE: &str = "monitor";

type ByContributor = BTreeMap<String, Value>;

/// Contributions to the sections that events do not tell.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Contributions {
    /// Of workers.
    pub(super) agents: BTreeMap<String, AgentReport>,
    reported_mcp: BTreeMap<String, ByContributor>,
    reported_code: ByContributor,
    /// Of events.
    said_mcp: BTreeMap<String, ByContributor>,
    said_code: ByContributor,
}

impl Contributions {
    /// Takes all workers' reports; whether anything changed.
    pub(super) fn report(&mut self, workers: &[WorkerReport]) -> bool {
        let mut new = Self {
            said_mcp: std::mem::take(&mut self.said_mcp),
            said_code: std::mem::take(&mut self.said_code),
            ..Self::default()
        };
        for worker in workers.iter().take(limits::MONITOR_NAMES) {
            for (name, agent) in &worker.agents {
                if new.agents.len() < limits::MONITOR_NAMES {
                    new.agents.entry(name.clone()).or_insert_with(|| agent.clone());
                }
            }
            for server in worker.mcp_servers.as_array().into_iter().flatten() {
                let Some(name) = server.get("server").and_then(Value::as_str) else { continue };
                let mut status = server.clone();
                if let Some(fields) = status.as_object_mut() {
                    fields.remove("server");
                }
                put(&mut new.reported_mcp, name, worker.worker.as_str(), status);
            }
            if let Some(status) = &worker.code_execution {
                new.reported_code.insert(worker.worker.to_string(), cut::value(status.clone()));
            }
        }
        let changed = new.agents != self.agents
            || new.reported_mcp != self.reported_mcp
            || new.reported_code != self.reported_code;
        *self = new;
        changed
    }

    /// Takes what an event says; whether it changed anything.
    pub(super) fn apply(&mut self, event: &Event, said: &state::Changed) -> bool {
        if said.scope.as_deref() != Some(SCOPE) {
            return false;
        }
        let by = format!("stream/{}", event.stream_id);
        if said.key == "code_execution" {
            if said.new_value.is_null() {
                return self.said_code.remove(&by).is_some();
            }
            if self.said_code.len() >= limits::MONITOR_NAMES && !self.said_code.contains_key(&by) {
                return false;
            }
            self.said_code.insert(by, cut::value(said.new_value.clone()));
            return true;
        }
        let Some(server) = said.key.strip_prefix("mcp/").filter(|name| !name.is_empty()) else {
            return false;
        };
        let server = cut::text(server);
        if said.new_value.is_null() {
            let Some(known) = self.said_mcp.get_mut(&server) else { return false };
            let removed = known.remove(&by).is_some();
            self.said_mcp.retain(|_, known| !known.is_empty());
            return removed;
        }
        put(&mut self.said_mcp, &server, &by, said.new_value.clone());
        true
    }

    /// MCP servers, by name and contributor: of those that workers report the ones that `is_meant`.
    pub(super) fn mcp(&self, is_meant: impl Fn(&str) -> bool) -> Option<BTreeMap<String, ByContributor>> {
        let mut all = self.reported_mcp.clone();
        all.retain(|server, _| is_meant(server));
        for (server, by) in &self.said_mcp {
            all.entry(server.clone()).or_default().extend(by.clone());
        }
        (!all.is_empty()).then_some(all)
    }

    /// Where agents run code, by contributor.
    pub(super) fn code_execution(&self) -> Option<ByContributor> {
        let mut all = self.reported_code.clone();
        all.extend(self.said_code.clone());
        (!all.is_empty()).then_some(all)
    }
}

fn put(servers: &mut BTreeMap<String, ByContributor>, server: &str, by: &str, status: Value) {
    if servers.len() >= limits::MONITOR_NAMES && !servers.contains_key(server) {
        return;
    }
    let known = servers.entry(server.to_owned()).or_default();
    if known.len() < limits::MONITOR_NAMES || known.contains_key(by) {
        known.insert(by.to_owned(), cut::value(status));
    }
}
