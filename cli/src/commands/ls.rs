//! `runbus ls` and `runbus sessions`: lists of executions and of sessions.

use std::collections::BTreeMap;
use std::time::Duration;

use runbus::id::{CorrelationId, ExecutionId, SessionId, StreamId};
use runbus::labels::Label;
use runbus::store::index::Family;
use runbus::time::Timestamp;
use serde_json::Value;

use crate::configuration::Configuration;
use crate::exit::{Code, Error};
use crate::global::Global;
use crate::lists::{Lists, Page};
use crate::output;
use crate::render::short;

/// How often `--watch` looks again.
const AGAIN: Duration = Duration::from_millis(500);

/// Filters of a list.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Narrow {
    /// Only entries with this status; several are separated by commas.
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
    /// Only entries of this agent or graph.
    #[arg(long, value_name = "NAME")]
    definition: Option<String>,
    /// Only entries of this stream.
    #[arg(long, value_name = "ID")]
    stream: Option<StreamId>,
    /// Only sub-agents that this execution started.
    #[arg(long, value_name = "ID")]
    parent: Option<ExecutionId>,
    /// Only entries with this label; several labels must all match.
    #[arg(long = "label", value_name = "KEY=VALUE")]
    labels: Vec<Label>,
    /// Only entries with this text in the id or in the input's beginning.
    #[arg(long)]
    text: Option<String>,
    /// Only entries that were created at this time or later (RFC 3339).
    #[arg(long, value_name = "TIME")]
    after: Option<Timestamp>,
    /// Only entries that were created before this time (RFC 3339).
    #[arg(long, value_name = "TIME")]
    before: Option<Timestamp>,
    /// Entries at most, 1 to 500.
    #[arg(long, short = 'n', default_value_t = runbus::limits::LIST_DEFAULT_ENTRIES)]
    limit: usize,
    /// Continue after a page: the cursor that it ended with.
    #[arg(long)]
    cursor: Option<String>,
    /// Oldest first.
    #[arg(long)]
    oldest: bool,
    /// Keep watching: a line for each entry that changes.
    #[arg(long, short = 'w', conflicts_with = "cursor")]
    watch: bool,
}

/// Lists executions, newest first.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  runbus ls                                   the newest executions\n  runbus ls -w --status running,queued        as they change\n  runbus ls --label team=payments --text invoice\n  runbus ls --json | jq -r .execution_id"
)]
pub(crate) struct Ls {
    #[command(flatten)]
    narrow: Narrow,
    /// Only executions of this session.
    #[arg(long, value_name = "ID")]
    session: Option<SessionId>,
    /// Only the tree below this execution, the execution included.
    #[arg(long, value_name = "ID")]
    root: Option<ExecutionId>,
    /// Only executions with this correlation id.
    #[arg(long, value_name = "ID")]
    correlation: Option<CorrelationId>,
}

/// Lists sessions, newest first.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  runbus sessions\n  runbus sessions --status waiting_for_input")]
pub(crate) struct Sessions {
    #[command(flatten)]
    narrow: Narrow,
}

impl Ls {
    /// Runs it.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn run(self, global: &Global, configuration: &Configuration) -> Result<Code, Error> {
        let mut asked = self.narrow.asked();
        let mut ask =
            |key: &str, value: Option<String>| asked.extend(value.map(|value| (key.to_owned(), value)));
        ask("session_id", self.session.map(|id| id.to_string()));
        ask("root", self.root.map(|id| id.to_string()));
        ask("correlation_id", self.correlation.map(|id| id.to_string()));
        show(global, configuration, Family::Executions, &asked, self.narrow.watch).await
    }
}

impl Sessions {
    /// Runs it.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn run(self, global: &Global, configuration: &Configuration) -> Result<Code, Error> {
        show(global, configuration, Family::Sessions, &self.narrow.asked(), self.narrow.watch).await
    }
}

impl Narrow {
    /// As the gateway names it.
    fn asked(&self) -> Vec<(String, String)> {
        let mut asked = vec![("limit".to_owned(), self.limit.to_string())];
        let mut ask =
            |key: &str, value: Option<String>| asked.extend(value.map(|value| (key.to_owned(), value)));
        ask("status", self.status.clone());
        ask("definition", self.definition.clone());
        ask("stream_id", self.stream.as_ref().map(ToString::to_string));
        ask("parent", self.parent.as_ref().map(ToString::to_string));
        ask("text", self.text.clone());
        ask("after", self.after.as_ref().map(ToString::to_string));
        ask("before", self.before.as_ref().map(ToString::to_string));
        ask("cursor", self.cursor.clone());
        ask("order", self.oldest.then(|| "oldest".to_owned()));
        self.labels.iter().for_each(|label| asked.push(("label".into(), label.to_string())));
        asked
    }
}

/// Shows a list, once or as it changes.
///
/// # Errors
/// See [`Error`].
pub(super) async fn show(
    global: &Global,
    configuration: &Configuration,
    family: Family,
    asked: &[(String, String)],
    watch: bool,
) -> Result<Code, Error> {
    let lists = Lists::open(global, configuration).await?;
    let page = lists.page(family, asked).await?;
    print(global, family, &page)?;
    if !page.is_complete {
        output::complain(
            "The index of the lists is being built: more entries may come. Run the command again.",
        );
    }
    if watch {
        return follow(global, &lists, family, asked, page).await;
    }
    Ok(if page.entries.is_empty() && page.next.is_none() { Code::Negative } else { Code::Ok })
}

/// Shows each entry again that has changed, until it is interrupted.
async fn follow(
    global: &Global,
    lists: &Lists,
    family: Family,
    asked: &[(String, String)],
    page: Page,
) -> Result<Code, Error> {
    let key = |page: Page| -> BTreeMap<String, Value> {
        page.entries.into_iter().map(|entry| (text(&entry, id(family)), entry)).collect()
    };
    let mut known = key(page);
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    loop {
        tokio::select! {
            _ = &mut interrupted => return Ok(Code::Ok),
            () = tokio::time::sleep(AGAIN) => {}
        }
        lists.catch_up().await?;
        let page = lists.page(family, asked).await?;
        let changed = page.entries.iter().filter(|entry| known.get(&text(entry, id(family))) != Some(entry));
        let changed: Vec<Value> = changed.cloned().collect();
        if !changed.is_empty() {
            rows(global, family, &changed, false)?;
        }
        known = key(page);
    }
}

/// By which field entries of a list are told apart.
const fn id(family: Family) -> &'static str {
    match family {
        Family::Executions => "execution_id",
        Family::Sessions => "session_id",
        Family::Approvals => "approval_id",
        Family::Questions => "request_id",
    }
}

fn print(global: &Global, family: Family, page: &Page) -> Result<(), Error> {
    rows(global, family, &page.entries, true)?;
    let Some(next) = &page.next else { return summary(global, page) };
    if global.json {
        output::json(&serde_json::json!({ "type": "next", "cursor": next }))?;
        return Ok(());
    }
    summary(global, page)?;
    Ok(output::line(&format!("-- more: --cursor {next}"))?)
}

fn summary(global: &Global, page: &Page) -> Result<(), Error> {
    let Some(counts) = page.counts.as_ref().filter(|counts| !global.json && !counts.by_status.is_empty())
    else {
        return Ok(());
    };
    let each: Vec<String> =
        counts.by_status.iter().map(|(status, count)| format!("{count} {status}")).collect();
    let at_least = if counts.is_exact { "" } else { "at least " };
    Ok(output::line(&format!("-- {at_least}{}", each.join(", ")))?)
}

/// A field as text.
fn text(entry: &Value, name: &str) -> String {
    match &entry[name] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn rows(global: &Global, family: Family, entries: &[Value], has_header: bool) -> Result<(), Error> {
    if global.json {
        return Ok(entries.iter().try_for_each(output::json)?);
    }
    if entries.is_empty() {
        return if has_header { Ok(output::line("nothing is listed")?) } else { Ok(()) };
    }
    let columns: [(&str, &str); 6] = match family {
        Family::Executions => [
            ("execution", "execution_id"),
            ("status", "status"),
            ("definition", "definition"),
            ("nodes", "nodes"),
            ("created", "created_at"),
            ("input", "input"),
        ],
        Family::Sessions => [
            ("session", "session_id"),
            ("status", "status"),
            ("definition", "definition"),
            ("executions", "executions"),
            ("created", "created_at"),
            ("input", "input"),
        ],
        Family::Approvals => [
            ("approval", "approval_id"),
            ("status", "status"),
            ("execution", "execution_id"),
            ("tool", "tool_name"),
            ("requested", "requested_at"),
            ("arguments", "tool_input"),
        ],
        Family::Questions => [
            ("question", "request_id"),
            ("status", "status"),
            ("execution", "execution_id"),
            ("node", "node_id"),
            ("requested", "requested_at"),
            ("prompt", "prompt"),
        ],
    };
    let cell = |entry: &Value, name: &str| {
        let text = match &entry[name] {
            Value::Array(all) => all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
            _ => text(entry, name),
        };
        // Seconds say enough.
        match text.get(..19).filter(|_| name.ends_with("_at")) {
            Some(seconds) => format!("{seconds}Z"),
            None => short(&text),
        }
    };
    let rows = entries.iter().map(|entry| columns.map(|(_, name)| cell(entry, name)));
    Ok(output::table(has_header.then(|| columns.map(|(title, _)| title)), rows)?)
}
