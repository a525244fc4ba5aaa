//! The caller: every request is checked here before any handler sees it, and an endpoint without a rule is closed.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{FromRequestParts, MatchedPath, RawPathParams, Request, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::body::{Frame, SizeHint};
use runbus::bus::Filter;
use runbus::id::{ExecutionId, SessionId, StreamId};

use super::error::Failure;
use crate::app::App;
use crate::auth::account::Account;
use crate::auth::permit::Extent;
use crate::auth::{Action, Auth, Narrow, Principal, Refusal, Rule, Target, Ticket, credential, permit};
use crate::ledger::{Table, Taken};
use crate::limits;
use crate::net::sockets::Peer;

/// The caller, and its permissions.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The principal.
    pub principal: Arc<Principal>,
    auth: Arc<Auth>,
    /// Their socket, if they have one.
    peer: Option<Peer>,
}

impl Caller {
    /// Whether they may do something to all of `target`.
    ///
    /// # Errors
    /// They may not.
    pub fn may(&self, action: Action, target: Target<'_>) -> Result<(), Failure> {
        if self.principal.may(action, target) { Ok(()) } else { Err(Refusal::Forbidden.into()) }
    }

    /// Whether they may have everything that a filter lets through.
    ///
    /// # Errors
    /// They may not: a filter that is broader than their scopes is not narrowed silently.
    pub fn may_read(&self, filter: &Filter) -> Result<(), Failure> {
        Ok(self.principal.check_read(filter)?)
    }

    /// The same where the request cannot be made narrower.
    ///
    /// # Errors
    /// They may not.
    pub fn may_read_whole(&self, filter: &Filter) -> Result<(), Failure> {
        self.may(Action::Read, Target::from(filter))
    }

    /// Whether they may monitor a stream, or all.
    ///
    /// # Errors
    /// They may not.
    pub fn may_monitor(&self, stream: Option<&StreamId>) -> Result<(), Failure> {
        let place = Target { stream: stream.map(StreamId::as_str), ..Target::EVERYTHING };
        Ok(self.principal.check(Action::Read, place, Narrow::MONITOR)?)
    }

    /// Their socket, if they have one.
    #[must_use]
    pub const fn peer(&self) -> Option<&Peer> {
        self.peer.as_ref()
    }

    /// The caller's usage.
    #[must_use]
    pub fn account(&self) -> Arc<Account> {
        self.auth.account(&self.principal)
    }

    /// Their right to stay connected.
    ///
    /// # Errors
    /// They have too many connections, or were revoked meanwhile.
    pub fn ticket(&self) -> Result<Ticket, Failure> {
        Ok(self.right()?)
    }

    /// The same for a WebSocket, which has words of its own for it.
    ///
    /// # Errors
    /// As for [`Caller::ticket`].
    pub fn right(&self) -> Result<Ticket, Refusal> {
        self.auth.ticket(&self.principal)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        // Absent only where a WebSocket says later who it is.
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Refusal::Unauthenticated.into())
    }
}

/// A caller who may say later who they are.
#[derive(Debug)]
pub struct OptionalCaller(pub Option<Caller>);

impl<S: Send + Sync> FromRequestParts<S> for OptionalCaller {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(parts.extensions.get::<Caller>().cloned()))
    }
}

/// A WebSocket's handshake that may be of a web page, which sees no status of it.
#[derive(Debug, Clone, Copy)]
pub struct OfPage;

/// Why the caller of a WebSocket's handshake is refused: a page hears it in the WebSocket alone.
#[derive(Debug, Clone)]
pub struct Refused(pub Refusal);

/// How much of the execution in the path a request's caller may have.
#[derive(Debug, Clone, Copy)]
pub struct Reach(Extent);

impl Reach {
    /// To be asked when the answer is made: it may have become another one's since the caller was let in.
    ///
    /// # Errors
    /// It has, or the log does not answer.
    pub async fn holds(self, app: &App, id: &ExecutionId) -> Result<(), Failure> {
        if self.0 == Extent::External && app.control.own(id).await?.is_some() {
            return Err(Refusal::Forbidden.into());
        }
        Ok(())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Reach {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        // Where nobody is asked, everybody has everything.
        Ok(Self(parts.extensions.get::<Extent>().copied().unwrap_or(Extent::Any)))
    }
}

/// Lets a request pass whose caller is known and may do it.
pub async fn check(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let rules = app.catalogue.rules(path);
    let Some((_, rule)) = rules.iter().find(|(method, _)| method == request.method()) else {
        let allowed: Vec<&str> = rules.iter().map(|(method, _)| method.as_str()).collect();
        return Failure::method(&allowed).into_response();
    };
    match admit(&app, *rule, request).await {
        Ok((request, None)) => next.run(request).await,
        Ok((request, Some(held))) => counted(next.run(request).await, held),
        Err(failure) => failure.into_response(),
    }
}

/// Counts an answer that is there as a whole until it is on its way. One that is made piece by piece is counted where it is made.
fn counted(answer: Response, mut held: Taken) -> Response {
    let Some(bytes) = answer.body().size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok()) else {
        return answer;
    };
    held.set(bytes);
    answer.map(|body| Body::new(Counted { body, held }))
}

/// A request's memory, until it is answered: its body is read after this.
fn hold(app: &App, account: &Account, body: usize) -> Result<Taken, Failure> {
    Ok(app.shared.ledger.take(account.usage(), Table::Bytes, body + limits::REQUEST_COST_BYTES)?)
}

async fn admit(app: &App, rule: Rule, request: Request) -> Result<(Request, Option<Taken>), Failure> {
    let auth = &app.shared.auth;
    let (mut parts, body) = request.into_parts();
    let asked = parts.uri.clone();
    // No handler sees it, whether anybody is asked or not.
    if let Some(uri) = credential::strip(&asked, rule.foreign()) {
        parts.uri = uri;
    }
    let is_of_page = rule == Rule::Later && credential::is_of_a_page(&parts.headers, &asked);
    if is_of_page {
        parts.extensions.insert(OfPage);
    }
    // A body of unknown size counts as the largest one.
    let open_ended = parts.headers.contains_key(header::TRANSFER_ENCODING);
    let bytes = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let bytes = if open_ended { limits::BODY_BYTES } else { bytes.min(limits::BODY_BYTES) };
    if rule == Rule::Open || !auth.is_required() {
        let mut held = None;
        if rule != Rule::Open {
            let principal = auth.authenticate(None).await?;
            held = Some(hold(app, &auth.account(&principal), bytes)?);
            parts.extensions.insert(known(principal, auth, &parts));
        }
        return Ok((Request::from_parts(parts, body), held));
    }
    let principal = match credential::find(&parts.headers, &asked, rule.foreign()) {
        Ok(None) if rule == Rule::Later => return Ok((Request::from_parts(parts, body), None)),
        Ok(credential) => auth.authenticate(credential.as_ref()).await,
        Err(refusal) => Err(refusal),
    };
    let principal = match principal {
        Err(Refusal::Unauthenticated) if rule == Rule::Foreign => {
            return Ok((Request::from_parts(parts, body), None));
        }
        principal => principal,
    };
    let known_now = principal.and_then(|principal| auth.message(&principal, bytes).map(|()| principal));
    let principal = match known_now {
        // Said where the page can hear it: in the WebSocket.
        Err(refusal) if is_of_page => {
            parts.extensions.insert(Refused(refusal));
            return Ok((Request::from_parts(parts, body), None));
        }
        known_now => known_now?,
    };
    let held = hold(app, &auth.account(&principal), bytes)?;
    let caller = known(principal, auth, &parts);
    match rule {
        Rule::Open | Rule::Later | Rule::Foreign | Rule::Handler(None) => {}
        // The body may say what it is about. It is not read for a caller who may do it nowhere.
        Rule::Handler(Some(action)) => {
            if !caller.principal.may_somewhere(action) {
                return Err(Refusal::Forbidden.into());
            }
        }
        Rule::Everything(action) => caller.may(action, Target::EVERYTHING)?,
        Rule::Execution(action) => {
            let id = ExecutionId::new(named(&mut parts, "execution_id").await?)
                .map_err(|_| Failure::invalid("execution_id", "is no id"))?;
            let extent = permit::execution(&app.control, &caller.principal, action, &id).await?;
            parts.extensions.insert(extent);
        }
        Rule::Session(action) => {
            let id = SessionId::new(named(&mut parts, "session_id").await?)
                .map_err(|_| Failure::invalid("session_id", "is no id"))?;
            permit::session(&app.control, &caller.principal, action, &id).await?;
        }
        Rule::Request(action) => {
            let id = named(&mut parts, "").await?;
            permit::request(&app.control, &caller.principal, action, &id).await?;
        }
    }
    parts.extensions.insert(caller);
    Ok((Request::from_parts(parts, body), Some(held)))
}

/// A body that is counted until it is on its way.
struct Counted {
    body: Body,
    held: Taken,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() || self.body.is_end_stream() {
            self.held.set(0);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A caller who is known. Their socket stays while their request is answered; where no place is left it is answered as long as nobody
/// else needs the socket.
fn known(principal: Arc<Principal>, auth: &Arc<Auth>, parts: &Parts) -> Caller {
    let peer = parts.extensions.get::<Peer>().cloned();
    if let Some(peer) = &peer {
        let _ = peer.admit();
    }
    Caller { principal, auth: auth.clone(), peer }
}

/// The parameter of the path with this name; `""`: the only one.
async fn named(parts: &mut Parts, name: &'static str) -> Result<String, Failure> {
    let wrong = || Failure::invalid(name, "is no id");
    let params = RawPathParams::from_request_parts(parts, &()).await.map_err(|_| wrong())?;
    let found = params.iter().find(|(found, _)| name.is_empty() || *found == name);
    found.map(|(_, id)| id.to_owned()).ok_or_else(wrong)
}
