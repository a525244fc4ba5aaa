//! The queue port on a JetStream work queue: one durable pull consumer a class, explicit acknowledgement.
//!
//! Limits of the broker: a key that still waits when the duplicate window is over may be stored twice; a delivery whose
//! hold ends while its acknowledgement is on the way may be acknowledged for its next holder. The journal decides what a
//! wake-up still means, so both are harmless.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::{HeaderMap, StatusCode};
use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::connect::jitter;
use super::core::Core;
use super::error::{Failure, code};
use super::held::Held;
use super::publish::Link;
use crate::limits;
use crate::queue::{Class, Delivery, Error};
use crate::subject::{Shard, token};

/// Deliveries of a class that may be held at the same time, over all workers.
const ACK_PENDING: u32 = 100_000;

/// Most jobs of one pull.
const PULL_MAX: usize = 256;

/// Longest wait that one pull request asks of the broker; a longer one is made of several.
const PULL_WAIT: Duration = Duration::from_secs(20);

/// Creating a replicated consumer waits for its Raft group.
const CREATE: Duration = Duration::from_secs(10);

/// Pause before a push is tried again.
const RETRY: Duration = Duration::from_millis(50);

/// The queue.
#[derive(Debug)]
pub struct Queue {
    core: Arc<Core>,
    held: Held,
    /// Classes whose consumer is known to be there.
    consumers: Mutex<HashSet<Class>>,
}

impl Queue {
    pub(super) fn new(core: Arc<Core>) -> Self {
        let held = Held::new(Duration::from_millis(core.config.hold_ms));
        Self { core, held, consumers: Mutex::default() }
    }

    async fn open(&self) -> Result<(), Error> {
        self.core.open_soon().await.map_err(|error| {
            if error.is_retryable() {
                Error::Unavailable(error.to_string())
            } else {
                Error::Refused(error.to_string())
            }
        })
    }

    fn link(&self) -> &Arc<Link> {
        self.core.link(Shard(0))
    }

    /// Makes the consumer of a class; one that is there must be the same.
    async fn ensure(&self, class: &Class) -> Result<(), Error> {
        if self.consumers.lock().unwrap_or_else(PoisonError::into_inner).contains(class) {
            return Ok(());
        }
        let (stream, name) = (self.core.names.jobs(), class.as_str());
        let body = json!({
            "stream_name": stream,
            "action": "create",
            "config": {
                "durable_name": name,
                "name": name,
                "filter_subject": self.core.names.job(class),
                "ack_policy": "explicit",
                "ack_wait": self.core.config.hold_ms.saturating_mul(1_000_000),
                "deliver_policy": "all",
                "replay_policy": "instant",
                "max_deliver": -1,
                "max_ack_pending": ACK_PENDING,
            },
        });
        let verb = format!("CONSUMER.DURABLE.CREATE.{stream}.{name}");
        match self.link().api_within::<Value>(CREATE, &verb, &body).await {
            Ok(_) => {}
            Err(Failure::Api { code: code::CONSUMER_EXISTS | code::CONSUMER_NAME_IN_USE, .. }) => {
                return Err(Error::Refused(format!(
                    "consumer {name} of stream {stream} differs from the configuration (nats.hold_ms)"
                )));
            }
            Err(failure) => return Err(failure.into()),
        }
        self.consumers.lock().unwrap_or_else(PoisonError::into_inner).insert(class.clone());
        Ok(())
    }

    /// One pull request; `wait` zero returns the jobs that are ready now.
    async fn pull_once(&self, class: &Class, max: usize, wait: Duration) -> Result<Vec<Delivery>, Error> {
        let api = &self.link().api;
        let verb = format!("{api}.CONSUMER.MSG.NEXT.{}.{}", self.core.names.jobs(), class.as_str());
        let body = if wait.is_zero() {
            json!({ "batch": max, "no_wait": true })
        } else {
            json!({ "batch": max, "expires": u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX) })
        };
        let timeout = wait + self.core.config.request_timeout();
        let asked = Instant::now();
        let mut pull = self.link().pull(timeout, verb, body.to_string().into()).await?;
        let mut deliveries = Vec::new();
        while deliveries.len() < max {
            match pull.next().await {
                Ok(message) => match (message.status, message.reply) {
                    (_, Some(receipt)) => {
                        // The hold began when the broker sent it: at the earliest when it was asked, which is too early to
                        // assume of a pull that has waited.
                        let since = if wait.is_zero() { asked } else { Instant::now() };
                        self.held.hold(&receipt, since);
                        deliveries.push(Delivery {
                            payload: message.payload,
                            deliveries: deliveries_of(&receipt),
                            receipt: receipt.to_string(),
                        });
                    }
                    // 404: nothing there, 408: nothing came in time, or no more did.
                    (Some(StatusCode::NOT_FOUND | StatusCode::TIMEOUT), None) => break,
                    (status, None) => {
                        tracing::debug!(?status, description = message.description, "a pull ended early");
                        break;
                    }
                },
                // The received jobs are held and must be handed out.
                Err(_) if !deliveries.is_empty() => break,
                Err(failure) => {
                    self.core.doubt(&failure);
                    if matches!(failure, Failure::NoResponders) {
                        // Perhaps somebody deleted the consumer: look again before the next pull.
                        self.consumers.lock().unwrap_or_else(PoisonError::into_inner).remove(class);
                    }
                    return Err(failure.into());
                }
            }
        }
        Ok(deliveries)
    }

    /// Tells the broker about a held delivery and waits until it has heard it.
    async fn answer(&self, delivery: &Delivery, word: String) -> Result<(), Error> {
        if !self.held.is_held(&delivery.receipt) {
            return Err(Error::NotHeld);
        }
        self.link().request(delivery.receipt.clone(), None, word.into()).await?;
        Ok(())
    }
}

/// How often a job was delivered, from its receipt: `$JS.ACK.<stream>.<consumer>.<delivered>...`, since server 2.15 with domain
/// and account before the stream.
fn deliveries_of(receipt: &str) -> u32 {
    let tokens: Vec<&str> = receipt.split('.').collect();
    let at = if tokens.len() < 11 { 4 } else { 6 };
    tokens.get(at).and_then(|text| text.parse().ok()).unwrap_or(1)
}

#[async_trait]
impl crate::queue::Queue for Queue {
    async fn push(&self, class: &Class, key: &str, payload: Bytes) -> Result<(), Error> {
        self.open().await?;
        let mut headers = HeaderMap::new();
        // The window is the stream's, the promise is the class's.
        headers.insert("Nats-Msg-Id", format!("{}.{}", class.as_str(), token::encode(key)).as_str());
        let subject = self.core.names.job(class);
        let start = Instant::now();
        loop {
            match self.link().publish(subject.clone(), headers.clone(), payload.clone()).await {
                Ok(_) => return Ok(()),
                // Its outcome is not known, but the key makes it safe to try again.
                Err(Failure::Api { code: code::ID_IN_PROCESS, .. })
                    if start.elapsed() < limits::PUBLISH_WAIT =>
                {
                    tokio::time::sleep(jitter(RETRY)).await;
                }
                Err(failure) if failure.is_full() => {
                    self.core.room.refused(self.core.names.jobs(), &failure);
                    return Err(failure.into());
                }
                Err(failure) if failure.is_retryable() && start.elapsed() < limits::PUBLISH_WAIT => {
                    self.core.doubt(&failure);
                    tokio::time::sleep(RETRY + jitter(RETRY)).await;
                }
                Err(failure) => return Err(failure.into()),
            }
        }
    }

    async fn pull(&self, class: &Class, max: usize, wait: Duration) -> Result<Vec<Delivery>, Error> {
        self.open().await?;
        self.ensure(class).await?;
        let max = max.clamp(1, PULL_MAX);
        let start = Instant::now();
        loop {
            let found = self.pull_once(class, max, Duration::ZERO).await?;
            let left = wait.saturating_sub(start.elapsed());
            if !found.is_empty() || left.is_zero() {
                return Ok(found);
            }
            // One only: a request that stays open would take jobs that nobody is there to be handed.
            let mut found = self.pull_once(class, 1, left.min(PULL_WAIT)).await?;
            if !found.is_empty() {
                if max > 1 {
                    match self.pull_once(class, max - 1, Duration::ZERO).await {
                        Ok(more) => found.extend(more),
                        Err(error) => tracing::debug!(%error, "a pull found one job and then failed"),
                    }
                }
                return Ok(found);
            }
        }
    }

    fn hold(&self) -> Duration {
        Duration::from_millis(self.core.config.hold_ms)
    }

    async fn ack(&self, delivery: &Delivery) -> Result<(), Error> {
        self.answer(delivery, "+ACK".into()).await?;
        self.held.release(&delivery.receipt);
        Ok(())
    }

    async fn extend(&self, delivery: &Delivery) -> Result<(), Error> {
        let asked = Instant::now();
        self.answer(delivery, "+WPI".into()).await?;
        self.held.hold(&delivery.receipt, asked);
        Ok(())
    }

    async fn retry(&self, delivery: &Delivery, delay: Duration) -> Result<(), Error> {
        let word = match delay.as_nanos() {
            0 => "-NAK".into(),
            nanos => format!("-NAK {}", json!({ "delay": u64::try_from(nanos).unwrap_or(u64::MAX) })),
        };
        self.answer(delivery, word).await?;
        self.held.release(&delivery.receipt);
        Ok(())
    }

    async fn give_up(&self, delivery: &Delivery) -> Result<(), Error> {
        self.answer(delivery, "+TERM".into()).await?;
        self.held.release(&delivery.receipt);
        Ok(())
    }

    async fn depth(&self, class: &Class) -> Result<u64, Error> {
        self.open().await?;
        let subject = self.core.names.job(class);
        let verb = format!("STREAM.INFO.{}", self.core.names.jobs());
        let info: Value = self.link().api(&verb, &json!({ "subjects_filter": subject })).await?;
        Ok(info["state"]["subjects"][subject.as_str()].as_u64().unwrap_or(0))
    }

    async fn ready(&self) -> Result<(), Error> {
        self.core.ready().await.map_err(|error| {
            if error.is_retryable() {
                Error::Unavailable(error.to_string())
            } else {
                Error::Refused(error.to_string())
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deliveries_are_counted_in_both_forms_of_receipts() {
        assert_eq!(deliveries_of("$JS.ACK.RB_JOB.jobs.3.10.7.1700000000.0"), 3);
        assert_eq!(deliveries_of("$JS.ACK._.ACCHASH.RB_JOB.jobs.4.10.7.1700000000.0"), 4);
        assert_eq!(deliveries_of("$JS.ACK._.ACCHASH.RB_JOB.jobs.5.10.7.1700000000.0.rnd"), 5);
        assert_eq!(deliveries_of("garbage"), 1);
    }
}
