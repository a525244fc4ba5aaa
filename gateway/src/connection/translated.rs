//! One WebSocket whose client speaks another server's protocol: the loop. A [`Translate`] makes the messages; one
//! subscription is their source, as for every other client.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::extract::ws::{Message as Frame, Utf8Bytes, WebSocket};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, SinkExt};
use runbus::bus::Filter;
use runbus::log::Since;
use runbus::metrics::{Held, Transport, gateway as metrics};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::closing::close_socket;
use super::departure::Departure;
use super::gate::Gate;
use super::output::Output;
use super::subscription::{Next, Subscription};
use crate::app::Shared;
use crate::limits;
use crate::protocol::{Text, close, foreign};

/// How a connection ends: close code and reason.
pub type CloseReason = (u16, &'static str);

/// The next messages for a client, in order.
#[derive(Debug, Default)]
pub struct Outgoing {
    messages: Vec<Utf8Bytes>,
    close_reason: Option<CloseReason>,
}

impl Outgoing {
    /// One message.
    #[must_use]
    pub fn one(message: String) -> Self {
        Self { messages: vec![message.into()], close_reason: None }
    }

    /// Adds a message.
    pub fn push(&mut self, message: String) {
        self.messages.push(message.into());
    }

    /// Ends the connection behind these messages.
    pub fn end(&mut self, code: u16, reason: &'static str) {
        self.close_reason.get_or_insert((code, reason));
    }

    /// The messages, in order.
    #[must_use]
    pub fn messages(&self) -> &[Utf8Bytes] {
        &self.messages
    }

    /// How the connection ends behind them, if it does.
    #[must_use]
    pub const fn close_reason(&self) -> Option<CloseReason> {
        self.close_reason
    }
}

/// The effect of a client's message.
pub enum Incoming {
    /// Nothing.
    Nothing,
    /// This answer.
    Reply(String),
    /// A call of [`Translate::settle`].
    Settle,
    /// A command, which must not keep the client from being served.
    Work(BoxFuture<'static, Outgoing>),
}

impl std::fmt::Debug for Incoming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nothing => f.write_str("Nothing"),
            Self::Reply(text) => f.debug_tuple("Reply").field(text).finish(),
            Self::Settle => f.write_str("Settle"),
            Self::Work(_) => f.write_str("Work"),
        }
    }
}

/// Another server's protocol, seen from one client.
#[async_trait]
pub trait Translate: Send + Sync {
    /// How long a client may say nothing; `None`: a sign of life is enough.
    fn silence(&self) -> Option<Duration> {
        None
    }

    /// Called once, when events are kept for the client from now on.
    async fn begin(&mut self, _outgoing: &mut Outgoing) {}

    /// The next event.
    fn event(&mut self, event: &Text, outgoing: &mut Outgoing);

    /// A notice that has its place among events: `gap`, `undecodable`, `caught_up`.
    fn notice(&mut self, notice: &Text, outgoing: &mut Outgoing);

    /// Called behind a batch of events, behind [`Translate::changed`], and when the client asks for it.
    async fn settle(&mut self, _outgoing: &mut Outgoing) {}

    /// Waits for news without an event. May be dropped and called again at any time.
    async fn changed(&mut self) {
        std::future::pending().await
    }

    /// A message of the client.
    fn receive(&mut self, text: &str) -> Incoming;

    /// The message of an error.
    fn fault(&self, message: &str) -> String;
}

/// Why a client's connection ended.
#[derive(Debug)]
pub enum End {
    /// The client went away.
    Gone,
    /// The gateway closes it.
    Close(CloseReason),
}

/// A connection before and while it is translated.
#[derive(Debug)]
pub struct Connection {
    socket: WebSocket,
    shared: Arc<Shared>,
    gate: Gate,
    wake: Arc<Notify>,
    /// Something is to be settled.
    unsettled: bool,
    departure: Departure,
    /// Commands at work, [`limits::COMMANDS`] at most.
    work: JoinSet<Outgoing>,
    /// When the last message of the client came.
    last_message_at: Instant,
    /// When there was a sign of life.
    alive: Instant,
    ping_at: Instant,
    _counted: Held,
}

impl Connection {
    /// Of a client that may be here.
    #[must_use]
    pub fn new(socket: WebSocket, shared: Arc<Shared>, gate: Gate) -> Self {
        let now = Instant::now();
        let ping_at = now + shared.config.ping_interval();
        let (wake, work) = (Arc::default(), JoinSet::new());
        Self {
            socket,
            shared,
            gate,
            wake,
            unsettled: false,
            departure: Departure::default(),
            work,
            last_message_at: now,
            alive: now,
            ping_at,
            _counted: metrics::CONNECTIONS.of(Transport::Ws).hold(),
        }
    }

    /// Sends a message at once.
    ///
    /// # Errors
    /// The client is gone, or takes nothing.
    pub async fn send_message(&mut self, message: String) -> Result<(), End> {
        self.write(vec![message.into()]).await
    }

    /// Translates a subscription until the client or the gateway ends.
    pub async fn follow(
        &mut self,
        filter: Filter,
        since: &Since,
        until_terminal: bool,
        translate: &mut dyn Translate,
    ) -> End {
        // Others who watch the execution see the client.
        let subject = self.gate.principal().map(|principal| principal.subject.clone());
        let watches = subject.zip(filter.execution_id.clone());
        let _seat = watches.map(|(subject, id)| self.shared.presence.enter(id, subject, None));
        let start = since.clone().into();
        let wake = self.wake.clone();
        let account = self.gate.account().clone();
        let begun = Subscription::begin(&self.shared, &account, filter, &start, wake, Transport::Ws).await;
        let mut subscription = match begun {
            Ok((subscription, _)) => Some(subscription.until_terminal(until_terminal)),
            Err(error) => {
                tracing::warn!(%error, "a drop-in client's subscription did not begin");
                return self.fault(translate, &error.to_string()).await;
            }
        };
        let mut outgoing = Outgoing::default();
        translate.begin(&mut outgoing).await;
        if let Err(end) = self.send(outgoing).await {
            return end;
        }
        loop {
            if let Err(end) = self.turn(&mut subscription, translate).await {
                return end;
            }
        }
    }

    /// Closes the socket, and lets commands that were begun become durable.
    pub async fn finish(mut self, end: End) {
        match end {
            End::Gone => {
                // Completes the closing handshake if the client began it.
                let _ = tokio::time::timeout(limits::CLOSE_TIMEOUT, self.socket.close()).await;
            }
            End::Close(close_reason) => close_socket(&mut self.socket, &self.shared, close_reason).await,
        }
        let Self { socket, mut work, .. } = self;
        drop(socket);
        let all = async { while work.join_next().await.is_some() {} };
        if tokio::time::timeout(limits::COMMANDS_PATIENCE, all).await.is_err() {
            tracing::warn!("commands of a connection that ended did not become durable in time");
        }
    }

    async fn fault(&mut self, translate: &dyn Translate, message: &str) -> End {
        let sent = self.send_message(translate.fault(message)).await;
        sent.err().unwrap_or(End::Close((foreign::FAULT, "server fault")))
    }

    /// The credential does not count any more.
    async fn expelled(&mut self, translate: &dyn Translate, code: u16, reason: &'static str) -> End {
        if code != close::UNAUTHENTICATED {
            return End::Close((code, reason));
        }
        let sent = self.send_message(translate.fault(WRONG_KEY)).await;
        sent.err().unwrap_or(End::Close((foreign::UNAUTHENTICATED, WRONG_KEY)))
    }

    /// Sends ready messages, or waits for something.
    async fn turn(
        &mut self,
        subscription: &mut Option<Subscription>,
        translate: &mut dyn Translate,
    ) -> Result<(), End> {
        if let Some((code, reason)) = self.gate.must_go() {
            return Err(self.expelled(translate, code, reason).await);
        }
        if self.departure.is_due(&self.shared) {
            return Err(End::Close((foreign::DRAINING, "draining: connect again")));
        }
        let next = self.produce(subscription, translate).await?;
        match next {
            Next::Now => {}
            Next::At(then) => return self.wait(Some(then), translate).await,
            Next::Woken | Next::Never => return self.wait(None, translate).await,
        }
        // Much to send must not keep the client from being heard, nor its commands from being answered.
        if let Some(Some(outgoing)) = self.work.join_next().now_or_never() {
            self.answer(outgoing).await?;
        }
        let frame = self.socket.recv().now_or_never();
        match frame {
            Some(frame) => self.receive(frame, translate).await,
            None => self.check_deadlines(translate).await,
        }
    }

    /// Translates what the subscription has; says when to look for more.
    async fn produce(
        &mut self,
        subscription: &mut Option<Subscription>,
        translate: &mut dyn Translate,
    ) -> Result<Next, End> {
        let usage = self.gate.account().usage();
        let mut held = self.shared.pressure.grant(usage, self.shared.config.client_buffer_bytes);
        let mut collected = Collected::new(held.bytes());
        let next = match subscription {
            None => Next::Never,
            Some(reading) => match Box::pin(reading.produce(&self.shared, &mut collected)).await {
                Ok(next) => next,
                Err(error) => {
                    tracing::error!(%error, "a drop-in client is closed: the log refuses");
                    return Err(self.fault(translate, "the log refuses").await);
                }
            },
        };
        if next == Next::Never {
            *subscription = None;
        }
        let mut outgoing = Outgoing::default();
        for item in &collected.items {
            match item {
                Item::Event(text) => translate.event(text, &mut outgoing),
                Item::Notice(text) => translate.notice(text, &mut outgoing),
            }
            if outgoing.close_reason.is_some() {
                break;
            }
        }
        if (!collected.items.is_empty() || std::mem::take(&mut self.unsettled))
            && outgoing.close_reason.is_none()
        {
            translate.settle(&mut outgoing).await;
        }
        held.set(outgoing.messages.iter().map(|message| message.len()).sum());
        drop(collected);
        self.send(outgoing).await?;
        drop(held);
        subscription.iter_mut().for_each(Subscription::written);
        Ok(next)
    }

    /// Sends the last messages.
    pub async fn end(&mut self, outgoing: Outgoing) -> End {
        let close_reason = outgoing.close_reason.unwrap_or((foreign::DONE, ""));
        self.send(outgoing).await.err().unwrap_or(End::Close(close_reason))
    }

    async fn send(&mut self, outgoing: Outgoing) -> Result<(), End> {
        self.write(outgoing.messages).await?;
        outgoing.close_reason.map_or(Ok(()), |close_reason| Err(End::Close(close_reason)))
    }

    async fn answer(&mut self, outgoing: Result<Outgoing, tokio::task::JoinError>) -> Result<(), End> {
        match outgoing {
            Ok(outgoing) => self.send(outgoing).await,
            Err(error) => {
                // Panics are caught in the task, and nobody aborts it.
                tracing::error!(%error, "a command's task was lost");
                Ok(())
            }
        }
    }

    async fn write(&mut self, messages: Vec<Utf8Bytes>) -> Result<(), End> {
        if messages.is_empty() {
            return Ok(());
        }
        let socket = &mut self.socket;
        let writing = async {
            for message in messages {
                socket.feed(Frame::Text(message)).await?;
            }
            socket.flush().await
        };
        let written = tokio::select! {
            written = tokio::time::timeout(self.shared.config.write_timeout(), writing) => written,
            // A client that takes nothing is not kept for that.
            _ = self.gate.ended() => return Err(End::Close((foreign::UNAUTHENTICATED, WRONG_KEY))),
        };
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_gone)) => Err(End::Gone),
            Err(_elapsed) => Err(End::Close((foreign::TOO_SLOW, "too slow"))),
        }
    }

    /// Waits for something to send or to hear, until `then` at most.
    async fn wait(&mut self, then: Option<Instant>, translate: &mut dyn Translate) -> Result<(), End> {
        let mut deadline = self.ping_at.min(self.alive + self.shared.config.idle_timeout());
        deadline =
            translate.silence().map_or(deadline, |silence| deadline.min(self.last_message_at + silence));
        deadline = then.map_or(deadline, |then| deadline.min(then));
        deadline = self.departure.or(deadline);
        let work = &mut self.work;
        let answered = async {
            match work.join_next().await {
                Some(outgoing) => outgoing,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            frame = self.socket.recv() => self.receive(frame, translate).await,
            () = self.wake.notified() => Ok(()),
            outgoing = answered => self.answer(outgoing).await,
            () = translate.changed() => {
                self.unsettled = true;
                Ok(())
            }
            () = tokio::time::sleep_until(deadline) => self.check_deadlines(translate).await,
            // The next turn says so.
            () = self.departure.announced(&self.shared) => Ok(()),
            _ = self.gate.ended() => Ok(()),
        }
    }

    async fn check_deadlines(&mut self, translate: &dyn Translate) -> Result<(), End> {
        let now = Instant::now();
        if translate.silence().is_some_and(|silence| now >= self.last_message_at + silence) {
            return Err(End::Close((foreign::DONE, "Heartbeat timeout")));
        }
        if now >= self.alive + self.shared.config.idle_timeout() {
            return Err(End::Gone);
        }
        if now < self.ping_at {
            return Ok(());
        }
        self.ping_at = now + self.shared.config.ping_interval();
        let ping = self.socket.send(Frame::Ping(bytes::Bytes::new()));
        match tokio::time::timeout(self.shared.config.write_timeout(), ping).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_gone)) => Err(End::Gone),
            Err(_elapsed) => Err(End::Close((foreign::TOO_SLOW, "too slow"))),
        }
    }

    async fn receive(
        &mut self,
        frame: Option<Result<Frame, axum::Error>>,
        translate: &mut dyn Translate,
    ) -> Result<(), End> {
        self.alive = Instant::now();
        let text = match frame {
            Some(Ok(Frame::Text(text))) => text,
            Some(Ok(Frame::Binary(_))) => {
                self.last_message_at = self.alive;
                return Ok(());
            }
            Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => return Ok(()),
            Some(Err(error)) => {
                tracing::debug!(%error, "a drop-in client's connection broke");
                return Err(End::Gone);
            }
            Some(Ok(Frame::Close(_))) | None => return Err(End::Gone),
        };
        self.last_message_at = self.alive;
        match self.gate.message(text.len()) {
            Ok(Ok(())) => {}
            // These protocols have no message for it; a client that goes on like that is closed.
            Ok(Err(_refused)) => return Ok(()),
            Err(close_reason) => return Err(End::Close(close_reason)),
        }
        match translate.receive(&text) {
            Incoming::Nothing => Ok(()),
            Incoming::Reply(message) => self.send_message(message).await,
            Incoming::Settle => {
                self.unsettled = true;
                Ok(())
            }
            Incoming::Work(_) if self.work.len() >= limits::COMMANDS => {
                tracing::debug!("a drop-in client's command is one too many");
                Ok(())
            }
            Incoming::Work(work) => {
                self.work.spawn(async move {
                    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_panic| {
                        tracing::error!("a drop-in client's command panicked");
                        Outgoing::default()
                    })
                });
                Ok(())
            }
        }
    }
}

/// The message for a client without a valid credential, for every fault of it.
pub const WRONG_KEY: &str = "Invalid or missing api_key";

/// Tells a client that it may not be here, in the format of its own protocol, which needs an open connection.
pub async fn refuse(mut socket: WebSocket, shared: &Shared, message: String) {
    let sent = socket.send(Frame::Text(message.into()));
    let _ = tokio::time::timeout(limits::CLOSE_TIMEOUT, sent).await;
    close_socket(&mut socket, shared, (foreign::UNAUTHENTICATED, WRONG_KEY)).await;
}

#[derive(Debug)]
enum Item {
    Event(Text),
    Notice(Text),
}

/// News that wait for translation: it is not done where all clients of a scope would wait for it.
#[derive(Debug)]
struct Collected {
    items: Vec<Item>,
    bytes: usize,
    budget: usize,
}

impl Collected {
    const fn new(budget: usize) -> Self {
        Self { items: Vec::new(), bytes: 0, budget }
    }
}

impl Output for Collected {
    fn room(&self) -> usize {
        self.budget.saturating_sub(self.bytes)
    }

    fn event(&mut self, event: &Text) {
        self.bytes += event.bytes();
        self.items.push(Item::Event(event.clone()));
    }

    fn notice(&mut self, notice: &Text) {
        self.bytes += notice.bytes();
        self.items.push(Item::Notice(notice.clone()));
    }
}
