//! The operating system's figures of this process. Only on Linux; elsewhere these stay zero.

use std::time::Duration;

use super::catalogue::process;

/// Clock ticks a second in `/proc`: 100 on every Linux that Rust runs on, independent of the kernel's own rate (`proc(5)`).
const TICKS: u64 = 100;

/// Looks.
pub(super) fn refresh() {
    if let Some((cpu, threads)) = std::fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(stat) {
        process::CPU.set(cpu);
        process::THREADS.set(threads);
    }
    if let Some(bytes) = std::fs::read_to_string("/proc/self/status").ok().as_deref().and_then(resident) {
        process::RESIDENT.set(bytes);
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        // Without the one that reads the folder.
        process::FILES.set(i64::try_from(files.count()).unwrap_or(i64::MAX) - 1);
    }
}

/// Processor time and threads. The second field, the name, may hold anything but ends with the last parenthesis.
fn stat(text: &str) -> Option<(Duration, i64)> {
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some((Duration::from_millis(ticks * 1000 / TICKS), fields.get(17)?.parse().ok()?))
}

fn resident(text: &str) -> Option<i64> {
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<i64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_linux_are_read() {
        let line = "7 (a) b) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 9 0 100 1000 10";
        assert_eq!(stat(line), Some((Duration::from_secs(3), 9)));
        assert_eq!(resident("Name:\tx\nVmRSS:\t   12 kB\n"), Some(12 * 1024));
        assert_eq!((stat(""), resident("VmRSS:\tx")), (None, None));
        refresh();
        if cfg!(target_os = "linux") {
            assert!(process::RESIDENT.get() > 0 && process::FILES.get() > 0 && process::THREADS.get() > 0);
        }
    }
}
