//! The process of a `stdio` server: in a group of its own, which ends with it.

use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{ChildStdin, ChildStdout, Command};
use tokio_util::task::AbortOnDropHandle;

use super::config::Server;
use super::limits::{EXIT_GRACE, MAX_STDERR_LINE_BYTES};

/// The variables that a process inherits: enough to find programs and files. Any other may be a secret of the worker's.
const INHERITED: &[&str] =
    &["HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ", "USER"];

/// How long the last line of its standard error may take to arrive after a process ended.
const STDERR_PATIENCE: Duration = Duration::from_millis(500);

/// A running process. Dropping it kills the whole group.
#[derive(Debug)]
pub(super) struct Child {
    process: tokio::process::Child,
    group: Option<Pid>,
    errors: AbortOnDropHandle<()>,
    last_line: Arc<Mutex<String>>,
}

impl Child {
    /// Starts the program.
    ///
    /// # Errors
    /// The reason in words: there is no such program, or it cannot be run.
    pub(super) fn spawn(name: &str, server: &Server) -> Result<(Self, ChildStdout, ChildStdin), String> {
        let program = server.command.as_deref().unwrap_or_default();
        let mut command = Command::new(program);
        command.args(&server.args).env_clear();
        // No configuration of ours: the variables that every child of a shell inherits.
        command.envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.envs(server.env.iter().map(|(name, value)| (name, value.reveal().to_string())));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("cannot run {program:?}: {error}"))?;
        let pipes = (process.stdout.take(), process.stdin.take(), process.stderr.take());
        let (Some(output), Some(input), Some(errors)) = pipes else { return Err("it has no pipes".into()) };
        let group = process.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let last_line = Arc::new(Mutex::new(String::new()));
        let reader = log_lines(name.to_owned(), errors, last_line.clone());
        let errors = AbortOnDropHandle::new(tokio::spawn(reader));
        Ok((Self { process, group, errors, last_line }, output, input))
    }

    /// Waits until the process has ended, and says how: also what it wrote last. May be dropped and called again.
    pub(super) async fn ended(&mut self) -> String {
        let status = match self.process.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        if !self.errors.is_finished() {
            let _ = tokio::time::timeout(STDERR_PATIENCE, &mut self.errors).await;
        }
        let last_line = self.last_line.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if last_line.is_empty() {
            format!("the process ended ({status})")
        } else {
            format!("the process ended ({status}); the last line of its standard error: {last_line}")
        }
    }

    /// Ends it: its standard input is closed already, then SIGTERM, then SIGKILL, for the whole group.
    pub(super) async fn end(mut self) {
        for signal in [None, Some(Signal::TERM)] {
            if let Some(signal) = signal {
                self.signal(signal);
            }
            if tokio::time::timeout(EXIT_GRACE, self.process.wait()).await.is_ok() {
                break;
            }
        }
        // Dropping kills what is left of the group.
    }

    fn signal(&self, signal: Signal) {
        // No such group: all of it has ended.
        if let Some(group) = self.group
            && let Err(error) = kill_process_group(group, signal)
        {
            tracing::trace!(%error, "an MCP server's process group has ended");
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Also when the process itself has ended: others of its group may be left, and they keep the group's id taken.
        self.signal(Signal::KILL);
    }
}

/// Logs a server's standard error, line by line, and keeps the last one.
async fn log_lines(server: String, errors: impl AsyncRead + Unpin, last_line: Arc<Mutex<String>>) {
    let mut errors = BufReader::new(errors);
    let mut line = Vec::new();
    loop {
        let read = match errors.fill_buf().await {
            Ok(read) if !read.is_empty() => read,
            _ => break,
        };
        let end = read.iter().position(|byte| *byte == b'\n');
        let content = &read[..end.unwrap_or(read.len())];
        let room = MAX_STDERR_LINE_BYTES - line.len();
        line.extend_from_slice(&content[..content.len().min(room)]);
        let taken = end.map_or(read.len(), |end| end + 1);
        errors.consume(taken);
        if end.is_some() {
            keep_line(&server, &mut line, &last_line);
        }
    }
    keep_line(&server, &mut line, &last_line);
}

fn keep_line(server: &str, line: &mut Vec<u8>, last_line: &Mutex<String>) {
    let text = String::from_utf8_lossy(line).trim().to_owned();
    line.clear();
    if !text.is_empty() {
        tracing::info!(server, line = %text, "MCP server");
        *last_line.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }
}
