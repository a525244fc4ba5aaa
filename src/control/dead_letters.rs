//! Executions that no worker could finish: listed, looked at, tried again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Control, Error, StartRequest, Started};
use crate::bus::history::{Order, Query};
use crate::bus::{Delivery, Filter};
use crate::event::family::session::{DeadLetterRetried, DeadLettered};
use crate::event::{Kind, Payload, Source};
use crate::id::{EventId, ExecutionId, SessionId, StreamId};
use crate::limits;
use crate::log::Sequence;
use crate::session::command::{Action, Command, Start};
use crate::session::entry::Fact;
use crate::session::inbox;
use crate::time::Timestamp;

/// The stream that dead letters are events of.
const STREAM: &str = "runbus.dead-letters";

/// An execution that no worker could finish.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DeadLetter {
    /// The run.
    pub execution_id: ExecutionId,
    /// Its conversation.
    pub session_id: SessionId,
    /// The agent or graph.
    pub definition: String,
    /// The reason of the failure.
    pub reason: String,
    /// How many workers tried.
    pub attempts: u32,
    /// Since when.
    pub dead_since: Timestamp,
    /// The execution that tries again, if somebody asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retried_as: Option<ExecutionId>,
}

fn stream() -> Result<StreamId, Error> {
    StreamId::new(STREAM).map_err(|never| Error::of(false, &never))
}

/// The execution that tries again: the same for every call, another one than `id` whatever its length.
fn again(id: &ExecutionId) -> Result<ExecutionId, Error> {
    let readable = format!("{id}-again");
    let name = if readable.len() > limits::ID_BYTES {
        format!("again-{}", EventId::derived(&format!("{id}/again")))
    } else {
        readable
    };
    ExecutionId::new(name).map_err(|error| Error::of(false, &error))
}

impl Control {
    /// Records that no worker could finish an execution. The same twice is one record.
    ///
    /// # Errors
    /// The log refuses or does not answer.
    pub async fn dead_letter(&self, letter: DeadLettered) -> Result<(), Error> {
        let id = EventId::derived(&format!("{}/dead_lettered", letter.execution_id));
        let source = Source::stream(stream()?, self.clock.clone());
        self.bus.record(source.event_with_id(id, letter)).await?;
        Ok(())
    }

    /// Dead letters, newest first, at most `limit` of the last 10,000 that the log has.
    ///
    /// # Errors
    /// The log refuses or does not answer.
    pub async fn dead_letters(&self, limit: usize) -> Result<Vec<DeadLetter>, Error> {
        let kinds = [Kind::SessionDeadLettered, Kind::DeadLetterRetried];
        let filter = Filter { stream_id: Some(stream()?), ..Filter::default() }.types(kinds);
        let mut query =
            Query { filter, order: Order::Newest, limit: limits::HISTORY_MAX_EVENTS, ..Query::default() };
        let mut retried = BTreeMap::new();
        let mut letters = Vec::new();
        // Pages are bounded in bytes too. A retry comes behind its letter in this order.
        while query.limit > 0 && letters.len() < limit {
            let page = self.bus.history(&query).await?;
            query.limit = query.limit.saturating_sub(page.events.len());
            for delivery in page.events {
                let Delivery::Event(found) = delivery else { continue };
                // The stream is Runbus's own.
                if found.external {
                    continue;
                }
                match found.event.payload() {
                    Ok(Payload::DeadLetterRetried(again)) => {
                        retried.entry(again.execution_id).or_insert(again.retried_as);
                    }
                    Ok(Payload::SessionDeadLettered(letter)) => letters.push(DeadLetter {
                        retried_as: retried.get(&letter.execution_id).cloned(),
                        execution_id: letter.execution_id,
                        session_id: letter.session_id,
                        definition: letter.definition,
                        reason: letter.reason,
                        attempts: letter.attempts,
                        dead_since: found.event.timestamp,
                    }),
                    _ => {}
                }
            }
            match page.next {
                Some(next) => query.cursor = Some(next),
                None => break,
            }
        }
        letters.truncate(limit);
        Ok(letters)
    }

    /// One dead letter.
    ///
    /// # Errors
    /// There is none of this execution, or the log does not answer.
    pub async fn dead_letter_of(&self, id: &ExecutionId) -> Result<DeadLetter, Error> {
        let letters = self.dead_letters(limits::HISTORY_MAX_EVENTS).await?;
        letters
            .into_iter()
            .find(|letter| letter.execution_id == *id)
            .ok_or_else(|| Error::NotFound { what: "dead letter", id: id.to_string() })
    }

    /// The start request of a dead execution: the command in its session's inbox holds all of it.
    async fn asked(&self, letter: &DeadLetter) -> Result<Option<StartRequest>, Error> {
        let starts = self.starts(&letter.session_id).await?;
        let found = starts.into_iter().find(|start| start.execution_id == letter.execution_id);
        Ok(found.map(|start| StartRequest {
            stream_id: Some(start.stream_id),
            correlation_id: start.correlation_id,
            budget: start.budget,
            scheduling: start.scheduling,
            labels: start.labels,
            ..StartRequest::new(start.definition, start.input)
        }))
    }

    /// The same from its events, when retention has taken the command.
    async fn announced(&self, letter: &DeadLetter) -> Result<Option<StartRequest>, Error> {
        let filter = Filter::execution(letter.execution_id.clone()).types([Kind::ExecutionStarted]);
        let mut query = Query { filter, order: Order::Oldest, ..Query::default() };
        let found = loop {
            let page = self.bus.history(&query).await?;
            let own = page.events.into_iter().find_map(|delivery| match delivery {
                Delivery::Event(found) => Some(found).filter(|found| !found.external),
                _ => None,
            });
            match (own, page.next) {
                (Some(found), _) => break found,
                (None, Some(next)) => query.cursor = Some(next),
                (None, None) => return Ok(None),
            }
        };
        let Ok(Payload::ExecutionStarted(started)) = found.event.payload() else { return Ok(None) };
        Ok(Some(StartRequest {
            stream_id: Some(found.event.stream_id.clone()),
            correlation_id: found.event.correlation_id.clone(),
            ..StartRequest::new(letter.definition.clone(), started.input)
        }))
    }

    /// The executions that a session was asked to begin, in order; without its journal.
    ///
    /// # Errors
    /// The log refuses or does not answer.
    pub async fn starts(&self, session: &SessionId) -> Result<Vec<Start>, Error> {
        let (mut starts, mut after) = (Vec::new(), Sequence::default());
        loop {
            let facts = inbox::read(self.bus.log(), session, after, inbox::UpTo::Acknowledged).await?;
            if facts.is_empty() {
                return Ok(starts);
            }
            for fact in facts {
                let Fact::CommandTaken { inbox, command, .. } = fact else { continue };
                after = inbox;
                if let Some(Command { action: Action::Start(start), .. }) = command {
                    starts.push(*start);
                }
            }
        }
    }

    /// Tries a dead execution again: a new execution of the same session with the same input. Calls that the dead one
    /// left unresolved are answered with `<aborted: tried again>`: none of them runs by this. Where the session's journal
    /// cannot be read, the new execution has a session of its own.
    ///
    /// # Errors
    /// There is no such dead letter, it was tried again already, or its input is not in the log any more.
    pub async fn retry_dead_letter(&self, id: &ExecutionId, by: Option<String>) -> Result<Started, Error> {
        let letter = self.dead_letter_of(id).await?;
        if let Some(again) = letter.retried_as {
            let message = format!("{id} is tried again as {again}");
            return Err(Error::Conflict { message, standing: Value::from(again.as_str()) });
        }
        let mut request = match self.asked(&letter).await? {
            Some(request) => request,
            None => self
                .announced(&letter)
                .await?
                .ok_or_else(|| Error::NotFound { what: "input of execution", id: id.to_string() })?,
        };
        let again = again(id)?;
        // Nothing can be added to a journal that cannot be read: then it tries again without what was said before.
        let readable = !matches!(self.state(&letter.session_id).await, Err(Error::Internal(_)));
        // A second call, after a lost answer, must not abort what the first one's execution waits for.
        if readable && self.own(&again).await?.is_none() {
            self.abort_pending(&letter.session_id, "tried again", by.clone()).await?;
        }
        request.execution_id = Some(again.clone());
        request.session_id = readable.then(|| letter.session_id.clone());
        let started = self.start_as(request, by).await?;
        let record = DeadLetterRetried { execution_id: id.clone(), retried_as: again };
        let event_id = EventId::derived(&format!("{id}/dead_letter_retried"));
        let source = Source::stream(stream()?, self.clock.clone());
        self.bus.record(source.event_with_id(event_id, record)).await?;
        Ok(started)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_try_has_an_id_of_its_own() {
        let mut id = ExecutionId::new("x".repeat(limits::ID_BYTES - 7)).unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..30 {
            assert!(seen.insert(id.clone()), "{id}");
            id = again(&id).unwrap();
        }
        assert_eq!(again(&ExecutionId::new("run").unwrap()).unwrap().as_str(), "run-again");
    }
}
