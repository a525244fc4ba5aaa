//! When a reader reads the log by itself: so it finds losses that no later frame reveals.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use crate::time;

/// Pauses before the looks of a quiet reader; the last one is repeated.
const PROBES: [Duration; 5] = [
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(8),
    Duration::from_secs(15),
];

/// The first of them behind a frame that proved that nothing was lost before it: only what came last may be missing then.
const AFTER_FRAME: usize = 2;

/// The times of one reader's looks.
#[derive(Debug)]
pub(super) struct Probes {
    /// Looks since the feed spoke, or was suspected.
    made: usize,
    at: Instant,
    /// Many readers that begin together do not look together.
    spread: f64,
    /// Rings at the next thing to do, or before: most readers are woken by frames, and setting a timer for each costs more than one
    /// that rings in vain.
    alarm: Pin<Box<Sleep>>,
}

impl Probes {
    pub(super) fn new() -> Self {
        // From three to five quarters.
        Self::spread(0.75 + time::fraction() / 2.0)
    }

    fn spread(spread: f64) -> Self {
        let at = Instant::now() + PROBES[0].mul_f64(spread);
        Self { made: 0, at, spread, alarm: Box::pin(tokio::time::sleep_until(at)) }
    }

    /// The time of the next look.
    pub(super) const fn at(&self) -> Instant {
        self.at
    }

    /// Something may be lost: a look is made now, and more of them soon.
    pub(super) const fn begin_anew(&mut self) {
        self.made = 0;
    }

    /// A look is made.
    pub(super) fn made(&mut self, now: Instant) {
        self.at = now + self.pause();
        self.made += 1;
    }

    /// The feed gave a frame that proves that nothing is missing before it.
    pub(super) fn fed(&mut self, now: Instant) {
        self.made = AFTER_FRAME;
        self.at = now + self.pause();
    }

    fn pause(&self) -> Duration {
        PROBES[self.made.min(PROBES.len() - 1)].mul_f64(self.spread)
    }

    /// Waits until then.
    pub(super) async fn reach(&mut self, then: Instant) {
        loop {
            if self.alarm.is_elapsed() || self.alarm.deadline() > then {
                self.alarm.as_mut().reset(then);
            }
            self.alarm.as_mut().await;
            if Instant::now() >= then {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn looks_are_soon_at_first_and_rare_while_the_feed_speaks() {
        let begin = Instant::now();
        let mut probes = Probes::spread(1.0);
        let mut looks = Vec::new();
        for _ in 0..6 {
            probes.reach(probes.at()).await;
            looks.push(begin.elapsed().as_millis());
            probes.made(Instant::now());
        }
        // Pauses of 0.2, 0.2, 1, 3, 8 and 15 seconds.
        assert_eq!(looks, [200, 400, 1_400, 4_400, 12_400, 27_400]);

        let fed = Instant::now();
        probes.fed(fed);
        assert_eq!(probes.at() - fed, PROBES[AFTER_FRAME], "not 200 ms: a frame came a moment ago");
        probes.reach(probes.at()).await;
        assert_eq!(fed.elapsed(), PROBES[AFTER_FRAME]);

        probes.begin_anew();
        probes.made(Instant::now());
        assert_eq!(probes.at() - Instant::now(), PROBES[0]);
    }

    #[tokio::test(start_paused = true)]
    async fn frames_put_a_look_off() {
        let mut probes = Probes::spread(1.0);
        for _ in 0..100 {
            tokio::time::advance(Duration::from_millis(100)).await;
            probes.fed(Instant::now());
            assert!(futures_util::poll!(std::pin::pin!(probes.reach(probes.at()))).is_pending());
        }
    }
}
