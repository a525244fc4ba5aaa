//! The endpoints that stand in for other servers, through a client that is not ours: Python's `websockets`
//! (tests/dropin), on every backend.

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use runbus_gateway::Config;
use runbus_gateway::auth::api_key;
use runbus_gateway::auth::config::{ApiKey, Config as Auth, Mode};
use runbus_gateway::config::dropin;
use runbus_workers::model::{Fault, Model, Request, Script, Scripted, TurnStream};
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::backends;
use crate::client::{PATIENCE, config, gateway, secured};
use crate::runtime::approvals::cashier;
use crate::runtime::kit::{on_each, show};
use crate::runtime::model::Obedient;

/// How long a task's client may be silent at the impatient gateway, in milliseconds.
const HEARTBEAT_MS: u64 = 2000;

/// How long all the Python tests may take on one backend.
const PYTHON_PATIENCE: Duration = Duration::from_secs(600);

/// The council follows its script, the other agents follow their input.
#[derive(Debug)]
struct Cast {
    council: Scripted,
    obedient: Arc<Obedient>,
}

#[async_trait]
impl Model for Cast {
    async fn stream(&self, request: Request) -> Result<TurnStream, Fault> {
        let in_council =
            ["master_agent", "critic_agent", "writer_agent"].contains(&request.hint.node.as_str());
        if in_council { self.council.stream(request).await } else { self.obedient.stream(request).await }
    }
}

fn with(dropin: dropin::Config) -> Config {
    Config { dropin, ..config() }
}

#[tokio::test(flavor = "multi_thread")]
async fn front_ends_of_other_servers_keep_working() {
    let python = std::env::var_os("RUNBUS_DROPIN_PYTHON");
    let python = python.expect("RUNBUS_DROPIN_PYTHON is not set: run through ops/tools.sh");
    on_each(async |stage| {
        let (crew, _) = cashier();
        let council = Scripted::new(Script::built_in()).with_pace(Duration::from_millis(2));
        let cast = Cast { council, obedient: crew.obedient.clone() };
        let crew = crew.agent("assistant", &[]).file("council", include_str!("../../examples/council.yaml"));
        let worker = crew.model(cast).hire(&stage);

        let keys = [("root", "*"), ("reader", "read")].map(|(name, scope)| {
            let key = api_key::generate().unwrap();
            let sha256 = api_key::hash(&key.reveal());
            let entry = ApiKey { sha256, scopes: vec![scope.parse().unwrap()], expires_at: None };
            (name, key.reveal(), entry)
        });
        let auth = Auth {
            mode: Mode::Required,
            api_keys: keys.iter().map(|(name, _, entry)| ((*name).into(), entry.clone())).collect(),
            ..Auth::default()
        };
        let impatient = dropin::Config { task_heartbeat_ms: HEARTBEAT_MS, ..dropin::Config::default() };
        let idle = dropin::Config { task_agent: String::new(), ..dropin::Config::default() };
        let served = [
            gateway(&stage.backend, config()).await,
            gateway(&stage.backend, config()).await,
            gateway(&stage.backend, with(impatient)).await,
            gateway(&stage.backend, with(idle)).await,
            secured(&stage.backend, config(), auth).await,
        ];
        let addresses = served.each_ref().map(|served| served.address.to_string());
        let world = json!({
            "gateways": addresses[..2],
            "impatient": addresses[2],
            "idle": addresses[3],
            "secured": addresses[4],
            "keys": keys.iter().map(|(name, key, _)| (*name, key.to_string())).collect::<std::collections::BTreeMap<_, _>>(),
            "heartbeat_ms": HEARTBEAT_MS,
        });

        let mut python = tokio::process::Command::new(&python);
        python.arg("tests/dropin").env("RUNBUS_DROPIN", world.to_string()).env("PYTHONDONTWRITEBYTECODE", "1");
        python.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(PYTHON_PATIENCE, python.output()).await;
        let output = output.expect("the Python tests end").unwrap();
        show(&String::from_utf8_lossy(&output.stdout));
        show(&String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "on {}: {}", stage.name, output.status);

        for served in served {
            served.drain.cancel();
            served.task.await.unwrap();
        }
        worker.leave().await;
    })
    .await;
}

/// Connects, does something behind the first message, and gives the last message and the close code.
pub async fn last_message(address: SocketAddr, path: &str, then: impl FnOnce()) -> (Value, Option<u16>) {
    let (mut socket, _) = connect_async(format!("ws://{address}{path}")).await.unwrap();
    let (mut then, mut last) = (Some(then), Value::Null);
    let reading = async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    last = serde_json::from_str(&text).unwrap();
                    if let Some(then) = then.take() {
                        then();
                    }
                }
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code.into()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    };
    let code = tokio::time::timeout(PATIENCE, reading).await.expect("it is closed");
    (last, code)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_drains_sends_them_elsewhere() {
    let backend = backends::embedded();
    for path in ["/ws/tasks/t", "/ws/agents/a", "/ws/agents"] {
        let served = gateway(&backend, config()).await;
        let (_, code) = last_message(served.address, path, || served.drain.cancel()).await;
        assert_eq!(code, Some(1012), "{path}");
        served.task.await.unwrap();
    }
}
