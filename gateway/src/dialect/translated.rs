//! The dialects of other servers: one subscription, whose events a [`Translate`] turns into that server's messages.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use async_trait::async_trait;
use axum::extract::ws::Message as Frame;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use runbus::bus::Filter;
use runbus::log::Since;
use runbus::metrics::Transport;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use crate::auth::Refusal;
use crate::connection::gate::CloseReason;
use crate::connection::{Dialect, End, Farewell, Link, Next, Outbound, Output, Subscription, size};
use crate::ledger::Table;
use crate::limits;
use crate::presence::Seat;
use crate::protocol::{Text, close, foreign};

/// The next messages for a client, in order.
#[derive(Debug, Default)]
pub struct Outgoing {
    messages: Vec<String>,
    close_reason: Option<CloseReason>,
}

impl Outgoing {
    /// One message.
    #[must_use]
    pub fn one(message: String) -> Self {
        Self { messages: vec![message], close_reason: None }
    }

    /// Adds a message.
    pub fn push(&mut self, message: String) {
        self.messages.push(message);
    }

    /// Ends the connection behind these messages.
    pub fn end(&mut self, code: u16, reason: &'static str) {
        self.close_reason.get_or_insert((code, reason));
    }

    /// Adds the messages to the next write.
    fn give(self, out: &mut Outbound) -> Result<(), End> {
        self.messages.into_iter().for_each(|message| out.push(message));
        self.close_reason.map_or(Ok(()), |reason| Err(End::Own(reason)))
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

/// The subscription of a client, and its translation.
pub struct Opened {
    /// The events.
    pub filter: Filter,
    /// Where they begin.
    pub since: Since,
    /// Whether they end with the execution.
    pub until_terminal: bool,
    /// A message before anything else.
    pub greeting: Option<String>,
    /// The translation.
    pub translate: Box<dyn Translate>,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened").field("filter", &self.filter).finish_non_exhaustive()
    }
}

/// Finds out what a client follows, or the last messages for a client that follows nothing.
pub type Opening = BoxFuture<'static, Result<Opened, Outgoing>>;

/// A client of another server's protocol.
pub struct Translated {
    greeting: Option<String>,
    opening: Option<Opening>,
    translate: Option<Box<dyn Translate>>,
    subscription: Option<Subscription>,
    /// Something is to be settled.
    unsettled: bool,
    /// Commands at work, [`limits::COMMANDS`] at most.
    work: JoinSet<Outgoing>,
    /// When the last message of the client came.
    last_message_at: Instant,
    /// Others who watch the execution see the client.
    seat: Option<Seat>,
}

impl std::fmt::Debug for Translated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Translated").field("subscription", &self.subscription).finish_non_exhaustive()
    }
}

impl Translated {
    /// One that is told `greeting` at once.
    #[must_use]
    pub fn new(greeting: Option<String>, opening: Opening) -> Self {
        Self {
            greeting,
            opening: Some(opening),
            translate: None,
            subscription: None,
            unsettled: false,
            work: JoinSet::new(),
            last_message_at: Instant::now(),
            seat: None,
        }
    }

    fn fault(&self, message: &str) -> Option<Frame> {
        self.translate.as_ref().map(|translate| self.encoding().frame(translate.fault(message)))
    }

    /// Begins a command, whose memory counts for the client.
    fn command(&mut self, link: &Link, bytes: usize, work: BoxFuture<'static, Outgoing>) {
        if self.work.len() >= limits::COMMANDS {
            tracing::debug!("a drop-in client's command is one too many");
            return;
        }
        let (ledger, usage) = (&link.shared.ledger, link.gate.account().usage());
        // These protocols have no message for it.
        let Ok(held) = ledger.take(usage, Table::Bytes, bytes + limits::COMMAND_COST_BYTES) else {
            tracing::debug!("there is no room for a drop-in client's command");
            return;
        };
        self.work.spawn(async move {
            let _held = held;
            AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_panic| {
                tracing::error!("a drop-in client's command panicked");
                Outgoing::default()
            })
        });
    }
}

fn answered(outgoing: Result<Outgoing, JoinError>) -> Outgoing {
    outgoing.unwrap_or_else(|error| {
        // Panics are caught in the task, and nobody aborts it.
        tracing::error!(%error, "a command's task was lost");
        Outgoing::default()
    })
}

impl Dialect for Translated {
    fn greet(&mut self, _: &Link, out: &mut Outbound) {
        self.greeting.take().into_iter().for_each(|greeting| out.push(greeting));
    }

    async fn begin(&mut self, link: &Link, out: &mut Outbound) -> Result<(), End> {
        let Some(opening) = self.opening.take() else { return Ok(()) };
        let opened = match opening.await {
            Ok(opened) => opened,
            Err(last) => return last.give(out).and(Err(End::Own((foreign::DONE, "")))),
        };
        let Opened { filter, since, until_terminal, greeting, translate } = opened;
        greeting.into_iter().for_each(|greeting| out.push(greeting));
        let translate = self.translate.insert(translate);
        let subject = link.gate.principal().map(|principal| principal.subject.clone());
        let watches = subject.zip(filter.execution_id.clone());
        self.seat = watches.map(|(subject, id)| link.shared.presence.enter(id, subject, None));
        let (account, start) = (link.gate.account(), since.into());
        let wake = link.wake.clone();
        let begun = Subscription::begin(&link.shared, account, filter, &start, wake, Transport::Ws).await;
        match begun {
            Ok((subscription, _)) => {
                self.subscription = Some(subscription.until_terminal(until_terminal));
            }
            Err(error) => {
                tracing::warn!(%error, "a drop-in client's subscription did not begin");
                out.push(translate.fault(&error.to_string()));
                return Err(End::Own((foreign::FAULT, "server fault")));
            }
        }
        let mut outgoing = Outgoing::default();
        translate.begin(&mut outgoing).await;
        self.last_message_at = Instant::now();
        outgoing.give(out)
    }

    /// Translates what the subscription has.
    async fn produce(&mut self, link: &Link, out: &mut Outbound) -> Result<Next, End> {
        let Some(translate) = &mut self.translate else { return Ok(Next::Woken) };
        let mut collected = Collected::new(out.room());
        let next = match &mut self.subscription {
            None => Next::Never,
            Some(reading) => {
                let found = match reading.produce_now(&mut collected) {
                    Some(found) => found,
                    None => Box::pin(reading.produce(&link.shared, &mut collected)).await,
                };
                found.map_err(|error| {
                    tracing::error!(%error, "a drop-in client is closed: the log refuses");
                    End::Close((close::UNAVAILABLE, "the log refuses"))
                })?
            }
        };
        if next == Next::Never {
            self.subscription = None;
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
        outgoing.give(out)?;
        Ok(next)
    }

    fn written(&mut self) {
        self.subscription.iter_mut().for_each(Subscription::written);
    }

    async fn news(&mut self, out: &mut Outbound) -> Result<(), End> {
        let (work, translate) = (&mut self.work, &mut self.translate);
        let answer = async {
            match work.join_next().await {
                Some(outgoing) => answered(outgoing),
                None => std::future::pending().await,
            }
        };
        let changed = async {
            match translate {
                Some(translate) => translate.changed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            outgoing = answer => outgoing.give(out),
            () = changed => {
                self.unsettled = true;
                Ok(())
            }
        }
    }

    async fn hear(&mut self, link: &mut Link, frame: Frame, out: &mut Outbound) -> Result<(), End> {
        self.last_message_at = Instant::now();
        // None of these protocols has binary messages: they are ignored.
        let (Frame::Text(text), Some(translate)) = (&frame, &mut self.translate) else { return Ok(()) };
        match translate.receive(text) {
            Incoming::Nothing => {}
            Incoming::Reply(message) => out.push(message),
            Incoming::Settle => self.unsettled = true,
            Incoming::Work(work) => self.command(link, size(&frame), work),
        }
        Ok(())
    }

    /// These protocols have no message for it; a client that goes on like that is closed.
    fn refuse(&mut self, _: &Refusal, _: &mut Outbound) {
        self.last_message_at = Instant::now();
    }

    fn deadline(&self) -> Option<(Instant, End)> {
        let silence = self.translate.as_ref().and_then(|translate| translate.silence())?;
        Some((self.last_message_at + silence, End::Own((foreign::DONE, "Heartbeat timeout"))))
    }

    fn cause(&self, own: u16) -> u16 {
        foreign::cause(own)
    }

    fn farewell(&self, (code, reason): CloseReason) -> Farewell {
        match code {
            close::DRAINING => Farewell::with((foreign::DRAINING, "draining: connect again")),
            close::TOO_SLOW => Farewell::with((foreign::TOO_SLOW, "too slow")),
            close::UNAUTHENTICATED => Farewell {
                message: self.fault(WRONG_KEY),
                reason: Some((foreign::UNAUTHENTICATED, WRONG_KEY)),
            },
            close::UNAVAILABLE => {
                Farewell { message: self.fault(reason), reason: Some((foreign::FAULT, "server fault")) }
            }
            // The servers that these stand in for have no code for a client that is gone or sends broken messages.
            close::IDLE | close::PROTOCOL => Farewell::default(),
            _ => Farewell::with((code, reason)),
        }
    }

    async fn finish(mut self) {
        let mut work = std::mem::take(&mut self.work);
        drop(self);
        let all = async { while work.join_next().await.is_some() {} };
        if tokio::time::timeout(limits::COMMANDS_PATIENCE, all).await.is_err() {
            tracing::warn!("commands of a connection that ended did not become durable in time");
        }
    }
}

/// The message for a client without a valid credential, for every fault of it.
pub const WRONG_KEY: &str = "Invalid or missing api_key";

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
