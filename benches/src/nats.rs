//! A nats-server of its own: a free port of 127.0.0.1, a fresh store, stopped by process id.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tokio::process::{Child, Command};

use crate::Setup;

/// Longest wait until it answers.
const START: Duration = Duration::from_secs(30);

/// A running server; dropping it kills it and removes its folder.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    pub(crate) url: String,
    folder: tempfile::TempDir,
}

impl Server {
    /// One server with JetStream and its defaults (the operating system writes to disk, not every acknowledgement).
    pub(crate) async fn start(setup: &Setup) -> anyhow::Result<Self> {
        let folder = setup.folder()?;
        let path = folder.path();
        let mut process = Command::new(&setup.nats_server)
            .args(["--jetstream", "--addr", "127.0.0.1", "--port", "-1", "--store_dir"])
            .arg(path.join("store"))
            .arg("--ports_file_dir")
            .arg(path)
            .arg("--log")
            .arg(path.join("log"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| {
                format!("cannot start {} (run this through ops/tools.sh run)", setup.nats_server.display())
            })?;
        let begun = Instant::now();
        let url = loop {
            if let Some(url) = port(path) {
                break url;
            }
            if begun.elapsed() > START || process.try_wait()?.is_some() {
                let log = std::fs::read_to_string(path.join("log")).unwrap_or_default();
                bail!("nats-server does not start: {log}");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        Ok(Self { process, url, folder })
    }

    /// Lives as long as the server.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn pid(&self) -> anyhow::Result<u32> {
        self.process.id().context("nats-server has ended")
    }
}

/// The address that the server wrote into its ports file, once it did.
fn port(folder: &Path) -> Option<String> {
    let files = std::fs::read_dir(folder).ok()?;
    let file = files.flatten().find(|file| file.path().extension().is_some_and(|end| end == "ports"))?;
    let ports: serde_json::Value = serde_json::from_slice(&std::fs::read(file.path()).ok()?).ok()?;
    ports["nats"].as_array()?.iter().find_map(|url| url.as_str()).map(str::to_owned)
}
