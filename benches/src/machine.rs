//! The machine that the numbers were measured on: one line, so that a number is never read without it.

use std::path::Path;
use std::thread::available_parallelism;

use anyhow::Context as _;

/// Cores, processor, kernel, file system, load of others.
pub(crate) fn describe(dir: &Path) -> anyhow::Result<String> {
    let cores = available_parallelism()?;
    let info = read("/proc/cpuinfo")?;
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown processor", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let kernel = read("/proc/sys/kernel/osrelease")?;
    let load = read("/proc/loadavg")?;
    let load = load.split(' ').next().unwrap_or("?");
    let files = file_system(dir)?;
    Ok(format!("{cores} cores ({model}), Linux {}, data on {files}, load before {load}", kernel.trim()))
}

/// Open files that this process may have.
pub(crate) fn open_files() -> anyhow::Result<usize> {
    let limits = read("/proc/self/limits")?;
    let line =
        limits.lines().find(|line| line.starts_with("Max open files")).context("no limit of open files")?;
    Ok(line.split_whitespace().nth(3).and_then(|text| text.parse().ok()).unwrap_or(usize::MAX))
}

fn file_system(dir: &Path) -> anyhow::Result<String> {
    let dir = dir.canonicalize().with_context(|| format!("no folder {}", dir.display()))?;
    let mounts = read("/proc/mounts")?;
    let best = mounts
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ').skip(1);
            Some((words.next()?, words.next()?))
        })
        .filter(|(at, _)| dir.starts_with(at))
        .max_by_key(|(at, _)| at.len());
    Ok(best.map_or_else(|| "unknown".into(), |(_, kind)| kind.to_owned()))
}

fn read(path: &str) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {path}: this needs Linux"))
}
