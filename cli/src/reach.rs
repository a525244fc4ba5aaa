//! Commands act on the configured log in reach of this process, or on a gateway elsewhere.

use runbus::bus::Filter;
use runbus::bus::history::Query;
use runbus::bus::{Delivery, Stats};
use runbus::control::definitions::{Definition, Summary};
use runbus::control::workers::WorkerReport;
use runbus::control::{
    Acknowledged, AnswerRequest, DeadLetter, DecideRequest, Decided, SendRequest, StartRequest, Started,
};
use runbus::event::Event;
use runbus::execution::Execution;
use runbus::id::{ExecutionId, SessionId};
use runbus::log::{Cursor, Since};
use runbus::session::view::{PendingApproval, PendingCall, PendingQuestion, SaidMessage, Session};
use runbus::snapshot::Snapshot;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::backend::Backend;
use crate::configuration::Configuration;
use crate::exit::Error;
use crate::global::Global;
use crate::lists;
use crate::remote::{Reading, Remote};
use crate::snapshot;

/// The configured log, or a gateway.
#[derive(Debug)]
pub(crate) enum Reach {
    /// The configured log.
    Here(Box<Backend>),
    /// A gateway.
    There(Remote),
}

/// A reader of events.
#[derive(Debug)]
pub(crate) enum Reader {
    /// Of the configured log.
    Here(Box<runbus::bus::Reader>),
    /// Of a gateway.
    There(Box<Reading>),
}

impl Reader {
    /// The next thing.
    ///
    /// # Errors
    /// The log refuses, or the gateway refuses or does not answer.
    pub(crate) async fn next(&mut self) -> Result<Delivery, Error> {
        match self {
            Self::Here(reader) => Ok(reader.next().await?),
            Self::There(reading) => reading.next().await,
        }
    }
}

fn named<T>(found: Value, name: &str) -> Result<T, Error>
where
    T: for<'de> Deserialize<'de>,
{
    let list = found.get(name).cloned().unwrap_or_default();
    runbus::json::from_value(list)
        .map_err(|error| Error::Software(format!("the gateway's answer cannot be read: {error}")))
}

impl Reach {
    /// The gateway that the command line names, else the configured log.
    ///
    /// # Errors
    /// The gateway's address is none, or the log cannot be opened.
    pub(crate) async fn open(global: &Global, configuration: &Configuration) -> Result<Self, Error> {
        match &global.gateway {
            Some(url) => Ok(Self::There(Remote::new(url, global.token.as_deref())?)),
            None => Ok(Self::Here(Box::new(Backend::open(configuration).await?))),
        }
    }

    /// The same for a command that acts on a log which must be there: none is made.
    ///
    /// # Errors
    /// See [`Reach::open`]; or there is no log.
    pub(crate) async fn look(global: &Global, configuration: &Configuration) -> Result<Self, Error> {
        if global.gateway.is_none() {
            lists::look(configuration)?;
        }
        Self::open(global, configuration).await
    }

    /// See [`runbus::control::Control::start`].
    pub(crate) async fn start(&self, request: StartRequest) -> Result<Started, Error> {
        match self {
            Self::Here(backend) => Ok(backend.control().start(request).await?),
            Self::There(remote) => remote.post(&["executions"], &request).await,
        }
    }

    /// See [`runbus::control::Control::send`].
    pub(crate) async fn send(&self, request: SendRequest) -> Result<Started, Error> {
        match self {
            Self::Here(backend) => Ok(backend.control().send(request, None).await?),
            Self::There(remote) => {
                let session = request.session_id.clone();
                let mut body = json!(SendRequest { session_id: None, ..request });
                if let Some(fields) = body.as_object_mut() {
                    fields.retain(|_, value| !value.is_null());
                }
                match session {
                    Some(id) => remote.post(&["sessions", id.as_str(), "messages"], &body).await,
                    None => remote.post(&["sessions"], &body).await,
                }
            }
        }
    }

    /// See [`runbus::control::Control::session`].
    pub(crate) async fn session(&self, id: &SessionId) -> Result<Session, Error> {
        match self {
            Self::Here(backend) => Ok(backend.control().session(id).await?),
            Self::There(remote) => remote.get(&["sessions", id.as_str()], &[]).await,
        }
    }

    /// See [`runbus::control::Control::messages`].
    pub(crate) async fn messages(&self, id: &SessionId, compacted: bool) -> Result<Vec<SaidMessage>, Error> {
        let remote = match self {
            Self::Here(backend) => return Ok(backend.control().messages(id, compacted).await?),
            Self::There(remote) => remote,
        };
        let (mut all, mut from) = (Vec::new(), None::<u64>);
        loop {
            let mut query = vec![("include_compacted".to_owned(), compacted.to_string())];
            query.extend(from.map(|from| ("from".to_owned(), from.to_string())));
            let page: Value = remote.get(&["sessions", id.as_str(), "messages"], &query).await?;
            from = page["next"].as_u64();
            all.extend(named::<Vec<SaidMessage>>(page, "messages")?);
            if from.is_none() {
                return Ok(all);
            }
        }
    }

    /// See [`runbus::control::Control::pending`].
    pub(crate) async fn pending(&self, id: &SessionId) -> Result<Vec<PendingCall>, Error> {
        match self {
            Self::Here(backend) => Ok(backend.control().pending(id).await?),
            Self::There(remote) => {
                named(remote.get(&["sessions", id.as_str(), "pending"], &[]).await?, "pending")
            }
        }
    }

    /// See [`runbus::control::Control::resume`].
    pub(crate) async fn resume(&self, id: &SessionId) -> Result<Started, Error> {
        match self {
            Self::Here(backend) => Ok(backend.control().resume(id, None).await?),
            Self::There(remote) => remote.post(&["sessions", id.as_str(), "resume"], &json!({})).await,
        }
    }

    /// See [`runbus::control::Control::abort_pending`].
    pub(crate) async fn abort_pending(
        &self,
        id: &SessionId,
        reason: &str,
    ) -> Result<Vec<PendingCall>, Error> {
        match self {
            Self::Here(backend) => Ok(backend.control().abort_pending(id, reason, None).await?),
            Self::There(remote) => {
                let body = json!({ "reason": reason });
                named(remote.post(&["sessions", id.as_str(), "abort_pending"], &body).await?, "aborted")
            }
        }
    }

    /// See [`runbus::control::Control::close_session`].
    pub(crate) async fn close_session(
        &self,
        id: &SessionId,
        cascade: bool,
        reason: Option<String>,
    ) -> Result<Session, Error> {
        match self {
            Self::Here(backend) => Ok(backend.control().close_session(id, cascade, reason, None).await?),
            Self::There(remote) => {
                let mut body = json!({ "cascade": cascade });
                body["reason"] = reason.map_or(Value::Null, Value::String);
                remote.post(&["sessions", id.as_str(), "close"], &body).await
            }
        }
    }

    /// See [`runbus::control::Control::cancel`].
    pub(crate) async fn cancel(
        &self,
        id: &ExecutionId,
        session: Option<SessionId>,
        reason: Option<String>,
    ) -> Result<Acknowledged, Error> {
        match self {
            Self::Here(backend) => Ok(backend.control().cancel(id, session, reason, None).await?),
            Self::There(remote) => {
                let body = json!({ "session_id": session, "reason": reason });
                remote.post(&["executions", id.as_str(), "cancel"], &body).await
            }
        }
    }

    /// See [`runbus::control::Control::pause`].
    pub(crate) async fn pause(
        &self,
        id: &ExecutionId,
        reason: Option<String>,
    ) -> Result<Acknowledged, Error> {
        match self {
            Self::Here(backend) => Ok(backend.control().pause(id, reason, None).await?),
            Self::There(remote) => {
                remote.post(&["executions", id.as_str(), "pause"], &json!({ "reason": reason })).await
            }
        }
    }

    /// See [`runbus::control::Control::unpause`].
    pub(crate) async fn unpause(&self, id: &ExecutionId) -> Result<Acknowledged, Error> {
        match self {
            Self::Here(backend) => Ok(backend.control().unpause(id, None).await?),
            Self::There(remote) => remote.post(&["executions", id.as_str(), "resume"], &json!({})).await,
        }
    }

    /// See [`runbus::control::Control::approvals`].
    pub(crate) async fn approvals(&self, id: &ExecutionId) -> Result<Vec<PendingApproval>, Error> {
        match self {
            Self::Here(backend) => Ok(backend.control().approvals(id).await?),
            Self::There(remote) => named(remote.of(id, &["approvals"]).await?, "approvals"),
        }
    }

    /// See [`runbus::control::Control::questions`].
    pub(crate) async fn questions(&self, id: &ExecutionId) -> Result<Vec<PendingQuestion>, Error> {
        match self {
            Self::Here(backend) => Ok(backend.control().questions(id).await?),
            Self::There(remote) => named(remote.of(id, &["questions"]).await?, "questions"),
        }
    }

    /// See [`runbus::control::Control::approval`].
    pub(crate) async fn approval(&self, id: &str) -> Result<PendingApproval, Error> {
        match self {
            Self::Here(backend) => Ok(backend.control().approval(id).await?),
            Self::There(remote) => remote.get(&["approvals", id], &[]).await,
        }
    }

    /// See [`runbus::control::Control::decide`].
    pub(crate) async fn decide(&self, id: &str, request: DecideRequest) -> Result<Decided, Error> {
        match self {
            Self::Here(backend) => Ok(backend.control().decide(id, request, None).await?),
            Self::There(remote) => {
                let mut body = json!(request);
                if let Some(fields) = body.as_object_mut() {
                    fields.retain(|_, value| !value.is_null());
                }
                remote.post(&["approvals", id, "decision"], &body).await
            }
        }
    }

    /// See [`runbus::control::Control::answer`].
    pub(crate) async fn answer(&self, id: &str, input: Value) -> Result<Decided, Error> {
        match self {
            Self::Here(backend) => {
                let request = AnswerRequest { input, answer_id: None };
                Ok(backend.control().answer(id, request, None).await?)
            }
            Self::There(remote) => {
                remote.post(&["questions", id, "answer"], &json!({ "input": input })).await
            }
        }
    }

    /// See [`runbus::control::Control::dead_letters`].
    pub(crate) async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, Error> {
        match self {
            Self::Here(backend) => Ok(backend.control().dead_letters(limit).await?),
            Self::There(remote) => {
                let query = [("limit".to_owned(), limit.to_string())];
                named(remote.get(&["dead-letters"], &query).await?, "dead_letters")
            }
        }
    }

    /// See [`runbus::control::Control::dead_letter_of`].
    pub(crate) async fn dead_letter_of(&self, id: &ExecutionId) -> Result<DeadLetter, Error> {
        match self {
            Self::Here(backend) => Ok(backend.control().dead_letter_of(id).await?),
            Self::There(remote) => remote.get(&["dead-letters", id.as_str()], &[]).await,
        }
    }

    /// See [`runbus::control::Control::retry_dead_letter`].
    pub(crate) async fn retry_dead_letter(&self, id: &ExecutionId) -> Result<Started, Error> {
        match self {
            Self::Here(backend) => Ok(backend.control().retry_dead_letter(id, None).await?),
            Self::There(remote) => remote.post(&["dead-letters", id.as_str(), "retry"], &json!({})).await,
        }
    }

    /// See [`runbus::control::Control::status`].
    pub(crate) async fn status(&self, id: &ExecutionId) -> Result<Option<Execution>, Error> {
        match self {
            Self::Here(backend) => Ok(backend.control().status(id).await?),
            Self::There(remote) => match remote.of(id, &[]).await {
                Ok(known) => Ok(Some(known)),
                Err(Error::NotFound(_)) => Ok(None),
                Err(error) => Err(error),
            },
        }
    }

    /// See [`runbus::control::Control::workers`].
    pub(crate) async fn workers(&self) -> Result<Vec<WorkerReport>, Error> {
        match self {
            Self::Here(backend) => Ok(backend.control().workers().await?),
            Self::There(remote) => named(remote.get(&["workers"], &[]).await?, "workers"),
        }
    }

    /// See [`runbus::control::Control::definitions`].
    pub(crate) async fn definitions(&self) -> Result<Vec<Summary>, Error> {
        match self {
            Self::Here(backend) => {
                Ok(backend.control().definitions().await?.iter().map(Definition::summary).collect())
            }
            Self::There(remote) => named(remote.get(&["definitions"], &[]).await?, "definitions"),
        }
    }

    /// See [`runbus::control::Control::definition`].
    pub(crate) async fn definition(&self, name: &str) -> Result<Definition, Error> {
        match self {
            Self::Here(backend) => {
                let found = backend.control().definition(name).await?;
                found.ok_or_else(|| Error::NotFound(format!("no worker has a definition {name:?}")))
            }
            Self::There(remote) => remote.get(&["definitions", name], &[]).await,
        }
    }

    /// See [`runbus::bus::Bus::stats`].
    pub(crate) async fn stats(&self) -> Result<Stats, Error> {
        match self {
            Self::Here(backend) => Ok(backend.bus().stats().await?),
            Self::There(remote) => remote.get(&["stats"], &[]).await,
        }
    }

    /// The snapshot of an execution.
    pub(crate) async fn snapshot(&self, filter: &Filter) -> Result<Snapshot, Error> {
        match (self, &filter.execution_id) {
            (Self::There(remote), Some(id)) => remote.of(id, &["snapshot"]).await,
            (Self::There(_), None) => Err(Error::Usage("--since snapshot needs --execution".into())),
            (Self::Here(backend), _) => Ok(snapshot::take(&backend.bus(), filter).await?),
        }
    }

    /// Reads events for ever.
    pub(crate) async fn read(&self, filter: Filter, since: Since) -> Result<Reader, Error> {
        match self {
            Self::Here(backend) => Ok(Reader::Here(Box::new(backend.bus().read(filter, since).await?))),
            Self::There(remote) => Ok(Reader::There(Box::new(remote.read(filter, since)))),
        }
    }

    /// A page of stored events, and where the next one begins.
    pub(crate) async fn history(&self, query: &Query) -> Result<(Vec<Delivery>, Option<Cursor>), Error> {
        match self {
            Self::Here(backend) => {
                let page = backend.bus().history(query).await.map_err(|error| match error {
                    runbus::bus::history::Error::Log(error) => error.into(),
                    error => Error::Usage(format!("--limit: {error}")),
                })?;
                let gaps = page.gaps.into_iter().map(Delivery::Gap);
                Ok((gaps.chain(page.events).collect(), page.next))
            }
            Self::There(remote) => {
                let order = json!(query.order).as_str().unwrap_or("newest").to_owned();
                let mut more =
                    vec![("order".to_owned(), order), ("limit".to_owned(), query.limit.to_string())];
                more.extend(query.cursor.as_ref().map(|cursor| ("cursor".to_owned(), cursor.to_string())));
                remote.events(&query.filter, more).await
            }
        }
    }

    /// Publishes events to a gateway, all or none; where each is stored.
    pub(crate) async fn publish(remote: &Remote, events: &[Event]) -> Result<Vec<u64>, Error> {
        /// Events as text: a value would write their numbers anew.
        #[derive(serde::Serialize)]
        struct Body<'a> {
            events: &'a [Event],
        }
        let answer: Value = remote.post(&["events"], &Body { events }).await?;
        let events = answer["events"].as_array().cloned().unwrap_or_default();
        Ok(events.iter().map(|event| event["seq"].as_u64().unwrap_or_default()).collect())
    }
}
