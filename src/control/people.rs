//! Decisions and answers of people. The inbox orders them: the first one counts, and the caller learns at once whether
//! its own did, without a worker.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::sessions::note;
use super::start::accept;
use super::{Control, Error};
use crate::id::{EventId, ExecutionId, SessionId};
use crate::limits;
use crate::session::approval::{Refusal, Unfit};
use crate::session::command::{Action, Decide};
use crate::session::state::State;
use crate::session::view::{PendingApproval, PendingQuestion, Session};
use crate::subject::token;

/// A decision.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideRequest {
    /// Whether the call may run. It has no default: a decision is said, not left out.
    pub approved: bool,
    /// Other arguments for the call; only with an approval.
    pub arguments: Option<Value>,
    /// A note for the model, or for the record. At most 4096 bytes.
    #[schemars(length(max = 4096))]
    pub note: Option<String>,
    /// The digest of the arguments that the decider saw; another one than the approval's is refused as stale.
    pub arguments_digest: Option<String>,
    /// Identifies the decision: the same id again is the same decision. Absent: a fresh one.
    pub decision_id: Option<EventId>,
}

/// An answer to a question.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerRequest {
    /// The answer. At most 64 KiB of JSON.
    pub input: Value,
    /// Identifies the answer: the same id again is the same answer. Absent: a fresh one.
    pub answer_id: Option<EventId>,
}

/// A decision or an answer that counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Decided {
    /// The conversation.
    pub session_id: SessionId,
    /// The approval as it stands now; absent for an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<PendingApproval>,
}

/// Names an approval or a question, so that its session can be found from it: `<unique>@<session's token>`.
#[must_use]
pub fn address(session: &SessionId, unique: &str) -> String {
    let id = EventId::derived(&format!("{session}/{unique}")).to_string();
    format!("{}@{}", id.replace('-', "").get(12..28).unwrap_or_default(), token::encode(session.as_str()))
}

/// The session of an approval or a question.
#[must_use]
pub fn addressed(id: &str) -> Option<SessionId> {
    let (_, session) = id.split_once('@')?;
    SessionId::new(token::decode(session).ok()?).ok()
}

impl Control {
    /// The approvals of an execution that wait for a decision.
    ///
    /// # Errors
    /// The execution does not exist, or the log does not answer.
    pub async fn approvals(&self, id: &ExecutionId) -> Result<Vec<PendingApproval>, Error> {
        let session = self.session_of(id).await?;
        let waiting = session.into_iter().flat_map(|session| session.approvals);
        Ok(waiting.filter(|approval| approval.execution_id == *id).collect())
    }

    /// The questions of an execution that wait for an answer.
    ///
    /// # Errors
    /// The execution does not exist, or the log does not answer.
    pub async fn questions(&self, id: &ExecutionId) -> Result<Vec<PendingQuestion>, Error> {
        // Only the execution at work asks.
        let session = self.session_of(id).await?.filter(|session| session.execution_id.as_ref() == Some(id));
        Ok(session.map(|session| session.questions).unwrap_or_default())
    }

    /// The session of an execution; one that another producer runs has none.
    async fn session_of(&self, id: &ExecutionId) -> Result<Option<Session>, Error> {
        let unknown = || Error::NotFound { what: "execution", id: id.to_string() };
        let execution = self.status(id).await?.ok_or_else(unknown)?;
        let Some(session) = execution.session_id.filter(|_| !execution.external) else { return Ok(None) };
        match self.session(&session).await {
            Ok(session) => Ok(Some(session)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// An approval, in any state.
    ///
    /// # Errors
    /// It does not exist, or the log does not answer.
    pub async fn approval(&self, id: &str) -> Result<PendingApproval, Error> {
        let unknown = || Error::NotFound { what: "approval", id: id.to_owned() };
        let session = addressed(id).ok_or_else(unknown)?;
        let state = self.state(&session).await?.ok_or_else(unknown)?;
        state.approvals.get(id).map(PendingApproval::from).ok_or_else(unknown)
    }

    /// Decides an approval. The first decision counts; every later one gets [`Error::Conflict`] with the standing one.
    ///
    /// # Errors
    /// See above; the approval is unknown or expired, or the decision is for other arguments.
    pub async fn decide(
        &self,
        id: &str,
        request: DecideRequest,
        by: Option<String>,
    ) -> Result<Decided, Error> {
        note("note", request.note.as_deref())?;
        bounded("arguments", request.arguments.as_ref())?;
        let unknown = || Error::NotFound { what: "approval", id: id.to_owned() };
        let session_id = addressed(id).ok_or_else(unknown)?;
        let command_id = request.decision_id.unwrap_or_else(EventId::generate);
        let said = Decide {
            approval_id: id.to_owned(),
            approved: request.approved,
            arguments: request.arguments,
            note: request.note,
            arguments_digest: request.arguments_digest,
        };
        let mut look = self.look(&session_id).await?.ok_or_else(unknown)?;
        let before = &look.state;
        let approval = before.approvals.get(id).ok_or_else(unknown)?;
        let command = self.now(command_id, Action::Decide(said.clone()), by);
        if approval.decision.as_ref().is_some_and(|decision| decision.command_id == command_id) {
            // The same decision again: its caller did not hear that it counted.
            return Ok(Decided { session_id, approval: Some(approval.into()) });
        }
        match approval.check(&said, command.at) {
            Ok(()) => {}
            Err(Refusal::Arguments) => {
                return Err(Error::Invalid { path: "arguments", message: Refusal::Arguments.to_string() });
            }
            Err(refusal) => return Err(conflict(before, id, &refusal.to_string())),
        }
        if let Some(arguments) = &said.arguments {
            approval.check_edited(arguments).await.map_err(|unfit| match unfit {
                Unfit::Unchecked(_) => Error::Unavailable(unfit.to_string().into()),
                _ => Error::Invalid { path: "arguments", message: unfit.to_string() },
            })?;
        }
        let scheduling = before.running().map(|run| run.start.scheduling.clone()).unwrap_or_default();
        self.give(&session_id, command, scheduling).await?;
        self.look_again(&mut look).await?;
        let after = &look.state;
        let approval = after.approvals.get(id).ok_or_else(unknown)?;
        if approval.decision.as_ref().is_none_or(|decision| decision.command_id != command_id) {
            return Err(conflict(after, id, "another caller decided first"));
        }
        Ok(Decided { session_id, approval: Some(approval.into()) })
    }

    /// Answers a question. The first answer counts.
    ///
    /// # Errors
    /// The question is unknown, was answered, or its answer is not one of those to choose from.
    pub async fn answer(
        &self,
        id: &str,
        request: AnswerRequest,
        by: Option<String>,
    ) -> Result<Decided, Error> {
        bounded("input", Some(&request.input))?;
        let unknown = || Error::NotFound { what: "request", id: id.to_owned() };
        let session_id = addressed(id).ok_or_else(unknown)?;
        let command_id = request.answer_id.unwrap_or_else(EventId::generate);
        let mut look = self.look(&session_id).await?.ok_or_else(unknown)?;
        let before = &look.state;
        let Some((_, question)) = before.questions.get(id) else {
            let (_, by) = before.answered.iter().find(|(known, _)| known == id).ok_or_else(unknown)?;
            if *by == Some(command_id) {
                return Ok(Decided { session_id, approval: None });
            }
            return Err(answered());
        };
        if !question.accepts(&request.input) {
            let message = format!("is none of {}", question.choices.join(", "));
            return Err(Error::Invalid { path: "input", message });
        }
        let action = Action::Answer { request_id: id.to_owned(), input: request.input };
        let scheduling = before.running().map(|run| run.start.scheduling.clone()).unwrap_or_default();
        self.give(&session_id, self.now(command_id, action, by), scheduling).await?;
        self.look_again(&mut look).await?;
        match look.state.answered.iter().find(|(known, _)| known == id) {
            Some((_, Some(by))) if *by == command_id => Ok(Decided { session_id, approval: None }),
            _ => Err(answered()),
        }
    }
}

impl Control {
    /// Says that the time of an approval or a question is up. The inbox orders it among the decisions.
    ///
    /// # Errors
    /// The log refuses or does not answer.
    pub async fn expire(&self, session: &SessionId, id: &str) -> Result<(), Error> {
        let command_id = EventId::derived(&format!("{id}/expire"));
        let command = self.now(command_id, Action::Expire { id: id.to_owned() }, None);
        self.command(session, command).await?;
        Ok(())
    }
}

fn answered() -> Error {
    Error::Conflict { message: "the question does not wait any more".into(), standing: Value::Null }
}

fn conflict(state: &State, id: &str, why: &str) -> Error {
    let standing = state.approvals.get(id).map(PendingApproval::from);
    Error::Conflict { message: why.to_owned(), standing: json!(standing) }
}

fn bounded(path: &'static str, value: Option<&Value>) -> Result<(), Error> {
    if let Some(value) = value {
        accept(path, value)?;
    }
    let bytes = value.map_or(0, |value| value.to_string().len());
    if bytes > limits::ANSWER_BYTES {
        let message = format!("has {bytes} bytes, the limit is {}", limits::ANSWER_BYTES);
        return Err(Error::Invalid { path, message });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_and_an_answer_are_said() {
        serde_json::from_str::<DecideRequest>("{}").unwrap_err();
        serde_json::from_str::<AnswerRequest>("{}").unwrap_err();
        let decided: DecideRequest = serde_json::from_str(r#"{"approved":true}"#).unwrap();
        assert_eq!(decided, DecideRequest { approved: true, ..DecideRequest::default() });
    }

    #[test]
    fn an_address_leads_to_its_session() {
        for name in ["plain", "with spaces and ü", "a@b", "_"] {
            let session = SessionId::new(name).unwrap();
            let id = address(&session, "e/n/1/1/call_0");
            assert_eq!(addressed(&id), Some(session.clone()), "{id}");
            assert_ne!(id, address(&session, "e/n/1/1/call_1"));
        }
        assert_eq!(addressed("nonsense"), None);
    }
}
