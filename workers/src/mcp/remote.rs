//! A server's tool, as the registry runs it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use tokio::time::Instant;

use super::call::Limits;
use super::client::Fault;
use super::link::Link;
use crate::tool::{self, Error, Invocation, Schema, Spec, Tool};

/// How much longer than its own limit the registry waits for a call.
const GRACE: Duration = Duration::from_secs(5);

/// A tool of a server, whether the server is up or not.
pub(super) struct Remote {
    link: Arc<Link>,
    spec: Spec,
    schema: Option<Arc<Schema>>,
}

impl Remote {
    /// The tool that definitions call `name`.
    pub(super) fn new(
        link: &Arc<Link>,
        name: &str,
        description: String,
        parameters: Value,
        schema: Option<Arc<Schema>>,
    ) -> Self {
        Self { link: link.clone(), spec: Spec { name: name.to_owned(), description, parameters }, schema }
    }

    /// The text that the model reads for a call without an answer.
    fn explain(&self, fault: Fault) -> Error {
        let server = self.link.name();
        match fault {
            Fault::Refused(reason) => Error::failed(reason),
            Fault::NotSent(reason) => {
                Error::failed(format_args!("mcp server {server} is not available: {reason}"))
            }
            Fault::Lost(reason) => Error::failed(format_args!(
                "mcp server {server} was lost during the call ({reason}): whether the call had an effect is unknown"
            )),
            Fault::TimedOut(after) => {
                let spoken = after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
                Error::TimedOut { limit_ms: spoken.unwrap_or(self.link.server().call_timeout_ms) }
            }
        }
    }
}

impl std::fmt::Debug for Remote {
    // The link holds its tools.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote").field("name", &self.spec.name).finish_non_exhaustive()
    }
}

#[async_trait]
impl Tool for Remote {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn schema(&self) -> Option<Arc<Schema>> {
        self.schema.clone()
    }

    fn safe_to_repeat(&self) -> bool {
        self.link.is_safe_to_repeat(&self.spec.name)
    }

    fn approval(&self) -> tool::Approval {
        if self.link.requires_approval(&self.spec.name) {
            tool::Approval::Always
        } else {
            tool::Approval::Never
        }
    }

    fn timeout(&self) -> Option<Duration> {
        // The call ends by itself, and can say more then.
        Some(self.link.server().call_timeout_total() + GRACE)
    }

    async fn call(&self, invocation: Invocation) -> Result<String, Error> {
        let server = self.link.server();
        let begun = Instant::now();
        let patience = server.start_timeout().min(server.call_timeout());
        let connection =
            self.link.connection(patience).await.map_err(|reason| self.explain(Fault::NotSent(reason)))?;
        // The connection may be to another version of the server than the one that the call was cleared for.
        invocation.still_cleared()?;
        let Some(tool) = self.link.original(&self.spec.name) else {
            let (server, tool) = (self.link.name(), &self.spec.name);
            return Err(Error::failed(format_args!("mcp server {server} has no tool {tool}")));
        };
        let Value::Object(arguments) = invocation.arguments.clone() else {
            return Err(Error::Arguments { path: ".".into(), message: "not a JSON object".into() });
        };
        // The time until the server was there is a part of its first silence.
        let silent = server.call_timeout().saturating_sub(begun.elapsed());
        let limits = Limits { silent, until: begun + server.call_timeout_total() };
        let (waiting, losses) = (self.link.begin_call(), self.link.losses());
        let answer = connection.call(&tool, arguments, limits, &invocation).await;
        drop(waiting);
        match answer {
            Ok(result) => result,
            Err(fault) => {
                if !matches!(fault, Fault::Refused(_)) {
                    self.link.report();
                }
                let fault = match fault {
                    // How a process ended says more than that its pipe is closed.
                    Fault::Lost(said) => Fault::Lost(self.link.why_lost(losses, said).await),
                    other => other,
                };
                Err(self.explain(fault))
            }
        }
    }
}
