//! A timer that stays: setting one anew for every wait takes the runtime's timers' lock each time.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep};

/// Rings no later than it was asked to; it may ring early, so who hears it looks at the clock.
#[derive(Debug)]
pub(super) struct Alarm {
    sleep: Pin<Box<Sleep>>,
}

impl Alarm {
    /// Rings then.
    pub(super) fn new(at: Instant) -> Self {
        Self { sleep: Box::pin(tokio::time::sleep_until(at)) }
    }

    /// Rings at `latest`, or earlier. A deadline that moves away, as they do whenever a client is heard, changes nothing until it
    /// has rung.
    pub(super) fn ring_by(&mut self, latest: Instant) {
        if self.sleep.is_elapsed() || latest < self.sleep.deadline() {
            self.sleep.as_mut().reset(latest);
        }
    }
}

impl Future for Alarm {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.sleep.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_rings_no_later_than_asked() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let mut alarm = Alarm::new(at(5));
        alarm.ring_by(at(9));
        (&mut alarm).await;
        assert_eq!(Instant::now(), at(5));
        alarm.ring_by(at(9));
        alarm.ring_by(at(7));
        (&mut alarm).await;
        assert_eq!(Instant::now(), at(7));
        alarm.ring_by(at(8));
        (&mut alarm).await;
        assert_eq!(Instant::now(), at(8));
    }
}
