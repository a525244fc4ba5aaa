//! A redis-server of its own: a free port of 127.0.0.1, nothing on disk, stopped by process id.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use runbus::adapters::redis::{Config, Redis};
use runbus::store::Store as _;
use tokio::process::{Child, Command};

use crate::Setup;

/// Longest wait until it answers.
const START: Duration = Duration::from_secs(30);

/// A running server; dropping it kills it.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    pub(crate) url: String,
    _folder: tempfile::TempDir,
}

impl Server {
    /// One server without persistence, as in `docker-compose.yml` and the tests: its content can be rebuilt.
    pub(crate) async fn start(setup: &Setup) -> anyhow::Result<Self> {
        let folder = setup.folder()?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut process = Command::new(&setup.redis_server)
            .args(["--save", "", "--appendonly", "no", "--bind", "127.0.0.1", "--port", &port.to_string()])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| {
                format!("cannot start {} (run this through ops/tools.sh run)", setup.redis_server.display())
            })?;
        let url = format!("redis://127.0.0.1:{port}");
        let begun = Instant::now();
        while connect(&url)?.ready().await.is_err() {
            if begun.elapsed() > START || process.try_wait()?.is_some() {
                bail!("redis-server does not start on port {port}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(Self { process, url, _folder: folder })
    }

    pub(crate) fn pid(&self) -> anyhow::Result<u32> {
        self.process.id().context("redis-server has ended")
    }
}

/// The adapter.
pub(crate) fn connect(url: &str) -> anyhow::Result<Redis> {
    Ok(Redis::new(&Config { url: url.into(), ..Config::default() })?)
}
