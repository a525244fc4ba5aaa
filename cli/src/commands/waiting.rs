//! Sessions, calls, approvals and questions for people: a few short lines each.

use std::io;

use runbus::session::message::Message;
use runbus::session::view::{PendingApproval, PendingCall, PendingQuestion, SaidMessage, Session};
use serde::Serialize;

use crate::global::Global;
use crate::output;
use crate::render::short;

/// A word as the wire has it.
pub(super) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => "-".into(),
    }
}

/// A session.
///
/// # Errors
/// Nobody reads the output any more.
pub(super) fn session(global: &Global, session: &Session) -> io::Result<()> {
    if global.json {
        return output::json(session);
    }
    output::line(&format!("session    {}, {}", session.session_id, word(&session.status)))?;
    if let Some(id) = &session.execution_id {
        let definition = session.definition.as_deref().unwrap_or("-");
        output::line(&format!("execution  {id} of {definition}"))?;
    }
    for id in &session.queued {
        output::line(&format!("then       {id}"))?;
    }
    output::line(&format!("messages   {}, {} tokens used", session.messages, session.usage.total_tokens))?;
    for child in &session.children {
        let state = if child.ended { "ended" } else { "at work" };
        output::line(&format!("child      {} of {}, {state}", child.session_id, child.definition))?;
    }
    for call in &session.pending {
        output::line(&format!("pending    {}", call_line(call)))?;
    }
    approvals(global, &session.approvals)?;
    questions(global, &session.questions)
}

fn call_line(call: &PendingCall) -> String {
    format!("{} {} ({}, {})", call.tool_name, short(&call.arguments), word(&call.status), call.tool_use_id)
}

/// Calls without an answer.
///
/// # Errors
/// Nobody reads the output any more.
pub(super) fn calls(global: &Global, calls: &[PendingCall]) -> io::Result<()> {
    for call in calls {
        if global.json {
            output::json(call)?;
        } else {
            output::line(&call_line(call))?;
        }
    }
    Ok(())
}

/// Approvals.
///
/// # Errors
/// Nobody reads the output any more.
pub(super) fn approvals(global: &Global, approvals: &[PendingApproval]) -> io::Result<()> {
    for approval in approvals {
        if global.json {
            output::json(approval)?;
            continue;
        }
        let call = format!("{} {}", approval.tool_name, short(&approval.tool_input.to_string()));
        output::line(&format!("approval   {} ({})", approval.approval_id, word(&approval.status)))?;
        output::line(&format!("           {call}"))?;
        output::line(&format!("           digest {}", approval.arguments_digest))?;
        if let Some(end) = approval.expires_at.filter(|_| approval.approved.is_none()) {
            output::line(&format!("           until {end}"))?;
        }
        if let Some(at) = approval.decided_at {
            let who = approval.decided_by.as_deref().map_or_else(String::new, |who| format!(" by {who}"));
            let note = approval.note.as_deref().map_or_else(String::new, |note| format!(": {}", short(note)));
            output::line(&format!("           decided {at}{who}{note}"))?;
        }
    }
    Ok(())
}

/// Questions.
///
/// # Errors
/// Nobody reads the output any more.
pub(super) fn questions(global: &Global, questions: &[PendingQuestion]) -> io::Result<()> {
    for question in questions {
        if global.json {
            output::json(question)?;
            continue;
        }
        let choices = if question.choices.is_empty() {
            String::new()
        } else {
            format!(" [{}]", question.choices.join(" | "))
        };
        output::line(&format!("question   {}", question.request_id))?;
        output::line(&format!("           {}{choices}", short(&question.prompt)))?;
    }
    Ok(())
}

/// One message.
///
/// # Errors
/// Nobody reads the output any more.
pub(super) fn message(global: &Global, said: &SaidMessage) -> io::Result<()> {
    if global.json {
        return output::json(said);
    }
    let old = if said.compacted { " (compacted)" } else { "" };
    match &said.message {
        Message::System { content } => said_text(&format!("system{old}: {content}")),
        Message::User { content } => said_text(&format!("user{old}: {}", content.described())),
        Message::Tool { tool_call_id, content, .. } => {
            said_text(&format!("tool {tool_call_id}{old}: {}", content.text()))
        }
        Message::Assistant { content, tool_calls, .. } => {
            if let Some(content) = content {
                said_text(&format!("assistant{old}: {content}"))?;
            }
            for call in tool_calls {
                output::line(&format!(
                    "assistant{old} calls {} {} ({})",
                    call.name, call.arguments, call.id
                ))?;
            }
            Ok(())
        }
    }
}

/// Text of several lines, those below the first indented.
fn said_text(text: &str) -> io::Result<()> {
    output::running(text)?;
    output::end()
}
