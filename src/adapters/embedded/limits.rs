//! Every limit of the embedded backend, with its unit in its name.

use std::time::Duration;

/// Largest frame, in payload bytes.
pub const FRAME_BYTES: usize = 8 * 1024 * 1024;

/// Largest job and largest document of the store, in bytes.
pub const VALUE_BYTES: usize = 8 * 1024 * 1024;

/// Commands that wait for the writer, in KiB; each command counts at least one.
pub const WAITING_KIB: u32 = 64 * 1024;

/// Most commands in one transaction.
pub const BATCH_COMMANDS: usize = 4096;

/// Payload after which a transaction takes no further command, in KiB.
pub const BATCH_KIB: u32 = 8 * 1024;

/// Names (ids) whose numbers the writer remembers.
pub const NAMES_CACHED: usize = 65_536;

/// How often commits of other processes are looked for, while somebody watches.
pub const WATCH_INTERVAL: Duration = Duration::from_millis(20);

/// How often a waiting pull looks for jobs that other processes pushed.
pub const PULL_INTERVAL: Duration = Duration::from_millis(50);

/// How far the time of deadlines may be ahead of the mark in the file.
pub const MARK_INTERVAL: Duration = Duration::from_secs(1);

/// How long an answer about readiness stands, which writes to the disk.
pub const PROBE_INTERVAL: Duration = Duration::from_secs(1);

/// Space for the probe that makes a full database ready again, in bytes: as much as a large group.
pub const PROBE_BYTES: u32 = 1024 * 1024;

/// Free disk space required, in bytes: the largest group twice, in the write-ahead log and in the database.
pub const DISK_BYTES: u64 = 2 * PROBE_BYTES as u64;

/// Most jobs of one pull.
pub const PULL_JOBS: u32 = 1024;

/// Frames that the watch thread reads at a time.
pub const WATCH_FRAMES: u32 = 512;

/// How often retention and expiry run.
pub const HOUSEKEEPING_INTERVAL: Duration = Duration::from_secs(1);

/// Longest time that one round of housekeeping keeps writers waiting.
pub const HOUSEKEEPING_TIME: Duration = Duration::from_millis(50);

/// Rows that one step of housekeeping removes.
pub const HOUSEKEEPING_ROWS: u32 = 256;

/// Size of the write-ahead log at which the writer copies it into the database, in pages of 4 KiB.
pub const CHECKPOINT_PAGES: u32 = 8192;

/// Size to which the write-ahead log file is cut after that, in bytes.
pub const WAL_FILE_BYTES: u32 = 64 * 1024 * 1024;

/// Rows of the index that one transaction takes away when all of it goes.
pub const CLEAR_ROWS: u32 = 5000;
