//! The outcome of a walk, without the parts that may differ: times, tries, and the order of concurrent events.

use std::collections::{BTreeMap, BTreeSet};

use runbus::bus::history::{Order, Query};
use runbus::bus::{Delivered, Delivery};
use runbus::control::Control;
use runbus::event::{Class, Kind, Payload};
use runbus::id::SessionId;
use runbus::limits;
use runbus::session::entry::{Entry, Fact};
use runbus::session::journal::Journal;
use runbus::session::view::SaidMessage;
use runbus::time::Clock;
use serde_json::{Value, json};

use super::scenario::Verdict;
use super::world::World;

/// The view of readers, people and the world.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Critical events of each execution, void ones left out, each as `node type data`.
    pub events: BTreeMap<String, Vec<String>>,
    /// Texts of the turns of each execution, put together from deltas.
    pub texts: BTreeMap<String, Vec<String>>,
    /// The messages of each session.
    pub messages: BTreeMap<String, Vec<String>>,
    /// Where each session stands.
    pub sessions: BTreeMap<String, String>,
    /// Keys of calls that safe tools ended.
    pub keys: BTreeSet<String>,
    /// Executions that were paused.
    pub paused: BTreeSet<String>,
    /// Calls whose outcome nobody can know, by the journals.
    pub unknown: BTreeSet<String>,
    /// Takeovers that readers saw.
    pub superseded: usize,
}

/// All events, oldest first.
pub async fn history(control: &Control) -> Vec<Delivered> {
    let query = Query { order: Order::Oldest, limit: limits::HISTORY_MAX_EVENTS, ..Query::default() };
    let page = control.bus().history(&query).await.unwrap();
    assert!(page.gaps.is_empty() && page.events.len() < limits::HISTORY_MAX_EVENTS);
    page.events
        .into_iter()
        .map(|delivery| match delivery {
            Delivery::Event(found) => *found,
            other => panic!("{other:?}"),
        })
        .collect()
}

/// The sessions that events speak of.
pub async fn sessions(control: &Control) -> BTreeSet<SessionId> {
    history(control).await.into_iter().filter_map(|found| found.event.session_id).collect()
}

/// The events that any process may publish at any time.
fn is_open(kind: &Kind) -> bool {
    matches!(kind, Kind::ExecutionQueued | Kind::ExecutionCancelRequested | Kind::SessionClosed)
}

impl Outcome {
    /// `branches`: nodes are at work beside each other, each with an order of its own.
    pub async fn of(control: &Control, world: &World, branches: bool) -> Self {
        let history = history(control).await;
        let mut outcome = Self {
            events: BTreeMap::new(),
            texts: BTreeMap::new(),
            messages: BTreeMap::new(),
            sessions: BTreeMap::new(),
            keys: BTreeSet::new(),
            paused: BTreeSet::new(),
            unknown: BTreeSet::new(),
            superseded: 0,
        };
        let mut executions: BTreeMap<String, Vec<&Delivered>> = BTreeMap::new();
        for found in &history {
            let execution = found.event.execution_id.as_ref().map(ToString::to_string);
            executions
                .entry(execution.unwrap_or_else(|| found.event.stream_id.to_string()))
                .or_default()
                .push(found);
        }
        for (execution, found) in executions {
            outcome.read(&execution, &found);
        }
        if branches {
            outcome.events.values_mut().for_each(by_node);
            outcome.texts.values_mut().for_each(|texts| texts.sort());
        }
        let sessions: BTreeSet<&SessionId> =
            history.iter().filter_map(|found| found.event.session_id.as_ref()).collect();
        for session in sessions {
            outcome.look(control, session).await;
        }
        for (key, times) in world.done() {
            if key.starts_with("unsafe") {
                outcome.keys.insert(format!("{key} {}", times.min(1)));
            } else if !key.starts_with("sleep") {
                outcome.keys.insert(key);
            }
        }
        outcome
    }

    fn read(&mut self, execution: &str, found: &[&Delivered]) {
        let (mut next, mut ids, mut ends) = (0, BTreeSet::new(), 0);
        // The texts of open model calls, and the place of each one's round.
        let (mut open, mut rounds) = (BTreeMap::<String, String>::new(), BTreeMap::<String, u64>::new());
        // The calls that they are writing, by node and id.
        let mut written = BTreeMap::<(String, String), String>::new();
        let mut texts = Vec::new();
        let mut shown: Vec<(u64, String)> = Vec::new();
        let mut published: Vec<String> = Vec::new();
        for found in found {
            let (event, seq) = (&found.event, found.seq);
            assert!(ids.insert(event.id), "twice: {event:?}");
            let node = event.node_id.as_ref().map_or("-", |node| node.as_str());
            // A session may be closed for several reasons at once.
            let data = if event.kind == Kind::SessionClosed { "{}" } else { event.data.get() };
            let line = format!("{node} {} {}", event.kind, plain(data));
            if is_open(&event.kind) {
                published.push(line);
                continue;
            }
            assert_eq!(seq, next, "a hole or a double: {event:?}");
            assert_eq!(ends, 0, "after the end: {event:?}");
            next += 1;
            ends += usize::from(event.kind.is_terminal());
            match event.payload().unwrap() {
                Payload::NodeLoopIteration(_) => _ = rounds.insert(node.to_owned(), seq),
                Payload::LlmTextDelta(delta) => {
                    open.entry(node.to_owned()).or_default().push_str(&delta.content)
                }
                Payload::ClientOutputDelta(delta) => {
                    open.entry(node.to_owned()).or_default().push_str(&delta.content);
                }
                Payload::ToolCallDelta(delta) => {
                    let call = (node.to_owned(), delta.tool_use_id);
                    written.entry(call).or_default().push_str(&delta.arguments);
                }
                Payload::LlmTurnCompleted(turn) => {
                    rounds.remove(node);
                    for call in &turn.tool_calls {
                        let deltas = written.remove(&(node.to_owned(), call.tool_use_id.clone()));
                        let wanted = Some(call.arguments.clone()).filter(|arguments| arguments != "{}");
                        assert_eq!(
                            deltas, wanted,
                            "of {execution}: the deltas of a call are not its arguments"
                        );
                    }
                    assert!(!written.keys().any(|(of, _)| of == node), "of {execution}: {written:?}");
                    let text = open.remove(node).unwrap_or_default();
                    assert_eq!(
                        text,
                        turn.content.clone().unwrap_or_default(),
                        "of {execution}: the deltas of a turn are not its text"
                    );
                    texts.push(text);
                }
                Payload::LlmRetry(_) => {
                    rounds.remove(node);
                    open.remove(node);
                    written.retain(|(of, _), _| of != node);
                }
                Payload::AttemptSuperseded(superseded) => {
                    self.superseded += 1;
                    // Unfinished rounds are made again; later frames of other nodes count.
                    let first = rounds.values().min().copied();
                    assert_eq!(superseded.void_from, first, "of {execution}: the void part");
                    let void: BTreeSet<u64> = std::mem::take(&mut rounds).into_values().collect();
                    shown.retain(|(seq, _)| !void.contains(seq));
                    open.clear();
                    written.clear();
                    continue;
                }
                Payload::ExecutionPaused(_) => {
                    self.paused.insert(execution.to_owned());
                    continue;
                }
                Payload::ExecutionResumed(_) => continue,
                _ => {}
            }
            if event.kind.class() == Class::Critical {
                shown.push((seq, line));
            }
        }
        assert!(ends == 1 || next == 0, "{execution} has {ends} ends");
        let lines: Vec<String> = shown.into_iter().map(|(_, line)| line).collect();
        let mut lines = at_once(lines, " tool_call_completed ");
        published.sort();
        lines.splice(0..0, published);
        self.events.insert(execution.to_owned(), lines);
        self.texts.insert(execution.to_owned(), texts);
    }

    async fn look(&mut self, control: &Control, session: &SessionId) {
        let log = control.bus().log().clone();
        let journal = Journal::load_whole(log.clone(), Clock::System, session.clone()).await.unwrap();
        let mut loaded = Journal::load(log, Clock::System, session.clone()).await.unwrap();
        loaded.load_messages(true).await.unwrap();
        assert_eq!(loaded.state, journal.state, "of {session}: the checkpoint leads to another state");
        self.unknown.extend(unknown(&journal.loaded));
        let messages = control.messages(session, true).await.unwrap();
        let lines = messages.iter().map(said).collect();
        self.messages.insert(session.to_string(), at_once(lines, "\"role\":\"tool\""));
        let seen = control.session(session).await.unwrap();
        let status = json!({
            "status": seen.status, "execution": seen.execution_id, "queued": seen.queued, "pending": seen.pending,
            "approvals": seen.approvals.len(), "questions": seen.questions.len(), "children": seen.children,
            "usage": seen.usage, "owner": seen.owner,
        });
        self.sessions.insert(session.to_string(), status.to_string());
    }

    /// The first difference to the undisturbed outcome that should not be; `None` without one.
    pub fn differs(&self, undisturbed: &Self, verdict: Verdict) -> Option<String> {
        if self.paused.is_empty() != self.unknown.is_empty() {
            return Some(format!("paused: {:?}, of unknown outcome: {:?}", self.paused, self.unknown));
        }
        let (mut this, mut other) = (self.clone(), undisturbed.clone());
        if !self.unknown.is_empty() {
            let aborted = verdict == Verdict::Abort;
            this.forgive(&self.unknown, aborted);
            other.forgive(&self.unknown, aborted);
        }
        let compared = [
            ("events", maps(&this.events, &other.events)),
            ("texts", maps(&this.texts, &other.texts)),
            ("messages", maps(&this.messages, &other.messages)),
            (
                "keys",
                (this.keys != other.keys).then(|| format!("{:#?}\ninstead of\n{:#?}", this.keys, other.keys)),
            ),
            (
                "sessions",
                (this.sessions != other.sessions)
                    .then(|| format!("{:#?}\ninstead of\n{:#?}", this.sessions, other.sessions)),
            ),
        ];
        compared.into_iter().find_map(|(what, found)| Some(format!("{what}: {}", found?)))
    }

    /// Leaves out what a call of unknown outcome may change: it is begun again, or answered by somebody.
    fn forgive(&mut self, calls: &BTreeSet<String>, aborted: bool) {
        let speaks = |line: &str| calls.iter().any(|call| line.contains(call.as_str()));
        for lines in self.events.values_mut() {
            let mut seen = BTreeSet::new();
            lines.retain(|line| !line.contains(" tool_call_started ") || seen.insert(line.clone()));
            // An approval is for one beginning of a call: a call that begins again is asked for again.
            let asks = |line: &str| {
                line.contains(" tool_approval_requested ") || line.contains(" tool_approval_decided ")
            };
            lines.retain(|line| !(asks(line) && speaks(line)) || seen.insert(line.clone()));
            if aborted {
                lines.retain(|line| !(speaks(line) && line.contains(" tool_call_completed ")));
            }
            // The order of concurrent events differs when a person comes in between.
            lines.sort();
        }
        if aborted {
            for lines in self.messages.values_mut() {
                lines.retain(|line| !(speaks(line) && line.contains("\"role\":\"tool\"")));
            }
            for lines in self.events.values_mut() {
                lines.retain(|line| !line.contains("usage"));
            }
            self.sessions.clear();
            self.keys.retain(|key| !key.starts_with("unsafe"));
        }
    }
}

/// Calls that began under one owner and had no outcome when the next one claimed the session.
fn unknown(entries: &[Entry]) -> BTreeSet<String> {
    let (mut open, mut unknown, mut owned) = (BTreeSet::new(), BTreeSet::new(), false);
    for entry in entries {
        match &entry.fact {
            Fact::ToolsStarted { calls, .. } => {
                open.extend(
                    calls.iter().filter(|call| call.name.starts_with("unsafe")).map(|call| call.id.clone()),
                );
            }
            Fact::ToolCompleted { call_id, .. } => drop(open.remove(call_id)),
            Fact::ExecutionEnded { .. } => open.clear(),
            Fact::Claimed { .. } => {
                if owned {
                    unknown.append(&mut open);
                }
                owned = true;
            }
            Fact::Released { .. } => owned = false,
            _ => {}
        }
    }
    unknown
}

/// Sorts what may happen in any order: runs of lines that contain this.
fn at_once(mut lines: Vec<String>, what: &str) -> Vec<String> {
    for run in lines.chunk_by_mut(|a, b| a.contains(what) && b.contains(what)) {
        run.sort();
    }
    lines
}

/// Sorts lines by their node, and leaves out what counts over all nodes.
fn by_node(lines: &mut Vec<String>) {
    lines.retain(|line| !line.contains(" usage_updated "));
    lines.sort_by(|a, b| a.split(' ').next().cmp(&b.split(' ').next()));
}

/// A message. Results of calls that ran at once stand in any order, and their ids come from their places.
fn said(message: &SaidMessage) -> String {
    let mut message = serde_json::to_value(message).unwrap();
    if message["role"] == "tool" {
        message.as_object_mut().unwrap().remove("message_id");
    }
    message.to_string()
}

/// Data without times.
fn plain(data: &str) -> String {
    let mut data: Value = serde_json::from_str(data).unwrap();
    if let Some(fields) = data.as_object_mut() {
        fields.remove("expires_at");
    }
    data.to_string()
}

fn maps(this: &BTreeMap<String, Vec<String>>, other: &BTreeMap<String, Vec<String>>) -> Option<String> {
    let names: BTreeSet<&String> = this.keys().chain(other.keys()).collect();
    for name in names {
        let (this, other) = (this.get(name), other.get(name));
        let (Some(this), Some(other)) = (this, other) else {
            return Some(format!("{name} is there {} times", usize::from(this.is_some())));
        };
        if this != other {
            let at = this.iter().zip(other).position(|(a, b)| a != b).unwrap_or(this.len().min(other.len()));
            let show = |lines: &[String]| {
                lines.iter().skip(at).take(3).map(|l| format!("\n    {l}")).collect::<String>()
            };
            return Some(format!("{name} from {at} on:{}\n  instead of:{}", show(this), show(other)));
        }
    }
    None
}
