//! Servers of one kind or another, and waiting for their states.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use runbus::config::Secret;
use runbus::id::{EventId, ExecutionId, NodeId};
use runbus::pattern::Patterns;
use runbus::session::ToolCall;
use runbus::session::approval::{Approval, Requested, digest};
use runbus::session::command::Decide;
use runbus::time::{Clock, Timestamp};
use runbus_workers::mcp::config::{Config, Server, Transport};
use runbus_workers::mcp::{Servers, State, Status};
use runbus_workers::tool::{Outcome, Refusal, Registry, Scope};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio_util::sync::CancellationToken;

use super::server::{ADDRESS, ARGUMENTS, MODE};

/// How long anything may take on a slow machine before it counts as a hang.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// The process of the tests as a server.
pub(super) fn stdio(mode: &str) -> Server {
    Server {
        command: Some(std::env::current_exe().unwrap().to_str().unwrap().to_owned()),
        args: ARGUMENTS.map(str::to_owned).to_vec(),
        env: BTreeMap::from([(MODE.to_owned(), Secret::new(mode))]),
        ..Server::default()
    }
}

/// An HTTP server in a process of its own; it ends when this is dropped.
pub(super) struct Http {
    pub(super) process: tokio::process::Child,
    pub(super) server: Server,
}

impl Http {
    pub(super) async fn start() -> Self {
        Self::start_at(&format!("127.0.0.1:{}", runbus::testing::free_port())).await
    }

    pub(super) async fn start_at(address: &str) -> Self {
        let mut process = tokio::process::Command::new(std::env::current_exe().unwrap())
            .args(ARGUMENTS)
            .env(MODE, "http")
            .env(ADDRESS, address)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let listening = async {
            loop {
                let line = lines.next_line().await.unwrap().expect("the server says where it listens");
                if let Some(address) = line.strip_prefix("listening on ") {
                    return address.to_owned();
                }
            }
        };
        let address = tokio::time::timeout(PATIENCE, listening).await.expect("the server listens");
        let server = Server {
            start_timeout_ms: 10_000,
            transport: Transport::Http,
            url: Some(format!("http://{address}/mcp")),
            headers: BTreeMap::from([("x-key".to_owned(), Secret::new("secret"))]),
            ..Server::default()
        };
        Self { process, server }
    }
}

/// One server `s` and a registry with its tools.
pub(super) struct Bench {
    pub(super) servers: Servers,
    pub(super) registry: Registry,
}

impl Bench {
    pub(super) fn of(server: Server) -> Self {
        let config = Config { servers: BTreeMap::from([("s".to_owned(), server)]) };
        runbus::config::check(&config).unwrap();
        let servers = Servers::start(&config, &Clock::System, &CancellationToken::new());
        let registry = servers.register(Registry::new()).unwrap();
        Self { servers, registry }
    }

    /// A call that a person approves when it needs that: tools of a server that is not up yet do.
    pub(super) async fn call(&self, tool: &str, arguments: Value) -> Outcome {
        let scope = self.registry.everything();
        let call = ToolCall::new("call", format!("s__{tool}"), arguments.to_string());
        let cleared = match scope.clear(&call, None) {
            Err(Refusal::NeedsApproval { arguments, .. }) => {
                scope.clear(&call, Some(&approved(&call, arguments)))
            }
            cleared => cleared,
        };
        let run = async {
            match cleared {
                Ok(permit) => permit.run("key").await,
                Err(refusal) => refusal.into_outcome(),
            }
        };
        tokio::time::timeout(PATIENCE, Box::pin(run)).await.expect("a call never hangs")
    }

    /// Its tools, guarded by nothing but the server's own lists.
    pub(super) fn scope(&self, tools: &str) -> Scope {
        self.registry.scope(Patterns::parse([tools]).unwrap(), Patterns::default())
    }

    /// A result that must be good.
    pub(super) async fn text(&self, tool: &str, arguments: Value) -> String {
        let outcome = self.call(tool, arguments).await;
        assert_eq!(outcome.error, None, "{}", outcome.content);
        outcome.content
    }

    pub(super) async fn until(&self, wanted: impl Fn(&Status) -> bool) -> Status {
        let mut board = self.servers.subscribe();
        let found = tokio::time::timeout(PATIENCE, board.wait_for(|all| wanted(&all[0]))).await;
        let found = found.unwrap_or_else(|_| panic!("it is {:?}", self.servers.status())).unwrap();
        found[0].clone()
    }

    pub(super) async fn ready(&self) -> Status {
        self.until(|status| status.state == State::Ready).await
    }

    pub(super) async fn failed(&self) -> String {
        let failed = self.until(|status| matches!(status.state, State::Failed { .. })).await;
        match failed.state {
            State::Failed { reason } => reason,
            other => panic!("{other:?}"),
        }
    }
}

/// The approval of a call by a person.
pub(crate) fn approved(call: &ToolCall, arguments: Value) -> Approval {
    let requested = Requested {
        approval_id: "a@s".into(),
        call_id: call.id.clone(),
        tool_name: call.name.clone(),
        arguments_digest: digest(&arguments),
        arguments,
        expires_at: None,
    };
    let (execution, node) = (ExecutionId::new("e").unwrap(), NodeId::new("n").unwrap());
    let mut approval = Approval::new(requested, execution, node, Timestamp::from_micros(0));
    let said = Decide {
        approval_id: "a@s".into(),
        approved: true,
        arguments: None,
        note: None,
        arguments_digest: None,
    };
    approval.decide(EventId::derived("x"), None, &said, Timestamp::from_micros(1)).unwrap();
    approval
}

/// Whether a process is there.
pub(super) fn is_alive(pid: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !status.is_empty() && !status.contains(") Z ")
}

/// Ends a process at once.
pub(super) fn kill(pid: &str) {
    assert!(std::process::Command::new("kill").args(["-KILL", pid]).status().unwrap().success());
}
