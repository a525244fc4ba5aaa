//! An approval as clients of `/ws/agents` know it.

use runbus::event::family::tool;
use runbus::id::StreamId;
use runbus::monitor::view;
use runbus::session::approval::Standing;
use runbus::session::view::PendingApproval;
use runbus::time::Timestamp;
use serde::Serialize;
use serde_json::Value;

/// Where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Nobody has decided.
    Pending,
    /// The call may run.
    Approved,
    /// It may not; also when nobody decided in time.
    Rejected,
}

impl Status {
    /// The type of the message that says so.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Pending => "tool_approval_created",
            Self::Approved => "tool_approval_approved",
            Self::Rejected => "tool_approval_rejected",
        }
    }
}

/// An approval.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Record {
    /// Names it.
    pub id: String,
    /// The stream.
    pub agent_id: Option<String>,
    /// Runbus has no pods.
    pub pod_name: Option<String>,
    /// The tool; absent when its request was not seen.
    pub tool_name: Option<String>,
    /// The call's arguments; those that were put in their place by the decision.
    pub tool_args: Value,
    /// The call.
    pub tool_call_id: String,
    /// Where it stands.
    pub status: Status,
    /// The decider's note.
    pub note: Option<String>,
    /// Since when.
    pub created_at: Option<Timestamp>,
    /// Since when it stands as it does.
    pub updated_at: Option<Timestamp>,
}

impl Record {
    /// Somebody asked.
    #[must_use]
    pub fn requested(asked: tool::ApprovalRequested, stream: &StreamId, at: Timestamp) -> Self {
        Self {
            id: asked.approval_id,
            agent_id: Some(stream.to_string()),
            pod_name: None,
            tool_name: Some(asked.tool_name),
            tool_args: asked.tool_input,
            tool_call_id: asked.tool_use_id,
            status: Status::Pending,
            note: None,
            created_at: Some(at),
            updated_at: Some(at),
        }
    }

    /// One that was not seen being asked for.
    #[must_use]
    pub fn unseen(id: &str, call: &str, stream: &StreamId) -> Self {
        Self {
            id: id.into(),
            agent_id: Some(stream.to_string()),
            pod_name: None,
            tool_name: None,
            tool_args: Value::Null,
            tool_call_id: call.into(),
            status: Status::Pending,
            note: None,
            created_at: None,
            updated_at: None,
        }
    }

    /// One that waits, as a monitor shows it.
    #[must_use]
    pub fn pending(id: &str, approval: &view::Approval) -> Self {
        Self {
            id: id.into(),
            agent_id: Some(approval.stream_id.to_string()),
            pod_name: None,
            tool_name: Some(approval.tool_name.clone()),
            tool_args: approval.tool_input.clone(),
            tool_call_id: approval.tool_use_id.clone(),
            status: Status::Pending,
            note: None,
            created_at: Some(approval.requested_at),
            updated_at: Some(approval.requested_at),
        }
    }

    /// One as control knows it.
    #[must_use]
    pub fn standing(approval: &PendingApproval, stream: Option<&StreamId>) -> Self {
        let status = match (approval.approved, approval.status) {
            (Some(true), _) => Status::Approved,
            (None, Standing::Pending) => Status::Pending,
            _ => Status::Rejected,
        };
        Self {
            id: approval.approval_id.clone(),
            agent_id: stream.map(ToString::to_string),
            pod_name: None,
            tool_name: Some(approval.tool_name.clone()),
            tool_args: approval.tool_input.clone(),
            tool_call_id: approval.tool_use_id.clone(),
            status,
            note: approval.note.clone(),
            created_at: Some(approval.requested_at),
            updated_at: approval.decided_at.or(Some(approval.requested_at)),
        }
    }

    /// The same, decided.
    #[must_use]
    pub fn decided(
        mut self,
        approved: bool,
        arguments: Option<Value>,
        note: Option<String>,
        at: Timestamp,
    ) -> Self {
        self.status = if approved { Status::Approved } else { Status::Rejected };
        self.tool_args = arguments.unwrap_or(self.tool_args);
        self.note = note;
        self.updated_at = Some(at);
        self
    }

    /// As a payload.
    #[must_use]
    pub fn payload(&self) -> Value {
        // Texts, times and JSON: always JSON.
        serde_json::to_value(self).unwrap_or_default()
    }
}
