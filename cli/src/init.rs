//! Process 1 of a container: starts Runbus as its child, passes signals on, and reaps what others leave behind.
//!
//! A child of an MCP server whose parent has ended becomes a child of process 1. Runbus itself waits for the children that it
//! started only.

use std::io;
use std::process::{Command, ExitCode};

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, wait};
use tokio::signal::unix::{SignalKind, signal};

/// The signals that are passed on.
const PASSED: [(SignalKind, Signal); 6] = [
    (SignalKind::terminate(), Signal::TERM),
    (SignalKind::interrupt(), Signal::INT),
    (SignalKind::hangup(), Signal::HUP),
    (SignalKind::quit(), Signal::QUIT),
    (SignalKind::user_defined1(), Signal::USR1),
    (SignalKind::user_defined2(), Signal::USR2),
];

/// The exit code of a process that a signal ended is this and the signal's number, as shells say it.
const SIGNALLED: i32 = 128;

/// Whether this process has to reap the orphans of its container.
pub(crate) fn is_needed() -> bool {
    std::process::id() == 1
}

/// Runs the same command as a child until it ends; its exit code.
///
/// # Errors
/// The child cannot be started, or the system refuses a signal handler.
pub(crate) fn run() -> io::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(supervise(Command::new(std::env::current_exe()?).args(std::env::args_os().skip(1))))
}

async fn supervise(command: &mut Command) -> io::Result<ExitCode> {
    let mut children = signal(SignalKind::child())?;
    let (passed, mut signals) = tokio::sync::mpsc::channel(PASSED.len());
    for (kind, number) in PASSED {
        let (mut heard, passed) = (signal(kind)?, passed.clone());
        tokio::spawn(
            async move { while heard.recv().await.is_some() && passed.send(number).await.is_ok() {} },
        );
    }
    // Its end is heard below, with that of all others.
    let child = Pid::from_child(&command.spawn()?);
    loop {
        tokio::select! {
            _ = children.recv() => {
                if let Some(code) = reap(child)? {
                    return Ok(ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)));
                }
            }
            Some(number) = signals.recv() => {
                // It may have ended a moment ago.
                let _ = kill_process(child, number);
            }
        }
    }
}

/// Takes leave of every child that has ended; the exit code of the one that counts, if it is among them.
fn reap(child: Pid) -> io::Result<Option<i32>> {
    let mut code = None;
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) if pid == child => code = Some(code_of(status)),
            Ok(Some(_)) => {}
            Ok(None) | Err(rustix::io::Errno::CHILD) => return Ok(code),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn code_of(status: WaitStatus) -> i32 {
    status.exit_status().unwrap_or_else(|| SIGNALLED + status.terminating_signal().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn supervised(script: &str) -> ExitCode {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        runtime.block_on(supervise(Command::new("sh").args(["-c", script]))).unwrap()
    }

    /// In one test: it waits for every child of this process.
    #[test]
    fn the_child_s_end_is_this_one_s() {
        assert_eq!(supervised("exit 7"), ExitCode::from(7));
        assert_eq!(supervised("kill -TERM $$"), ExitCode::from(143));
        assert_eq!(supervised("true & exit 0"), ExitCode::from(0));
        // A child of another process group: so are those of MCP servers.
        let mut other = Command::new("true");
        let mut other = std::os::unix::process::CommandExt::process_group(&mut other, 0).spawn().unwrap();
        while std::path::Path::new(&format!("/proc/{}", other.id())).exists() {
            supervised("true");
        }
        // The supervisor has reaped it.
        assert!(other.wait().is_err());
    }
}
