//! Which job comes next: of three ranks, the highest first, the lowest now and then before its turn.

use std::sync::Arc;
use std::time::Duration;

use runbus::queue::{Class, Delivery, Queue};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

/// How long one pull waits for a job.
const PULL_WAIT: Duration = Duration::from_secs(5);
/// The wait after the queue did not answer.
const QUEUE_RETRY: Duration = Duration::from_millis(500);
/// How often a class is asked that does not answer.
const LOOKS: u32 = 3;
/// Every so many jobs the lowest rank comes first: it is slow, and never starved.
const INVERT_EVERY: u32 = 8;

/// Takes jobs from the queue's classes.
#[derive(Debug)]
pub(super) struct Intake {
    queue: Arc<dyn Queue>,
    classes: [Class; 3],
    taken: u32,
    /// Whether a job would be taken at once: only then somebody waits for one at the broker.
    hungry: watch::Sender<bool>,
    jobs: mpsc::Receiver<(Delivery, Instant)>,
    _waiting: Vec<AbortOnDropHandle<()>>,
}

impl Intake {
    pub(super) fn new(queue: Arc<dyn Queue>) -> Self {
        let classes = [Class::sessions_high(), Class::sessions(), Class::sessions_low()];
        let (hungry, watched) = watch::channel(false);
        let (sender, jobs) = mpsc::channel(1);
        let waiting = classes
            .iter()
            .map(|class| {
                let (queue, class) = (queue.clone(), class.clone());
                AbortOnDropHandle::new(tokio::spawn(wait(queue, class, watched.clone(), sender.clone())))
            })
            .collect();
        Self { queue, classes, taken: 0, hungry, jobs, _waiting: waiting }
    }

    /// The next job. Safe to drop while waiting, but for a job that comes back when its hold has run out.
    pub(super) async fn next(&mut self) -> Delivery {
        loop {
            while let Ok((delivery, since)) = self.jobs.try_recv() {
                if let Some(delivery) = self.fresh(delivery, since) {
                    return delivery;
                }
            }
            if let Some(delivery) = self.look().await {
                return delivery;
            }
            self.hungry.send_replace(true);
            let found = self.jobs.recv().await;
            self.hungry.send_replace(false);
            match found {
                Some((delivery, since)) => {
                    if let Some(delivery) = self.fresh(delivery, since) {
                        return delivery;
                    }
                }
                // Those that wait never end before this is dropped.
                None => tokio::time::sleep(QUEUE_RETRY).await,
            }
        }
    }

    /// A job that has waited here for too long belongs to the worker that the queue hands it to next.
    fn fresh(&self, delivery: Delivery, since: Instant) -> Option<Delivery> {
        (since.elapsed() < self.queue.hold() / 2).then_some(delivery)
    }

    /// The next ready job, by rank.
    async fn look(&mut self) -> Option<Delivery> {
        self.taken = self.taken.wrapping_add(1);
        let mut order: Vec<&Class> = self.classes.iter().collect();
        if self.taken.is_multiple_of(INVERT_EVERY) {
            order.reverse();
        }
        for class in order {
            if let Some(delivery) = self.look_at(class).await {
                return Some(delivery);
            }
        }
        None
    }

    /// The next ready job of a class. A class that does not answer is asked again before a lower one has its turn: its leader
    /// may be in election.
    async fn look_at(&self, class: &Class) -> Option<Delivery> {
        for _ in 0..LOOKS {
            match self.queue.pull(class, 1, Duration::ZERO).await {
                Ok(found) => return found.into_iter().next(),
                Err(error) => {
                    tracing::warn!(class = class.as_str(), %error, "the queue does not answer");
                    tokio::time::sleep(QUEUE_RETRY).await;
                }
            }
        }
        None
    }
}

/// Waits for jobs of one class while somebody is hungry.
async fn wait(
    queue: Arc<dyn Queue>,
    class: Class,
    mut hungry: watch::Receiver<bool>,
    jobs: mpsc::Sender<(Delivery, Instant)>,
) {
    while hungry.wait_for(|hungry| *hungry).await.is_ok() {
        match queue.pull(&class, 1, PULL_WAIT).await {
            Ok(found) => {
                for delivery in found {
                    if jobs.send((delivery, Instant::now())).await.is_err() {
                        return;
                    }
                }
            }
            Err(error) => {
                tracing::warn!(class = class.as_str(), %error, "the queue does not answer");
                tokio::time::sleep(QUEUE_RETRY).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use async_trait::async_trait;
    use bytes::Bytes;
    use runbus::queue::Error;

    use super::*;

    /// One job in each class; the first looks at one class are not answered.
    #[derive(Debug)]
    struct Shy {
        class: Class,
        silent: AtomicU32,
    }

    #[async_trait]
    impl Queue for Shy {
        async fn pull(&self, class: &Class, _max: usize, _wait: Duration) -> Result<Vec<Delivery>, Error> {
            let silent = |left: u32| left.checked_sub(1);
            if *class == self.class
                && self.silent.fetch_update(Ordering::Relaxed, Ordering::Relaxed, silent).is_ok()
            {
                return Err(Error::Unavailable("a leader is elected".into()));
            }
            let receipt = class.as_str().into();
            Ok(vec![Delivery { payload: Bytes::new(), deliveries: 1, receipt }])
        }
        async fn push(&self, _: &Class, _: &str, _: Bytes) -> Result<(), Error> {
            Ok(())
        }
        fn hold(&self) -> Duration {
            Duration::from_secs(6)
        }
        async fn ack(&self, _: &Delivery) -> Result<(), Error> {
            Ok(())
        }
        async fn extend(&self, _: &Delivery) -> Result<(), Error> {
            Ok(())
        }
        async fn retry(&self, _: &Delivery, _: Duration) -> Result<(), Error> {
            Ok(())
        }
        async fn give_up(&self, _: &Delivery) -> Result<(), Error> {
            Ok(())
        }
        async fn depth(&self, _: &Class) -> Result<u64, Error> {
            Ok(1)
        }
        async fn ready(&self) -> Result<(), Error> {
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_class_that_does_not_answer_at_once_keeps_its_rank() {
        let class = Class::sessions_high();
        for (silent, wanted) in [(0, &class), (LOOKS - 1, &class), (LOOKS, &Class::sessions())] {
            let queue = Shy { class: class.clone(), silent: AtomicU32::new(silent) };
            let found = Intake::new(Arc::new(queue)).next().await;
            assert_eq!(found.receipt, wanted.as_str(), "{silent} times without an answer");
        }
    }
}
