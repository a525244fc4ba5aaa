//! Real servers for tests: `redis-server` on free ports of 127.0.0.1, in a temporary folder, stopped by process id.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a tool for tests: each failure is a panic with its reason"
)]

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::config::Config;
use super::permissions::{USER, rules};
use crate::config::Secret;
use crate::testing::free_port;
use redis::{Client, FromRedisValue, RedisResult};

/// Longest wait for a server to start, or for servers to find each other.
const START: Duration = Duration::from_secs(30);

/// Longest wait for one answer.
const ANSWER: Duration = Duration::from_secs(20);

/// Attempts to find ports that nobody takes in the meantime.
const ATTEMPTS: u32 = 5;

/// A running server; dropping it kills it and removes its folder.
#[derive(Debug)]
pub struct Server {
    folder: PathBuf,
    args: Vec<String>,
    port: u16,
    child: Child,
}

impl Server {
    /// Starts a server without persistence.
    ///
    /// # Panics
    /// When there is no `redis-server`, or it does not start: a missing server is a failure, not a reason to skip.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a server with further options, for example `["--appendonly", "yes"]`. `{port}` in one becomes a free port.
    ///
    /// # Panics
    /// As [`Server::start`].
    #[must_use]
    pub fn start_with(options: &[&str]) -> Self {
        let user: Vec<String> = user().collect();
        let user: Vec<&str> = user.iter().map(String::as_str).collect();
        Self::start_plain(&[&user[..], options].concat())
    }

    /// Starts a server without the shipped user.
    ///
    /// # Panics
    /// As [`Server::start`].
    #[must_use]
    pub fn start_plain(options: &[&str]) -> Self {
        Self::launch(|_| {
            let base = ["--save", "", "--appendonly", "no", "--bind", "127.0.0.1"];
            let free = |text: &str| text.replace("{port}", &free_port().to_string());
            base.iter().chain(options).copied().map(free).collect()
        })
    }

    /// Starts a sentinel that watches `primary` under the name `service` and replaces it alone.
    ///
    /// # Panics
    /// As [`Server::start`].
    #[must_use]
    pub fn sentinel(service: &str, primary: &Self) -> Self {
        Self::launch(|folder| {
            let lines = [
                "bind 127.0.0.1".to_owned(),
                format!("sentinel monitor {service} 127.0.0.1 {} 1", primary.port),
                format!("sentinel down-after-milliseconds {service} 500"),
                format!("sentinel failover-timeout {service} 2000"),
            ];
            std::fs::write(folder.join("sentinel.conf"), lines.join("\n")).unwrap();
            vec!["sentinel.conf".into(), "--sentinel".into()]
        })
    }

    fn launch(args: impl Fn(&Path) -> Vec<String>) -> Self {
        let folder = folder();
        for _ in 0..ATTEMPTS {
            let args = args(&folder);
            let port = free_port();
            let child = spawn(&folder, port, &args);
            let mut server = Self { folder: folder.clone(), args, port, child };
            if server.wait_until_up() {
                return server;
            }
            // Its ports were taken in the meantime. The next one uses the same folder.
            server.folder = PathBuf::new();
        }
        panic!("redis-server does not start: see {}", folder.join("log").display());
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// A configuration for this server, with the shipped permissions.
    #[must_use]
    pub fn config(&self) -> Config {
        log_in(Config { url: self.url(), ..Config::default() })
    }

    /// Kills it as a crash would.
    ///
    /// # Panics
    /// When the system refuses.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Makes it hang: connections stay open and nothing answers.
    ///
    /// # Panics
    /// When the system refuses.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on after [`Server::pause`].
    ///
    /// # Panics
    /// When the system refuses.
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        assert!(
            Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap().success()
        );
    }

    /// Starts it again on the same port, after [`Server::kill`].
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        self.child = spawn(&self.folder, self.port, &self.args);
        assert!(self.wait_until_up(), "redis-server does not start again: {}", self.folder.display());
    }

    /// Sends a command over a connection of its own.
    ///
    /// # Errors
    /// As the server says.
    pub fn command<T: FromRedisValue>(&self, words: &[&str]) -> RedisResult<T> {
        Self::query(&self.url(), words)
    }

    /// Sends a command as a user whose password is its name.
    ///
    /// # Errors
    /// As the server says.
    pub fn command_as<T: FromRedisValue>(&self, user: &str, words: &[&str]) -> RedisResult<T> {
        Self::query(&format!("redis://{user}:{user}@127.0.0.1:{}", self.port), words)
    }

    fn query<T: FromRedisValue>(url: &str, words: &[&str]) -> RedisResult<T> {
        let mut link = Client::open(url)?.get_connection_with_timeout(ANSWER)?;
        link.set_read_timeout(Some(ANSWER))?;
        let mut cmd = redis::Cmd::new();
        for word in words {
            cmd.arg(word);
        }
        cmd.query(&mut link)
    }

    /// Whether it answers; `false`: it has ended.
    fn wait_until_up(&mut self) -> bool {
        let start = Instant::now();
        while start.elapsed() < START {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            if self.command::<String>(&["PING"]).is_ok() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("redis-server did not answer within {START:?}: see {}", self.folder.display());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !std::thread::panicking() && !self.folder.as_os_str().is_empty() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

/// The same configuration, as the user with the shipped permissions.
#[must_use]
pub fn log_in(config: Config) -> Config {
    Config { user: Some(USER.into()), password: Some(Secret::new(USER)), ..config }
}

/// The option that adds a user with the shipped permissions, for keys of every prefix: tests choose their own.
fn user() -> impl Iterator<Item = String> {
    let head = ["--user", USER, "on", ">runbus"].map(String::from);
    head.into_iter().chain(rules("*"))
}

/// Starts a cluster of so many primaries that share all slots, and waits until each of them says that it works.
///
/// # Panics
/// As [`Server::start`], and when the nodes do not find each other.
#[must_use]
pub fn cluster(nodes: u16) -> Vec<Server> {
    let options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port", "{port}"];
    let servers: Vec<Server> = (0..nodes).map(|_| Server::start_with(&options)).collect();
    let bus = |server: &Server| server.args.last().unwrap().clone();
    let slots = 16_384 / nodes;
    for (n, server) in (0..nodes).zip(&servers) {
        let last = if n + 1 == nodes { 16_383 } else { (n + 1) * slots - 1 };
        let (first, last, epoch) = ((n * slots).to_string(), last.to_string(), (n + 1).to_string());
        server.command::<()>(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]).unwrap();
        server.command::<()>(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch]).unwrap();
    }
    for other in servers.iter().skip(1) {
        let (port, bus) = (other.port.to_string(), bus(other));
        servers[0].command::<()>(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]).unwrap();
    }
    let known = format!("cluster_known_nodes:{nodes}");
    let start = Instant::now();
    for server in &servers {
        loop {
            let info: String = server.command(&["CLUSTER", "INFO"]).unwrap();
            if info.contains("cluster_state:ok") && info.contains(&known) {
                break;
            }
            assert!(start.elapsed() < START, "the cluster does not form: {info}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    servers
}

/// The program: `RUNBUS_REDIS_SERVER`, or `redis-server` in the path.
fn program() -> OsString {
    std::env::var_os("RUNBUS_REDIS_SERVER").unwrap_or_else(|| "redis-server".into())
}

fn folder() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("runbus-redis-{}-{count}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn spawn(folder: &Path, port: u16, args: &[String]) -> Child {
    let log = std::fs::File::options().create(true).append(true).open(folder.join("log")).unwrap();
    let program = program();
    // A configuration file, if there is one, comes first.
    Command::new(&program)
        .args(args)
        .args(["--port", &port.to_string()])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| panic!("{} cannot be run ({error}): run make tools", program.display()))
}
