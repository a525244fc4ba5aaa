//! Runbus as its operator sees it: processes of their own on NATS and Redis, their health endpoints, their metrics.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use runbus::adapters::{nats, redis};
use serde_json::{Value, json};

use crate::client::PATIENCE;
use crate::telemetry::process::{self, Process, free, http};

/// How soon a process must be unready whose broker has no room.
const SOON: Duration = Duration::from_secs(5);

/// An account that may store little.
const ACCOUNT: &str =
    "accounts { A { jetstream: {max_file: 8MB, max_mem: 1MB}, users: [{user: u, password: p}] } }";

struct Deployment {
    dir: tempfile::TempDir,
    broker: nats::testing::Server,
    store: redis::testing::Server,
}

impl Deployment {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("nats.conf");
        std::fs::write(&file, ACCOUNT).unwrap();
        let broker = nats::testing::Server::start_with(&["-c", file.to_str().unwrap()]);
        Self { dir, broker, store: redis::testing::Server::start_plain(&[]) }
    }

    fn settings<'s>(&self, own: &[(&'s str, String)]) -> Vec<(&'s str, String)> {
        let shared = [
            ("log.backend", "nats".to_owned()),
            ("store.backend", "redis".to_owned()),
            ("nats.servers", self.broker.url()),
            ("nats.user", "u".to_owned()),
            ("nats.password", "p".to_owned()),
            ("nats.shards", "1".to_owned()),
            ("redis.url", self.store.url()),
            ("model.provider", "scripted".to_owned()),
            ("model.scripted_pace_ms", "1".to_owned()),
        ];
        [&shared[..], own].concat()
    }

    fn run(&self, command: &str, own: &[(&str, String)]) -> Process {
        Process::start(self.dir.path(), &[command], &self.settings(own))
    }

    /// Runs a command with another layout, to its end: its exit code and all that it says.
    fn end(&self, arguments: &[&str], shards: &str) -> (Option<i32>, String) {
        let settings =
            self.settings(&[("nats.shards", shards.into()), ("gateway.listen", free().to_string())]);
        let output = process::run(self.dir.path(), arguments, &settings);
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    }

    async fn jetstream(&self) -> async_nats::jetstream::Context {
        let options = async_nats::ConnectOptions::with_user_and_password("u".into(), "p".into());
        async_nats::jetstream::new(options.connect(self.broker.url()).await.unwrap())
    }
}

/// The status and the body of a readiness endpoint.
async fn readiness(address: SocketAddr) -> Option<(u16, Value)> {
    let answer = http().get(format!("http://{address}/readyz")).send().await.ok()?;
    Some((answer.status().as_u16(), answer.json().await.ok()?))
}

/// Waits until a process says of itself what is wanted.
async fn until(address: SocketAddr, longest: Duration, code: u16, status: &str) -> Value {
    let deadline = tokio::time::Instant::now() + longest;
    loop {
        let found = readiness(address).await;
        if let Some((found, body)) = &found
            && *found == code
            && body["status"] == status
        {
            return body["checks"].clone();
        }
        assert!(tokio::time::Instant::now() < deadline, "wanted {code} {status}, found {found:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn post(address: SocketAddr, body: String) -> reqwest::Response {
    let request = http().post(format!("http://{address}/v1/executions")).body(body);
    request.header("content-type", "application/json").send().await.unwrap()
}

async fn start(address: SocketAddr, id: &str) {
    let body = json!({ "definition": "council", "execution_id": id, "input": "Explain a log." }).to_string();
    let answer = post(address, body).await;
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
}

async fn until_completed(address: SocketAddr, id: &str) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let answer = http().get(format!("http://{address}/v1/executions/{id}")).send().await.unwrap();
        let status = answer.json::<Value>().await.unwrap()["status"].clone();
        if status == "completed" {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{id} is {status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until a gateway says how many wake-ups there are.
async fn until_queued(address: SocketAddr, wanted: u64) {
    let line = format!("runbus_worker_queued_jobs{{rank=\"normal\"}} {wanted}");
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let page =
            http().get(format!("http://{address}/metrics")).send().await.unwrap().text().await.unwrap();
        if page.lines().any(|found| found == line) {
            return;
        }
        let found: Vec<_> =
            page.lines().filter(|line| line.starts_with("runbus_worker_queued_jobs{")).collect();
        assert!(tokio::time::Instant::now() < deadline, "wanted {line}, found {found:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_means_able_to_serve_and_a_store_that_is_away_or_full_degrades_it() {
    let mut deployment = Deployment::start();
    let (gateway, worker) = (free(), free());
    let _gateway = deployment.run("gateway", &[("gateway.listen", gateway.to_string())]);
    until(gateway, PATIENCE, 200, "ready").await;
    // A scaler sees that there is work before there is a worker.
    start(gateway, "first").await;
    until_queued(gateway, 1).await;
    let _worker = deployment.run("worker", &[("telemetry.metrics_listen", worker.to_string())]);
    until(worker, PATIENCE, 200, "ready").await;
    let alive = http().get(format!("http://{worker}/healthz")).send().await.unwrap();
    assert_eq!(alive.status(), 200);
    until_completed(gateway, "first").await;
    until_queued(gateway, 0).await;

    deployment.store.command::<()>(&["CONFIG", "SET", "maxmemory", "1"]).unwrap();
    for address in [gateway, worker] {
        let checks = until(address, PATIENCE, 200, "degraded").await;
        assert_ne!(checks["store"], "ok");
    }
    deployment.store.kill();
    start(gateway, "second").await;
    until_completed(gateway, "second").await;
    for address in [gateway, worker] {
        let checks = until(address, PATIENCE, 200, "degraded").await;
        assert_eq!((&checks["log"], &checks["queue"]), (&json!("ok"), &json!("ok")));
    }
    deployment.store.restart();
    for address in [gateway, worker] {
        until(address, PATIENCE, 200, "ready").await;
    }

    // Somebody else of the account uses up its storage.
    let other = deployment.jetstream().await;
    let stream = async_nats::jetstream::stream::Config {
        name: "OTHER".into(),
        subjects: vec!["other".into()],
        ..Default::default()
    };
    other.create_stream(stream).await.unwrap();
    while other.publish("other", vec![0; 100_000].into()).await.unwrap().await.is_ok() {}
    for address in [gateway, worker] {
        let checks = until(address, SOON, 503, "not_ready").await;
        assert!(checks["log"].as_str().unwrap().contains("storage is used up"), "{checks}");
    }
    other.delete_stream("OTHER").await.unwrap();
    for address in [gateway, worker] {
        until(address, PATIENCE, 200, "ready").await;
    }
}

/// The names of all streams, and how many messages each has.
async fn streams(jetstream: &async_nats::jetstream::Context) -> std::collections::BTreeMap<String, u64> {
    let mut found = std::collections::BTreeMap::new();
    let mut streams = jetstream.streams();
    while let Some(stream) = futures_util::StreamExt::next(&mut streams).await {
        let info = stream.unwrap();
        found.insert(info.config.name, info.state.messages);
    }
    // Readiness and the checks store and expire messages there.
    found.remove("RB_CHECK");
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn another_layout_is_refused_and_a_generation_is_added_while_old_and_new_processes_run() {
    let deployment = Deployment::start();
    let jetstream = deployment.jetstream().await;
    // Doctor looks and touches nothing, before there is anything and after.
    let (code, said) = deployment.end(&["doctor"], "1");
    assert!(code == Some(0) && said.contains("nothing is recorded yet"), "{said}");
    assert!(streams(&jetstream).await.is_empty(), "doctor makes no stream");

    let (old, new) = (free(), free());
    let _old = deployment.run("gateway", &[("gateway.listen", old.to_string())]);
    let worker = deployment.run("worker", &[]);
    until(old, PATIENCE, 200, "ready").await;
    start(old, "first").await;
    until_completed(old, "first").await;

    let before = streams(&jetstream).await;
    for shards in ["2", "[2, 1]", "8"] {
        let (code, said) = deployment.end(&["doctor"], shards);
        assert_eq!(code, Some(69), "{said}");
        let names_both =
            said.contains("the log has 1 shards") && said.contains(&format!("nats.shards is {shards}"));
        assert!(names_both, "{said}");
        let (code, said) = deployment.end(&["gateway"], shards);
        assert_eq!(code, Some(64), "{said}");
        assert!(said.contains("the log has 1 shards") && said.contains(&format!("is {shards}")), "{said}");
    }
    let (code, said) = deployment.end(&["doctor"], "[1, 2]");
    assert!(code != Some(64) && said.contains("shards"), "{said}");
    assert_eq!(streams(&jetstream).await.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());

    let grown = [("gateway.listen", new.to_string()), ("nats.shards", "[1, 2]".into())];
    let _new = deployment.run("gateway", &grown);
    until(new, PATIENCE, 200, "ready").await;
    // From the first moment on, until new ids go to the new generation and beyond: any gateway, and a worker that was started
    // with the old layout.
    let (mut n, mut behind) = (0, 0);
    let deadline = tokio::time::Instant::now() + 3 * PATIENCE;
    while behind < 4 {
        assert!(tokio::time::Instant::now() < deadline, "after {n} starts none is in the new generation");
        let (starts, asks) = if n % 2 == 0 { (old, new) } else { (new, old) };
        let id = format!("grown-{n}");
        start(starts, &id).await;
        until_completed(asks, &id).await;
        n += 1;
        let found = streams(&jetstream).await;
        let is_used = |name: &str| found.get(name).is_some_and(|messages| *messages > 0);
        if is_used("RB_EV_1") || is_used("RB_EV_2") {
            behind += 1;
        }
    }
    drop(worker);
    let _worker = deployment.run("worker", &[("nats.shards", "[1, 2]".into())]);
    for id in ["first", "grown-0", &format!("grown-{}", n - 1)] {
        for address in [old, new] {
            let body = json!({ "definition": "council", "execution_id": id, "input": "x" }).to_string();
            let answer = post(address, body).await.json::<Value>().await.unwrap();
            assert_eq!(answer["created"], false, "{id} at {address}: {answer}");
        }
    }
    start(old, "last").await;
    until_completed(new, "last").await;
    let (code, said) = deployment.end(&["gateway"], "1");
    assert!(
        code == Some(64) && said.contains("the log has [1, 2] shards") && said.contains("is 1"),
        "{said}"
    );
    let (code, said) = deployment.end(&["doctor"], "[1, 2]");
    assert!(said.contains("[1, 2]"), "{code:?} {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_whose_wake_up_is_lost_is_woken_again() {
    let deployment = Deployment::start();
    let gateway = free();
    let _gateway = deployment.run("gateway", &[("gateway.listen", gateway.to_string())]);
    until(gateway, PATIENCE, 200, "ready").await;
    start(gateway, "stranded").await;
    let jobs = deployment.jetstream().await.get_stream("RB_JOB").await.unwrap();
    jobs.purge().await.unwrap();
    let _worker = deployment.run("worker", &[("worker.stranded_after_ms", "1000".into())]);
    until_completed(gateway, "stranded").await;
    until_queued(gateway, 0).await;
}

/// The README's example, verbatim, on the server that it starts.
#[tokio::test(flavor = "multi_thread")]
async fn the_plain_publish_of_the_readme_works_on_the_server_of_the_readme() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    assert!(readme.contains("nats-server -c ops/nats/single.conf"));
    let line = readme.lines().find_map(|line| line.strip_prefix("nats req -H ")).unwrap();
    let (header, rest) = line.split_once(' ').unwrap();
    let (name, value) = header.split_once(':').unwrap();
    let (subject, body) = rest.split_once(' ').unwrap();
    let body = body.trim_matches('\'').to_owned();

    let dir = tempfile::tempdir().unwrap();
    // Its own folder and port are the test's.
    let conf = std::fs::read_to_string(root.join("ops/nats/single.conf")).unwrap();
    let own = |line: &&str| ["store_dir", "port:", "host:"].iter().any(|key| line.trim().starts_with(key));
    let lines: Vec<&str> = conf.lines().filter(|line| !own(line)).collect();
    let conf = dir.path().join("single.conf");
    std::fs::write(&conf, lines.join("\n")).unwrap();
    let broker = nats::testing::Server::start_with(&["-c", conf.to_str().unwrap()]);
    let settings = [
        ("log.backend", "nats".to_owned()),
        ("nats.servers", broker.url()),
        ("model.provider", "scripted".to_owned()),
    ];
    let output = process::run(dir.path(), &["setup"], &settings);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let client = async_nats::connect(broker.url()).await.unwrap();
    for is_duplicate in [false, true] {
        let mut headers = async_nats::HeaderMap::new();
        headers.insert(name, value);
        let answer =
            client.request_with_headers(subject.to_owned(), headers, body.clone().into()).await.unwrap();
        let answer: Value = serde_json::from_slice(&answer.payload).unwrap();
        assert_eq!(answer["stream"], "RB_EV_0", "{answer}");
        assert_eq!(answer["duplicate"].as_bool().unwrap_or_default(), is_duplicate, "{answer}");
    }
    let history = process::run(dir.path(), &["history", "--json"], &settings);
    let lines = String::from_utf8(history.stdout).unwrap();
    assert_eq!(lines.lines().count(), 1, "{lines}");
    assert!(lines.contains("\"step\":\"lint\""), "{lines}");
    // A client of NATS publishes and taps as docs/subjects.md says.
    let event = json!({ "id": runbus::id::EventId::generate(), "type": "custom", "stream_id": "s", "data": { "n": 1 } });
    let said = crate::clients::node("nats.mjs", &[&broker.url(), &event.to_string()], "").await;
    let acknowledged: Vec<&Value> = said[0]["acknowledgements"].as_array().unwrap().iter().collect();
    assert_eq!((&acknowledged[0]["duplicate"], &acknowledged[1]["duplicate"]), (&json!(false), &json!(true)));
    assert_eq!((&said[0]["live"]["id"], &said[0]["live"]["data"]), (&event["id"], &event["data"]));
    let doctor = process::run(dir.path(), &["doctor"], &settings);
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(doctor.status.success() && said.contains("mapping"), "{said}");
    // The nats CLI runs the line of the README as it stands.
    let cli = NatsCli::find(&broker.url());
    let data = cli.publishes_and_taps(line).await;
    let history = process::run(dir.path(), &["history", "--stream", "tapped", "--json"], &settings);
    let stored = String::from_utf8(history.stdout).unwrap();
    assert!(stored.contains(data), "{stored}");
}

/// The command `nats`, unmodified.
struct NatsCli {
    path: std::ffi::OsString,
    server: String,
}

impl NatsCli {
    /// That of `ops/tools.sh`.
    fn find(server: &str) -> Self {
        let folder =
            std::env::var_os("RUNBUS_CLIENTS_GO").expect("RUNBUS_CLIENTS_GO is set by ops/tools.sh run");
        let folders = std::env::var_os("PATH").unwrap_or_default();
        let folders =
            std::iter::once(std::path::PathBuf::from(folder)).chain(std::env::split_paths(&folders));
        Self { path: std::env::join_paths(folders).unwrap(), server: server.to_owned() }
    }

    /// A line of a shell.
    fn command(&self, line: &str) -> tokio::process::Command {
        let mut command = tokio::process::Command::new("sh");
        command.args(["-c", line]).env("PATH", &self.path).env("NATS_URL", &self.server);
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// The standard output of a line, once it has ended well.
    async fn ends(&self, line: &str) -> String {
        let output = self.command(line).output();
        let output = tokio::time::timeout(PATIENCE, output).await.expect("the nats CLI ends").unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Publishes the README's line, lists the streams, and taps what it publishes to the stream `tapped`, whose payload is the answer.
    async fn publishes_and_taps(&self, line: &str) -> &'static str {
        let data = r#"{"z":0.10,"a":12345678901234567890123}"#;
        let said = self.ends(&format!("nats req -H {line}")).await;
        assert!(said.contains(r#""duplicate": true"#), "{said}");
        let said = self.ends("nats stream ls --names").await;
        assert!(["RB_EV_0", "RB_SE_0", "RB_JOB"].iter().all(|name| said.contains(name)), "{said}");
        let mut tap = self
            .command("nats sub --count=1 'rb.live.*.*.tapped.*.*'")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // The tap says nothing that others can wait for once it is there: events come until it has one.
        let ended = async {
            loop {
                let id = runbus::id::EventId::generate();
                let event = format!(
                    r#"{{"id":"{id}","type":"custom","stream_id":"tapped","data":{data},"timestamp":"2026-01-01T12:00:00Z"}}"#
                );
                self.ends(&format!("nats pub rb.pub.tapped._._ '{event}'")).await;
                if tap.try_wait().unwrap().is_some() {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, ended).await.expect("the tap has an event");
        let tapped = tap.wait_with_output().await.unwrap();
        let tapped = String::from_utf8_lossy(&tapped.stdout).into_owned();
        assert!(tapped.contains(data), "{tapped}");
        data
    }
}
