//! How often a call of a model is tried, and how long is waited between two tries.

use std::time::Duration;

use crate::limits;

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Tries where the definition does not say, with the first.
    pub tries: u32,
    /// The first wait; it doubles each time.
    pub min: Duration,
    /// The longest wait, unless the provider asks for a longer one.
    pub max: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { tries: limits::MODEL_TRIES, min: limits::MODEL_BACKOFF_MIN, max: limits::MODEL_BACKOFF_MAX }
    }
}

impl Retry {
    /// The wait after a try: exponential, with the provider's word first and half of it at random, so that workers do not return
    /// together.
    #[must_use]
    pub fn delay(&self, attempt: u32, told: Option<Duration>) -> Duration {
        let doubled = self.min.saturating_mul(1 << attempt.saturating_sub(1).min(16));
        let base = doubled.min(self.max);
        let random = uuid::Uuid::new_v4().as_fields().0 % 1000;
        told.unwrap_or_default().max(base / 2 + base * random / 2000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_a_provider_may_ask_for_more() {
        let retry = Retry { tries: 3, min: Duration::from_millis(100), max: Duration::from_millis(300) };
        for (attempt, base) in [(1, 100), (2, 200), (3, 300), (40, 300)] {
            let delay = retry.delay(attempt, None).as_millis();
            assert!((base / 2..=base).contains(&delay), "{attempt}: {delay}");
        }
        assert_eq!(retry.delay(1, Some(Duration::from_secs(9))), Duration::from_secs(9));
    }
}
