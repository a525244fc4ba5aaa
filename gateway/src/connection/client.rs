//! The loop of one WebSocket client: one task, small while nothing happens.

use std::sync::Arc;

use axum::extract::ws::{CloseFrame, Message as Frame, Utf8Bytes, WebSocket};
use futures_util::SinkExt;
use runbus::bus::Filter;
use runbus::id::StreamId;
use runbus::metrics::{Close, Transport, gateway as metrics};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::commands::Commands;
use super::gate::Gate;
use super::outbound::{Batch, Outbound};
use super::output::Output;
use super::pressure::{Held, Pace};
use super::shared::Shared;
use super::subscription::{Next, Subscription};
use crate::auth::{Action, Refusal, permit};
use crate::limits;
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

/// One of a client's subscriptions.
struct Named {
    /// What the client calls it.
    id: String,
    /// Events of a message, at most.
    batch: usize,
    subscription: Subscription,
    /// Others who watch the execution see it.
    _seat: Option<Seat>,
    /// Who else watches the execution.
    follow: Option<Follow>,
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
    pace: Pace,
    heard: Instant,
    ping_at: Instant,
    /// Set when the gateway drains.
    leaves_at: Option<Instant>,
}

/// Serves a client until it or the gateway ends.
pub async fn serve(socket: WebSocket, dialect: Dialect, shared: Arc<Shared>, gate: Gate) {
    let _counted = metrics::CONNECTIONS.of(Transport::Ws).hold();
    let now = Instant::now();
    let ping_at = now + shared.config.ping_interval();
    let mut client = Client {
        socket,
        dialect,
        shared,
        gate,
        subscriptions: Vec::new(),
        monitors: Vec::new(),
        commands: Commands::default(),
        wake: Arc::default(),
        pace: Pace::new(),
        heard: now,
        ping_at,
        leaves_at: None,
    };
    let end = client.run().await;
    if matches!(end, End::Gone) {
        // Completes the closing handshake if the client began it.
        let _ = tokio::time::timeout(std::time::Duration::from_secs(1), client.socket.close()).await;
    }
    if let End::Close(code, reason) = end {
        metrics::CLOSES.of(Close::of(code)).inc();
        let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
        // A client that is gone or stuck needs no goodbye.
        let _ = tokio::time::timeout(
            client.shared.config.write_timeout().min(std::time::Duration::from_secs(2)),
            client.socket.send(Frame::Close(Some(frame))),
        )
        .await;
        // What it still sends is read for a moment: a connection that is dropped with something unread is reset, and the code
        // may be lost with it.
        let rest = async { while let Some(Ok(_)) = client.socket.recv().await {} };
        let _ = tokio::time::timeout(limits::FAREWELL_PATIENCE, rest).await;
    }
    let Client { socket, subscriptions, monitors, commands, .. } = client;
    drop((socket, subscriptions, monitors));
    commands.finish().await;
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
        if let Some((code, reason)) = self.gate.must_go() {
            return Err(End::Close(code, reason));
        }
        if self.shared.drain.is_cancelled() {
            let leaves_at = *self.leaves_at.get_or_insert_with(|| self.shared.drain_moment());
            if leaves_at <= Instant::now() {
                return Err(End::Close(close::DRAINING, "draining: connect again with the last cursor"));
            }
        }
        let quiet = self.subscriptions.is_empty() && self.monitors.is_empty();
        let next = if quiet { Next::Woken } else { self.produce().await? };
        match next {
            Next::Now => {}
            Next::At(then) => return self.wait(Some(then)).await,
            Next::Woken | Next::Never => return self.wait(None).await,
        }
        // Much to send must not keep the client from being heard, nor its commands from being answered.
        if let Some(answer) = futures_util::FutureExt::now_or_never(self.commands.answer()) {
            self.answer([answer]).await?;
        }
        let heard = futures_util::FutureExt::now_or_never(self.socket.recv());
        match heard {
            Some(frame) => self.hear(frame).await,
            None => self.mind_time().await,
        }
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
            match Box::pin(subscription.produce(&self.shared, &mut batch)).await {
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
        let (bytes, begun) = (out.bytes(), Instant::now());
        held.set(bytes);
        self.write(out, held).await?;
        self.pace.wrote(bytes, begun.elapsed(), self.shared.config.client_buffer_bytes);
        self.subscriptions.iter_mut().for_each(|known| known.subscription.written());
        Ok(next)
    }

    async fn answer(&mut self, messages: impl IntoIterator<Item = String>) -> Result<(), End> {
        let out = Outbound::answers(self.dialect, messages);
        let held = self.shared.pressure.hold(out.bytes());
        self.write(out, held).await
    }

    /// `_held`: its bytes, counted until they are written.
    async fn write(&mut self, out: Outbound, _held: Held) -> Result<(), End> {
        if out.bytes() == 0 {
            return Ok(());
        }
        let (socket, patience) = (&mut self.socket, self.shared.config.write_timeout());
        // Each message has its time: a client that takes them one by one is slow, not stuck.
        let writing = async {
            for frame in out.take() {
                match tokio::time::timeout(patience, socket.feed(frame)).await {
                    Ok(Ok(())) => {}
                    failed => return failed,
                }
            }
            tokio::time::timeout(patience, socket.flush()).await
        };
        let written = tokio::select! {
            written = writing => written,
            // Who takes nothing is not kept for that.
            (code, reason) = self.gate.ended() => return Err(End::Close(code, reason)),
        };
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_gone)) => Err(End::Gone),
            Err(_elapsed) => Err(self.too_slow()),
        }
    }

    fn too_slow(&self) -> End {
        self.shared.pressure.count_cut();
        End::Close(close::TOO_SLOW, "too slow: resume with the last cursor")
    }

    /// Waits for something to send or to hear, until `then` at most.
    async fn wait(&mut self, then: Option<Instant>) -> Result<(), End> {
        let due = self.ping_at.min(self.heard + self.shared.config.idle_timeout());
        let deadline = [then, self.leaves_at].into_iter().flatten().fold(due, Instant::min);
        tokio::select! {
            frame = self.socket.recv() => self.hear(frame).await,
            () = self.wake.notified() => Ok(()),
            answer = self.commands.answer() => self.answer([answer]).await,
            () = tokio::time::sleep_until(deadline) => self.mind_time().await,
            () = self.shared.drain.cancelled(), if self.leaves_at.is_none() => Ok(()),
            (code, reason) = self.gate.ended() => Err(End::Close(code, reason)),
        }
    }

    async fn mind_time(&mut self) -> Result<(), End> {
        let now = Instant::now();
        if now >= self.heard + self.shared.config.idle_timeout() {
            return Err(End::Close(close::IDLE, "no sign of life"));
        }
        if now < self.ping_at {
            return Ok(());
        }
        self.ping_at = now + self.shared.config.ping_interval();
        let ping = self.socket.send(Frame::Ping(bytes::Bytes::new()));
        match tokio::time::timeout(self.shared.config.write_timeout(), ping).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_gone)) => Err(End::Gone),
            Err(_elapsed) => Err(self.too_slow()),
        }
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
                let begun = self.commands.begin(&self.shared.control, principal, *command);
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
        match Subscription::begin(&self.shared, filter.clone(), since, self.wake.clone(), Transport::Ws).await
        {
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
