//! The shared state of a server's supervisor and its tools.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use runbus::time::{Clock, Timestamp};
use tokio::sync::{Notify, watch};

use super::client::{Connection, Found, Listed};
use super::config::{Server, Transport};
use super::guards::Guards;
use super::limits::{LOSS_GRACE, MAX_REASON_BYTES};
use super::remote::Remote;
use super::status::{State, Status};
use super::{name, servers::Board};
use crate::tool::{Listing, Schema, Source, Tool, truncate};

/// One server.
#[derive(Debug)]
pub(super) struct Link {
    name: String,
    prefix: String,
    server: Server,
    guards: Guards,
    clock: Clock,
    view: watch::Sender<View>,
    board: Board,
    /// A call met a broken connection: the supervisor looks at once.
    suspicion: Notify,
    /// Calls that wait for an answer.
    calls: AtomicUsize,
}

/// A call that waits for an answer, until it is dropped.
#[derive(Debug)]
pub(super) struct Waiting<'l>(&'l AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How the server is at the moment.
#[derive(Debug)]
struct View {
    state: State,
    since: Timestamp,
    restarts: u64,
    /// Starts that failed in a row.
    failures: u64,
    /// Whether it ever came up.
    came_up: bool,
    /// How often it was up and was lost.
    losses: u64,
    /// Why it was lost, or did not come up, last.
    last: Option<String>,
    connection: Option<Connection>,
    tools: Arc<[Arc<dyn Tool>]>,
    /// The server's own name of each tool.
    originals: BTreeMap<String, String>,
    /// Whether its tools are known, and the guards have been checked against them.
    listing: Listing,
    /// Tools that it has and that nobody can call, with the reason.
    refused: BTreeMap<String, String>,
}

impl View {
    /// Why there is no connection.
    fn why_away(&self, waited: Duration) -> String {
        let last = self.last.as_deref();
        match (self.came_up, last) {
            (false, Some(last)) => {
                format!("it has never come up since the worker started (tries: {}): {last}", self.failures)
            }
            (false, None) => format!(
                "it has never come up since the worker started: no answer within {} ms",
                waited.as_millis()
            ),
            (true, last) => {
                format!("it is being started again; it was lost: {}", last.unwrap_or("no reason is known"))
            }
        }
    }
}

impl Link {
    /// A server that is about to be started.
    pub(super) fn new(name: &str, server: Server, clock: Clock, board: Board) -> Arc<Self> {
        let view = View {
            state: State::Starting,
            since: clock.now(),
            restarts: 0,
            failures: 0,
            came_up: false,
            losses: 0,
            last: None,
            connection: None,
            tools: Arc::new([]),
            originals: BTreeMap::new(),
            listing: Listing::Unknown,
            refused: BTreeMap::new(),
        };
        let view = watch::Sender::new(view);
        let (name, prefix) = (name.to_owned(), name::prefix(name));
        Arc::new(Self {
            name,
            prefix,
            guards: Guards::of(&server),
            server,
            clock,
            view,
            board,
            suspicion: Notify::new(),
            calls: AtomicUsize::new(0),
        })
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Its configuration.
    pub(super) const fn server(&self) -> &Server {
        &self.server
    }

    /// See [`Link::report`].
    pub(super) async fn suspected(&self) {
        self.suspicion.notified().await;
    }

    /// A call met a broken connection.
    pub(super) fn report(&self) {
        self.suspicion.notify_one();
    }

    /// A call begins.
    pub(super) fn begin_call(&self) -> Waiting<'_> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        Waiting(&self.calls)
    }

    /// Whether a call waits for an answer: a server that does one thing at a time may answer nothing else then.
    pub(super) fn is_busy(&self) -> bool {
        self.calls.load(Ordering::Relaxed) > 0
    }

    /// How it is.
    pub(super) fn status(&self) -> Status {
        self.status_of(&self.view.borrow())
    }

    fn status_of(&self, view: &View) -> Status {
        Status {
            server: self.name.clone(),
            transport: self.server.transport,
            state: view.state.clone(),
            tools: view.originals.keys().cloned().collect(),
            refused: view.refused.clone(),
            guards: match &view.listing {
                Listing::Faulty(reason) => Some(reason.clone()),
                Listing::Unknown | Listing::Checked => None,
            },
            restarts: view.restarts,
            since: view.since,
        }
    }

    fn publish(&self, change: impl FnOnce(&mut View)) {
        self.view.send_modify(|view| {
            let before = view.state.clone();
            change(view);
            if view.state != before {
                view.since = self.clock.now();
            }
            // Within the lock, so that the board never goes back to an older state.
            self.board.put(self.status_of(view));
        });
    }

    /// It is being started again.
    pub(super) fn restarting(&self) {
        self.publish(|view| {
            view.state = State::Starting;
            view.restarts += 1;
        });
    }

    /// It answers, and these are its tools. The guards are checked against them before any of them can be called.
    pub(super) async fn ready(self: &Arc<Self>, connection: &Connection, listed: Listed) {
        let Listed { tools: found, mut refused } = listed;
        let known: Vec<&str> = found.iter().map(|tool| tool.name.as_str()).collect();
        let known: Vec<&str> = known.into_iter().chain(refused.keys().map(String::as_str)).collect();
        let fault = self.guards.fault(&self.name, &known);
        if let Some(reason) = &fault {
            tracing::error!(server = self.name, reason, "every tool of the MCP server needs an approval");
        }
        let mut originals = BTreeMap::new();
        let mut tools: Vec<Arc<dyn Tool>> = Vec::with_capacity(found.len());
        for Found { name, description, parameters } in found {
            if !self.guards.allows(&name) {
                continue;
            }
            let encoded = name::encode(&self.name, &name);
            if let Some(other) = originals.get(&encoded) {
                refused.insert(name, format!("agents would call it {encoded}, which is {other:?}"));
                continue;
            }
            let schema = match Schema::compile_elsewhere(parameters.clone()).await {
                Ok(schema) => schema,
                Err(reason) => {
                    let reason = truncate(format!("its schema is refused: {reason}"), MAX_REASON_BYTES).0;
                    tracing::warn!(server = self.name, tool = name, reason, "a tool is refused");
                    refused.insert(name, reason);
                    continue;
                }
            };
            tools.push(Arc::new(Remote::new(self, &encoded, description, parameters, Some(schema))));
            originals.insert(encoded, name);
        }
        self.publish(|view| {
            view.state = State::Ready;
            view.failures = 0;
            view.came_up = true;
            view.connection = Some(connection.clone());
            view.tools = tools.into();
            view.originals = originals;
            view.refused = refused;
            view.listing = fault.map_or(Listing::Checked, Listing::Faulty);
        });
    }

    /// It was up and is not any more. Its tools stay known: it is about to come back.
    pub(super) fn lost(&self, reason: String) {
        self.publish(|view| {
            view.last = Some(reason.clone());
            view.losses += 1;
            view.state = State::Failed { reason };
            view.connection = None;
        });
    }

    /// How often it was lost so far.
    pub(super) fn losses(&self) -> u64 {
        self.view.borrow().losses
    }

    /// Why it was lost, when that is found within [`LOSS_GRACE`]; else what was `said`.
    pub(super) async fn why_lost(&self, before: u64, said: String) -> String {
        if self.server.transport == Transport::Http {
            return said;
        }
        let mut view = self.view.subscribe();
        match tokio::time::timeout(LOSS_GRACE, view.wait_for(|view| view.losses > before)).await {
            Ok(Ok(view)) => view.last.clone().unwrap_or(said),
            _ => said,
        }
    }

    /// It did not come up.
    pub(super) fn failed(&self, reason: String) {
        self.publish(|view| {
            view.last = Some(reason.clone());
            view.state = State::Failed { reason };
            view.failures += 1;
        });
    }

    /// It will not come back. Also takes the tools out, which hold this link.
    pub(super) fn stopped(&self) {
        self.publish(|view| {
            view.state = State::Stopped;
            view.connection = None;
            view.tools = Arc::new([]);
            view.originals.clear();
            view.listing = Listing::Unknown;
        });
    }

    /// The connection, after at most `limit`: waits for a server that starts for the first time or was just lost, and not
    /// for one that did not come up when it was tried.
    ///
    /// # Errors
    /// The reason in words.
    pub(super) async fn connection(&self, limit: Duration) -> Result<Connection, String> {
        let mut view = self.view.subscribe();
        let settled = |view: &View| {
            // One that has ended, and that the supervisor has not seen the end of, is about to be replaced.
            let open = view.connection.as_ref().is_some_and(|connection| !connection.is_closed());
            open || view.failures > 0 || matches!(view.state, State::Stopped)
        };
        let waited = tokio::time::timeout(limit, view.wait_for(settled)).await;
        if let Ok(Ok(view)) = &waited {
            match (&view.connection, &view.state) {
                (Some(connection), _) => return Ok(connection.clone()),
                (None, State::Stopped) => return Err("it was stopped".into()),
                (None, _) => {}
            }
        }
        drop(waited);
        Err(self.view.borrow().why_away(limit))
    }

    /// Waits until it is up or was tried in vain, within its own limit.
    async fn settled(&self) {
        let mut view = self.view.subscribe();
        let settled = |view: &View| view.came_up || view.failures > 0 || view.state.is_settled();
        let _ = tokio::time::timeout(self.server.start_timeout(), view.wait_for(settled)).await;
    }

    /// The server's own name of a tool.
    pub(super) fn original(&self, name: &str) -> Option<String> {
        self.view.borrow().originals.get(name).cloned()
    }

    /// Whether calls of a tool may simply run again. Not while a guard may be meant for it.
    pub(super) fn is_safe_to_repeat(&self, tool: &str) -> bool {
        let view = self.view.borrow();
        match (view.originals.get(tool), &view.listing) {
            (_, Listing::Faulty(_)) => false,
            (Some(original), _) => self.guards.is_safe_to_repeat(original),
            (None, _) => self.guards.names_safe(&self.name, tool),
        }
    }

    /// Whether calls of a tool need a person's approval: also those of one that is not known.
    pub(super) fn requires_approval(&self, tool: &str) -> bool {
        let view = self.view.borrow();
        view.originals.get(tool).is_none_or(|original| self.guards.requires_approval(original))
    }
}

/// A server's tools for the registry.
#[derive(Debug)]
pub(super) struct Tools(pub(super) Arc<Link>);

#[async_trait]
impl Source for Tools {
    fn prefix(&self) -> &str {
        &self.0.prefix
    }

    fn tools(&self) -> Arc<[Arc<dyn Tool>]> {
        self.0.view.borrow().tools.clone()
    }

    fn listing(&self) -> Listing {
        self.0.view.borrow().listing.clone()
    }

    async fn settled(&self) {
        self.0.settled().await;
    }

    fn absent(&self, name: &str) -> Arc<dyn Tool> {
        Arc::new(Remote::new(&self.0, name, String::new(), serde_json::json!({"type": "object"}), None))
    }
}
