//! The limit of open files: raised to what the configured connections need; where it may not be, fewer connections are allowed.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::{Bounds, Config};
use crate::limits;

/// How many sockets a gateway may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// By configuration and by the limit of open files.
    pub bounds: Bounds,
    /// The limit of open files.
    pub files: u64,
}

/// Raises the soft limit of open files to `wanted`, or as far as the hard one lets it. Gives what it is then.
pub fn raise(wanted: u64) -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let Some(current) = current else { return u64::MAX };
    let target = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    if target <= current {
        return current;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: Some(target), maximum }) {
        Ok(()) => target,
        Err(error) => {
            tracing::warn!(%error, "the limit of open files cannot be raised");
            current
        }
    }
}

/// Makes room for the configured connections; logs it where there is none.
pub fn provide(config: &Config) -> Capacity {
    let configured = config.bounds();
    let files = raise(needed(&configured));
    let bounds = fit(configured, files);
    if bounds != configured {
        // The default is a ceiling and no wish: only a number that somebody chose is worth a warning.
        let chosen = configured != Config::default().bounds();
        let report = |text: &str| {
            let (max_connections, max_unauthenticated) = (bounds.admitted, bounds.waiting);
            let configured = configured.admitted;
            if chosen {
                tracing::warn!(files, configured, max_connections, max_unauthenticated, "{text}");
            } else {
                tracing::info!(files, configured, max_connections, max_unauthenticated, "{text}");
            }
        };
        report("gateway.max_connections is lowered to what the limit of open files (ulimit -n) lets it have");
    }
    Capacity { bounds, files }
}

fn needed(bounds: &Bounds) -> u64 {
    let all = bounds.admitted.saturating_add(bounds.waiting).saturating_add(limits::OTHER_FILES);
    u64::try_from(all).unwrap_or(u64::MAX)
}

/// The bounds that `files` descriptors allow: shares shrink with their wholes.
fn fit(configured: Bounds, files: u64) -> Bounds {
    if needed(&configured) <= files {
        return configured;
    }
    let other = u64::try_from(limits::OTHER_FILES).unwrap_or(u64::MAX);
    // Where there is little, half is for everything else.
    let room = usize::try_from(files.saturating_sub(other).max(files / 2)).unwrap_or(usize::MAX);
    let waiting = configured.waiting.min(room / 4).max(1);
    let admitted = configured.admitted.min(room.saturating_sub(waiting)).max(1);
    Bounds {
        admitted,
        waiting,
        admitted_per_address: share(configured.admitted_per_address, configured.admitted, admitted),
        waiting_per_address: share(configured.waiting_per_address, configured.waiting, waiting),
    }
}

/// A share of `now` that is as large as `share` is of `before`, rounded up.
fn share(share: usize, before: usize, now: usize) -> usize {
    if share >= before || before == 0 {
        now.max(1)
    } else {
        share.saturating_mul(now).div_ceil(before).max(1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn connections_are_lowered_to_the_available_descriptors() {
        let configured = Config::default().bounds();
        assert_eq!(fit(configured, 1_000_000), configured);
        let usual = fit(configured, 1024);
        assert_eq!((usual.admitted, usual.waiting, usual.waiting_per_address), (624, 208, 104));
        let small = fit(configured, 256);
        assert_eq!((small.admitted, small.waiting, small.admitted_per_address), (96, 32, 48));
        let one = Bounds { admitted: 1, admitted_per_address: 1, waiting: 1, waiting_per_address: 1 };
        assert_eq!(fit(one, 0), one);
    }

    proptest! {
        #[test]
        fn all_that_is_allowed_fits(admitted in 1..200_000_usize, waiting in 1..5000_usize, files in 64..300_000_u64) {
            let configured =
                Bounds { admitted, admitted_per_address: admitted.div_ceil(2), waiting, waiting_per_address: waiting.div_ceil(3) };
            let fitted = fit(configured, files);
            prop_assert!(fitted.admitted <= admitted && fitted.waiting <= waiting);
            prop_assert!(fitted.admitted_per_address <= fitted.admitted && fitted.waiting_per_address <= fitted.waiting);
            prop_assert!((fitted.admitted + fitted.waiting) as u64 <= files.max(needed(&configured)));
            prop_assert!(needed(&configured) <= files || (fitted.admitted + fitted.waiting) as u64 <= files);
        }
    }
}
