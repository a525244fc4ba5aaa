//! A link: one connection with requests and acknowledgements of its own.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, HeaderMap, Message, StatusCode, Subject};
use bytes::Bytes;
use futures_util::StreamExt;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::config::Config;
use super::connect::{self, Health, SUBSCRIPTION_MESSAGES, is_up};
use super::decode;
use super::error::{ConnectError, Failure};
use super::inbox::{Entry, Inbox};
use super::last_fault::LastFault;
use super::outbox::{self, Outbox, Outgoing};
use super::replies::{Answers, Pull};
use crate::limits;

/// Requests of one connection that wait for their answers at the same time.
const IN_FLIGHT: usize = 4096;

/// Requests with several answers each at the same time. All answers together fit into the inbox's subscription.
const SEVERAL_IN_FLIGHT: usize = 8;
const _: () = assert!(IN_FLIGHT + SEVERAL_IN_FLIGHT * (limits::PAGE_FRAMES + 8) <= SUBSCRIPTION_MESSAGES);

/// A connection.
pub(super) struct Link {
    pub(super) client: Client,
    pub(super) health: watch::Receiver<Health>,
    pub(super) last_fault: Arc<LastFault>,
    /// Where answers go, up to the token.
    prefix: String,
    inbox: Arc<Inbox>,
    outbox: Outbox,
    room: Semaphore,
    several: Arc<Semaphore>,
    timeout: Duration,
    /// The first tokens of JetStream's API.
    pub(super) api: String,
    _dispatch: AbortOnDropHandle<()>,
}

/// The broker's answer to a published message.
#[derive(Debug)]
pub(super) struct Ack {
    /// Its place.
    pub(super) seq: u64,
    /// A message with this id is there already.
    pub(super) duplicate: bool,
}

/// The same, or why not. Refusals have a place of 0, so both are read at once.
#[derive(Deserialize)]
struct Published {
    error: Option<ApiError>,
    seq: Option<u64>,
    #[serde(default)]
    duplicate: bool,
}

#[derive(Deserialize)]
struct ApiError {
    #[serde(default)]
    code: u64,
    #[serde(default)]
    err_code: u64,
    #[serde(default)]
    description: String,
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Api { code: error.err_code, status: error.code, description: error.description }
    }
}

impl Link {
    pub(super) async fn open(config: &Config, n: u16) -> Result<Self, ConnectError> {
        let (inbox, last_fault) = (Arc::new(Inbox::default()), Arc::new(LastFault::default()));
        let (client, health) = connect::open(config, n, inbox.clone(), last_fault.clone()).await?;
        let prefix = format!("{}.", client.new_inbox());
        let mut answers = client
            .subscribe(format!("{prefix}*"))
            .await
            .map_err(|error| ConnectError::Options(error.to_string()))?;
        let dispatch = tokio::spawn({
            let (inbox, head) = (inbox.clone(), prefix.len());
            async move {
                while let Some(message) = answers.next().await {
                    let token = message.subject.as_str().get(head..).and_then(|token| token.parse().ok());
                    inbox.deliver(token, message);
                }
            }
        });
        Ok(Self {
            outbox: Outbox::new(client.clone(), inbox.clone(), IN_FLIGHT),
            client,
            health,
            last_fault,
            prefix,
            inbox,
            room: Semaphore::new(IN_FLIGHT),
            several: Arc::new(Semaphore::new(SEVERAL_IN_FLIGHT)),
            timeout: config.request_timeout(),
            api: config.api(),
            _dispatch: AbortOnDropHandle::new(dispatch),
        })
    }

    /// Where answers for an entry go.
    fn reply(&self, entry: &Entry) -> String {
        format!("{}{}", self.prefix, entry.token())
    }

    /// Returns once the connection stands.
    async fn stands(&self) -> Result<(), Failure> {
        if !is_up(&self.client) {
            let mut health = self.health.clone();
            health.wait_for(|health| health.up).await.map_err(|_closed| Failure::Disconnected)?;
        }
        Ok(())
    }

    /// Sends at once, when the connection stands.
    async fn send(&self, subject: String, reply: String, payload: Bytes) -> Result<(), Failure> {
        self.stands().await?;
        let sent = self.client.publish_with_reply(subject, reply, payload).await;
        sent.map_err(|error| outbox::failure(&error))
    }

    /// One answer to one request.
    pub(super) async fn request(
        &self,
        subject: impl Into<Subject>,
        headers: Option<HeaderMap>,
        payload: Bytes,
    ) -> Result<Message, Failure> {
        self.request_within(self.timeout, subject, headers, payload).await
    }

    /// The same with another time-out.
    pub(super) async fn request_within(
        &self,
        timeout: Duration,
        subject: impl Into<Subject>,
        headers: Option<HeaderMap>,
        payload: Bytes,
    ) -> Result<Message, Failure> {
        let _room = self.room.acquire().await.map_err(|_closed| Failure::Disconnected)?;
        let (entry, answer) = self.inbox.one();
        let (subject, since) = (subject.into(), Instant::now());
        let exchange = async {
            self.stands().await?;
            let (token, reply) = (entry.token(), self.reply(&entry));
            self.outbox.put(Outgoing { token, subject: subject.clone(), reply, headers, payload }).await?;
            answer.await.map_err(|_gone| Failure::Disconnected)?
        };
        let message = match tokio::time::timeout(timeout, exchange).await {
            Ok(answered) => answered?,
            Err(_elapsed) => return Err(self.silence(since, &subject)),
        };
        match decode::status(&message) {
            Some(StatusCode::NO_RESPONDERS) => Err(Failure::NoResponders),
            _ => Ok(message),
        }
    }

    /// Why a request has no answer.
    fn silence(&self, since: Instant, subject: &str) -> Failure {
        self.last_fault.about(since, subject, &self.prefix).map_or(Failure::Timeout, Failure::Denied)
    }

    /// Up to `most` answers to one request, each within `timeout` of the one before.
    pub(super) async fn request_many(
        &self,
        timeout: Duration,
        subject: String,
        payload: Bytes,
        most: usize,
    ) -> Result<Answers, Failure> {
        let room = self.several.clone().acquire_owned().await.map_err(|_closed| Failure::Disconnected)?;
        let (entry, receiver) = self.inbox.many(most);
        tokio::time::timeout(self.timeout, self.send(subject, self.reply(&entry), payload))
            .await
            .map_err(|_elapsed| Failure::Timeout)??;
        Ok(Answers { receiver, timeout, _entry: entry, _room: room })
    }

    /// A request whose answers are jobs: they carry their own subjects, so each pull needs a subscription of its own. Dropping
    /// it tells the broker that nobody is there any more.
    pub(super) async fn pull(
        &self,
        timeout: Duration,
        subject: String,
        payload: Bytes,
    ) -> Result<Pull, Failure> {
        let mut health = self.health.clone();
        let losses = health.borrow_and_update().losses;
        let exchange = async {
            let inbox = self.client.new_inbox();
            let jobs = self.client.subscribe(inbox.clone()).await.map_err(|_closed| Failure::Disconnected)?;
            self.send(subject, inbox, payload).await?;
            Ok(Pull { jobs, health, losses, deadline: Instant::now() + timeout })
        };
        tokio::time::timeout(self.timeout, exchange).await.map_err(|_elapsed| Failure::Timeout)?
    }

    /// Publishes a message into a stream.
    pub(super) async fn publish(
        &self,
        subject: impl Into<Subject>,
        headers: HeaderMap,
        payload: Bytes,
    ) -> Result<Ack, Failure> {
        let message = self.request(subject, Some(headers), payload).await?;
        let answer: Published = crate::json::from_slice(&message.payload)
            .map_err(|error| Failure::Unexpected(error.to_string()))?;
        match (answer.error, answer.seq) {
            (Some(error), _) => Err(error.into()),
            (None, Some(seq)) => Ok(Ack { seq, duplicate: answer.duplicate }),
            (None, None) => Err(Failure::Unexpected("an acknowledgement without its place".into())),
        }
    }

    /// A request of the JetStream API.
    pub(super) async fn api<T: DeserializeOwned>(&self, verb: &str, body: &Value) -> Result<T, Failure> {
        self.api_within(self.timeout, verb, body).await
    }

    /// The same with another time-out.
    pub(super) async fn api_within<T: DeserializeOwned>(
        &self,
        timeout: Duration,
        verb: &str,
        body: &Value,
    ) -> Result<T, Failure> {
        let message = self
            .request_within(timeout, format!("{}.{verb}", self.api), None, body.to_string().into())
            .await?;
        answer(&message.payload)
    }

    /// Returns when the server has processed everything that was sent before on this connection.
    pub(super) async fn round_trip(&self) -> Result<(), Failure> {
        let (entry, answer) = self.inbox.one();
        let subject = self.reply(&entry);
        let exchange = async {
            self.send(subject, self.reply(&entry), Bytes::new()).await?;
            answer.await.map_err(|_gone| Failure::Disconnected)?
        };
        tokio::time::timeout(self.timeout, exchange).await.map_err(|_elapsed| Failure::Timeout)?.map(drop)
    }

    /// Returns when a stream's leader has been reached over this connection, and so has seen its subscriptions.
    pub(super) async fn leader_round_trip(&self, stream: &str) -> Result<(), Failure> {
        // An empty request is refused by the leader, and only by the leader.
        match self.api::<Value>(&format!("STREAM.MSG.GET.{stream}"), &serde_json::json!({})).await {
            Err(Failure::Api { status: 400, .. }) | Ok(_) => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    /// Requests that wait for their answers.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.inbox.len()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.last_fault.ends();
    }
}

/// Reads a JSON answer, or the error in it.
fn answer<T: DeserializeOwned>(payload: &[u8]) -> Result<T, Failure> {
    #[derive(Deserialize)]
    struct Outcome {
        error: Option<ApiError>,
    }
    let unexpected = |error: crate::json::Error| Failure::Unexpected(error.to_string());
    if let Some(error) = crate::json::from_slice::<Outcome>(payload).map_err(unexpected)?.error {
        return Err(error.into());
    }
    crate::json::from_slice(payload).map_err(unexpected)
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("health", &*self.health.borrow()).finish_non_exhaustive()
    }
}
