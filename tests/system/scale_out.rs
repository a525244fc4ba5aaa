//! The deployment as separate processes: 3 NATS servers (R3), Redis, 2 gateways, 3 workers. `kill -9` of any one of them
//! while the council runs loses nothing and ends in the same result.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use runbus::adapters::nats::{self, Nats};
use runbus::config::Secret;
use runbus::id::SessionId;
use runbus::session::journal::Journal;
use runbus::time::Clock;
use serde_json::{Value, json};

use crate::client::{PATIENCE, follow, is_terminal};

/// The process that is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Nobody,
    /// The worker that owns the session.
    Worker,
    /// The gateway that the client reads from.
    Gateway,
    /// One NATS server after the other, one a run.
    Nats(u8),
    Redis,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().unwrap().parent().unwrap().join("runbus");
    assert!(program.exists(), "{} is missing: cargo build --workspace", program.display());
    program
}

fn cluster(arguments: &[&str]) {
    let mut command = Command::new(root().join("ops/cluster.sh"));
    let output = command.args(arguments).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

struct Deployment {
    dir: tempfile::TempDir,
    facts: HashMap<String, String>,
    gateways: Vec<(SocketAddr, Child)>,
    workers: Vec<(String, Child)>,
}

impl Deployment {
    fn up() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_str().unwrap();
        cluster(&["up", path, "--owner", &std::process::id().to_string()]);
        let facts = std::fs::read_to_string(dir.path().join("cluster.env")).unwrap();
        let facts = facts.lines().filter_map(|line| line.split_once('='));
        let facts = facts.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        let mut deployment = Self { dir, facts, gateways: Vec::new(), workers: Vec::new() };
        let ports = Command::new("python3").arg(root().join("ops/free_ports.py")).arg("2").output().unwrap();
        for port in String::from_utf8(ports.stdout).unwrap().split_whitespace() {
            let address: SocketAddr = format!("127.0.0.1:{port}").parse().unwrap();
            let child = deployment.gateway(address);
            deployment.gateways.push((address, child));
        }
        for n in 1..=3 {
            let name = format!("worker-{n}");
            let child = deployment.worker(&name);
            deployment.workers.push((name, child));
        }
        deployment
    }

    fn spawn(&self, role: &str, name: &str, variable: (&str, &str)) -> Child {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.dir.path().join(format!("{name}.log")));
        Command::new(program())
            .arg(role)
            .arg("--config")
            .arg(root().join(format!("ops/runbus/{role}.toml")))
            .env("RUNBUS_NATS__SERVERS", &self.facts["NATS_URLS"])
            .env(
                "RUNBUS_NATS__PASSWORD",
                &self.facts[&format!("NATS_{}_PASSWORD", role.to_ascii_uppercase())],
            )
            .env("RUNBUS_REDIS__URL", &self.facts["REDIS_URL"])
            .env("RUNBUS_REDIS__PASSWORD", &self.facts["REDIS_PASSWORD"])
            .env("RUNBUS_WORKER__DEFINITIONS", root().join("examples/council.yaml"))
            .env(variable.0, variable.1)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.unwrap())
            .spawn()
            .unwrap()
    }

    fn gateway(&self, address: SocketAddr) -> Child {
        let listen = address.to_string();
        self.spawn("gateway", &format!("gateway-{}", address.port()), ("RUNBUS_GATEWAY__LISTEN", &listen))
    }

    fn worker(&self, name: &str) -> Child {
        self.spawn("worker", name, ("RUNBUS_WORKER__NAME", name))
    }

    fn addresses(&self) -> Vec<SocketAddr> {
        self.gateways.iter().map(|(address, _)| *address).collect()
    }

    /// Kills it as a crash would; returns how to bring it back.
    async fn kill(&mut self, victim: Victim, session: &str, log: &Nats) {
        let path = self.dir.path().to_str().unwrap().to_owned();
        match victim {
            Victim::Nobody => {}
            Victim::Worker => {
                let id = SessionId::new(session).unwrap();
                let journal = Journal::load(log.log(), Clock::System, id).await.unwrap();
                let owner = journal.state.owner.expect("somebody owns it").to_string();
                let at = self.workers.iter().position(|(name, _)| owner.starts_with(name.as_str())).unwrap();
                self.workers[at].1.kill().unwrap();
                self.workers[at].1.wait().unwrap();
                let name = self.workers[at].0.clone();
                self.workers[at].1 = self.worker(&name);
            }
            Victim::Gateway => {
                self.gateways[0].1.kill().unwrap();
                self.gateways[0].1.wait().unwrap();
            }
            Victim::Nats(node) => cluster(&["kill", &path, &node.to_string()]),
            Victim::Redis => cluster(&["kill", &path, "redis"]),
        }
    }

    fn restore(&mut self, victim: Victim) {
        let path = self.dir.path().to_str().unwrap().to_owned();
        match victim {
            Victim::Nobody | Victim::Worker => {}
            Victim::Gateway => {
                let address = self.gateways[0].0;
                self.gateways[0].1 = self.gateway(address);
            }
            Victim::Nats(node) => {
                cluster(&["start", &path, &node.to_string()]);
                cluster(&["wait", &path]);
            }
            Victim::Redis => cluster(&["start", &path, "redis"]),
        }
    }

    fn logs(&self) -> String {
        let mut text = String::new();
        for entry in std::fs::read_dir(self.dir.path()).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            if name.ends_with(".log") && (name.starts_with("gateway") || name.starts_with("worker")) {
                let log = std::fs::read_to_string(entry.path()).unwrap_or_default();
                let lines: Vec<&str> = log.lines().rev().take(15).collect();
                for line in lines.iter().rev() {
                    text.push_str(&format!("{name}: {}\n", line.chars().take(300).collect::<String>()));
                }
            }
        }
        text
    }
}

impl Drop for Deployment {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = std::io::Write::write_all(&mut std::io::stderr(), self.logs().as_bytes());
        }
        for child in self.gateways.iter_mut().map(|(_, c)| c).chain(self.workers.iter_mut().map(|(_, c)| c)) {
            let _ = child.kill();
            let _ = child.wait();
        }
        cluster(&["down", self.dir.path().to_str().unwrap()]);
    }
}

/// Asks one gateway after the other until one takes it.
async fn start(gateways: &[SocketAddr], id: &str) {
    let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
    let body = json!({ "definition": "council", "execution_id": id, "input": "Explain a log." }).to_string();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    for address in gateways.iter().cycle() {
        assert!(tokio::time::Instant::now() < deadline, "no gateway takes the start");
        let answer = http
            .post(format!("http://{address}/v1/executions"))
            .header("content-type", "application/json")
            .body(body.clone())
            .send()
            .await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The text of each turn, void deltas left out; fails on a hole, a double or disorder.
fn turns(events: &[Value]) -> Vec<(String, String)> {
    let (mut turns, mut open, mut next) = (Vec::new(), Vec::<(u64, String)>::new(), 0);
    for event in events {
        let (seq, data) = (event["seq"].as_u64().unwrap(), &event["data"]);
        if event["type"] == "execution_queued" {
            continue;
        }
        assert_eq!(seq, next, "a hole or a double: {event}");
        next += 1;
        match event["type"].as_str().unwrap() {
            "llm_text_delta" | "client_output_delta" => {
                open.push((seq, data["content"].as_str().unwrap().into()))
            }
            "llm_retry" => open.clear(),
            "attempt_superseded" => {
                if let Some(from) = data["void_from"].as_u64() {
                    open.retain(|(seq, _)| *seq < from);
                }
            }
            "llm_turn_completed" => {
                let text: String = open.drain(..).map(|(_, text)| text).collect();
                assert_eq!(text, data["content"].as_str().unwrap());
                turns.push((event["node_id"].as_str().unwrap().into(), text));
            }
            _ => {}
        }
    }
    turns
}

async fn council(deployment: &mut Deployment, log: &Nats, id: &str, victim: Victim) -> Vec<Value> {
    let gateways = deployment.addresses();
    start(&gateways, id).await;
    let (reached, mut strike) = tokio::sync::mpsc::channel(1);
    let filter = json!({ "execution_id": id });
    let watching = {
        let (gateways, filter) = (gateways.clone(), filter.clone());
        tokio::spawn(async move {
            let mut seen = 0;
            follow(&gateways, &filter, json!("all"), |event| {
                seen += 1;
                if seen == 120 {
                    let _ = reached.try_send(());
                }
                is_terminal(event)
            })
            .await
        })
    };
    // Strike in the middle of the second draft.
    strike.recv().await.expect("the council speaks");
    deployment.kill(victim, id, log).await;
    let events = tokio::time::timeout(3 * PATIENCE, watching).await.expect("the council ends").unwrap();
    deployment.restore(victim);
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn any_one_process_may_die_while_the_council_runs() {
    runbus::tls::install();
    let mut deployment = tokio::task::spawn_blocking(Deployment::up).await.unwrap();
    let servers = deployment.facts["NATS_URLS"].split(',').map(str::to_owned).collect();
    let config = nats::Config {
        servers,
        replicas: 3,
        shards: nats::Shards::Count(4),
        user: Some("worker".into()),
        password: Some(Secret::new(&*deployment.facts["NATS_WORKER_PASSWORD"])),
        inbox_prefix: nats::Role::Worker.inbox("rb"),
        ..nats::Config::default()
    };
    let log = Nats::connect(config).await.unwrap();
    let undisturbed = council(&mut deployment, &log, "nobody", Victim::Nobody).await;
    let wanted = (turns(&undisturbed), undisturbed.last().unwrap()["data"]["output"].clone());
    assert_eq!(wanted.0.len(), 5);
    for victim in
        [Victim::Worker, Victim::Gateway, Victim::Redis, Victim::Nats(1), Victim::Nats(2), Victim::Nats(3)]
    {
        let id = format!("{victim:?}");
        let begun = std::time::Instant::now();
        let events = council(&mut deployment, &log, &id, victim).await;
        let found = (turns(&events), events.last().unwrap()["data"]["output"].clone());
        assert_eq!(found, wanted, "{victim:?}");
        let superseded = events.iter().filter(|event| event["type"] == "attempt_superseded").count();
        let text =
            format!("{victim:?}: {} events, {superseded} takeovers, {:.1?}\n", events.len(), begun.elapsed());
        let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
        assert!(superseded >= usize::from(victim == Victim::Worker), "{victim:?}");
    }
}
