//! The requests of a client: one message, one answer or more.

use runbus::metrics::Transport;

use super::client::Native;
use super::monitoring::{Monitoring, Watched};
use super::named::Named;
use crate::auth::{Refusal, permit};
use crate::connection::{End, Link, Outbound, Subscription, Wake};
use crate::ledger::Full;
use crate::presence::{Follow, Seat};
use crate::protocol::client::{Invalid, Message, Monitor, Subscribe};
use crate::protocol::list::List;
use crate::protocol::{Start, close, server};

impl Native {
    /// Follows a message of so many bytes.
    pub(super) async fn handle(
        &mut self,
        link: &mut Link,
        message: Result<Message, Invalid>,
        bytes: usize,
        out: &mut Outbound,
    ) -> Result<(), End> {
        if link.gate.principal().is_none() && !matches!(message, Ok(Message::Auth { .. })) {
            return Err(End::Close((close::UNAUTHENTICATED, "a valid credential is needed")));
        }
        let answer = match message {
            Ok(Message::Auth { token }) => self.show(link, &token).await?,
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
            Ok(Message::Subscribe(subscribe)) => self.subscribe(link, subscribe).await,
            Ok(Message::Monitor(monitor)) => self.monitor(link, monitor),
            Ok(Message::List(list)) => self.list(link, *list),
            Ok(Message::Command(command)) => {
                // An unauthenticated client is closed above.
                let Some(principal) = link.gate.principal().cloned() else { return Ok(()) };
                let account = link.gate.account().clone();
                let begun = self.commands.begin(&link.shared, principal, &account, (*command, bytes));
                begun.err().into_iter().collect()
            }
            Err(invalid) => {
                let (path, id) = (invalid.path(), invalid.id());
                vec![server::error(invalid.code(), &invalid.to_string(), path, id)]
            }
        };
        answer.into_iter().for_each(|message| out.push(message));
        Ok(())
    }

    /// Sets the identity from now on. Subscriptions that the credential does not cover end; the others go on where they
    /// are.
    async fn show(&mut self, link: &mut Link, token: &runbus::config::Secret) -> Result<Vec<String>, End> {
        let expires_at = link.gate.show(token).await.map_err(End::Close)?;
        link.is_renewed = true;
        let mut answer = vec![server::auth_ok(expires_at)];
        let gate = &link.gate;
        self.subscriptions.retain(|known| {
            let may = gate.may_read(known.subscription.filter());
            may.map_err(|refusal| {
                answer.push(forbidden(&refusal, &known.id, "filter"));
                answer.push(server::unsubscribed(&known.id));
            })
            .is_ok()
        });
        let (shared, wake) = (&link.shared, &link.wake);
        self.monitors.retain_mut(|known| {
            let id = &known.id;
            let goes_on = match &mut known.what {
                Watched::Monitor(stream, _) => {
                    gate.may_monitor(stream.as_ref()).map_err(|refusal| forbidden(&refusal, id, "stream_id"))
                }
                // It begins again, by what the credential allows.
                Watched::List(asked, watch) => {
                    let seen = gate.may_list().map_err(|refusal| forbidden(&refusal, id, "list"));
                    seen.and_then(|seen| {
                        let again = shared.lists.watch((**asked).clone(), seen, wake, gate.account().usage());
                        *watch = again.map_err(|full| is_full(&full, id))?;
                        Ok(())
                    })
                }
            };
            goes_on
                .map_err(|error| {
                    answer.push(error);
                    answer.push(server::unsubscribed(id));
                })
                .is_ok()
        });
        wake.notify_one();
        Ok(answer)
    }

    /// Subscriptions and monitors.
    fn held(&self) -> usize {
        self.subscriptions.len() + self.monitors.len()
    }

    /// Whether one more may begin; else the answer that refuses it.
    fn admit(&self, link: &Link, id: &str, may: Result<(), Refusal>, path: &str) -> Result<(), String> {
        let mut names = self.subscriptions.iter().map(|known| &known.id);
        if names.any(|known| known == id) || self.monitors.iter().any(|known| known.id == id) {
            let message = "this subscription is there already";
            return Err(server::error("conflict", message, Some("id"), Some(id)));
        }
        may.map_err(|refusal| forbidden(&refusal, id, path))?;
        let limit = link.shared.config.max_subscriptions;
        if self.held() >= limit {
            let message = format!("{limit} subscriptions are there already");
            return Err(server::error("limit_exceeded", &message, None, Some(id)));
        }
        Ok(())
    }

    fn monitor(&mut self, link: &Link, monitor: Monitor) -> Vec<String> {
        let Monitor { id, stream_id } = monitor;
        if let Err(refused) = self.admit(link, &id, link.gate.may_monitor(stream_id.as_ref()), "stream_id") {
            return vec![refused];
        }
        match link.shared.monitors.watch_with(
            stream_id.clone(),
            link.wake.clone(),
            link.gate.account().usage(),
        ) {
            Ok(watch) => {
                let answer = server::subscribed(&id, None);
                self.monitors.push(Monitoring { id, what: Watched::Monitor(stream_id, watch) });
                vec![answer]
            }
            Err(full) => vec![is_full(&full, &id)],
        }
    }

    fn list(&mut self, link: &Link, list: List) -> Vec<String> {
        let List { id, family, query } = list;
        let principal = link.gate.may_list().cloned();
        let may = principal.as_ref().map(|_| ()).map_err(Clone::clone);
        if let Err(refused) = self.admit(link, &id, may, "list") {
            return vec![refused];
        }
        // A client without permission is refused above.
        let Ok(principal) = principal else { return Vec::new() };
        let (asked, usage) = ((family, query), link.gate.account().usage());
        match link.shared.lists.watch(asked.clone(), &principal, &link.wake, usage) {
            Ok(watch) => {
                let answer = server::subscribed(&id, None);
                self.monitors.push(Monitoring { id, what: Watched::List(Box::new(asked), watch) });
                // It may have been read already, for somebody else.
                link.wake.notify_one();
                vec![answer]
            }
            Err(full) => vec![is_full(&full, &id)],
        }
    }

    /// The client's place among the watchers of an execution, and the other ones on request.
    fn presence(link: &Link, subscribe: &Subscribe) -> Result<(Option<Seat>, Option<Follow>), Full> {
        let Some(execution) = &subscribe.filter.execution_id else { return Ok((None, None)) };
        let room = &link.shared.presence;
        let follow = subscribe
            .presence
            .then(|| room.follow(execution, &link.wake, link.gate.account().usage()))
            .transpose()?;
        let label = subscribe.label.as_ref().map(|label| label.0.clone());
        let subject = link.gate.principal().map(|principal| principal.subject.clone());
        Ok((subject.map(|subject| room.enter(execution.clone(), subject, label)), follow))
    }

    async fn subscribe(&mut self, link: &Link, subscribe: Subscribe) -> Vec<String> {
        let id = Some(subscribe.id.as_str());
        if let Err(refused) = self.admit(link, &subscribe.id, link.gate.may_read(&subscribe.filter), "filter")
        {
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
                (&subscribe.filter.execution_id, link.gate.principal().cloned())
            // As over REST: two streams may use one id.
            && let Err(denied) =
                permit::follow(&link.shared.control, &principal, execution).await
        {
            return vec![server::error(denied.code(), &denied.to_string(), Some("presence"), id)];
        }
        let (seat, follow) = match Self::presence(link, &subscribe) {
            Ok(both) => both,
            Err(full) => return vec![is_full(&full, &subscribe.id)],
        };
        let Subscribe { id: name, filter, since, batch, coalesce, .. } = &subscribe;
        let account = link.gate.account().clone();
        let mut wake = Wake::from(link.wake.clone());
        if let Some(direct) = &self.direct {
            wake.watcher = direct.clone();
        }
        match Subscription::begin(&link.shared, &account, filter.clone(), since, wake, Transport::Ws).await {
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

fn forbidden(refusal: &Refusal, id: &str, path: &str) -> String {
    refusal.count();
    server::error(refusal.code(), &refusal.to_string(), Some(path), Some(id))
}

fn is_full(full: &Full, id: &str) -> String {
    server::error("limit_exceeded", &full.to_string(), None, Some(id))
}
