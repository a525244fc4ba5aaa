//! Who asks: every request is checked here before any handler sees it, and an endpoint that nobody thought of is closed.

use std::sync::Arc;

use axum::body::HttpBody as _;
use axum::extract::{FromRequestParts, MatchedPath, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use runbus::bus::Filter;
use runbus::id::{ExecutionId, SessionId};

use super::error::Failure;
use crate::auth::{Action, Auth, Principal, Refusal, Target, Ticket, credential, permit};
use crate::limits;
use crate::router::App;

/// Who asks, and what they may do.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub principal: Arc<Principal>,
    auth: Arc<Auth>,
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
        self.may(Action::Read, Target::from(filter))
    }

    /// Their right to stay connected.
    ///
    /// # Errors
    /// They have too many connections, or were revoked meanwhile.
    pub fn ticket(&self) -> Result<Ticket, Failure> {
        Ok(self.auth.ticket(&self.principal)?)
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
pub struct Perhaps(pub Option<Caller>);

impl<S: Send + Sync> FromRequestParts<S> for Perhaps {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(parts.extensions.get::<Caller>().cloned()))
    }
}

/// What an endpoint asks of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Nothing.
    Open,
    /// A credential, now or in band.
    Later,
    /// A credential, or the handler says in its own words that there is none.
    Foreign,
    /// A credential; the handler knows the rest.
    Handler,
    /// An action on the execution in the path.
    Execution(Action),
    /// An action on the session in the path.
    Session(Action),
    /// An action on what the approval or question in the path is about.
    Request(Action),
    /// An action on everything.
    Everything(Action),
}

/// The one list of what endpoints ask.
fn rule(method: &Method, path: &str) -> Rule {
    let reads = method == Method::GET || method == Method::HEAD;
    match path {
        "/healthz" | "/readyz" => Rule::Open,
        "/v1/ws" => Rule::Later,
        path if reads && path.starts_with("/ws/") => Rule::Foreign,
        // Their handlers ask for `start`, and for `read` of the execution.
        "/api/councils/run" | "/api/councils/run/{run_id}" => Rule::Handler,
        "/"
        | "/v1/executions"
        | "/v1/executions/{execution_id}"
        | "/v1/executions/{execution_id}/events"
        | "/v1/executions/{execution_id}/events/stream"
        | "/v1/executions/{execution_id}/snapshot"
        | "/v1/events"
        | "/v1/events/stream"
        | "/v1/sessions"
        | "/v1/monitor"
        | "/v1/monitor/stream"
        | "/v1/monitor/{stream_id}"
        | "/v1/monitor/{stream_id}/stream"
        | "/v1/auth/tokens" => Rule::Handler,
        "/v1/sessions/{session_id}/messages" if !reads => Rule::Handler,
        "/metrics" => Rule::Everything(Action::Metrics),
        "/v1/auth/revocations" => Rule::Everything(Action::Admin),
        "/v1/executions/{execution_id}/cancel"
        | "/v1/executions/{execution_id}/pause"
        | "/v1/executions/{execution_id}/resume" => Rule::Execution(Action::Cancel),
        path if reads && path.starts_with("/v1/executions/{execution_id}/") => Rule::Execution(Action::Read),
        path if path.starts_with("/v1/dead-letters") => Rule::Everything(Action::Admin),
        path if path.starts_with("/v1/approvals/") || path.starts_with("/v1/questions/") => {
            Rule::Request(if reads { Action::Read } else { Action::Decide })
        }
        path if reads && path.starts_with("/v1/sessions/") => Rule::Session(Action::Read),
        "/v1/sessions/{session_id}/close" | "/v1/sessions/{session_id}/abort_pending" => {
            Rule::Session(Action::Cancel)
        }
        "/v1/sessions/{session_id}/resume" => Rule::Session(Action::Start),
        _ if reads => Rule::Everything(Action::Read),
        // Nobody thought of it.
        _ => Rule::Everything(Action::Admin),
    }
}

/// The parameters that hold a credential, where the server had one that an endpoint stands in for.
fn foreign(rule: Rule) -> &'static [&'static str] {
    if rule == Rule::Foreign { &["api_key", "token"] } else { &[] }
}

/// Lets a request pass whose caller is known and may do it.
pub async fn check(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    match admit(&app, request).await {
        Ok(request) => next.run(request).await,
        Err(failure) => failure.into_response(),
    }
}

async fn admit(app: &App, request: Request) -> Result<Request, Failure> {
    let auth = &app.shared.auth;
    let (mut parts, body) = request.into_parts();
    let path = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let rule = rule(&parts.method, path);
    if rule == Rule::Open || !auth.is_required() {
        if rule != Rule::Open {
            let principal = auth.authenticate(None).await?;
            parts.extensions.insert(Caller { principal, auth: auth.clone() });
        }
        return Ok(Request::from_parts(parts, body));
    }
    let principal = match credential::find(&parts.headers, &parts.uri, foreign(rule)) {
        Ok(None) if rule == Rule::Later => return Ok(Request::from_parts(parts, body)),
        Ok(credential) => auth.authenticate(credential.as_ref()).await,
        Err(refusal) => Err(refusal),
    };
    let principal = match principal {
        Err(Refusal::Unauthenticated) if rule == Rule::Foreign => {
            return Ok(Request::from_parts(parts, body));
        }
        principal => principal?,
    };
    // A body of unknown size counts as the largest one.
    let open_ended = parts.headers.contains_key(header::TRANSFER_ENCODING);
    let bytes = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    auth.message(&principal, if open_ended { limits::BODY_BYTES } else { bytes.min(limits::BODY_BYTES) })?;
    if let Some(uri) = credential::strip(&parts.uri, foreign(rule)) {
        parts.uri = uri;
    }
    let caller = Caller { principal, auth: auth.clone() };
    match rule {
        Rule::Open | Rule::Later | Rule::Foreign | Rule::Handler => {}
        Rule::Everything(action) => caller.may(action, Target::EVERYTHING)?,
        Rule::Execution(action) => {
            let id = ExecutionId::new(named(&mut parts, "execution_id").await?)
                .map_err(|_| Failure::invalid("execution_id", "is no id"))?;
            permit::execution(&app.control, &caller.principal, action, &id).await?;
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
    Ok(Request::from_parts(parts, body))
}

/// The parameter of the path with this name; `""`: the only one.
async fn named(parts: &mut Parts, name: &'static str) -> Result<String, Failure> {
    let wrong = || Failure::invalid(name, "is no id");
    let params = RawPathParams::from_request_parts(parts, &()).await.map_err(|_| wrong())?;
    let found = params.iter().find(|(found, _)| name.is_empty() || *found == name);
    found.map(|(_, id)| id.to_owned()).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_thought_of_is_closed() {
        assert_eq!(rule(&Method::POST, "/v1/new"), Rule::Everything(Action::Admin));
        assert_eq!(rule(&Method::DELETE, "/v1/executions/{execution_id}/x"), Rule::Everything(Action::Admin));
        assert_eq!(rule(&Method::GET, "/v1/new"), Rule::Everything(Action::Read));
        assert_eq!(rule(&Method::GET, "/v1/dead-letters"), Rule::Everything(Action::Admin));
        assert_eq!(rule(&Method::POST, "/v1/sessions/{session_id}/new"), Rule::Everything(Action::Admin));
        assert_eq!(rule(&Method::POST, "/v1/approvals/{id}/decision"), Rule::Request(Action::Decide));
        assert_eq!(rule(&Method::POST, "/ws/tasks/{task_id}"), Rule::Everything(Action::Admin));
        assert_eq!(rule(&Method::GET, "/ws/tasks/{task_id}"), Rule::Foreign);
        assert_eq!(foreign(Rule::Later), foreign(Rule::Handler));
        assert!(foreign(Rule::Handler).is_empty() && foreign(Rule::Foreign).contains(&"api_key"));
    }
}
