//! Programs and generators of others, as they come from their registries.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use runbus_gateway::Config;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::backends;
use crate::client::{PATIENCE, Served, config, gateway};
use crate::sse::http;
use crate::telemetry::process::free;

fn tool(variable: &str) -> PathBuf {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: run me through ops/tools.sh run"))
        .into()
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name)
}

/// Runs a program to its end; what it says.
async fn run(command: &mut Command) -> String {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(4 * PATIENCE, command.output()).await.expect("it ends").unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (said, errors) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?}: {said}{errors}");
    said + &errors
}

/// A folder where Node finds the packages.
fn node_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(tool("RUNBUS_CLIENTS_NODE"), folder.path().join("node_modules")).unwrap();
    std::fs::write(folder.path().join("package.json"), r#"{"type":"module","private":true}"#).unwrap();
    folder
}

/// Runs a program of `tests/clients` in Node; what it says, as JSON lines.
pub async fn node(script: &str, arguments: &[&str], input: &str) -> Vec<Value> {
    let folder = node_folder();
    std::fs::copy(file(script), folder.path().join(script)).unwrap();
    let given = folder.path().join("input");
    std::fs::write(&given, input).unwrap();
    let mut command = Command::new("node");
    command.current_dir(folder.path()).arg(script).args(arguments).kill_on_drop(true);
    command.stdin(std::fs::File::open(given).unwrap());
    let output = tokio::time::timeout(PATIENCE, command.output()).await.expect("it ends").unwrap();
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

async fn served() -> (backends::Backend, Served, String) {
    let backend = backends::embedded();
    let served = gateway(&backend, config()).await;
    let url = format!("http://{}", served.address);
    (backend, served, url)
}

async fn document(folder: &Path, address: SocketAddr) -> PathBuf {
    let text =
        http().get(format!("http://{address}/v1/openapi.json")).send().await.unwrap().text().await.unwrap();
    let path = folder.join("openapi.json");
    std::fs::write(&path, text).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn typescript_generators_make_a_client_that_works() {
    let (_backend, served, url) = served().await;
    let folder = node_folder();
    let here = folder.path();
    document(here, served.address).await;
    let node = |script: &str| {
        let mut command = Command::new("node");
        command.current_dir(here).arg(here.join("node_modules").join(script));
        command
    };
    run(node("openapi-typescript/bin/cli.js").args(["openapi.json", "-o", "types.ts"])).await;
    run(node("@hey-api/openapi-ts/bin/run.js").args(["-i", "openapi.json", "-o", "sdk", "--no-log-file"]))
        .await;
    std::fs::copy(file("client.ts"), here.join("client.ts")).unwrap();
    // Generated files import each other without an extension: what a bundler resolves.
    let options = json!({
        "compilerOptions": {
            "strict": true, "target": "es2022", "module": "esnext", "moduleResolution": "bundler", "lib": ["es2022", "dom", "dom.iterable"],
            "types": [], "skipLibCheck": true, "outDir": "out", "noEmitOnError": true, "allowImportingTsExtensions": false,
        },
        "files": ["client.ts", "env.d.ts"],
    });
    std::fs::write(here.join("tsconfig.json"), options.to_string()).unwrap();
    std::fs::write(
        here.join("env.d.ts"),
        "declare const process: { env: Record<string, string | undefined> };\n",
    )
    .unwrap();
    run(node("typescript/bin/tsc").args(["-p", "tsconfig.json"])).await;
    let mut client = Command::new("node");
    client.current_dir(here).args(["--experimental-specifier-resolution=node", "--import"]);
    std::fs::write(here.join("resolve.mjs"), RESOLVE).unwrap();
    client.arg("./resolve.mjs").arg("out/client.js").env("RUNBUS_URL", &url).env("RUNBUS_ID", "typed");
    let said = run(&mut client).await;
    let said: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
    let wanted = json!({
        "created": true, "status": "queued", "events": ["custom"], "described": 4, "cancelled": "requested", "unknown": "not_found",
    });
    assert_eq!(said, wanted);
    served.drain.cancel();
    served.task.await.unwrap();
}

/// Finds files and folders without their extension, as bundlers do.
const RESOLVE: &str = r#"import { register } from "node:module";
const hooks = `
export async function resolve(specifier, context, next) {
  for (const end of ["", ".js", "/index.js"]) {
    try { return await next(specifier + end, context); } catch (error) { if (!specifier.startsWith(".") || end === "/index.js") throw error; }
  }
}`;
register("data:text/javascript," + encodeURIComponent(hooks), import.meta.url);
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_python_generator_makes_a_client_that_works() {
    let (_backend, served, url) = served().await;
    let folder = tempfile::tempdir().unwrap();
    let path = document(folder.path(), served.address).await;
    let python = tool("RUNBUS_CLIENTS_PYTHON");
    let made = folder.path().join("made");
    let mut generate = Command::new(&python);
    generate.args(["-m", "openapi_python_client", "generate", "--path"]).arg(path);
    generate.args(["--fail-on-warning", "--config"]).arg(file("openapi-python-client.yaml"));
    run(generate.arg("--output-path").arg(&made)).await;
    let mut client = Command::new(&python);
    client.arg(file("client.py")).env("RUNBUS_CLIENT", &made).env("PYTHONDONTWRITEBYTECODE", "1");
    let said = run(client.env("RUNBUS_URL", &url).env("RUNBUS_ID", "in python")).await;
    let said: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
    let wanted = json!({
        "created": true, "status": "queued", "events": ["custom"], "cancelled": "requested", "unknown": "not_found",
    });
    assert_eq!(said, wanted);
    served.drain.cancel();
    served.task.await.unwrap();
}

/// The committed contracts, by the parsers and generators that are official or much used.
#[tokio::test(flavor = "multi_thread")]
async fn the_contracts_are_valid_for_the_parsers_of_others_and_generators_make_unions_that_narrow() {
    let folder = node_folder();
    let here = folder.path();
    for script in ["contracts.mjs", "contracts.ts"] {
        std::fs::copy(file(script), here.join(script)).unwrap();
    }
    let mut check = Command::new("node");
    check.current_dir(here).arg("contracts.mjs").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs"));
    let said = run(check.arg(here)).await;
    let said: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
    let valid =
        json!({ "events": "valid", "protocol": "valid", "snapshot": "valid", "definitions": "valid" });
    assert_eq!((&said["schemas"], &said["asyncapi"]), (&valid, &json!([])), "{said}");
    assert!(said["operations"].as_u64() > Some(30) && said["messages"].as_u64() > Some(30), "{said}");
    let mut compile = Command::new("node");
    compile.current_dir(here).arg(here.join("node_modules/typescript/bin/tsc"));
    compile.args(["--strict", "--noEmit", "--target", "es2022", "--module", "nodenext", "contracts.ts"]);
    run(&mut compile).await;
}

/// The next line of a program, as JSON.
async fn line(lines: &mut tokio::io::Lines<BufReader<tokio::process::ChildStdout>>) -> Value {
    let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("it says something");
    serde_json::from_str(&line.unwrap().expect("it has not ended")).unwrap()
}

async fn publish(address: SocketAddr, content: u32) {
    let event = json!({ "events": [{ "type": "custom", "stream_id": "s", "data": { "n": content } }] });
    let sent = http().post(format!("http://{address}/v1/events")).json(&event).send().await.unwrap();
    assert_eq!(sent.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn event_sources_live_on_when_their_gateway_restarts() {
    let backend = backends::embedded();
    let leaving = Config { listen: free(), shutdown_delay_ms: 300, drain_window_ms: 900, ..config() };
    let served = gateway(&backend, leaving).await;
    let address = served.address;
    let folder = node_folder();
    std::fs::copy(file("eventsource.mjs"), folder.path().join("eventsource.mjs")).unwrap();
    let mut sources: Child = Command::new("node")
        .current_dir(folder.path())
        .arg("eventsource.mjs")
        .arg(format!("http://{address}/v1/events/stream?stream_id=s"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(sources.stdout.take().unwrap()).lines();
    let mut open = 0;
    while open < 10 {
        open += usize::from(line(&mut lines).await["open"] == true);
    }
    publish(address, 1).await;
    served.drain.cancel();
    served.task.await.unwrap();
    let again = gateway(&backend, Config { listen: address, ..config() }).await;
    publish(address, 2).await;
    let mut heard = vec![Vec::new(); 10];
    while heard.iter().map(Vec::len).sum::<usize>() < 20 {
        let said = line(&mut lines).await;
        if let Some(content) = said["content"]["n"].as_u64() {
            heard[usize::try_from(said["number"].as_u64().unwrap()).unwrap()].push(content);
        }
    }
    assert_eq!(heard, vec![vec![1, 2]; 10], "each of them once, in order");
    drop(sources.stdin.take());
    let closed = loop {
        let said = line(&mut lines).await;
        if said["closed"].is_u64() {
            break said["closed"].clone();
        }
    };
    assert_eq!(closed, 0);
    again.drain.cancel();
    again.task.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_http_2_connection_carries_more_streams_than_browsers_open_connections() {
    let key = |name: &str| Some(format!("{}/tests/system/keys/{name}", env!("CARGO_MANIFEST_DIR")).into());
    let backend = backends::embedded();
    let plain = gateway(&backend, config()).await;
    let tls = Config { tls_cert_file: key("tls-cert.pem"), tls_key_file: key("tls-key.pem"), ..config() };
    let secure = gateway(&backend, tls).await;
    for (served, scheme, protocol) in [(plain, "http", "h2c"), (secure, "https", "h2")] {
        let mut client = Command::new("node");
        client.arg(file("http2.mjs")).arg(format!("{scheme}://localhost:{}", served.address.port()));
        let said = run(&mut client).await;
        let said: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
        let wanted = json!({ "protocol": protocol, "streams": vec![200; 12], "published": 200, "stats": 200, "refused": 421 });
        assert_eq!(said, wanted);
        served.drain.cancel();
        served.task.await.unwrap();
    }
}
