//! The loop of one WebSocket client: one task, small while nothing happens.

use std::sync::Arc;

use axum::extract::ws::{CloseFrame, Message as Frame, Utf8Bytes, WebSocket};
use futures_util::SinkExt;
use runbus::metrics::{Close, Transport, gateway as metrics};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::commands::Commands;
use super::gate::Gate;
use super::outbound::{Batch, Outbound};
use super::shared::Shared;
use super::subscription::{Next, Subscription};
use crate::auth::Refusal;
use crate::limits;
use crate::protocol::client::{Message, Subscribe};
use crate::protocol::{close, server};

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
    subscription: Subscription,
}

struct Client {
    socket: WebSocket,
    shared: Arc<Shared>,
    gate: Gate,
    subscriptions: Vec<Named>,
    commands: Commands,
    wake: Arc<Notify>,
    heard: Instant,
    ping_at: Instant,
}

/// Serves a client until it or the gateway ends.
pub async fn serve(socket: WebSocket, shared: Arc<Shared>, gate: Gate) {
    let _counted = metrics::CONNECTIONS.of(Transport::Ws).hold();
    let now = Instant::now();
    let ping_at = now + shared.config.ping_interval();
    let mut client = Client {
        socket,
        shared,
        gate,
        subscriptions: Vec::new(),
        commands: Commands::default(),
        wake: Arc::default(),
        heard: now,
        ping_at,
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
    let Client { socket, subscriptions, commands, .. } = client;
    drop((socket, subscriptions));
    commands.finish().await;
}

impl Client {
    async fn run(&mut self) -> End {
        if let Err(end) = self.write(vec![server::hello(&self.shared.config, self.auth_word()).into()]).await
        {
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
        let next = if self.subscriptions.is_empty() { Next::Woken } else { self.produce().await? };
        match next {
            Next::Now => {}
            Next::At(then) => return self.wait(Some(then)).await,
            Next::Woken | Next::Never => return self.wait(None).await,
        }
        if self.shared.drain.is_cancelled() {
            return Err(drained(&self.shared).await);
        }
        // Much to send must not keep the client from being heard, nor its commands from being answered.
        if let Some(answer) = futures_util::FutureExt::now_or_never(self.commands.answer()) {
            self.write(vec![answer.into()]).await?;
        }
        let heard = futures_util::FutureExt::now_or_never(self.socket.recv());
        match heard {
            Some(frame) => self.hear(frame).await,
            None => self.mind_time().await,
        }
    }

    /// Sends what the subscriptions have; says when to look for more.
    async fn produce(&mut self) -> Result<Next, End> {
        let mut out = Outbound::new(self.shared.config.client_buffer_bytes);
        let mut next = Next::Never;
        for Named { id, subscription } in &mut self.subscriptions {
            let mut batch = Batch::new(id, &mut out);
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
        // Fair to all: the next turn begins with another subscription.
        if self.subscriptions.len() > 1 {
            self.subscriptions.rotate_left(1);
        }
        self.write(out.take()).await?;
        self.subscriptions.iter_mut().for_each(|known| known.subscription.written());
        Ok(next)
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
            // Who takes nothing is not kept for that.
            (code, reason) = self.gate.ended() => return Err(End::Close(code, reason)),
        };
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_gone)) => Err(End::Gone),
            Err(_elapsed) => Err(End::Close(close::TOO_SLOW, "too slow: resume with the last cursor")),
        }
    }

    /// Waits for something to send or to hear, until `then` at most.
    async fn wait(&mut self, then: Option<Instant>) -> Result<(), End> {
        let due = self.ping_at.min(self.heard + self.shared.config.idle_timeout());
        let deadline = then.map_or(due, |then| then.min(due));
        tokio::select! {
            frame = self.socket.recv() => self.hear(frame).await,
            () = self.wake.notified() => Ok(()),
            answer = self.commands.answer() => self.write(vec![answer.into()]).await,
            () = tokio::time::sleep_until(deadline) => self.mind_time().await,
            () = self.shared.drain.cancelled() => Err(drained(&self.shared).await),
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
            Err(_elapsed) => Err(End::Close(close::TOO_SLOW, "too slow: resume with the last cursor")),
        }
    }

    async fn hear(&mut self, frame: Option<Result<Frame, axum::Error>>) -> Result<(), End> {
        self.heard = Instant::now();
        match frame {
            Some(Ok(Frame::Text(text))) => Box::pin(self.obey(text)).await,
            Some(Ok(Frame::Binary(_))) => {
                Err(End::Close(close::PROTOCOL, "this protocol has text messages only"))
            }
            Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => Ok(()),
            Some(Err(error)) => {
                tracing::debug!(%error, "a client's connection broke");
                Err(End::Close(close::PROTOCOL, "broken or too large message"))
            }
            Some(Ok(Frame::Close(_))) | None => Err(End::Gone),
        }
    }

    async fn obey(&mut self, text: Utf8Bytes) -> Result<(), End> {
        let message = Message::decode(&text);
        if self.gate.principal().is_none() && !matches!(message, Ok(Message::Auth { .. })) {
            return Err(End::Close(close::UNAUTHENTICATED, "a valid credential is needed"));
        }
        match self.gate.message(text.len()) {
            Ok(Ok(())) => {}
            Ok(Err(refusal)) => {
                let answer = server::error(refusal.code(), &refusal.to_string(), None, None);
                return self.write(vec![answer.into()]).await;
            }
            Err((code, reason)) => return Err(End::Close(code, reason)),
        }
        let answer = match message {
            Ok(Message::Auth { token }) => self.show(&token).await?,
            Ok(Message::Ping { nonce }) => vec![server::pong(nonce.as_deref())],
            Ok(Message::Unsubscribe { id }) => {
                let before = self.subscriptions.len();
                self.subscriptions.retain(|known| known.id != id);
                if self.subscriptions.len() < before {
                    vec![server::unsubscribed(&id)]
                } else {
                    vec![server::error("not_found", "there is no such subscription", Some("id"), Some(&id))]
                }
            }
            Ok(Message::Subscribe(subscribe)) => self.subscribe(subscribe).await,
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
        self.write(answer.into_iter().map(Utf8Bytes::from).collect()).await
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
                answer.push(forbidden(&known.id));
                answer.push(server::unsubscribed(&known.id));
            }
            may
        });
        Ok(answer)
    }

    async fn subscribe(&mut self, subscribe: Subscribe) -> Vec<String> {
        let id = Some(subscribe.id.as_str());
        if self.subscriptions.iter().any(|known| known.id == subscribe.id) {
            return vec![server::error("conflict", "this subscription is there already", Some("id"), id)];
        }
        if !self.gate.may_read(&subscribe.filter) {
            return vec![forbidden(&subscribe.id)];
        }
        let limit = self.shared.config.max_subscriptions;
        if self.subscriptions.len() >= limit {
            let message = format!("{limit} subscriptions are there already");
            return vec![server::error("limit_exceeded", &message, None, id)];
        }
        let Subscribe { id: name, filter, since } = &subscribe;
        match Subscription::begin(&self.shared, filter.clone(), since, self.wake.clone(), Transport::Ws).await
        {
            Ok((subscription, cursor)) => {
                let answer = vec![server::subscribed(name, cursor.as_ref())];
                self.subscriptions.push(Named { id: subscribe.id, subscription });
                answer
            }
            Err(error) => vec![server::error(error.code(), &error.to_string(), None, id)],
        }
    }
}

fn forbidden(id: &str) -> String {
    let refusal = Refusal::Forbidden;
    refusal.count();
    server::error(refusal.code(), &refusal.to_string(), Some("filter"), Some(id))
}

async fn drained(shared: &Shared) -> End {
    shared.drain_share().await;
    End::Close(close::DRAINING, "draining: connect again with the last cursor")
}
