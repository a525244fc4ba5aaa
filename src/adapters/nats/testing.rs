//! Real servers for tests: `nats-server` on free ports of 127.0.0.1, in a temporary folder, stopped by process id.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a tool for tests: each failure is a panic with its reason"
)]

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::config::Config;
use super::permissions::{Role, test_accounts};
use crate::config::Secret;
use crate::testing::free_port;

/// Longest wait for a server to start.
const START: Duration = Duration::from_secs(30);

/// Attempts to find ports that nobody takes in the meantime.
const ATTEMPTS: u32 = 5;

/// The user with the permissions of gateways and workers together.
pub(super) const BOTH: &str = "runbus";

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A running server with JetStream; dropping it kills it and removes its folder.
#[derive(Debug)]
pub struct Server {
    folder: PathBuf,
    args: Vec<String>,
    port: u16,
    name: String,
    child: Child,
}

impl Server {
    /// Starts a server.
    ///
    /// # Panics
    /// When there is no `nats-server`, or it does not start: a missing server is a failure, not a reason to skip.
    #[must_use]
    pub fn start() -> Self {
        Self::launch(Vec::new)
    }

    /// Starts a server with another configuration file than that of the shipped accounts.
    ///
    /// # Panics
    /// As [`Server::start`].
    #[must_use]
    pub fn start_with(options: &[&str]) -> Self {
        Self::launch(|| options.iter().map(ToString::to_string).collect())
    }

    fn launch(options: impl Fn() -> Vec<String>) -> Self {
        for _ in 0..ATTEMPTS {
            let mut server = Self::spawn(free_port(), options());
            if server.wait_until_up() {
                return server;
            }
        }
        panic!("nats-server does not start");
    }

    /// The server that the tests of one program share; it ends when none of them uses it.
    ///
    /// # Panics
    /// As [`Server::start`].
    #[must_use]
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Self::start());
            *shared = Arc::downgrade(&server);
            server
        })
    }

    fn spawn(port: u16, options: Vec<String>) -> Self {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("n{count}");
        let folder = std::env::temp_dir().join(format!("runbus-nats-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let port_text = port.to_string();
        let mut base = vec!["-a", "127.0.0.1", "-p", &port_text, "-js", "-sd", "store", "-n", &name];
        if !options.iter().any(|option| option == "-c") {
            std::fs::write(folder.join("accounts.conf"), test_accounts()).unwrap();
            base.extend(["-c", "accounts.conf"]);
        }
        let args: Vec<String> = base.iter().map(ToString::to_string).chain(options).collect();
        let child = launch(&folder, &args);
        Self { folder, args, port, name, child }
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The name in the cluster.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// A configuration for this server with a prefix that nobody else has.
    #[must_use]
    pub fn config(&self) -> Config {
        config(std::slice::from_ref(self))
    }

    /// A configuration for one kind of user, below a prefix.
    #[must_use]
    pub fn config_for(&self, role: Role, prefix: &str) -> Config {
        log_in(Config { prefix: prefix.into(), ..self.config() }, role)
    }

    /// A client of another program, with the permissions of a user of the shipped accounts, or of `admin`.
    ///
    /// # Panics
    /// When it does not connect.
    pub async fn client(&self, user: &str) -> async_nats::Client {
        client(std::slice::from_ref(self), user).await.unwrap()
    }

    /// Kills it as a crash would.
    ///
    /// # Panics
    /// When the system refuses.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again on the same ports with the same data, after [`Server::kill`].
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        self.child = launch(&self.folder, &self.args);
        assert!(self.wait_until_up(), "nats-server does not start again: {}", self.folder.display());
    }

    /// Whether it greets; `false`: it has ended.
    fn wait_until_up(&mut self) -> bool {
        let start = Instant::now();
        while start.elapsed() < START {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            if greets(self.port) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("nats-server did not answer within {START:?}: see {}", self.folder.display());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

/// Starts a cluster of so many servers. Its JetStream elects a leader by itself; an adapter waits for that.
///
/// # Panics
/// As [`Server::start`].
#[must_use]
pub fn cluster(nodes: usize) -> Vec<Server> {
    for _ in 0..ATTEMPTS {
        let routes: Vec<u16> = (0..nodes).map(|_| free_port()).collect();
        let all: Vec<String> = routes.iter().map(|port| format!("nats://127.0.0.1:{port}")).collect();
        let mut servers: Vec<Server> = all
            .iter()
            .map(|own| {
                let options = ["-cluster_name", "runbus", "-cluster", own, "-routes", &all.join(",")];
                Server::spawn(free_port(), options.iter().map(ToString::to_string).collect())
            })
            .collect();
        if servers.iter_mut().all(Server::wait_until_up) {
            return servers;
        }
    }
    panic!("nats-servers do not start");
}

/// A configuration for these servers, which form one cluster, with a prefix that nobody else has.
#[must_use]
pub fn config(servers: &[Server]) -> Config {
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    Config {
        servers: servers.iter().map(Server::url).collect(),
        prefix: format!("t{count}"),
        replicas: if servers.len() < 3 { 1 } else { 3 },
        // A process that is gateway and worker in one, like `runbus dev`.
        user: Some(BOTH.into()),
        password: Some(Secret::new(BOTH)),
        ..Config::default()
    }
}

/// The same configuration for one kind of user.
#[must_use]
pub fn log_in(config: Config, role: Role) -> Config {
    Config {
        user: Some(role.user().into()),
        password: Some(Secret::new(role.user())),
        inbox_prefix: role.inbox(&config.prefix),
        ..config
    }
}

/// A client of another program at one of these servers.
///
/// # Errors
/// None of them answers.
pub async fn client(servers: &[Server], user: &str) -> Result<async_nats::Client, async_nats::ConnectError> {
    let urls: Vec<String> = servers.iter().map(Server::url).collect();
    async_nats::ConnectOptions::with_user_and_password(user.into(), user.into()).connect(urls).await
}

fn greets(port: u16) -> bool {
    let Ok(stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { return false };
    if stream.set_read_timeout(Some(Duration::from_secs(1))).is_err() {
        return false;
    }
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).is_ok() && line.starts_with("INFO ")
}

fn launch(folder: &Path, args: &[String]) -> Child {
    // A server from the system's packages is too old where there is one at all: only the one that is named will do.
    let program = std::env::var_os("RUNBUS_NATS_SERVER")
        .unwrap_or_else(|| panic!("RUNBUS_NATS_SERVER is not set: run make tools"));
    let log = File::options().create(true).append(true).open(folder.join("log")).unwrap();
    Command::new(&program)
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| panic!("{} cannot be run ({error}): run make tools", program.display()))
}
