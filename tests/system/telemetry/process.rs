//! `runbus` as a process of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::client::PATIENCE;

/// The program that the workspace built.
pub fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().unwrap().parent().unwrap().join("runbus");
    assert!(program.exists(), "{} is missing: cargo build -p runbus-cli", program.display());
    program
}

/// An address that is free: no connection and no other test takes it before its server does, or while that is away.
pub fn free() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], runbus::testing::free_port()))
}

/// Runs a command to its end; one that does not end has the status 124.
pub fn run(dir: &Path, arguments: &[&str], settings: &[(&str, String)]) -> std::process::Output {
    let mut command = Command::new("timeout");
    command.arg("120").arg(program()).args(arguments).current_dir(dir).stdin(Stdio::null());
    for (key, value) in settings {
        command.arg("--set").arg(format!("{key}={value}"));
    }
    command.output().unwrap()
}

pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    pub fn start(dir: &Path, arguments: &[&str], settings: &[(&str, String)]) -> Self {
        Self::spawn(Command::new(program()), dir, arguments, settings)
    }

    /// With a limit of the shell, for example `-n 256`, and no way to get more.
    pub fn start_limited(limit: &str, dir: &Path, arguments: &[&str], settings: &[(&str, String)]) -> Self {
        let mut shell = Command::new("bash");
        let run = format!("ulimit {limit}; exec \"$0\" \"$@\"");
        shell.args(["-c", &run]).arg(program());
        Self::spawn(shell, dir, arguments, settings)
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The log so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    fn spawn(mut command: Command, dir: &Path, arguments: &[&str], settings: &[(&str, String)]) -> Self {
        let log = dir.join(format!("{}.log", arguments[0]));
        command.args(arguments).current_dir(dir);
        for (key, value) in settings {
            command.arg("--set").arg(format!("{key}={value}"));
        }
        let out = std::fs::File::create(&log).unwrap();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(out).spawn().unwrap();
        Self { child, log }
    }

    /// Ends it as an operator would, and waits.
    pub async fn end(&mut self) {
        Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while self.child.try_wait().unwrap().is_none() {
            assert!(tokio::time::Instant::now() < deadline, "it does not end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            let _ = std::io::Write::write_all(&mut std::io::stderr(), log.as_bytes());
        }
    }
}

pub fn http() -> reqwest::Client {
    runbus::tls::install();
    reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap()
}

/// Waits until a path answers well.
pub async fn ready(http: &reqwest::Client, url: &str) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if http.get(url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{url} is not there");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
