//! MCP servers of others, as people run them: ops/tools.sh brings them, with pinned hashes.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use runbus::pattern::Patterns;
use runbus::session::ToolCall;
use runbus::time::Clock;
use runbus_workers::mcp::config::{Config, Server};
use runbus_workers::mcp::{Servers, State};
use runbus_workers::tool::{Outcome, Registry};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// The longest wait for anything on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// One server `s`, once it is up.
struct Bench {
    servers: Servers,
    registry: Registry,
}

impl Bench {
    async fn start(command: &str, args: &[&str]) -> Self {
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        let server =
            Server { command: Some(command.to_owned()), args, start_timeout_ms: 60_000, ..Server::default() };
        let config = Config { servers: BTreeMap::from([("s".to_owned(), server)]) };
        let servers = Servers::start(&config, &Clock::System, &CancellationToken::new());
        let registry = servers.register(Registry::new()).unwrap();
        tokio::time::timeout(PATIENCE, servers.settled()).await.unwrap();
        let status = servers.status().remove(0);
        assert_eq!(status.state, State::Ready, "{status:?}");
        Self { servers, registry }
    }

    /// A server of the Node packages.
    async fn node(package: &str, args: &[&str]) -> Self {
        let modules = std::env::var("RUNBUS_MCP_NODE").expect("run me through ops/tools.sh run");
        let main = format!("{modules}/@modelcontextprotocol/{package}/dist/index.js");
        assert!(Path::new(&main).is_file(), "{main} is not there: node and npm are needed");
        Self::start("node", &[&[main.as_str()], args].concat()).await
    }

    async fn call(&self, tool: &str, arguments: Value) -> Outcome {
        let scope = self.registry.scope(Patterns::all(), Patterns::default());
        let call = ToolCall::new("c", format!("s__{tool}"), arguments.to_string());
        let permit = scope.clear(&call, None).unwrap_or_else(|refusal| panic!("{tool}: {refusal:?}"));
        tokio::time::timeout(PATIENCE, permit.run("key")).await.unwrap()
    }

    async fn text(&self, tool: &str, arguments: Value) -> String {
        let outcome = self.call(tool, arguments).await;
        assert_eq!(outcome.error, None, "{tool}");
        outcome.content
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn server_everything() {
    let bench = Bench::node("server-everything", &[]).await;
    let status = bench.servers.status().remove(0);
    // It works only as a task, which Runbus does not do: models never hear of it.
    assert!(status.refused["simulate-research-query"].contains("only as a task"), "{status:?}");
    assert!(!status.tools.iter().any(|tool| tool.contains("research")), "{status:?}");

    assert_eq!(bench.text("echo", json!({"message": "hé"})).await, "Echo: hé");
    assert!(bench.text("get-sum", json!({"a": 2, "b": 3})).await.contains('5'));
    // Its text repeats its structured content: models read it once.
    let weather = bench.text("get-structured-content", json!({"location": "New York"})).await;
    assert_eq!(weather.matches("temperature").count(), 1, "{weather}");
    let image = bench.call("get-tiny-image", json!({})).await;
    assert_eq!((image.error, image.media.len()), (None, 1), "{}", image.content);
    assert!(
        image.content.contains("[image image/png, ") && image.content.contains(", attached]"),
        "{}",
        image.content
    );
    assert!(image.content.len() < 1000, "no base64 in {}", image.content);

    let scope = bench.registry.scope(Patterns::all(), Patterns::default());
    let name = "s__trigger-long-running-operation".to_owned();
    let arguments = json!({"duration": 0.2, "steps": 2}).to_string();
    let permit = scope.clear(&ToolCall::new("c", name, arguments), None).unwrap();
    let words = permit.progress();
    let outcome = tokio::time::timeout(PATIENCE, permit.run("key")).await.unwrap();
    assert_eq!(outcome.error, None);
    let last = words.borrow().clone().expect("it says how far it has come");
    assert_eq!((last.progress, last.total), (2.0, Some(2.0)));
    bench.servers.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn server_filesystem() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("note.txt"), "first line\nsecond line").unwrap();
    std::fs::write(path("dot.png"), [0x89, b'P', b'N', b'G', 1, 2, 3, 4, 5]).unwrap();
    let bench = Bench::node("server-filesystem", &[folder.path().to_str().unwrap()]).await;

    // Its answers repeat themselves as structured content.
    assert_eq!(
        bench.text("read_text_file", json!({"path": path("note.txt")})).await,
        "first line\nsecond line"
    );
    let media = bench.call("read_media_file", json!({"path": path("dot.png")})).await;
    assert_eq!((media.error, media.media.len()), (None, 1), "{}", media.content);
    assert_eq!(media.content, "[image image/png, 9 bytes, attached]");
    let listed = bench.text("list_directory", json!({"path": path("")})).await;
    assert_eq!(listed.matches("note.txt").count(), 1, "{listed}");
    let written = bench.text("write_file", json!({"path": path("new.txt"), "content": "x"})).await;
    assert_eq!(written.matches("new.txt").count(), 1, "{written}");
    let outside = bench.call("read_text_file", json!({"path": "/etc/passwd"})).await;
    assert!(outside.is_error() && outside.content.contains("Access denied"), "{}", outside.content);
    bench.servers.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn server_time() {
    let python = std::env::var("RUNBUS_MCP_PYTHON").expect("run me through ops/tools.sh run");
    let bench = Bench::start(&python, &["-m", "mcp_server_time", "--local-timezone", "UTC"]).await;
    let now = bench.text("get_current_time", json!({"timezone": "Europe/Berlin"})).await;
    assert_eq!(now.matches("Europe/Berlin").count(), 1, "{now}");
    let wrong = bench.call("get_current_time", json!({"timezone": "Mars/Olympus"})).await;
    assert!(wrong.is_error() && wrong.content.contains("Mars/Olympus"), "{}", wrong.content);
    bench.servers.stop().await;
}
