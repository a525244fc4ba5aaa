//! Messages of an execution to its parent, so that the root of a tree shows all executions below it.
//!
//! ```text
//! child's journal ──fold──▶ Notice::Below ──command──▶ parent's inbox ──fold──▶ Change::Below ──▶ event of the parent, with `below`
//!                                                                  └── the parent is a child itself: Notice::Below, and so on
//! ```

use serde::{Deserialize, Serialize};

use super::approval::{Approval, Requested};
use super::entry::{Fact, Question};
use super::run::Run;
use super::state::Change;
use crate::event::Payload;
use crate::event::family::{client, session, tool};
pub use crate::event::tree::{Below, Used};
use crate::id::{ExecutionId, NodeId, SessionId};
use crate::time::Timestamp;

/// The content of a message to the parent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "word", rename_all = "snake_case")]
pub enum ReportContent {
    /// A call waits for a decision.
    ApprovalRequested(tool::ApprovalRequested),
    /// It was decided.
    ApprovalDecided(tool::ApprovalDecided),
    /// Nobody decided in time.
    ApprovalExpired(tool::ApprovalExpired),
    /// A question waits for an answer.
    InputRequested(client::InputRequested),
    /// It was answered.
    InputReceived(client::InputReceived),
    /// A child began.
    ChildStarted(session::SubagentStarted),
    /// A child ended well.
    ChildCompleted(session::SubagentCompleted),
    /// A child ended badly.
    ChildFailed(session::SubagentFailed),
    /// A report of a later version.
    #[serde(other)]
    Unknown,
}

/// A report with its origin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// When it happened.
    pub at: Timestamp,
    /// Of which execution.
    pub execution_id: ExecutionId,
    /// Of which session.
    pub session_id: SessionId,
    /// Of which node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_id: Option<NodeId>,
    /// The content.
    pub what: ReportContent,
}

impl Report {
    /// As an event of the parent execution, whose child has the session `through`.
    #[must_use]
    pub fn payload(&self, through: &SessionId) -> Option<Payload> {
        let below = Some(Below {
            execution_id: self.execution_id.clone(),
            session_id: self.session_id.clone(),
            node_id: self.node_id.clone(),
            through: through.clone(),
        });
        Some(match self.what.clone() {
            ReportContent::ApprovalRequested(content) => tool::ApprovalRequested { below, ..content }.into(),
            ReportContent::ApprovalDecided(content) => tool::ApprovalDecided { below, ..content }.into(),
            ReportContent::ApprovalExpired(content) => tool::ApprovalExpired { below, ..content }.into(),
            ReportContent::InputRequested(content) => client::InputRequested { below, ..content }.into(),
            ReportContent::InputReceived(content) => client::InputReceived { below, ..content }.into(),
            ReportContent::ChildStarted(content) => session::SubagentStarted { below, ..content }.into(),
            ReportContent::ChildCompleted(content) => session::SubagentCompleted { below, ..content }.into(),
            ReportContent::ChildFailed(content) => session::SubagentFailed { below, ..content }.into(),
            ReportContent::Unknown => return None,
        })
    }

    /// The id of a request that waits for a person since.
    pub(super) fn asks(&self) -> Option<&str> {
        match &self.what {
            ReportContent::ApprovalRequested(asked) => Some(&asked.approval_id),
            ReportContent::InputRequested(asked) => asked.request_id.as_deref(),
            _ => None,
        }
    }

    /// The id of a request that no longer waits.
    pub(super) fn settles(&self) -> Option<&str> {
        match &self.what {
            ReportContent::ApprovalDecided(decided) => Some(&decided.approval_id),
            ReportContent::ApprovalExpired(expired) => Some(&expired.approval_id),
            ReportContent::InputReceived(received) => received.request_id.as_deref(),
            _ => None,
        }
    }
}

/// The messages to the parent that an entry, and its changes, cause.
pub(super) fn reports(
    own: &SessionId,
    run: &Run,
    fact: &Fact,
    changes: &[Change],
    at: Timestamp,
) -> Vec<Report> {
    let execution_id = &run.start.execution_id;
    let here = |node: &NodeId, what: ReportContent| Report {
        at,
        execution_id: execution_id.clone(),
        session_id: own.clone(),
        node_id: Some(node.clone()),
        what,
    };
    let mut reports: Vec<Report> = match fact {
        Fact::ApprovalsRequested { node, approvals, .. } => approvals
            .iter()
            .map(|asked| here(node, ReportContent::ApprovalRequested(requested(asked))))
            .collect(),
        Fact::InputRequested { node, request } => {
            vec![here(node, ReportContent::InputRequested(question(request)))]
        }
        Fact::ChildStarted { node, session_id, execution_id, definition, call_id, .. } => {
            vec![here(
                node,
                ReportContent::ChildStarted(started(session_id, execution_id, definition, call_id)),
            )]
        }
        _ => Vec::new(),
    };
    for change in changes {
        match change {
            Change::Decided(approval) => {
                reports.extend(
                    decided(approval)
                        .map(|content| here(&approval.node_id, ReportContent::ApprovalDecided(content))),
                );
            }
            Change::Expired(approval) => {
                reports.push(here(&approval.node_id, ReportContent::ApprovalExpired(expired(approval))));
            }
            Change::Answered { node, request_id, input, by } => {
                let received = client::InputReceived {
                    request_id: Some(request_id.clone()),
                    input: input.clone(),
                    answered_by: by.clone(),
                    below: None,
                };
                reports.push(here(node, ReportContent::InputReceived(received)));
            }
            Change::ChildEnded { node, session_id, completed, output } => {
                reports.push(here(node, ended(session_id, *completed, output)));
            }
            // It happened further below: it goes up as it came.
            Change::Below { report, .. } => reports.push((**report).clone()),
            _ => {}
        }
    }
    reports
}

/// The event of an approval that is asked for.
#[must_use]
pub fn requested(asked: &Requested) -> tool::ApprovalRequested {
    tool::ApprovalRequested {
        approval_id: asked.approval_id.clone(),
        tool_use_id: asked.call_id.clone(),
        tool_name: asked.tool_name.clone(),
        tool_input: asked.arguments.clone(),
        arguments_digest: Some(asked.arguments_digest.clone()),
        expires_at: asked.expires_at,
        below: None,
    }
}

/// The event of a decision; `None`: there is none.
#[must_use]
pub fn decided(approval: &Approval) -> Option<tool::ApprovalDecided> {
    let decision = approval.decision.as_ref()?;
    Some(tool::ApprovalDecided {
        approval_id: approval.requested.approval_id.clone(),
        tool_use_id: approval.requested.call_id.clone(),
        approved: decision.approved,
        arguments: decision.arguments.clone(),
        note: decision.note.clone(),
        decided_by: decision.decided_by.clone(),
        below: None,
    })
}

/// The event of an approval whose time is up.
#[must_use]
pub fn expired(approval: &Approval) -> tool::ApprovalExpired {
    tool::ApprovalExpired {
        approval_id: approval.requested.approval_id.clone(),
        tool_use_id: approval.requested.call_id.clone(),
        below: None,
    }
}

/// The event of a question.
#[must_use]
pub fn question(request: &Question) -> client::InputRequested {
    client::InputRequested {
        prompt: request.prompt.clone(),
        request_id: Some(request.request_id.clone()),
        choices: request.choices.clone(),
        expires_at: request.expires_at,
        tool_use_id: request.call_id.clone(),
        below: None,
    }
}

/// The event of a child that began.
#[must_use]
pub fn started(
    session: &SessionId,
    execution: &ExecutionId,
    name: &str,
    call: &str,
) -> session::SubagentStarted {
    session::SubagentStarted {
        session_id: session.clone(),
        execution_id: Some(execution.clone()),
        name: name.to_owned(),
        tool_use_id: Some(call.to_owned()),
        below: None,
    }
}

fn ended(session_id: &SessionId, completed: bool, output: &serde_json::Value) -> ReportContent {
    let (session_id, output) = (session_id.clone(), output.clone());
    if completed {
        ReportContent::ChildCompleted(session::SubagentCompleted { session_id, output, below: None })
    } else {
        ReportContent::ChildFailed(session::SubagentFailed { session_id, error: output, below: None })
    }
}
