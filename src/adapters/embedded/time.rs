//! The monotonic time of deadlines. Changes of the machine's clock never set it back.
//!
//! ```text
//! now = the latest of   the machine's clock
//!                       the last answer, and the time that a steady clock has counted since
//!                       the mark in the file, which every process that sets deadlines moves on
//! ```
//!
//! Were deadlines measured with the machine's clock alone, a step back by an hour would keep a dead worker's lease for
//! an hour.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::time::{Clock, Timestamp};

/// Shared by all ports of one database.
#[derive(Debug)]
pub(super) struct Time {
    clock: Clock,
    latest: Mutex<Latest>,
}

/// The last answer.
#[derive(Debug, Clone, Copy)]
struct Latest {
    micros: i64,
    read: Instant,
}

impl Time {
    pub(super) fn new(clock: Clock) -> Self {
        let latest = Latest { micros: clock.now().micros(), read: Instant::now() };
        Self { clock, latest: Mutex::new(latest) }
    }

    /// The time of the machine's clock, for time stamps that people read.
    pub(super) fn stamp(&self) -> Timestamp {
        self.clock.now()
    }

    /// The time for deadlines.
    pub(super) fn now(&self) -> Timestamp {
        self.at_least(i64::MIN)
    }

    /// The same, and not before another process's mark.
    pub(super) fn at_least(&self, mark: i64) -> Timestamp {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let read = Instant::now();
        let steady = after(latest.micros, read.saturating_duration_since(latest.read));
        let micros = self.clock.now().micros().max(steady).max(mark);
        *latest = Latest { micros, read };
        Timestamp::from_micros(micros)
    }
}

/// Microseconds after a point in time.
pub(super) fn after(micros: i64, by: Duration) -> i64 {
    micros.saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[test]
    fn a_step_back_is_not_followed_and_a_step_forward_is() {
        let machine = Arc::new(AtomicI64::new(1_000_000_000));
        let time = Time::new(Clock::Manual(machine.clone()));
        let begun = time.now();
        machine.store(1_000, Ordering::Relaxed);
        assert!(time.now() >= begun);
        assert_eq!(time.stamp().micros(), 1_000);
        machine.store(9_000_000_000_000, Ordering::Relaxed);
        assert!(time.now().micros() >= 9_000_000_000_000);
    }

    #[test]
    fn it_goes_on_while_the_machine_s_clock_stands() {
        let time = Time::new(Clock::at(Timestamp::from_micros(5)));
        let begun = time.now();
        while time.now() == begun {
            std::thread::yield_now();
        }
    }

    #[test]
    fn another_process_s_mark_counts() {
        let time = Time::new(Clock::at(Timestamp::from_micros(5)));
        assert!(time.at_least(700).micros() >= 700);
        assert!(time.now().micros() >= 700);
    }
}
