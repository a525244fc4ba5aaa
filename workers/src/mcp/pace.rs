//! How long to wait before a server is started again.

use std::time::Duration;

use super::limits::{BACKOFF_MAX, BACKOFF_MIN};

/// Doubling waits with jitter.
#[derive(Debug, Default)]
pub(super) struct Pace {
    failures: u32,
}

impl Pace {
    /// The next wait: half of the doubled one, and a random part of the other half, so that workers do not retry in step.
    pub(super) fn next(&mut self) -> Duration {
        let full = BACKOFF_MIN.saturating_mul(2_u32.saturating_pow(self.failures)).min(BACKOFF_MAX);
        self.failures = self.failures.saturating_add(1);
        let random = uuid::Uuid::new_v4().as_u128() % 1000;
        let part = u32::try_from(random).unwrap_or(0);
        full / 2 + full / 2 * part / 1000
    }

    /// Begins with the shortest wait again.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound() {
        let mut pace = Pace::default();
        for n in 0..100 {
            let wait = pace.next();
            let full = BACKOFF_MIN.saturating_mul(2_u32.saturating_pow(n)).min(BACKOFF_MAX);
            assert!(wait >= full / 2 && wait <= full, "{n}: {wait:?}");
        }
        pace.reset();
        assert!(pace.next() <= BACKOFF_MIN);
    }
}
