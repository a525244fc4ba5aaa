//! One event until it is settled: tried again and again, or given up.

use std::sync::Arc;
use std::time::Duration;

use runbus::bus::{Bus, Delivered};
use runbus::control::status;
use runbus::event::family::webhook::Failed;
use runbus::event::{Kind, Source};
use runbus::id::EventId;
use runbus::time::Clock;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::backoff::backoff;
use super::config::Endpoint;
use super::counters::Counters;
use super::request::{Answer, Sender};

/// The wait before reporting again that an event was given up.
const NOTIFY_RETRY: Duration = Duration::from_millis(500);

/// How an event was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// The receiver took it.
    Delivered,
    /// It is not sent: it is an external event about an execution that Runbus runs.
    Passed,
    /// It was given up, and that is recorded.
    GivenUp,
    /// Neither: the process ends. The next dispatcher sends it again.
    Stopped,
}

/// Delivers to one endpoint.
#[derive(Debug)]
pub(super) struct EndpointSender {
    /// The endpoint's name.
    pub(super) name: String,
    pub(super) endpoint: Endpoint,
    sender: Sender,
    /// Requests at the same time. Waiting between two tries takes no place.
    room: Semaphore,
    bus: Bus,
    clock: Clock,
    counters: Arc<Counters>,
}

impl EndpointSender {
    /// A sender for an endpoint.
    ///
    /// # Errors
    /// The section was not validated, or there is no TLS.
    pub(super) fn new(
        name: String,
        endpoint: Endpoint,
        bus: Bus,
        clock: Clock,
        counters: Arc<Counters>,
    ) -> Result<Self, String> {
        let sender = Sender::new(&endpoint, clock.clone())?;
        let room = Semaphore::new(endpoint.concurrency);
        Ok(Self { name, endpoint, sender, room, bus, clock, counters })
    }

    /// Sends an event until the receiver takes it, its tries are used up, or `stop` is cancelled; a try that runs ends.
    pub(super) async fn deliver(&self, found: &Delivered, stop: &CancellationToken) -> Ended {
        match stop.run_until_cancelled(self.is_forged(found)).await {
            None => return Ended::Stopped,
            Some(true) => return Ended::Passed,
            Some(false) => {}
        }
        let mut attempt = 0;
        loop {
            let Some(permit) = stop.run_until_cancelled(self.room.acquire()).await else {
                return Ended::Stopped;
            };
            attempt += 1;
            let answer = self.sender.send(found).await;
            drop(permit);
            let (error, after) = match answer {
                Answer::Taken => {
                    self.succeeded(attempt);
                    return Ended::Delivered;
                }
                Answer::Gone => return self.give_up(found, attempt, "status 410".into(), stop).await,
                Answer::Failed { error, after } => (error, after),
            };
            self.failed(found, attempt, &error);
            if attempt >= self.endpoint.max_attempts {
                return self.give_up(found, attempt, error, stop).await;
            }
            let wait = backoff(&self.endpoint, attempt, after);
            if stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
                return Ended::Stopped;
            }
        }
    }

    /// Whether it is an external event about an execution that Runbus runs. Receivers act on that, and not all look who says it.
    async fn is_forged(&self, found: &Delivered) -> bool {
        let Some(execution) = found.event.execution_id.as_ref().filter(|_| found.external) else {
            return false;
        };
        if !found.event.kind.tells() {
            return false;
        }
        loop {
            match status::of(&self.bus, execution).await {
                Ok(known) => return known.is_some_and(|known| !known.external),
                Err(error) => {
                    tracing::warn!(endpoint = self.name, event = %found.event.id, %error, "the producer of an execution cannot be read");
                    tokio::time::sleep(NOTIFY_RETRY).await;
                }
            }
        }
    }

    fn succeeded(&self, attempt: u32) {
        let failed = self.counters.succeeded();
        if failed > 0 {
            tracing::info!(
                endpoint = self.name,
                attempt,
                failed_tries = failed,
                "a webhook receiver takes events again"
            );
        }
    }

    fn failed(&self, found: &Delivered, attempt: u32, error: &str) {
        let (endpoint, event) = (&self.name, found.event.id);
        // A receiver that is down fails for every event: one line says so.
        if self.counters.failed() {
            tracing::warn!(endpoint, %event, attempt, error, "a webhook receiver does not take events; trying again");
        } else {
            tracing::debug!(endpoint, %event, attempt, error, "a webhook was not taken");
        }
    }

    /// Records that the receiver will not get an event. Not of such a record itself: two receivers that are down would
    /// tell each other's failures for ever.
    async fn give_up(
        &self,
        found: &Delivered,
        attempts: u32,
        error: String,
        stop: &CancellationToken,
    ) -> Ended {
        let event = &found.event;
        tracing::error!(endpoint = self.name, event = %event.id, kind = %event.kind, attempts, error, "a webhook is given up");
        if event.kind != Kind::WebhookFailed {
            let source = Source {
                correlation_id: event.correlation_id.clone(),
                session_id: event.session_id.clone(),
                // Of the stream and of no execution: most executions have ended by then.
                ..Source::stream(event.stream_id.clone(), self.clock.clone())
            };
            let failed = Failed {
                endpoint: self.name.clone(),
                event_id: event.id,
                event_type: event.kind.clone(),
                execution_id: event.execution_id.clone(),
                attempts,
                error,
            };
            // The same id should a crash make another worker give it up once more.
            let id = EventId::derived(&format!("webhook/{}/{}/failed", self.name, event.id));
            let record = source.event_with_id(id, failed);
            while let Err(error) = self.bus.record(record.clone()).await {
                tracing::warn!(endpoint = self.name, event = %event.id, %error, "a given-up webhook is not recorded");
                if !error.is_retryable() {
                    break;
                }
                if stop.run_until_cancelled(tokio::time::sleep(NOTIFY_RETRY)).await.is_none() {
                    return Ended::Stopped;
                }
            }
        }
        self.counters.gave_up();
        Ended::GivenUp
    }
}
