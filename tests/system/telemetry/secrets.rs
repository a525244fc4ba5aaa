//! No credential reaches a log line, a command's output or an exported span, at any level.
//!
//! All processes run at `trace`, against real servers and servers that refuse. The output must not hold a credential, nor
//! a part of one, in plain text, in base64 or percent-encoded.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use runbus::adapters::{nats, redis};
use runbus_gateway::auth::api_key;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::collector::Collector;
use super::process::{Process, free, http, program, ready};
use crate::auth::jwt;
use crate::client::{Client, PATIENCE};
use crate::receiver::{Answer, Receiver};

/// A part of a credential that is this long gives it away.
const PART: usize = 12;

const NATS: &str = "nQ7vXk2mNats9dWz4tRbP";
const REDIS: &str = "rL5hYc8sRedis3gJq6uTw";
const MODEL: &str = "sk-mD4fGz7kModel2xVn9pKc";
const MCP_ENV: &str = "eB6wHt3yMcpEnv8jSr5qLd";
const MCP_ARG: &str = "aV9nCu4gMcpArg7zFk2mXe";
const MCP_HEADER: &str = "hK3pJd6vMcpHead5wQb8tYn";
const MCP_QUERY: &str = "qT8cMz5rMcpQuery4hVg7sWx";
const MCP_USER: &str = "uF2kRn9bMcpUser6dLj3vCq";
const WEBHOOK: &str = "whsec_d0hZM2JSOXZLcTdUbjVMeFA4Y0ZqNkdtMnNXenVE";
const WEBHOOK_QUERY: &str = "wS7yGb4nHookQuery9kDt2fHm";
const JWT_SECRET: &str = "jX5qVw8dJwtSecret3nZr6cBk-thirty-two";
const STREAM_SECRET: &str = "sN4tPf7mStreamSecret9vLy2gQh-thirty-two";
const WRONG: &str = "zR6bKw3jWrong8cXh5nTv2q";

/// A base64 text does not say at which of three offsets a secret begins in it.
fn encoded(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned()];
    for offset in 0..3 {
        let padded = format!("{}{secret}", "-".repeat(offset));
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let text = engine.encode(&padded);
            // The characters at both ends depend on the bytes beside the secret.
            forms.push(text[4..text.len() - 3].to_owned());
        }
    }
    let escape = |text: &mut String, byte: u8| write!(text, "%{byte:02X}").unwrap();
    forms.push(secret.bytes().fold(String::new(), |mut text, byte| {
        escape(&mut text, byte);
        text
    }));
    forms.push(secret.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() {
            text.push(byte.into())
        } else {
            escape(&mut text, byte)
        }
        text
    }));
    forms
}

/// The first part of a secret that is in a text.
fn leak(text: &str, secrets: &[String]) -> Option<String> {
    let text = text.to_lowercase();
    let parts = secrets.iter().flat_map(|secret| encoded(secret)).flat_map(|form| {
        let form = form.to_lowercase().into_bytes();
        form.windows(PART.min(form.len()))
            .map(|part| String::from_utf8(part.to_vec()).unwrap())
            .collect::<Vec<_>>()
    });
    let mut parts = parts.filter(|part| text.contains(part.as_str()));
    parts.next().map(|part| {
        let line = text.lines().find(|line| line.contains(&part)).unwrap_or_default();
        format!("{part} in: {line}")
    })
}

#[test]
fn a_part_of_a_secret_is_found_in_each_form() {
    let secrets = [NATS.to_owned()];
    let base64 = STANDARD_NO_PAD.encode(format!("user:{NATS}"));
    let percent: String = NATS.bytes().map(|byte| format!("%{byte:02x}")).collect();
    for text in [NATS, &NATS[..PART], &NATS[5..], &base64, &percent, &NATS.to_uppercase()] {
        assert!(leak(&format!("a line\nwith {text} in it"), &secrets).is_some(), "{text}");
    }
    assert_eq!(leak("a line about NATS and its password", &secrets), None);
}

/// Servers with passwords, and peers that refuse what they are asked.
struct World {
    dir: tempfile::TempDir,
    nats: nats::testing::Server,
    redis: redis::testing::Server,
    /// A model, an MCP server and an issuer of tokens that refuse; a receiver of webhooks that refuses once.
    peer: Receiver,
    spans: Collector,
    collector: SocketAddr,
    key: String,
    output: String,
}

impl World {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let conf = dir.path().join("nats.conf");
        let mapping = r#"mappings { "rb.pub.*.*.*": "rb.ext.{{partition(4,3)}}.{{wildcard(1)}}.{{wildcard(2)}}.{{wildcard(3)}}" }"#;
        std::fs::write(
            &conf,
            format!(
                "accounts {{ RUNBUS {{ jetstream: enabled\n {mapping}\n users: [{{ user: runbus, password: \"{NATS}\" }}] }} }}\n"
            ),
        )
        .unwrap();
        let password = format!(">{REDIS}");
        let (spans, collector) = Collector::start().await;
        Self {
            nats: nats::testing::Server::start_with(&["-c", conf.to_str().unwrap()]),
            redis: redis::testing::Server::start_plain(&[
                "--user", "runbus", "on", &password, "~*", "&*", "+@all",
            ]),
            peer: Receiver::start(
                |_, before| if before % 3 == 2 { Answer::Status(200) } else { Answer::Status(401) },
            )
            .await,
            dir,
            spans,
            collector,
            key: api_key::generate().unwrap().reveal().to_string(),
            output: String::new(),
        }
    }

    /// The configuration of every process, with these passwords at the servers.
    fn file(&self, name: &str, nats: &str, redis: &str) -> String {
        let (peer, sha256) = (self.peer.address, api_key::hash(&self.key));
        let text = format!(
            r#"
[log]
backend = "nats"
[store]
backend = "redis"
[nats]
servers = ["{nats_url}"]
user = "runbus"
password = "{nats}"
[redis]
url = "{redis_url}"
user = "runbus"
password = "{redis}"
[telemetry]
filter = "trace"
otlp_endpoint = "http://{collector}"
capture_content = true
[model]
base_url = "http://{peer}/v1"
name = "m"
api_key = "{MODEL}"
[worker]
definitions = ["{definitions}"]
[gateway]
drain_window_ms = 50
[auth]
mode = "required"
api_keys = {{ root = {{ sha256 = "{sha256}", scopes = ["*", "admin", "metrics"] }} }}
[auth.jwt]
algorithms = ["HS256"]
hs256_secret = "{JWT_SECRET}"
issuer = "https://id.example"
audience = "runbus"
[auth.stream_tokens]
secret = "{STREAM_SECRET}"
[mcp.servers.program]
command = "bash"
args = ["-c", "exit 3", "--api-key={MCP_ARG}"]
env = {{ TOKEN = "{MCP_ENV}" }}
[mcp.servers.remote]
transport = "http"
url = "http://{peer}/mcp?key={MCP_QUERY}"
headers = {{ authorization = "Bearer {MCP_HEADER}" }}
[webhooks.endpoints.billing]
url = "http://{peer}/hook?key={WEBHOOK_QUERY}"
secret = "{WEBHOOK}"
since = "all"
retry_min_ms = 1
"#,
            nats_url = self.nats.url(),
            redis_url = self.redis.url(),
            collector = self.collector,
            definitions = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/assistant.yaml"),
        );
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Runs a command to its end and keeps its output.
    fn command(&mut self, arguments: &[&str]) {
        let output = Command::new("timeout").arg("60").arg(program()).args(arguments).output().unwrap();
        self.output.push_str(&String::from_utf8_lossy(&output.stdout));
        self.output.push_str(&String::from_utf8_lossy(&output.stderr));
    }

    /// Every credential of this world.
    fn secrets(&self, tokens: &[String]) -> Vec<String> {
        let fixed = [
            NATS,
            REDIS,
            MODEL,
            MCP_ENV,
            MCP_ARG,
            MCP_HEADER,
            MCP_QUERY,
            MCP_USER,
            WEBHOOK,
            WEBHOOK_QUERY,
            JWT_SECRET,
            STREAM_SECRET,
            WRONG,
        ];
        // The head and the claims of a token are no secret: logs show their content.
        let signatures = tokens.iter().map(|token| token.rsplit('.').next().unwrap().to_owned());
        fixed.iter().map(ToString::to_string).chain([self.key.clone()]).chain(signatures).collect()
    }
}

/// A request as no HTTP library sends it.
async fn raw(address: SocketAddr, text: &str) {
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    socket.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A request that is refused may be reset.
    let _ = tokio::time::timeout(PATIENCE, socket.read_to_end(&mut answer)).await.expect("an answer comes");
}

/// Shows a credential in every place where a credential can stand, right and wrong.
async fn show(gateway: SocketAddr, credential: &str) {
    let http = http();
    let url = |path: &str| format!("http://{gateway}{path}");
    let encoded: String = credential.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let requests = [
        http.get(url("/v1/stats")).bearer_auth(credential),
        http.get(url("/v1/stats")).header("x-api-key", credential),
        http.get(url("/v1/stats")).basic_auth("user", Some(credential)),
        http.get(url("/v1/stats")).header("cookie", format!("session={credential}")),
        http.get(url("/v1/stats")).bearer_auth(credential).header("x-api-key", credential),
        http.get(url(&format!("/v1/executions/x/events/stream?access_token={credential}"))),
        http.get(url(&format!("/v1/executions/x/events/stream?access_token={encoded}"))),
        http.get(url(&format!("/v1/nothing/{credential}?token={credential}"))),
        http.post(url("/v1/executions")).bearer_auth(credential).body("{"),
    ];
    for request in requests {
        let answer = request.send().await.unwrap();
        // A stream that is granted goes on for ever.
        drop(answer);
    }
    let subprotocol = format!("runbus.v1, runbus.bearer.{credential}");
    for headers in
        [vec![("sec-websocket-protocol", subprotocol.as_str())], vec![("authorization", credential)], vec![]]
    {
        if let Ok((mut client, _)) = Client::handshake(gateway, "", &headers).await {
            client.say(&json!({ "type": "auth", "token": credential })).await;
            client.say_text(&format!("{{ \"type\": \"auth\", \"token\": \"{credential}")).await;
            let _ = client.message().await;
        }
    }
    raw(
        gateway,
        &format!(
            "GET /ws/council?api_key={credential} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        ),
    )
    .await;
    raw(gateway, &format!("GET / HTTP/9\r\nAuthorization: Bearer {credential}\r\nConnection: close\r\n\r\n"))
        .await;
    raw(
        gateway,
        &format!(
            "GET /v1/stats HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {credential}\r\n bad\r\n\r\n"
        ),
    )
    .await;
}

async fn tokens(gateway: SocketAddr, key: &str) -> Vec<String> {
    let body = json!({ "scopes": ["read"], "ttl_s": 60 }).to_string();
    let request = http().post(format!("http://{gateway}/v1/auth/tokens")).bearer_auth(key);
    let answer = request.header("content-type", "application/json").body(body).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    let minted = answer["token"].as_str().unwrap_or_else(|| panic!("no token: {answer}")).to_owned();
    vec![minted, jwt(JWT_SECRET, json!({})), jwt(WRONG, json!({})), jwt(JWT_SECRET, json!({ "exp": 1 }))]
}

#[tokio::test(flavor = "multi_thread")]
async fn no_credential_is_in_any_output_at_trace() {
    let mut world = World::start().await;
    let right = world.file("right.toml", NATS, REDIS);
    let gateway = free();
    let listen = [("gateway.listen", gateway.to_string())];
    let mut processes = [
        Process::start(world.dir.path(), &["gateway", "--config", &right], &listen),
        Process::start(world.dir.path(), &["worker", "--config", &right], &[]),
    ];
    ready(&http(), &format!("http://{gateway}/readyz")).await;
    let tokens = tokens(gateway, &world.key).await;
    for credential in [world.key.as_str(), WRONG].into_iter().chain(tokens.iter().map(String::as_str)) {
        show(gateway, credential).await;
    }
    // The model refuses the key, the receiver of webhooks its first requests.
    let start = json!({ "definition": "assistant", "execution_id": "refused", "input": "what time is it?" });
    let request = http().post(format!("http://{gateway}/v1/executions")).bearer_auth(&world.key);
    let answer =
        request.header("content-type", "application/json").body(start.to_string()).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    let stream = format!("http://{gateway}/v1/executions/refused/events/stream?since=all&until=terminal");
    let events = http().get(stream).bearer_auth(&world.key).send().await.unwrap().text().await.unwrap();
    assert!(events.contains("execution_failed"), "{events}");
    // Each secret is used, else the test proves nothing.
    let arrivals = world.peer.until(|arrivals| {
        let has = |secret: &str| {
            arrivals.iter().any(|one| one.headers.values().any(|value| value.contains(secret)))
        };
        has(MODEL)
            && has(MCP_HEADER)
            && arrivals.iter().any(|one| one.headers.contains_key("webhook-signature"))
    });
    arrivals.await;

    for arguments in [
        &["doctor"][..],
        &["--json", "doctor"],
        &["stats"],
        &["history", "--limit", "3"],
        &["start", "assistant", "--input", "hello"],
    ] {
        world.command(&[&["--config", &right], arguments].concat());
    }
    for (name, nats, redis) in [("wrong-nats.toml", WRONG, REDIS), ("wrong-redis.toml", NATS, WRONG)] {
        let file = world.file(name, nats, redis);
        world.command(&["--config", &file, "doctor"]);
        world.command(&["--config", &file, "stats"]);
    }
    // Credentials where they do not belong.
    for setting in [
        format!("nats.servers=nats://user:{WRONG}@127.0.0.1:1"),
        format!("redis.url=redis://:{WRONG}@127.0.0.1:1"),
        format!("model.base_url=http://user:{WRONG}@127.0.0.1:1/v1"),
        format!("telemetry.otlp_endpoint=http://user:{WRONG}@127.0.0.1:1"),
        format!("auth.jwt.jwks_url=https://user:{WRONG}@127.0.0.1:1"),
        format!(
            "mcp.servers={{\"remote\": {{\"transport\": \"http\", \"url\": \"http://user:{MCP_USER}@127.0.0.1:1\"}}}}"
        ),
        format!("model.api_key={WRONG}\n"),
        format!("nats.passwort={WRONG}"),
        format!("auth.jwt.hs256_secret={}", &WRONG[..20]),
    ] {
        world.command(&["--config", &right, "--set", &setting, "doctor"]);
    }
    for process in &mut processes {
        process.end().await;
        world.output.push_str(&process.log());
    }
    assert!(world.output.contains("TRACE") || world.output.contains("DEBUG"), "the filter is at work");
    write!(world.output, "{:#?}", world.spans.spans()).unwrap();
    if let Some(leak) = leak(&world.output, &world.secrets(&tokens)) {
        panic!("a credential is in the output: {leak}");
    }
}
