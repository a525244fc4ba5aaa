//! `agent.snapshot`: a monitor in the format of clients of `/ws/agents`. Sections without a contribution are `null`.

use runbus::monitor::Monitor;
use runbus::monitor::view::{Context, Used};
use serde_json::{Map, Value, json};

use super::approval::Record;

/// The currency in which the fields `...Usd` are.
const CURRENCY: &str = "USD";

/// The payload of `agent.snapshot`.
#[must_use]
pub fn payload(agent: Option<&str>, monitor: &Monitor) -> Value {
    let approvals = monitor.approvals.as_ref();
    let pending = approvals.into_iter().flat_map(|approvals| &approvals.pending);
    let cost = monitor.usage.as_ref().map(|used| cost(agent, used));
    json!({
        "agentId": agent,
        "approvals": pending.map(|(id, approval)| Record::pending(id, approval).payload()).collect::<Vec<_>>(),
        "pendingApprovalCount": approvals.map_or(0, |approvals| approvals.count),
        "contextSnapshot": monitor.context.as_ref().map(|context| brief(agent, context, cost.as_ref())),
        "costUsage": cost,
        "mcpStatus": monitor.mcp.as_ref().map(|servers| mcp(servers.iter().map(|(name, by)| (name, by.values())))),
        "codemodeStatus": monitor.code_execution.as_ref().map(|sandboxes| json!({
            "enabled": !sandboxes.is_empty(), "skills": [], "available_skills": [], "sandbox": sandboxes,
        })),
        "fullContext": monitor.context.as_ref().map(full),
        "graphTelemetry": monitor.graph,
    })
}

/// Tokens, and their cost.
fn cost(agent: Option<&str>, used: &Used) -> Value {
    let dollars = used.cost.as_ref().filter(|cost| cost.currency == CURRENCY).map(|cost| cost.amount);
    json!({
        "agentId": agent,
        "cumulativeCostUsd": dollars,
        "lastTurnCostUsd": Value::Null,
        "perRunBudgetUsd": Value::Null,
        "requestCount": used.rounds,
        "promptTokens": used.tokens.prompt_tokens,
        "completionTokens": used.tokens.completion_tokens,
        "totalTokensUsed": used.tokens.total_tokens,
        "byModel": used.by_model,
    })
}

/// The summary of the context.
fn brief(agent: Option<&str>, context: &Context, cost: Option<&Value>) -> Value {
    let messages: usize =
        context.conversations.values().map(|conversation| conversation.messages.len()).sum();
    json!({
        "agentId": agent,
        "messageCount": messages,
        "toolCount": context.tools.len(),
        "costUsage": cost,
    })
}

/// All of it.
fn full(context: &Context) -> Value {
    let tools = context
        .tools
        .iter()
        .map(|(name, tool)| json!({ "name": name, "calls": tool.calls, "errors": tool.errors }));
    let messages = context.conversations.iter().flat_map(|(conversation, said)| {
        said.messages.iter().map(move |message| {
            let mut message = json!(message);
            if let Value::Object(fields) = &mut message {
                fields.insert("conversation".into(), conversation.as_str().into());
            }
            message
        })
    });
    json!({
        "tools": tools.collect::<Vec<_>>(),
        "messages": messages.collect::<Vec<_>>(),
        "modelConfiguration": context.agents,
    })
}

/// How the MCP servers are: one is ready when some worker says so.
fn mcp<'a>(servers: impl Iterator<Item = (&'a String, impl Iterator<Item = &'a Value>)>) -> Value {
    let (mut all, mut ready, mut failed, mut enabled) = (Map::new(), Vec::new(), Map::new(), Map::new());
    for (name, reports) in servers {
        let reports: Vec<&Value> = reports.collect();
        if reports.iter().any(|report| is_ready(report)) {
            ready.push(name.as_str());
        } else {
            let why = reports.iter().find_map(|report| report.get("reason").or_else(|| report.get("error")));
            failed.insert(name.clone(), why.cloned().unwrap_or_else(|| "not ready".into()));
        }
        let tools = reports.iter().find_map(|report| report.get("tools").filter(|tools| tools.is_array()));
        enabled.insert(name.clone(), tools.cloned().unwrap_or_else(|| json!([])));
        all.insert(name.clone(), json!(reports));
    }
    let tools: usize = enabled.values().filter_map(Value::as_array).map(Vec::len).sum();
    json!({
        "servers": all,
        "ready_count": ready.len(),
        "failed_count": failed.len(),
        "ready_servers": ready,
        "failed_servers": failed,
        "enabled_tools_by_server": enabled,
        "enabled_tools_count": tools,
        "approved_tools_by_server": {},
    })
}

fn is_ready(report: &Value) -> bool {
    report.get("state").and_then(Value::as_str) == Some("ready")
}
