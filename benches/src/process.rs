//! Processes: their cost, and children of this program that end with it.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child as Process, Command};

/// Longest wait for a child's first line.
const START: Duration = Duration::from_secs(300);

/// Kernel ticks a second in /proc: 100 on every Linux that matters (`getconf CLK_TCK`).
const TICKS: u64 = 100;

/// Processor time of a process so far, all threads, user and system; steps of 10 ms.
pub(crate) fn cpu(pid: u32) -> anyhow::Result<Duration> {
    let (user, system) = times(pid)?;
    Ok(user + system)
}

/// Processor time that a process has used so far, outside the kernel and in it.
pub(crate) fn times(pid: u32) -> anyhow::Result<(Duration, Duration)> {
    let path = format!("/proc/{pid}/stat");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    // The name, in parentheses, may hold anything; numbers follow the last one.
    let rest = text.rsplit_once(')').context("no process name")?.1;
    let mut times = rest.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
    let (Some(Ok(user)), Some(Ok(system))) = (times.next(), times.next()) else {
        bail!("no times in {path}")
    };
    let time = |ticks: u64| Duration::from_millis(ticks * 1000 / TICKS);
    Ok((time(user), time(system)))
}

/// Resident memory of a process, in KiB.
pub(crate) fn rss_kib(pid: u32) -> anyhow::Result<u64> {
    let path = format!("/proc/{pid}/status");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// Wall and processor time from a moment on, over some processes.
#[derive(Debug)]
pub(crate) struct Meter {
    begun: Instant,
    pids: Vec<(u32, Duration)>,
}

impl Meter {
    /// Begins with this process first, then `others`.
    pub(crate) fn start(others: &[u32]) -> anyhow::Result<Self> {
        let pids = std::iter::once(std::process::id()).chain(others.iter().copied());
        let pids = pids.map(|pid| Ok((pid, cpu(pid)?))).collect::<anyhow::Result<_>>()?;
        Ok(Self { begun: Instant::now(), pids })
    }

    /// Wall time, and processor time of each process in the order of the start.
    pub(crate) fn stop(&self) -> anyhow::Result<(Duration, Vec<Duration>)> {
        let wall = self.begun.elapsed();
        let used = self.pids.iter().map(|&(pid, before)| Ok(cpu(pid)?.saturating_sub(before)));
        Ok((wall, used.collect::<anyhow::Result<_>>()?))
    }
}

/// This program again, in a role of its own; killed when dropped, and ends when this process dies.
#[derive(Debug)]
pub(crate) struct Child {
    process: Process,
    /// The line that it printed when it was ready.
    pub(crate) ready: String,
}

impl Child {
    /// Starts a role and waits for its first line.
    pub(crate) async fn start(args: &[&str]) -> anyhow::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("child")
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let out = process.stdout.take().context("no stdout")?;
        let mut lines = BufReader::new(out).lines();
        let line =
            tokio::time::timeout(START, lines.next_line()).await.context("a child does not start")??;
        let ready = line.with_context(|| format!("child {args:?} ended before it was ready"))?;
        Ok(Self { process, ready })
    }

    pub(crate) fn pid(&self) -> anyhow::Result<u32> {
        self.process.id().context("the child has ended")
    }

    /// Kills it as a crash would.
    pub(crate) async fn kill(mut self) -> anyhow::Result<()> {
        Ok(self.process.kill().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_time() {
        let pid = std::process::id();
        assert!(rss_kib(pid).unwrap() > 100);
        let begun = Instant::now();
        while cpu(pid).unwrap() < Duration::from_millis(50) {
            assert!(begun.elapsed() < Duration::from_secs(30), "no processor time is counted");
        }
    }
}
