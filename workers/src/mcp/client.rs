//! A connection to a server: opened, asked for tools, called, ended.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{
    CallToolRequest, CallToolRequestParams, CallToolResult, ClientConfig, ClientRequest, Implementation,
    ListToolsRequest, ListToolsResult, PaginatedRequestParams, ProtocolVersion, ServerResult,
};
use rmcp::service::{
    ClientInitializeError, ClientLifecycleMode, NotificationContext, Peer, RunningService,
    RunningServiceCancellationToken, ServiceError, serve_client_with_lifecycle,
};
use rmcp::{ClientHandler, RoleClient};
use runbus::telemetry;
use serde_json::{Map, Value};
use tokio::sync::Notify;

use super::call::{self, Limits};
use super::child::Child;
use super::config::{Server, Transport};
use super::content;
use super::decode::TASK_SUPPORT;
use super::error_text;
use super::http::{self, Meaning};
use super::limits::{
    EXIT_GRACE, MAX_DESCRIPTION_BYTES, MAX_OWN_NAME_BYTES, MAX_PAGES, MAX_REASON_BYTES, MAX_REFUSED,
    MAX_SCHEMA_BYTES, MAX_TOOLS,
};
use super::matched::Matched;
use super::progress::Watchers;
use super::stdio::Pipes;
use crate::tool::{self, Invocation, truncate};

/// A tool as its server describes it, within our limits.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) parameters: Value,
}

/// The tools that a server has listed.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Listed {
    /// Its tools, sorted by name.
    pub(super) tools: Vec<Found>,
    /// Those beyond our limits, with the reason.
    pub(super) refused: BTreeMap<String, String>,
}

/// Why a request has no answer.
#[derive(Debug)]
pub(super) enum Fault {
    /// The server refused it.
    Refused(String),
    /// It never reached the server.
    NotSent(String),
    /// The connection broke while it was on its way: whether it had an effect is unknown.
    Lost(String),
    /// There was no answer in time: in this time, when the server had something to say meanwhile.
    TimedOut(Option<Duration>),
}

/// The supervisor's part of a connection. Dropping it ends the connection and the process.
pub(super) struct Session {
    connection: Connection,
    running: Pin<Box<dyn Future<Output = ()> + Send>>,
    has_ended: bool,
    cancel: RunningServiceCancellationToken,
    child: Option<Child>,
    changed: Arc<Notify>,
}

/// The part of a connection that calls hold. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    peer: Peer<RoleClient>,
    watchers: Watchers,
}

/// Handles a server's notifications that its tools have changed. Progress of calls is handled before ([`Matched`]).
#[derive(Debug, Clone)]
struct Handler {
    changed: Arc<Notify>,
}

impl ClientHandler for Handler {
    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.changed.notify_one();
    }

    fn get_info(&self) -> ClientConfig {
        let name = Implementation::new("runbus", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(Default::default(), name)
    }
}

impl Session {
    /// Starts or reaches the server and shakes hands. The caller bounds it in time.
    ///
    /// # Errors
    /// The reason in words.
    pub(super) async fn open(name: &str, server: &Server) -> Result<Self, String> {
        match Self::shake(name, server, ClientLifecycleMode::Initialize).await {
            // A server of the newest protocol alone knows no handshake.
            Err((ClientInitializeError::JsonRpcError(_), _)) => {
                let preferred_versions = vec![ProtocolVersion::LATEST];
                Self::shake(name, server, ClientLifecycleMode::Discover { preferred_versions }).await
            }
            other => other,
        }
        .map_err(|(_, reason)| bounded(reason))
    }

    async fn shake(
        name: &str,
        server: &Server,
        mode: ClientLifecycleMode,
    ) -> Result<Self, (ClientInitializeError, String)> {
        let changed = Arc::new(Notify::new());
        let watchers = Watchers::default();
        let handler = Handler { changed: changed.clone() };
        let local = |reason: String| (ClientInitializeError::Cancelled, reason);
        let (shaken, child) = match server.transport {
            Transport::Stdio => {
                let (child, output, input) = Child::spawn(name, server).map_err(local)?;
                let pipes = Matched::new(name, Pipes::new(output, input), watchers.clone());
                (Box::pin(serve_client_with_lifecycle(handler, pipes, mode)).await, Some(child))
            }
            Transport::Http => {
                let transport = Matched::new(name, http::transport(server).map_err(local)?, watchers.clone());
                (Box::pin(serve_client_with_lifecycle(handler, transport, mode)).await, None)
            }
        };
        match (shaken, child) {
            (Ok(running), child) => Ok(Self::of(running, child, changed, watchers)),
            (Err(error @ ClientInitializeError::ConnectionClosed(_)), Some(mut child)) => {
                // The process has closed its output; its last lines are the better reason.
                let reason = tokio::time::timeout(EXIT_GRACE, child.ended()).await;
                let reason = reason.unwrap_or_else(|_elapsed| error_text::opening(&error));
                Err((error, reason))
            }
            (Err(error), _) => {
                let reason = error_text::opening(&error);
                Err((error, reason))
            }
        }
    }

    fn of(
        running: RunningService<RoleClient, Handler>,
        child: Option<Child>,
        changed: Arc<Notify>,
        watchers: Watchers,
    ) -> Self {
        let connection = Connection { peer: running.peer().clone(), watchers };
        let cancel = running.cancellation_token();
        let running = Box::pin(async move {
            let reason = running.waiting().await;
            tracing::debug!(?reason, "an MCP connection has ended");
        });
        Self { connection, running, has_ended: false, cancel, child, changed }
    }

    /// For calls.
    pub(super) const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Is notified when the server says that its tools have changed.
    pub(super) fn changed(&self) -> Arc<Notify> {
        self.changed.clone()
    }

    /// Waits until the connection or the process has ended, and says how. May be dropped and called again.
    pub(super) async fn ended(&mut self) -> String {
        let Some(child) = &mut self.child else {
            if !self.has_ended {
                (&mut self.running).await;
                self.has_ended = true;
            }
            return "the connection was closed".into();
        };
        tokio::select! {
            reason = child.ended() => return bounded(reason),
            () = &mut self.running, if !self.has_ended => self.has_ended = true,
        }
        let reason = tokio::time::timeout(EXIT_GRACE, child.ended()).await;
        bounded(reason.unwrap_or_else(|_elapsed| "it closed its standard output".into()))
    }

    /// Ends connection and process.
    pub(super) async fn close(self) {
        self.cancel.cancel();
        if !self.has_ended && tokio::time::timeout(EXIT_GRACE, self.running).await.is_err() {
            tracing::debug!("an MCP connection did not close in time");
        }
        if let Some(child) = self.child {
            child.end().await;
        }
    }
}

impl Connection {
    /// Whether it has ended: nothing that is sent now reaches the server.
    pub(super) fn is_closed(&self) -> bool {
        self.peer.is_transport_closed()
    }

    /// The server's tools, sorted by name, within our limits. The caller bounds it in time.
    ///
    /// # Errors
    /// See [`Fault`].
    pub(super) async fn tools(&self, server: &str) -> Result<Listed, Fault> {
        let mut listed = Listed::default();
        let mut cursor: Option<String> = None;
        for _ in 0..MAX_PAGES {
            // Not the SDK's own method: that one may answer from its cache, and this is also how we see that the server lives.
            let params = PaginatedRequestParams::default().with_cursor(cursor);
            let request = ClientRequest::ListToolsRequest(ListToolsRequest::with_param(params));
            let page = match self.peer.send_request(request).await.map_err(fault)? {
                ServerResult::ListToolsResult(page) => page,
                other => {
                    let reason = call::mismatch::<ListToolsResult>(&other);
                    return Err(Fault::Refused(format!("its list of tools cannot be read: {reason}")));
                }
            };
            for tool in page.tools {
                listed.take(tool);
            }
            cursor = page.next_cursor;
            if cursor.is_none() || listed.tools.len() > MAX_TOOLS {
                break;
            }
        }
        if cursor.is_some() || listed.tools.len() > MAX_TOOLS {
            tracing::warn!(server, limit = MAX_TOOLS, "an MCP server has too many tools; some are left out");
            listed.tools.truncate(MAX_TOOLS);
        }
        listed.tools.sort_by(|a, b| a.name.cmp(&b.name));
        listed.tools.dedup_by(|a, b| a.name == b.name);
        Ok(listed)
    }

    /// Calls a tool. Dropping the future tells the server to stop.
    ///
    /// # Errors
    /// See [`Fault`].
    pub(super) async fn call(
        &self,
        tool: &str,
        arguments: Map<String, Value>,
        limits: Limits,
        invocation: &Invocation,
    ) -> Result<Result<String, tool::Error>, Fault> {
        let mut params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        if let Some(trace) = telemetry::current_trace() {
            let meta = params.meta.get_or_insert_default();
            meta.set_traceparent(trace.parent);
            if let Some(state) = trace.state {
                meta.set_tracestate(state);
            }
        }
        let request = ClientRequest::CallToolRequest(CallToolRequest::new(params));
        let called = call::call(&self.peer, &self.watchers, request, limits, invocation);
        let refused = |reason: &str| Err(Fault::Refused(reason.to_owned()));
        match Box::pin(called).await? {
            ServerResult::CallToolResult(result) => {
                Ok(content::read(result, |image| invocation.attach(image)))
            }
            ServerResult::InputRequiredResult(_) => {
                refused("the tool asks for further input, which is not supported")
            }
            ServerResult::CreateTaskResult(_) => {
                refused("the tool runs in the background, which is not supported; whether it does is unknown")
            }
            other => {
                let reason = call::mismatch::<CallToolResult>(&other);
                tracing::warn!(tool, reason, "an MCP server's answer is no result of a call");
                refused(&format!("the server's answer is no result of a call: {reason}"))
            }
        }
    }
}

impl Listed {
    /// Takes a tool, or notes why not.
    fn take(&mut self, tool: rmcp::model::Tool) {
        let name = tool.name.clone().into_owned();
        if name.len() > MAX_OWN_NAME_BYTES || name.chars().any(char::is_control) {
            let reason =
                format!("its name takes at most {MAX_OWN_NAME_BYTES} bytes and no control characters");
            return self.refuse(truncate(name.escape_debug().to_string(), MAX_OWN_NAME_BYTES).0, reason);
        }
        let task = tool.meta.as_ref().and_then(|meta| meta.0.get(TASK_SUPPORT));
        if task.and_then(Value::as_str) == Some("required") {
            return self.refuse(name, "it runs only as a task, which is not supported".into());
        }
        let mut parameters = Value::Object(Map::clone(&tool.input_schema));
        if let Some(schema) = parameters.as_object_mut() {
            schema.shift_remove("$schema");
            schema.entry("type").or_insert_with(|| "object".into());
        }
        let bytes = parameters.to_string().len();
        if bytes > MAX_SCHEMA_BYTES {
            let reason = format!("its schema has {bytes} bytes, the limit is {MAX_SCHEMA_BYTES}");
            return self.refuse(name, reason);
        }
        let description =
            tool.description.or_else(|| tool.title.map(Into::into)).unwrap_or_default().into_owned();
        let (description, _) = truncate(description, MAX_DESCRIPTION_BYTES);
        self.tools.push(Found { name, description, parameters });
    }

    fn refuse(&mut self, name: String, reason: String) {
        if self.refused.len() < MAX_REFUSED {
            self.refused.insert(name, reason);
        }
    }
}

pub(super) fn fault(error: ServiceError) -> Fault {
    match error {
        ServiceError::McpError(error) => Fault::Refused(error.message.into_owned()),
        ServiceError::Timeout { timeout } => Fault::TimedOut(Some(timeout)),
        ServiceError::UnexpectedResponse => Fault::Refused("the answer is not one to this request".into()),
        ServiceError::TransportSend(error) => {
            let reason = error_text::transport(error.error.as_ref());
            match http::meaning(error.error.as_ref()) {
                Meaning::NotSent => Fault::NotSent(reason),
                Meaning::TooLarge => {
                    Fault::Refused(format!("the tool ran, but its result was dropped: {reason}"))
                }
                Meaning::Refused => Fault::Refused(reason),
                Meaning::Unknown => Fault::Lost(reason),
            }
        }
        ServiceError::Cancelled { reason: Some(reason) } => {
            Fault::Lost(format!("the server cancelled it: {reason}"))
        }
        _ => Fault::Lost("the connection was closed".into()),
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(reason) | Self::NotSent(reason) | Self::Lost(reason) => f.write_str(reason),
            Self::TimedOut(_) => f.write_str("it does not answer"),
        }
    }
}

fn bounded(reason: String) -> String {
    truncate(reason, MAX_REASON_BYTES).0
}
