//! Which calls wait for a decision.

use std::collections::BTreeMap;

use super::cut;
use super::view;
use crate::event::{Event, Payload};
use crate::limits;

/// Calls that wait for a decision.
#[derive(Debug, Clone, Default)]
pub(super) struct Approvals {
    /// Somebody asked for one.
    seen: bool,
    pending: BTreeMap<String, view::Approval>,
}

impl Approvals {
    /// Takes the next event; whether it changed anything.
    pub(super) fn apply(&mut self, event: &Event, payload: &Payload) -> bool {
        match payload {
            Payload::ToolApprovalRequested(asked) => {
                self.seen = true;
                let approval = view::Approval {
                    stream_id: event.stream_id.clone(),
                    execution_id: event.execution_id.clone(),
                    session_id: event.session_id.clone(),
                    node_id: event.node_id.clone(),
                    tool_use_id: cut::text(&asked.tool_use_id),
                    tool_name: cut::text(&asked.tool_name),
                    tool_input: cut::value(asked.tool_input.clone()),
                    arguments_digest: asked.arguments_digest.as_deref().map(cut::text),
                    requested_at: event.timestamp,
                    expires_at: asked.expires_at,
                };
                self.pending.insert(cut::text(&asked.approval_id), approval);
                self.shed();
                true
            }
            Payload::ToolApprovalDecided(decided) => self.settle(&decided.approval_id),
            Payload::ToolApprovalExpired(expired) => self.settle(&expired.approval_id),
            // A call that was answered otherwise, by an abort, waits for nobody.
            Payload::ToolCallCompleted(completed) => self.forget(|approval| {
                approval.tool_use_id == completed.tool_use_id && approval.execution_id == event.execution_id
            }),
            Payload::ExecutionCompleted(_) | Payload::ExecutionFailed(_) | Payload::ExecutionCancelled(_) => {
                self.forget(|approval| {
                    approval.execution_id == event.execution_id && approval.stream_id == event.stream_id
                })
            }
            _ => false,
        }
    }

    fn settle(&mut self, id: &str) -> bool {
        self.seen = true;
        self.pending.remove(id).is_some()
    }

    fn forget(&mut self, is_meant: impl Fn(&view::Approval) -> bool) -> bool {
        let before = self.pending.len();
        self.pending.retain(|_, approval| !is_meant(approval));
        self.pending.len() < before
    }

    fn shed(&mut self) {
        while self.pending.len() > limits::MONITOR_APPROVALS {
            let oldest = self.pending.iter().min_by_key(|(id, approval)| (approval.requested_at, *id));
            let Some(id) = oldest.map(|(id, _)| id.clone()) else { return };
            self.pending.remove(&id);
        }
    }

    /// What is shown: all of them counted, the oldest `most` of them with what is asked.
    pub(super) fn view(&self, most: usize) -> Option<view::Approvals> {
        if !self.seen {
            return None;
        }
        let mut pending = self.pending.clone();
        if pending.len() > most {
            let mut order: Vec<_> = self.pending.iter().map(|(id, a)| (a.requested_at, id)).collect();
            order.sort();
            for (_, id) in order.split_off(most) {
                pending.remove(id);
            }
        }
        Some(view::Approvals { count: self.pending.len(), pending })
    }
}
