//! Which calls wait for a decision.

use std::collections::{BTreeMap, BTreeSet};

use super::cut;
use super::view;
use crate::control::addressed;
use crate::event::{Event, Payload};
use crate::id::ExecutionId;
use crate::limits;

/// Calls that wait for a decision.
#[derive(Debug, Clone, Default)]
pub(super) struct Approvals {
    /// Somebody asked for one.
    seen: bool,
    pending: BTreeMap<String, view::Approval>,
    /// Those of them that others ask for.
    external: BTreeSet<String>,
}

impl Approvals {
    /// Takes the next event; whether it changed anything. Others neither name an approval of Runbus's nor settle one that is not
    /// their execution's.
    pub(super) fn apply(&mut self, event: &Event, payload: &Payload, external: bool) -> bool {
        let named = match payload {
            Payload::ToolApprovalRequested(asked) => Some(&asked.approval_id),
            Payload::ToolApprovalDecided(decided) => Some(&decided.approval_id),
            Payload::ToolApprovalExpired(expired) => Some(&expired.approval_id),
            _ => None,
        };
        if let Some(id) = named.filter(|_| external) {
            let standing = self.pending.get(id);
            let is_theirs = |known: &view::Approval| {
                self.external.contains(id)
                    && (&known.execution_id, &known.stream_id) == (&event.execution_id, &event.stream_id)
            };
            if addressed(id).is_some() || !standing.is_none_or(is_theirs) {
                return false;
            }
        }
        match payload {
            // The execution below is of the same stream, and tells it itself.
            Payload::ToolApprovalRequested(asked) if asked.below.is_some() => false,
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
                let id = cut::text(&asked.approval_id);
                if external {
                    self.external.insert(id.clone());
                } else {
                    self.external.remove(&id);
                }
                self.pending.insert(id, approval);
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
        self.external.remove(id);
        self.pending.remove(id).is_some()
    }

    /// Forgets what an execution waits for.
    pub(super) fn forget_run(&mut self, id: &ExecutionId) {
        self.forget(|approval| approval.execution_id.as_ref() == Some(id));
    }

    fn forget(&mut self, is_meant: impl Fn(&view::Approval) -> bool) -> bool {
        let before = self.pending.len();
        self.pending.retain(|_, approval| !is_meant(approval));
        self.external.retain(|id| self.pending.contains_key(id));
        self.pending.len() < before
    }

    fn shed(&mut self) {
        while self.pending.len() > limits::MONITOR_APPROVALS {
            // Others' first: they can have as many as they like.
            let order = |(id, approval): &(&String, &view::Approval)| {
                (!self.external.contains(*id), approval.requested_at, (*id).clone())
            };
            let Some((id, _)) = self.pending.iter().min_by_key(order) else { return };
            let id = id.clone();
            self.pending.remove(&id);
            self.external.remove(&id);
        }
    }

    /// The section of the document: the count of all calls, and the arguments of the oldest `most`.
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
