//! The loop of one WebSocket client: one task, small while nothing happens. `requests` is what it may ask for.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message as Frame, WebSocket};
use futures_util::SinkExt;
use runbus::metrics::{Close, Transport, gateway as metrics};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::alarm::Alarm;
use super::closing::close_socket;
use super::commands::Commands;
use super::direct::DirectPath;
use super::ends::{self, Ends};
use super::gate::Gate;
use super::monitoring::{self, Monitoring};
use super::named::Named;
use super::outbound::{Batch, Outbound};
use super::output::Output;
use super::slow::Slow;
use super::subscription::Next;
use crate::app::Shared;
use crate::net::shared_socket::SharedSocket;
use crate::pressure::{Held, Pace};
use crate::protocol::{Dialect, close, server};

/// Why a client's connection ended.
pub(super) enum End {
    /// The client went away.
    Gone,
    /// The gateway closes it.
    Close(u16, &'static str),
}

/// The first event for a waiting client.
enum Event {
    End(ends::End),
    Alarm,
    Answer(String),
    Received(Option<Result<Frame, axum::Error>>),
    Woken,
}

/// One client.
pub(super) struct Client {
    socket: WebSocket,
    dialect: Dialect,
    pub(super) shared: Arc<Shared>,
    pub(super) gate: Gate,
    pub(super) subscriptions: Vec<Named>,
    pub(super) monitors: Vec<Monitoring>,
    pub(super) commands: Commands,
    pub(super) wake: Arc<Notify>,
    /// Where hubs find it while it waits, when nothing is between it and its socket.
    pub(super) direct: Option<Arc<DirectPath>>,
    pace: Pace,
    heard: Instant,
    ping_at: Instant,
    alarm: Alarm,
    pub(super) ends: Ends,
    /// Set when the gateway drains.
    leaves_at: Option<Instant>,
}

/// Serves a client until it or the gateway ends.
///
/// No `async fn`: its future would hold the arguments twice, as arguments and as the client.
pub fn serve(
    socket: WebSocket,
    shared_socket: Option<Arc<SharedSocket>>,
    dialect: Dialect,
    shared: Arc<Shared>,
    gate: Gate,
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
        direct: shared_socket
            .map(|shared_socket| Arc::new(DirectPath::new(shared_socket, dialect, wake.clone()))),
        wake,
        pace: Pace::new(),
        heard: now,
        ping_at,
        leaves_at: None,
    };
    async move {
        let _counted = metrics::CONNECTIONS.of(Transport::Ws).hold();
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

    /// Closes the socket.
    async fn part(&mut self, end: End) {
        let End::Close(code, reason) = end else {
            // Completes the closing handshake if the client began it.
            let _ = tokio::time::timeout(Duration::from_secs(1), self.socket.close()).await;
            return;
        };
        metrics::CLOSES.of(Close::of(code)).inc();
        close_socket(&mut self.socket, &self.shared, (code, reason)).await;
    }

    /// The state of authentication in the first message.
    fn auth_word(&self) -> &'static str {
        match (self.shared.auth.is_required(), self.gate.principal()) {
            (false, _) => "none",
            (true, None) => "required",
            (true, Some(_)) => "ok",
        }
    }

    /// Sends ready messages, or waits for something.
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
            self.receive(frame).await?;
        }
        self.mind_time().await
    }

    /// Sends what the subscriptions have; says when to look for more.
    async fn produce(&mut self) -> Result<Next, End> {
        let mut held = self.pace.budget(&self.shared.pressure, self.gate.account().usage());
        let mut out = Outbound::new(self.dialect, held.bytes());
        let mut next = Next::Never;
        for Named { id, batch, subscription, follow, .. } in &mut self.subscriptions {
            let mut batch = Batch::new(id, *batch, &mut out);
            if let Some(follow) = follow.as_mut().filter(|_| !batch.is_full())
                && let Some(presence) = follow.news()
            {
                batch.notice(&presence);
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
        next = next.min(monitoring::produce(&mut self.monitors, &mut out));
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

    pub(super) async fn answer(&mut self, messages: impl IntoIterator<Item = String>) -> Result<(), End> {
        let out = Outbound::answers(self.dialect, messages);
        let held = self.shared.pressure.hold(self.gate.account().usage(), out.bytes());
        self.write(out, held).await.map(|_took| ())
    }

    /// Writes; says how long the client let it wait. `_held`: its bytes, counted until they are written.
    async fn write(&mut self, out: Outbound, _held: Held) -> Result<Duration, End> {
        if out.bytes() == 0 {
            return Ok(Duration::ZERO);
        }
        let mut slow = Slow::new(&self.gate, &self.shared);
        // Each message has its time: a client that takes them one by one is slow, not stuck.
        for frame in out.take() {
            slow.patiently(self.socket.feed(frame)).await?;
        }
        slow.patiently(self.socket.flush()).await?;
        Ok(slow.waited())
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
            frame = self.socket.recv() => Event::Received(frame),
            () = self.wake.notified() => Event::Woken,
        };
        if is_left {
            self.come_back().await?;
        }
        match event {
            Event::End(end) => self.mind_end(end),
            Event::Alarm => self.mind_time().await,
            Event::Answer(answer) => self.answer([answer]).await,
            Event::Received(frame) => self.receive(frame).await,
            Event::Woken => Ok(()),
        }
    }

    /// Leaves its subscriptions with the direct path when they wait for nothing but their hubs, and nothing is half written.
    fn leave(&mut self) -> bool {
        let Some(direct) = &self.direct else { return false };
        if self.subscriptions.is_empty()
            || !self.subscriptions.iter().all(|known| known.subscription.waits_for_hub())
        {
            return false;
        }
        // The library's own answers, such as pongs, may not be out yet.
        if !matches!(futures_util::FutureExt::now_or_never(self.socket.flush()), Some(Ok(()))) {
            return false;
        }
        direct.leave(std::mem::take(&mut self.subscriptions));
        true
    }

    /// Takes its subscriptions back, and writes what their hubs could not.
    async fn come_back(&mut self) -> Result<(), End> {
        let Some(direct) = &self.direct else { return Ok(()) };
        let (subscriptions, rest) = direct.back();
        self.subscriptions = subscriptions;
        if rest == 0 {
            return Ok(());
        }
        let _held = self.shared.pressure.hold(self.gate.account().usage(), rest);
        let mut slow = Slow::new(&self.gate, &self.shared);
        slow.patiently(self.socket.flush()).await?;
        // It is no fast one.
        self.pace.wrote(0, slow.waited(), self.shared.config.client_buffer_bytes);
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
        let mut slow = Slow::new(&self.gate, &self.shared);
        slow.patiently(self.socket.send(Frame::Ping(bytes::Bytes::new()))).await
    }

    async fn receive(&mut self, frame: Option<Result<Frame, axum::Error>>) -> Result<(), End> {
        self.heard = Instant::now();
        match frame {
            Some(Ok(frame @ (Frame::Text(_) | Frame::Binary(_)))) => match self.dialect.read(&frame) {
                Some(message) => Box::pin(self.handle(message, frame.into_data().len())).await,
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
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn size<A, B, C, D, E, F>(_: &impl Fn(A, B, C, D, E) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_client_is_small() {
        // Every connection has one for as long as it stands.
        let size = size(&serve);
        assert!(size <= 1536, "{size} bytes");
    }
}
