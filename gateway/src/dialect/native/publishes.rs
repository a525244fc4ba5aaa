//! The publish commands of a connection: they reach the log in the order in which they came, and none waits for the one before. A
//! window bounds those that are on their way; while it is full, nothing more is read of the connection.
//!
//! Events without ids that follow others of their execution, which are on their way, gather until those are stored: then they
//! are one frame. So a publisher that pipelines pays for a message of the log once for many events.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use runbus::bus::publish::Group;
use runbus::control::external::Answer;
use runbus::event::Draft;
use runbus::id::{EventId, ExecutionId, Run, StreamId};
use runbus::limits::FRAME_BYTES;
use runbus::log::{Pipeline, Trace};
use runbus::telemetry;
use tracing::Span;

use crate::app::Shared;
use crate::auth::Principal;
use crate::auth::account::Account;
use crate::ledger::Taken;
use crate::limits;
use crate::protocol::server;
use crate::publishing::{self, Published, Ready, Refused};

/// Publish commands on their way to the log.
#[derive(Default)]
pub(super) struct Publishes {
    pipeline: Pipeline,
    on_way: FuturesUnordered<BoxFuture<'static, Done>>,
    /// Executions with gathered frames on their way.
    gathered: HashMap<Key, Gathered>,
    commands: usize,
    bytes: usize,
}

/// Events of one key have an order.
type Key = (StreamId, Option<ExecutionId>);

/// The frames of a key that may gather.
#[derive(Default)]
struct Gathered {
    /// On their way.
    frames: usize,
    /// The next one.
    open: Option<Open>,
}

/// A frame that gathers.
struct Open {
    group: Group,
    /// The ids of the next events; `None`: it takes no others.
    run: Option<Run>,
    waiting: Vec<Waiting>,
    trace: Option<Trace>,
}

/// A command that is not answered.
struct Waiting {
    id: String,
    ids: Vec<EventId>,
    bytes: usize,
    _span: Span,
    _held: Taken,
    _room: Taken,
}

/// Commands that are answered.
struct Done {
    answers: Vec<String>,
    bytes: usize,
    /// Their frame was one that may gather.
    key: Option<Key>,
}

impl std::fmt::Debug for Publishes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Publishes").field("commands", &self.commands).finish_non_exhaustive()
    }
}

/// A command to begin.
pub(super) struct Command {
    /// As in the message.
    pub(super) id: String,
    pub(super) events: Vec<Draft>,
    /// Bytes of the message.
    pub(super) bytes: usize,
    pub(super) trace: Option<Trace>,
    pub(super) span: Span,
    /// Its memory, until it is answered.
    pub(super) held: Taken,
}

/// The key of events that may stand in one frame with those before them.
fn gathers(drafts: &[Draft]) -> Option<Key> {
    let first = drafts.first()?;
    let together = drafts.iter().all(|draft| draft.id.is_none() && draft.is_beside(first));
    together.then(|| (first.stream_id.clone(), first.execution_id.clone()))
}

impl Publishes {
    /// Whether one more may begin.
    pub(super) fn has_room(&self) -> bool {
        self.commands < limits::PUBLISHES && self.bytes < limits::PUBLISHES_BYTES
    }

    /// Begins a command. Its events are checked now; they are handed in with the next look for answers, or gather.
    pub(super) fn begin(
        &mut self,
        shared: &Arc<Shared>,
        principal: &Principal,
        account: &Account,
        command: Command,
    ) {
        let Command { id, events, bytes, trace, span, held } = command;
        (self.commands, self.bytes) = (self.commands + 1, self.bytes + bytes);
        let trace = telemetry::trace_of(&span).or(trace);
        let size = events.iter().map(|draft| draft.line_bytes() + 1).sum::<usize>();
        let key = gathers(&events).filter(|_| size <= FRAME_BYTES);
        let run = key.as_ref().and_then(|key| self.run(shared, key, &events, size));
        let mut run = run;
        let check = || {
            let mut events = events;
            if let Some(run) = &mut run {
                events.iter_mut().for_each(|draft| draft.id = run.next());
            }
            let room = (&shared.ledger, account.usage());
            publishing::check(room, principal, publishing::events(events))
        };
        let checked = match std::panic::catch_unwind(AssertUnwindSafe(|| span.in_scope(check))) {
            Ok(checked) => checked,
            Err(_panic) => return self.refuse(panicked(&id), bytes),
        };
        let Ready { groups, room } = match checked {
            Ok(ready) => ready,
            Err(refused) => return self.refuse(failed(&id, &refused), bytes),
        };
        let ids = groups.iter().flat_map(Group::ids).copied().collect();
        let waiting = Waiting { id, ids, bytes, _span: span, _held: held, _room: room };
        match (key, <[Group; 1]>::try_from(groups)) {
            (Some(key), Ok([group])) => {
                let frame = Open { group, run, waiting: vec![waiting], trace };
                self.gather(shared, key, frame);
            }
            (_, groups) => {
                let groups = groups.map_or_else(|groups| groups, Vec::from);
                self.send_open(shared);
                self.send(shared, groups, trace, waiting);
            }
        }
    }

    /// The ids for events that gather; `None`: they go as they are, because nothing of their key is on its way.
    fn run(&mut self, shared: &Arc<Shared>, key: &Key, events: &[Draft], size: usize) -> Option<Run> {
        let gathered = self.gathered.get_mut(key)?;
        let first = events.first()?;
        let fits = |open: &Open| {
            open.group.node() == first.node_id.as_ref() && open.group.has_room(events.len(), size)
        };
        match gathered.open.take() {
            Some(open) if fits(&open) => {
                let run = open.run.clone();
                gathered.open = Some(open);
                run
            }
            full => {
                if let Some(full) = full {
                    gathered.frames += 1;
                    self.on_way.push(gathered_frame(shared, &self.pipeline, key.clone(), full));
                }
                Some(Run::begin())
            }
        }
    }

    /// Puts events into the frame of their key that gathers, or hands them in where nothing of it is on its way.
    fn gather(&mut self, shared: &Arc<Shared>, key: Key, next: Open) {
        let gathered = self.gathered.entry(key.clone()).or_default();
        let ready = if next.run.is_none() {
            next
        } else {
            let Some(open) = &mut gathered.open else {
                gathered.open = Some(next);
                return;
            };
            let Open { group, run, waiting, trace } = next;
            match open.group.join(group) {
                Ok(()) => {
                    open.run = run;
                    open.waiting.extend(waiting);
                    return;
                }
                // Looked for before: it fits.
                Err(group) => std::mem::replace(open, Open { group, run, waiting, trace }),
            }
        };
        gathered.frames += 1;
        self.on_way.push(gathered_frame(shared, &self.pipeline, key, ready));
    }

    /// Hands in all that gathers: other events of these keys come behind it.
    fn send_open(&mut self, shared: &Arc<Shared>) {
        for (key, gathered) in &mut self.gathered {
            if let Some(open) = gathered.open.take() {
                gathered.frames += 1;
                self.on_way.push(gathered_frame(shared, &self.pipeline, key.clone(), open));
            }
        }
    }

    fn send(&mut self, shared: &Arc<Shared>, groups: Vec<Group>, trace: Option<Trace>, waiting: Waiting) {
        let (shared, pipeline) = (shared.clone(), self.pipeline.clone());
        self.on_way.push(Box::pin(async move {
            let publishing = shared.control.publish(&pipeline, groups, trace);
            let answers = match AssertUnwindSafe(publishing).catch_unwind().await {
                Ok(answers) => said(&waiting.id, publishing::answered(answers)),
                Err(_panic) => panicked(&waiting.id),
            };
            Done { answers: vec![answers], bytes: waiting.bytes, key: None }
        }));
    }

    fn refuse(&mut self, answer: String, bytes: usize) {
        let done = Done { answers: vec![answer], bytes, key: None };
        self.on_way.push(Box::pin(std::future::ready(done)));
    }

    /// The next answers; `None` when nothing is on its way.
    pub(super) async fn answers(&mut self, shared: &Arc<Shared>) -> Option<Vec<String>> {
        let Done { answers, bytes, key } = self.on_way.next().await?;
        self.commands -= answers.len();
        self.bytes -= bytes;
        if let Some(key) = key
            && let Some(gathered) = self.gathered.get_mut(&key)
        {
            gathered.frames -= 1;
            if let Some(open) = gathered.open.take() {
                gathered.frames += 1;
                self.on_way.push(gathered_frame(shared, &self.pipeline, key, open));
            } else if gathered.frames == 0 {
                self.gathered.remove(&key);
            }
        }
        Some(answers)
    }
}

/// Hands a frame in when it is polled first; the answers to its commands.
fn gathered_frame(
    shared: &Arc<Shared>,
    pipeline: &Pipeline,
    key: Key,
    open: Open,
) -> BoxFuture<'static, Done> {
    let Open { group, waiting, trace, .. } = open;
    let publishing = shared.control.bus().hand_in(pipeline, group, trace);
    Box::pin(async move {
        let outcome = AssertUnwindSafe(publishing).catch_unwind().await;
        let bytes = waiting.iter().map(|waiting| waiting.bytes).sum();
        let answer = |waiting: Waiting| {
            let Waiting { id, ids, .. } = waiting;
            match &outcome {
                Ok(outcome) => {
                    said(&id, publishing::answered(vec![Answer { ids, outcome: outcome.clone() }]))
                }
                Err(_panic) => panicked(&id),
            }
        };
        Done { answers: waiting.into_iter().map(answer).collect(), bytes, key: Some(key) }
    })
}

fn said(id: &str, outcome: Result<Published, Refused>) -> String {
    match outcome {
        Ok(published) => server::published(id, &published),
        Err(refused) => failed(id, &refused),
    }
}

fn panicked(id: &str) -> String {
    tracing::error!(request = id, "a command panicked");
    server::error("internal", "the command failed in an unexpected way", None, Some(id))
}

/// The answer to a command whose events are not all durable.
fn failed(id: &str, refused: &Refused) -> String {
    if matches!(refused.code(), "unavailable" | "internal") {
        tracing::warn!(code = refused.code(), error = %refused, "events were not published");
    }
    server::failed(id, refused.code(), &refused.to_string(), refused.path(), refused.details())
}
