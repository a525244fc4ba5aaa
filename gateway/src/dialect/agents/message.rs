//! Messages of clients of `/ws/agents`.

use serde::Deserialize;

/// A client's message. Others are ignored, as the replaced server did.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Message {
    /// May a call run?
    ToolApprovalDecision(Decision),
    /// The snapshot, now.
    RequestSnapshot,
}

/// May a call run?
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// The approval; absent: that of the call.
    #[serde(default)]
    pub approval_id: Option<String>,
    /// Whether it may.
    pub approved: bool,
    /// The decider's note.
    #[serde(default)]
    pub note: Option<String>,
    /// The call.
    #[serde(default)]
    pub tool_call_id: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_or_ignored() {
        let read = |text: &str| serde_json::from_str::<Message>(text).ok();
        let said = r#"{"type":"tool_approval_decision","approvalId":"a","approved":true,"note":null,"toolCallId":"c"}"#;
        let decision = Decision {
            approval_id: Some("a".into()),
            approved: true,
            note: None,
            tool_call_id: Some("c".into()),
        };
        assert_eq!(read(said), Some(Message::ToolApprovalDecision(decision)));
        assert_eq!(read(r#"{"type":"request_snapshot","x":1}"#), Some(Message::RequestSnapshot));
        for ignored in
            ["", "[]", r#"{"type":"skill_enable"}"#, r#"{"type":"tool_approval_decision","approved":"yes"}"#]
        {
            assert_eq!(read(ignored), None);
        }
    }
}
