//! How an event changes the entries of the lists. [`fold_event`] decides the status of an execution: the same fold as
//! everywhere.

use std::collections::BTreeSet;

use super::beginning::{self, Beginning};
use super::draft::Draft;
use super::entry::{ApprovalEntry, ApprovalStatus, QuestionEntry, QuestionStatus};
use super::kept::{KeptExecution, KeptSession, short};
use crate::control::addressed;
use crate::event::family::{client, tool};
use crate::event::{Class, Event, Kind, Payload};
use crate::execution::{Folded, fold_event};
use crate::id::ExecutionId;
use crate::limits;
use crate::store::index::Family;
use crate::time::Timestamp;

/// An event as the log has it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) event: Event,
    /// Somebody who is no part of Runbus published it.
    pub(super) external: bool,
    pub(super) stored_at: Timestamp,
}

/// Whether such an event can change an entry.
pub(super) fn wants(kind: &Kind) -> bool {
    kind.class() == Class::Critical
        && !matches!(
            kind,
            Kind::NodeInternalOutput
                | Kind::Custom
                | Kind::Other(_)
                | Kind::WebhookFailed
                | Kind::StateChanged
                | Kind::StateConflict
                | Kind::ToolCallProgress
                | Kind::ToolCallStarted
                | Kind::StreamStarted
                | Kind::StreamStopped
        )
}

/// An approval or a question may have this id.
fn of_request(id: &str) -> [(Family, String); 2] {
    [(Family::Approvals, id.to_owned()), (Family::Questions, id.to_owned())]
}

impl Found {
    /// The entries that an event may change, as far as it says so itself.
    pub(super) fn names(&self) -> Vec<(Family, String)> {
        let mut names = Vec::new();
        names.extend(self.event.execution_id.iter().map(|id| (Family::Executions, id.to_string())));
        names.extend(self.event.session_id.iter().map(|id| (Family::Sessions, id.to_string())));
        match self.event.payload() {
            Ok(Payload::ToolApprovalRequested(asked)) => names.extend(of_request(&asked.approval_id)),
            Ok(Payload::ClientInputRequested(asked)) => {
                names.extend(asked.request_id.iter().flat_map(|id| of_request(id)));
            }
            _ => {}
        }
        names
    }
}

impl Draft {
    /// The entries that go with an execution that is known.
    pub(super) fn names_of(&self, execution: &str) -> Vec<(Family, String)> {
        let Some(run) = self.executions.get(execution) else { return Vec::new() };
        let mut names: Vec<_> =
            run.known.session_id.iter().map(|id| (Family::Sessions, id.to_string())).collect();
        names.extend(run.known.waiting.keys().filter(|id| !id.is_empty()).flat_map(|id| of_request(id)));
        names
    }

    /// Takes the next event. All entries that it may change are known.
    pub(super) fn apply(&mut self, found: &Found) {
        let Found { event, external, stored_at } = found;
        let Ok(payload) = event.payload() else { return };
        if matches!(payload, Payload::SessionClosed(_)) {
            return self.session_closed(found);
        }
        let Some(id) = &event.execution_id else { return };
        let before = self.executions.get(id.as_str()).cloned();
        let mut known = before.as_ref().map(|before| before.known.clone());
        let folded = fold_event(&mut known, event, *external);
        let Some(known) = known.filter(|_| folded != Folded::Nothing) else { return };
        let mut after = match &before {
            Some(before) if folded == Folded::Counts => KeptExecution { known, ..before.clone() },
            _ => KeptExecution::new(known, *stored_at),
        };
        after.take(event, &payload);
        self.ask(found, &payload, &after);
        self.settle(found, &payload, before.as_ref(), &after, folded);
        self.session(before.as_ref(), &after);
        self.executions.put(after);
    }

    fn session_closed(&mut self, found: &Found) {
        let session = found.event.session_id.as_ref().filter(|_| !found.external);
        let Some(id) = session else { return };
        let known = self.sessions.get(id.as_str()).cloned();
        let known = known.or_else(|| KeptSession::ended(id.clone(), found.event.stream_id.clone()));
        if let Some(mut known) = known {
            known.close(found.event.timestamp);
            self.sessions.put(known);
        }
    }

    fn session(&mut self, before: Option<&KeptExecution>, after: &KeptExecution) {
        if let Some(other) = before.and_then(KeptExecution::session).filter(|id| Some(*id) != after.session())
            && let Some(mut other) = self.sessions.get(other.as_str()).cloned()
        {
            other.forget(&after.known.execution_id);
            self.sessions.put(other);
        }
        let Some(id) = after.session() else { return };
        let known = self.sessions.get(id.as_str()).cloned();
        let before = before.filter(|before| before.session() == Some(id));
        // An entry that has left begins anew: then the execution is new to it.
        let is_new = before.is_none() || known.as_ref().is_none_or(|known| known.executions == 0);
        let mut known = known.unwrap_or_else(|| KeptSession::new(id.clone(), after));
        let was_over = before.is_some_and(|before| before.known.status.is_terminal());
        known.take(after, is_new, was_over);
        self.sessions.put(known);
    }

    /// Begins to list what waits for a person. An execution below tells its own.
    fn ask(&mut self, found: &Found, payload: &Payload, run: &KeptExecution) {
        match payload {
            Payload::ToolApprovalRequested(asked)
                if asked.below.is_none() && self.may_be_named(found, &asked.approval_id, run) =>
            {
                self.approvals.put(approval(found, asked, run));
            }
            Payload::ClientInputRequested(asked) if asked.below.is_none() => {
                if let Some(id) = asked.request_id.as_deref().filter(|id| self.may_be_named(found, id, run)) {
                    self.questions.put(question(found, asked, id, run));
                }
            }
            _ => {}
        }
    }

    /// Others name no approval of Runbus's, nor one of another execution. And names have the length of names.
    fn may_be_named(&self, found: &Found, id: &str, run: &KeptExecution) -> bool {
        let standing = [
            self.approvals.get(id).map(|known| (&known.execution_id, known.external)),
            self.questions.get(id).map(|known| (&known.execution_id, known.external)),
        ];
        let is_anothers =
            |(execution, external): (&ExecutionId, bool)| *execution != run.known.execution_id || !external;
        // An execution that has ended waits for nothing: a late word begins nothing.
        run.known.waiting.contains_key(id)
            && !id.is_empty()
            && id.len() <= limits::REQUEST_ID_BYTES
            && !(found.external
                && (addressed(id).is_some() || standing.into_iter().flatten().any(is_anothers)))
    }

    /// Settles the approvals and questions that do not wait any more, by the event or as void.
    fn settle(
        &mut self,
        found: &Found,
        payload: &Payload,
        before: Option<&KeptExecution>,
        after: &KeptExecution,
        folded: Folded,
    ) {
        let Some(before) = before else { return };
        let still = |id: &String| folded == Folded::Counts && after.known.waiting.contains_key(id);
        let gone: BTreeSet<&String> = before.known.waiting.keys().filter(|id| !still(id)).collect();
        for id in gone {
            let is_here = |execution: &ExecutionId| *execution == after.known.execution_id;
            if let Some(known) = self.approvals.get(id).filter(|known| is_here(&known.execution_id)) {
                let mut settled = known.clone();
                decide(&mut settled, payload, found.event.timestamp);
                self.approvals.put(settled);
            }
            if let Some(known) = self.questions.get(id).filter(|known| is_here(&known.execution_id)) {
                let mut settled = known.clone();
                answer(&mut settled, payload, found.event.timestamp);
                self.questions.put(settled);
            }
        }
    }
}

fn decide(known: &mut ApprovalEntry, payload: &Payload, at: Timestamp) {
    known.decided_at = Some(at);
    known.status = match payload {
        Payload::ToolApprovalDecided(said) if said.approval_id == known.approval_id => {
            known.decided_by = said.decided_by.as_deref().map(beginning::name);
            let note = said.note.as_deref();
            known.note = note.map(|note| Beginning::of(note, limits::ENTRY_ERROR_BYTES).text);
            if said.approved { ApprovalStatus::Approved } else { ApprovalStatus::Rejected }
        }
        Payload::ToolApprovalExpired(said) if said.approval_id == known.approval_id => {
            ApprovalStatus::Expired
        }
        _ => ApprovalStatus::Cancelled,
    };
}

fn answer(known: &mut QuestionEntry, payload: &Payload, at: Timestamp) {
    known.answered_at = Some(at);
    known.status = match payload {
        Payload::ClientInputReceived(said) if said.request_id.as_ref() == Some(&known.request_id) => {
            known.answered_by = said.answered_by.as_deref().map(beginning::name);
            // As a session says that the time was up.
            let is_expired = said.answered_by.is_none() && said.input.get("expired").is_some();
            if is_expired { QuestionStatus::Expired } else { QuestionStatus::Answered }
        }
        _ => QuestionStatus::Cancelled,
    };
}

fn approval(found: &Found, asked: &tool::ApprovalRequested, run: &KeptExecution) -> ApprovalEntry {
    let (tool_input, tool_input_cut) = short(&asked.tool_input);
    ApprovalEntry {
        approval_id: asked.approval_id.clone(),
        status: ApprovalStatus::Pending,
        execution_id: run.known.execution_id.clone(),
        root: run.root().cloned(),
        stream_id: run.known.stream_id.clone(),
        session_id: run.known.session_id.clone(),
        definition: run.known.definition.clone(),
        node_id: found.event.node_id.clone(),
        tool_use_id: Beginning::of(&asked.tool_use_id, limits::REQUEST_ID_BYTES).text,
        tool_name: Beginning::of(&asked.tool_name, limits::REQUEST_ID_BYTES).text,
        tool_input,
        tool_input_cut,
        arguments_digest: asked.arguments_digest.as_deref().map(beginning::name),
        external: run.known.external,
        // Others may say any time; the list is in order of it.
        requested_at: found.event.timestamp.min(found.stored_at),
        expires_at: asked.expires_at,
        decided_at: None,
        decided_by: None,
        note: None,
    }
}

fn question(found: &Found, asked: &client::InputRequested, id: &str, run: &KeptExecution) -> QuestionEntry {
    let prompt = Beginning::of(&asked.prompt, limits::ENTRY_PROMPT_BYTES);
    let choices = asked.choices.iter().take(limits::ENTRY_CHOICES);
    QuestionEntry {
        request_id: id.to_owned(),
        status: QuestionStatus::Pending,
        execution_id: run.known.execution_id.clone(),
        root: run.root().cloned(),
        stream_id: run.known.stream_id.clone(),
        session_id: run.known.session_id.clone(),
        definition: run.known.definition.clone(),
        node_id: found.event.node_id.clone(),
        prompt: prompt.text,
        prompt_cut: prompt.is_cut,
        choices: choices.map(|choice| Beginning::of(choice, limits::REQUEST_ID_BYTES).text).collect(),
        external: run.known.external,
        // Others may say any time; the list is in order of it.
        requested_at: found.event.timestamp.min(found.stored_at),
        expires_at: asked.expires_at,
        answered_at: None,
        answered_by: None,
    }
}
