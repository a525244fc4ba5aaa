//! The loop of one WebSocket client: one task, small while nothing happens.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message as Frame, Utf8Bytes, WebSocket};
use futures_util::SinkExt;
use runbus::bus::Filter;
use runbus::id::StreamId;
use runbus::metrics::{Close, Transport, gateway as metrics};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::alarm::Alarm;
use super::commands::Commands;
use super::direct::Door;
use super::ends::{self, Ends};
use super::gate::Gate;
use super::named::Named;
use super::outbound::{Batch, Outbound};
use super::output::Output;
use super::pressure::{Held, Pace};
use super::shared::Shared;
use super::subscription::{Next, Subscription};
use super::wake::Wake;
use crate::auth::{Action, Refusal, permit};
use crate::limits;
use crate::line::Line;
use crate::monitor::Watch;
use crate::presence::registry::TooMany;
use crate::presence::{Follow, Seat};
use crate::protocol::client::{Invalid, Message, Monitor, Subscribe};
use crate::protocol::{Dialect, Start, close, server};

/// Why a client's connection ended.
enum End {
    /// The client went away.
    Gone,
    /// The gateway closes it.
    Close(u16, &'static str),
}

/// What a client that waits hears of first.
enum Event {
    End(ends::End),
    Alarm,
    Answer(String),
    Heard(Option<Result<Frame, axum::Error>>),
    Woken,
}

/// One of a client's monitors.
struct Monitoring {
    /// What the client calls it.
    id: String,
    stream: Option<StreamId>,
    watch: Watch,
}

struct Client {
    socket: WebSocket,
    dialect: Dialect,
    shared: Arc<Shared>,
    gate: Gate,
    subscriptions: Vec<Named>,
    monitors: Vec<Monitoring>,
    commands: Commands,
    wake: Arc<Notify>,
    /// Where hubs find it while it waits, when nothing is between it and its socket.
    door: Option<Arc<Door>>,
    pace: Pace,
    heard: Instant,
    ping_at: Instant,
    alarm: Alarm,
    ends: Ends,
    /// Set when the gateway drains.
    leaves_at: Option<Instant>,
}

/// Serves a client until it or the gateway ends. `keep` is dropped with it.
///
/// No `async fn`: what it is given would be there twice, once as it came and once as the client.
pub fn serve<K: Send + 'static>(
    socket: WebSocket,
    line: Option<Arc<Line>>,
    dialect: Dialect,
    shared: Arc<Shared>,
    gate: Gate,
    keep: K,
) -> impl Future<Output = ()> + Send {
    let now = Instant::now();
    let ping_at = now + shared.config.ping_interval();
    let ends = Ends::new(&shared.drain, gate.revoked());
    let wake = Arc::<Notify>::default();
    let mut client = Client {
        alarm: Alarm::new(ping_at),
        ends,
        socket,
        dialect,
        shared,
        gate,
        subscriptions: Vec::new(),
        monitors: Vec::new(),
        commands: Commands::default(),
        door: line.map(|line| Arc::new(Door::new(line, dialect, wake.clone()))),
        wake,
        pace: Pace::new(),
        heard: now,
        ping_at,
        leaves_at: None,
    };
    async move {
        let _kept = (metrics::CONNECTIONS.of(Transport::Ws).hold(), keep);
        let end = client.run().await;
        Box::pin(client.part(end)).await;
        let commands = std::mem::take(&mut client.commands);
        drop(client);
        Box::pin(commands.finish()).await;
    }
}

impl Client {
    async fn run(&mut self) -> End {
        let hello = server::hello(&self.shared.config, self.dialect, self.auth_word());
        if let Err(end) = self.answer([hello]).await {
            return end;
        }
        loop {
            match self.turn().await {
                Ok(()) => {}
                Err(end) => return end,
            }
        }
    }

    /// Says goodbye.
    async fn part(&mut self, end: End) {
        let End::Close(code, reason) = end else {
            // Completes the closing handshake if the client began it.
            let _ = tokio::time::timeout(Duration::from_secs(1), self.socket.close()).await;
            return;
        };
        metrics::CLOSES.of(Close::of(code)).inc();
        let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
        // A client that is gone or stuck needs no goodbye.
        let _ = tokio::time::timeout(
            self.shared.config.write_timeout().min(Duration::from_secs(2)),
            self.socket.send(Frame::Close(Some(frame))),
        )
        .await;
        // What it still sends is read for a moment: a connection that is dropped with something unread is reset, and the code
        // may be lost with it.
        let rest = async { while let Some(Ok(_)) = self.socket.recv().await {} };
        let _ = tokio::time::timeout(limits::FAREWELL_PATIENCE, rest).await;
    }

    /// What the first message says of its credential.
    fn auth_word(&self) -> &'static str {
        match (self.shared.auth.is_required(), self.gate.principal()) {
            (false, _) => "none",
            (true, None) => "required",
            (true, Some(_)) => "ok",
        }
    }

    /// Sends what is there, or waits for something.
    async fn turn(&mut self) -> Result<(), End> {
        if self.leaves_at.is_some_and(|leaves_at| leaves_at <= Instant::now()) {
            return Err(End::Close(close::DRAINING, "draining: connect again with the last cursor"));
        }
        let quiet = self.subscriptions.is_empty() && self.monitors.is_empty();
        let next = if quiet { Next::Woken } else { self.produce().await? };
        match next {
            Next::Now => {}
            Next::At(then) => return self.wait(Some(then)).await,
            Next::Woken | Next::Never => return self.wait(None).await,
        }
        // Much to send must not keep the client from being heard, nor its commands from being answered, nor an end from coming.
        if let Some(end) = futures_util::FutureExt::now_or_never(self.ends.next()) {
            self.mind_end(end)?;
        }
        if let Some(answer) = futures_util::FutureExt::now_or_never(self.commands.answer()) {
            self.answer([answer]).await?;
        }
        if let Some(frame) = futures_util::FutureExt::now_or_never(self.socket.recv()) {
            self.hear(frame).await?;
        }
        self.mind_time().await
    }

    /// Sends what the subscriptions have; says when to look for more.
    async fn produce(&mut self) -> Result<Next, End> {
        let mut held = self.pace.budget(&self.shared.pressure);
        let mut out = Outbound::new(self.dialect, held.bytes());
        let mut next = Next::Never;
        for Named { id, batch, subscription, follow, .. } in &mut self.subscriptions {
            let mut batch = Batch::new(id, *batch, &mut out);
            if let Some(follow) = follow.as_mut().filter(|_| !batch.is_full())
                && let Some(presence) = follow.news()
            {
                batch.word(&presence);
            }
            let found = match subscription.produce_now(&mut batch) {
                Some(found) => found,
                None => Box::pin(subscription.produce(&self.shared, &mut batch)).await,
            };
            match found {
                Ok(found) => {
                    batch.finish();
                    next = next.min(found);
                }
                Err(error) => {
                    tracing::error!(%error, "a client is closed: the log refuses");
                    return Err(End::Close(close::UNAVAILABLE, "the log refuses"));
                }
            }
        }
        next = next.min(produce_monitors(&mut self.monitors, &mut out));
        // Fair to all: the next turn begins with another subscription.
        if self.subscriptions.len() > 1 {
            self.subscriptions.rotate_left(1);
        }
        let bytes = out.bytes();
        held.set(bytes);
        let took = self.write(out, held).await?;
        self.pace.wrote(bytes, took, self.shared.config.client_buffer_bytes);
        self.subscriptions.iter_mut().for_each(|known| known.subscription.written());
        Ok(next)
    }

    async fn answer(&mut self, messages: impl IntoIterator<Item = String>) -> Result<(), End> {
        let out = Outbound::answers(self.dialect, messages);
        let held = self.shared.pressure.hold(out.bytes());
        self.write(out, held).await.map(|_took| ())
    }

    /// Writes; says how long the client let it wait. `_held`: its bytes, counted until they are written.
    async fn write(&mut self, out: Outbound, _held: Held) -> Result<Duration, End> {
        if out.bytes() == 0 {
            return Ok(Duration::ZERO);
        }
        let mut slow = Slow { gate: &self.gate, shared: &self.shared, began: None };
        // Each message has its time: a client that takes them one by one is slow, not stuck.
        for frame in out.take() {
            slow.patiently(self.socket.feed(frame)).await?;
        }
        slow.patiently(self.socket.flush()).await?;
        Ok(slow.began.map_or(Duration::ZERO, |began| began.elapsed()))
    }

    /// Waits for something to send or to hear, until `then` at most.
    async fn wait(&mut self, then: Option<Instant>) -> Result<(), End> {
        let due = self.ping_at.min(self.heard + self.shared.config.idle_timeout());
        let deadline =
            [then, self.leaves_at, self.gate.until()].into_iter().flatten().fold(due, Instant::min);
        self.alarm.ring_by(deadline);
        let is_left = self.leave();
        let event = tokio::select! {
            // There may always be something to send: the others come first.
            biased;
            end = self.ends.next() => Event::End(end),
            () = &mut self.alarm => Event::Alarm,
            answer = self.commands.answer() => Event::Answer(answer),
            frame = self.socket.recv() => Event::Heard(frame),
            () = self.wake.notified() => Event::Woken,
        };
        if is_left {
            self.come_back().await?;
        }
        match event {
            Event::End(end) => self.mind_end(end),
            Event::Alarm => self.mind_time().await,
            Event::Answer(answer) => self.answer([answer]).await,
            Event::Heard(frame) => self.hear(frame).await,
            Event::Woken => Ok(()),
        }
    }

    /// Leaves its subscriptions at the door when they wait for nothing but their hubs, and nothing is half written.
    fn leave(&mut self) -> bool {
        let Some(door) = &self.door else { return false };
        if self.subscriptions.is_empty()
            || !self.subscriptions.iter().all(|known| known.subscription.waits_for_hub())
        {
            return false;
        }
        // What the library answers by itself, such as pongs, may not be out yet.
        if !matches!(futures_util::FutureExt::now_or_never(self.socket.flush()), Some(Ok(()))) {
            return false;
        }
        door.leave(std::mem::take(&mut self.subscriptions));
        true
    }

    /// Takes its subscriptions back, and writes what their hubs could not.
    async fn come_back(&mut self) -> Result<(), End> {
        let Some(door) = &self.door else { return Ok(()) };
        let (subscriptions, rest) = door.back();
        self.subscriptions = subscriptions;
        if rest == 0 {
            return Ok(());
        }
        let _held = self.shared.pressure.hold(rest);
        let mut slow = Slow { gate: &self.gate, shared: &self.shared, began: None };
        slow.patiently(self.socket.flush()).await?;
        // It is no fast one.
        let waited = slow.began.map_or(Duration::ZERO, |began| began.elapsed());
        self.pace.wrote(0, waited, self.shared.config.client_buffer_bytes);
        Ok(())
    }

    fn mind_end(&mut self, end: ends::End) -> Result<(), End> {
        match end {
            ends::End::Drains => {
                self.leaves_at.get_or_insert_with(|| self.shared.drain_moment());
                Ok(())
            }
            // A right that was renewed meanwhile has ends of its own.
            ends::End::Revoked => match self.gate.must_go() {
                Some((code, reason)) => Err(End::Close(code, reason)),
                None => Ok(()),
            },
        }
    }

    async fn mind_time(&mut self) -> Result<(), End> {
        let now = Instant::now();
        if self.gate.until().is_some_and(|until| until <= now)
            && let Some((code, reason)) = self.gate.must_go()
        {
            return Err(End::Close(code, reason));
        }
        if now >= self.heard + self.shared.config.idle_timeout() {
            return Err(End::Close(close::IDLE, "no sign of life"));
        }
        if now < self.ping_at {
            return Ok(());
        }
        self.ping_at = now + self.shared.config.ping_interval();
        let mut slow = Slow { gate: &self.gate, shared: &self.shared, began: None };
        slow.patiently(self.socket.send(Frame::Ping(bytes::Bytes::new()))).await
    }

    async fn hear(&mut self, frame: Option<Result<Frame, axum::Error>>) -> Result<(), End> {
        self.heard = Instant::now();
        match frame {
            Some(Ok(frame @ (Frame::Text(_) | Frame::Binary(_)))) => match self.dialect.read(&frame) {
                Some(message) => Box::pin(self.obey(message, frame.into_data().len())).await,
                None => Err(End::Close(close::PROTOCOL, "this subprotocol has no messages of this form")),
            },
            Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => Ok(()),
            Some(Err(error)) => {
                tracing::debug!(%error, "a client's connection broke");
                Err(End::Close(close::PROTOCOL, "broken or too large message"))
            }
            Some(Ok(Frame::Close(_))) | None => Err(End::Gone),
        }
    }

    /// Follows a message of so many bytes.
    async fn obey(&mut self, message: Result<Message, Invalid>, bytes: usize) -> Result<(), End> {
        if self.gate.principal().is_none() && !matches!(message, Ok(Message::Auth { .. })) {
            return Err(End::Close(close::UNAUTHENTICATED, "a valid credential is needed"));
        }
        match self.gate.message(bytes) {
            Ok(Ok(())) => {}
            Ok(Err(refusal)) => {
                let answer = server::error(refusal.code(), &refusal.to_string(), None, None);
                return self.answer([answer]).await;
            }
            Err((code, reason)) => return Err(End::Close(code, reason)),
        }
        let answer = match message {
            Ok(Message::Auth { token }) => self.show(&token).await?,
            Ok(Message::Ping { nonce }) => vec![server::pong(nonce.as_deref())],
            Ok(Message::Unsubscribe { id }) => {
                let before = self.held();
                self.subscriptions.retain(|known| known.id != id);
                self.monitors.retain(|known| known.id != id);
                if self.held() < before {
                    vec![server::unsubscribed(&id)]
                } else {
                    vec![server::error("not_found", "there is no such subscription", Some("id"), Some(&id))]
                }
            }
            Ok(Message::Subscribe(subscribe)) => self.subscribe(subscribe).await,
            Ok(Message::Monitor(monitor)) => self.monitor(monitor),
            Ok(Message::Command(command)) => {
                // Who has not said who they are is closed above.
                let Some(principal) = self.gate.principal().cloned() else { return Ok(()) };
                let begun = self.commands.begin(&self.shared, principal, *command);
                begun.err().into_iter().collect()
            }
            Err(invalid) => {
                let (path, id) = (invalid.path(), invalid.id());
                vec![server::error(invalid.code(), &invalid.to_string(), path, id)]
            }
        };
        self.answer(answer).await
    }

    /// Who it is, from now on. Subscriptions that the credential does not cover end; the others go on where they are.
    async fn show(&mut self, token: &runbus::config::Secret) -> Result<Vec<String>, End> {
        let shown = self.gate.show(token).await;
        let expires_at = shown.map_err(|(code, reason)| End::Close(code, reason))?;
        self.ends = Ends::new(&self.shared.drain, self.gate.revoked());
        let mut answer = vec![server::auth_ok(expires_at)];
        let gate = &self.gate;
        self.subscriptions.retain(|known| {
            let may = gate.may_read(known.subscription.filter());
            if !may {
                answer.push(forbidden(&known.id, "filter"));
                answer.push(server::unsubscribed(&known.id));
            }
            may
        });
        self.monitors.retain(|known| {
            let may = gate.may_read(&of(known.stream.clone()));
            if !may {
                answer.push(forbidden(&known.id, "stream_id"));
                answer.push(server::unsubscribed(&known.id));
            }
            may
        });
        Ok(answer)
    }

    /// Subscriptions and monitors.
    fn held(&self) -> usize {
        self.subscriptions.len() + self.monitors.len()
    }

    /// Whether one more may begin; else the answer that refuses it.
    fn admit(&self, id: &str, filter: &Filter, path: &str) -> Result<(), String> {
        let mut names = self.subscriptions.iter().map(|known| &known.id);
        if names.any(|known| known == id) || self.monitors.iter().any(|known| known.id == id) {
            let message = "this subscription is there already";
            return Err(server::error("conflict", message, Some("id"), Some(id)));
        }
        if !self.gate.may_read(filter) {
            return Err(forbidden(id, path));
        }
        let limit = self.shared.config.max_subscriptions;
        if self.held() >= limit {
            let message = format!("{limit} subscriptions are there already");
            return Err(server::error("limit_exceeded", &message, None, Some(id)));
        }
        Ok(())
    }

    fn monitor(&mut self, monitor: Monitor) -> Vec<String> {
        let Monitor { id, stream_id } = monitor;
        if let Err(refused) = self.admit(&id, &of(stream_id.clone()), "stream_id") {
            return vec![refused];
        }
        match self.shared.monitors.watch_with(stream_id.clone(), self.wake.clone()) {
            Ok(watch) => {
                let answer = server::subscribed(&id, None);
                self.monitors.push(Monitoring { id, stream: stream_id, watch });
                vec![answer]
            }
            Err(error) => vec![server::error("limit_exceeded", &error.to_string(), None, Some(&id))],
        }
    }

    /// The client's place among those who watch an execution, and who else does if it wants to know.
    fn presence(&self, subscribe: &Subscribe) -> Result<(Option<Seat>, Option<Follow>), TooMany> {
        let Some(execution) = &subscribe.filter.execution_id else { return Ok((None, None)) };
        let room = &self.shared.presence;
        let follow = subscribe.presence.then(|| room.follow(execution, &self.wake)).transpose()?;
        let label = subscribe.label.as_ref().map(|label| label.0.clone());
        let subject = self.gate.principal().map(|principal| principal.subject.clone());
        Ok((subject.map(|subject| room.enter(execution.clone(), subject, label)), follow))
    }

    async fn subscribe(&mut self, subscribe: Subscribe) -> Vec<String> {
        let id = Some(subscribe.id.as_str());
        if let Err(refused) = self.admit(&subscribe.id, &subscribe.filter, "filter") {
            return vec![refused];
        }
        if subscribe.presence && subscribe.filter.execution_id.is_none() {
            return vec![server::error(
                "invalid_argument",
                "needs filter.execution_id",
                Some("presence"),
                id,
            )];
        }
        if subscribe.since == Start::Snapshot && subscribe.filter.execution_id.is_none() {
            let (path, wanted) = ("filter.execution_id", "a snapshot is of one execution: name it");
            return vec![server::error("invalid_argument", wanted, Some(path), id)];
        }
        if subscribe.presence
            && let (Some(execution), Some(principal)) =
                (&subscribe.filter.execution_id, self.gate.principal().cloned())
            // As over REST: two streams may use one id.
            && let Err(denied) =
                permit::execution(&self.shared.control, &principal, Action::Read, execution).await
        {
            return vec![server::error(denied.code(), &denied.to_string(), Some("presence"), id)];
        }
        let (seat, follow) = match self.presence(&subscribe) {
            Ok(both) => both,
            Err(error) => return vec![server::error("limit_exceeded", &error.to_string(), None, id)],
        };
        let Subscribe { id: name, filter, since, batch, coalesce, .. } = &subscribe;
        let mut wake = Wake::from(self.wake.clone());
        if let Some(door) = &self.door {
            wake.watcher = door.clone();
        }
        match Subscription::begin(&self.shared, filter.clone(), since, wake, Transport::Ws).await {
            Ok((subscription, cursor)) => {
                let answer = vec![server::subscribed(name, cursor.as_ref())];
                let subscription = subscription.coalesce(*coalesce);
                let batch = batch.0;
                self.subscriptions.push(Named { id: subscribe.id, batch, subscription, _seat: seat, follow });
                answer
            }
            Err(error) => vec![server::error(error.code(), &error.to_string(), None, id)],
        }
    }
}

/// A write that its client may not take at once. One that it does costs neither a timer nor a lock.
struct Slow<'a> {
    gate: &'a Gate,
    shared: &'a Shared,
    /// Since when it waits.
    began: Option<Instant>,
}

impl Slow<'_> {
    /// Does one step, within `gateway.write_timeout_ms`.
    async fn patiently(&mut self, step: impl Future<Output = Result<(), axum::Error>>) -> Result<(), End> {
        let mut step = pin!(step);
        let done = match futures_util::poll!(step.as_mut()) {
            Poll::Ready(done) => Ok(done),
            Poll::Pending => {
                self.began.get_or_insert_with(Instant::now);
                let (gate, patience) = (self.gate, self.shared.config.write_timeout());
                // In memory of its own: all clients would hold it, and few need it.
                let waited = Box::pin(async move {
                    tokio::select! {
                        done = tokio::time::timeout(patience, step) => Ok(done),
                        // Who takes nothing is not kept for that.
                        (code, reason) = gate.ended() => Err(End::Close(code, reason)),
                    }
                });
                waited.await?
            }
        };
        match done {
            Ok(done) => done.map_err(|_gone| End::Gone),
            Err(_elapsed) => {
                self.shared.pressure.count_cut();
                Err(End::Close(close::TOO_SLOW, "too slow: resume with the last cursor"))
            }
        }
    }
}

/// Adds what is new of the monitors until `out` is full; says when to look for more.
fn produce_monitors(monitors: &mut Vec<Monitoring>, out: &mut Outbound) -> Next {
    let mut next = Next::Never;
    monitors.retain_mut(|Monitoring { id, watch, .. }| {
        // Words only.
        let mut batch = Batch::new(id, 1, out);
        if batch.is_full() {
            next = Next::Now;
            return true;
        }
        next = next.min(Next::Woken);
        match watch.news() {
            Ok(news) => {
                news.iter().for_each(|news| batch.word(&news.0));
                true
            }
            Err(ended) => {
                out.push(server::error("unavailable", &ended.to_string(), None, Some(id)));
                out.push(server::unsubscribed(id));
                false
            }
        }
    });
    if monitors.len() > 1 {
        monitors.rotate_left(1);
    }
    next
}

/// All events of a stream, or of all.
fn of(stream: Option<StreamId>) -> Filter {
    Filter { stream_id: stream, ..Filter::all() }
}

fn forbidden(id: &str, path: &str) -> String {
    let refusal = Refusal::Forbidden;
    refusal.count();
    server::error(refusal.code(), &refusal.to_string(), Some(path), Some(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn size<A, B, C, D, E, G, F>(_: &impl Fn(A, B, C, D, E, G) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_client_is_small() {
        // Every connection has one for as long as it stands.
        let size = size(&serve::<()>);
        assert!(size <= 1536, "{size} bytes");
    }
}
