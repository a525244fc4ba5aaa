//! The native dialect: named subscriptions, monitors and lists, commands. `requests` is what its client may ask for.

use std::sync::Arc;

use axum::extract::ws::Message as Frame;

use super::commands::Commands;
use super::direct::DirectPath;
use super::monitoring::{self, Monitoring};
use super::named::Named;
use crate::auth::Refusal;
use crate::connection::gate::CloseReason;
use crate::connection::{Batch, Dialect, End, Farewell, Link, Next, Outbound, Output, size};
use crate::net::shared_socket::SharedSocket;
use crate::protocol::{Encoding, close, server};

/// A client of the native protocol.
pub struct Native {
    encoding: Encoding,
    pub(super) subscriptions: Vec<Named>,
    pub(super) monitors: Vec<Monitoring>,
    pub(super) commands: Commands,
    /// Where hubs find it while it waits, when nothing is between it and its socket.
    pub(super) direct: Option<Arc<DirectPath>>,
}

impl std::fmt::Debug for Native {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Native").field("encoding", &self.encoding).finish_non_exhaustive()
    }
}

impl Native {
    /// One that has asked for nothing yet. `shared_socket`: its socket, when nothing is between it and the client.
    #[must_use]
    pub fn new(encoding: Encoding, shared_socket: Option<Arc<SharedSocket>>, link: &Link) -> Self {
        let direct = shared_socket
            .map(|shared_socket| Arc::new(DirectPath::new(shared_socket, encoding, link.wake.clone())));
        Self {
            encoding,
            subscriptions: Vec::new(),
            monitors: Vec::new(),
            commands: Commands::default(),
            direct,
        }
    }
}

/// The state of authentication in the first message.
fn auth_word(link: &Link) -> &'static str {
    match (link.shared.auth.is_required(), link.gate.principal()) {
        (false, _) => "none",
        (true, None) => "required",
        (true, Some(_)) => "ok",
    }
}

impl Dialect for Native {
    fn encoding(&self) -> Encoding {
        self.encoding
    }

    fn greet(&mut self, link: &Link, out: &mut Outbound) {
        out.push(server::hello(&link.shared.config, self.encoding, auth_word(link)));
    }

    fn is_quiet(&self) -> bool {
        self.subscriptions.is_empty() && self.monitors.is_empty()
    }

    async fn produce(&mut self, link: &Link, out: &mut Outbound) -> Result<Next, End> {
        let mut next = Next::Never;
        for Named { id, batch, subscription, follow, .. } in &mut self.subscriptions {
            let mut batch = Batch::new(id, *batch, out);
            if let Some(follow) = follow.as_mut().filter(|_| !batch.is_full())
                && let Some(presence) = follow.news()
            {
                batch.notice(&presence);
            }
            let found = match subscription.produce_now(&mut batch) {
                Some(found) => found,
                None => Box::pin(subscription.produce(&link.shared, &mut batch)).await,
            };
            match found {
                Ok(found) => {
                    batch.finish();
                    next = next.min(found);
                }
                Err(error) => {
                    tracing::error!(%error, "a client is closed: the log refuses");
                    return Err(End::Close((close::UNAVAILABLE, "the log refuses")));
                }
            }
        }
        next = next.min(monitoring::produce(&mut self.monitors, out));
        // Fair to all: the next turn begins with another subscription.
        if self.subscriptions.len() > 1 {
            self.subscriptions.rotate_left(1);
        }
        Ok(next)
    }

    fn written(&mut self) {
        self.subscriptions.iter_mut().for_each(|known| known.subscription.written());
    }

    async fn news(&mut self, out: &mut Outbound) -> Result<(), End> {
        out.push(self.commands.answer().await);
        Ok(())
    }

    async fn hear(&mut self, link: &mut Link, frame: Frame, out: &mut Outbound) -> Result<(), End> {
        let bytes = size(&frame);
        match self.encoding.read(&frame) {
            Some(message) => self.handle(link, message, bytes, out).await,
            None => Err(End::Close((close::PROTOCOL, "this subprotocol has no messages of this form"))),
        }
    }

    fn refuse(&mut self, refusal: &Refusal, out: &mut Outbound) {
        out.push(server::error(refusal.code(), &refusal.to_string(), None, None));
    }

    /// Its subscriptions are left with the direct path when they wait for nothing but their hubs.
    fn may_lend(&self) -> bool {
        self.direct.is_some()
            && !self.subscriptions.is_empty()
            && self.subscriptions.iter().all(|known| known.subscription.waits_for_hub())
    }

    fn lend(&mut self) {
        if let Some(direct) = &self.direct {
            direct.leave(std::mem::take(&mut self.subscriptions));
        }
    }

    fn take_back(&mut self) -> usize {
        let Some(direct) = &self.direct else { return 0 };
        let (subscriptions, rest) = direct.back();
        self.subscriptions = subscriptions;
        rest
    }

    fn farewell(&self, close: CloseReason) -> Farewell {
        Farewell::with(close)
    }

    async fn finish(mut self) {
        let commands = std::mem::take(&mut self.commands);
        drop(self);
        commands.finish().await;
    }
}
