//! The effects of commands: a pure function of the journal and of the inbox's order, so that a reader of both knows the
//! effect of a command that the owner has not taken yet.

use serde_json::{Value, json};

use super::approval::{Refusal, Standing};
use super::below::{Report, Used};
use super::command::{Action, Command, Decide, Multitask, Start};
use super::entry::Outcome;
use super::run::{Answer, OpenCall, Phase, Run, Stop, aborted};
use super::state::{Change, Closed, Notice, State};
use crate::id::{ExecutionId, NodeId};
use crate::limits;
use crate::time::Timestamp;

impl State {
    /// Takes a command. `at` is when the inbox took it.
    pub fn command(&mut self, command: &Command, at: Timestamp, changes: &mut Vec<Change>) {
        match &command.action {
            Action::Start(start) => self.start(start),
            Action::Resume { execution_id } => self.resume(execution_id, changes),
            Action::AbortPending { reason } => self.abort_pending(reason, changes),
            Action::Close { cascade, reason } => self.close(*cascade, reason.as_ref(), at, changes),
            Action::Cancel { execution_id, reason } => {
                self.cancel(execution_id, reason.as_ref(), changes);
            }
            Action::Pause { execution_id, reason } => {
                if let Some(run) = self.running_mut()
                    && run.start.execution_id == *execution_id
                    && !std::mem::replace(&mut run.paused, true)
                {
                    changes.push(Change::Paused { reason: reason.clone() });
                }
            }
            Action::Unpause { execution_id } => {
                if let Some(run) = self.running_mut()
                    && run.start.execution_id == *execution_id
                    && std::mem::replace(&mut run.paused, false)
                {
                    changes.push(Change::Resumed { reason: "by command".into() });
                }
            }
            Action::Decide(said) => self.decide(command, said, at, changes),
            // Its owner's clock decides when the log's is behind: the same command again would be the same command.
            Action::Expire { id } => self.expire(id, at.max(command.at), changes),
            Action::Answer { request_id, input } => {
                self.answer(command, request_id, input, changes);
            }
            Action::ChildEnded { execution_id, completed, output, used, .. } => {
                self.child_used(execution_id, used);
                self.child_ended(execution_id, *completed, output, changes);
            }
            Action::Below { execution_id, report } => self.apply_report(execution_id, report, changes),
            Action::Placed { .. } | Action::Unknown => {}
        }
    }

    /// Whether a cancel of an execution that nobody has asked for yet stands: with its reason.
    #[must_use]
    pub fn latched(&self, id: &ExecutionId) -> Option<Option<String>> {
        self.latched.iter().find(|(known, _)| known == id).map(|(_, reason)| reason.clone())
    }

    fn start(&mut self, start: &Start) {
        if self.knows(&start.execution_id) {
            return;
        }
        self.seen.insert(start.execution_id.clone());
        if let Some(at) = self.latched.iter().position(|(id, _)| *id == start.execution_id) {
            let reason = self.latched.remove(at).and_then(|(_, reason)| reason);
            return self.drop_start(start, Outcome::Cancelled { reason });
        }
        if self.closed.is_some() {
            return self.drop_start(start, Outcome::failed("session_closed", "the session is closed"));
        }
        if !start.resumes && !self.unresolved().is_empty() {
            return self.drop_pending(start);
        }
        if self.queue.len() >= limits::SESSION_QUEUE {
            let message = format!("{} executions wait already", limits::SESSION_QUEUE);
            return self.drop_start(start, Outcome::failed("queue_full", &message));
        }
        let busy = self.running().is_some() || !self.queue.is_empty();
        let stop = |rollback| {
            let how = if rollback { "rolled back" } else { "interrupted" };
            Stop { reason: Some(format!("{how} by {}", start.execution_id)), rollback }
        };
        match start.multitask {
            // The queued executions wait already for the calls that this one finishes.
            _ if start.resumes => self.queue.push_front(start.clone()),
            Multitask::Reject if busy => {
                let message = "another execution of the session is at work";
                self.drop_start(start, Outcome::failed("session_busy", message));
            }
            Multitask::Reject | Multitask::Enqueue => self.queue.push_back(start.clone()),
            Multitask::Interrupt | Multitask::Rollback => {
                let rollback = start.multitask == Multitask::Rollback;
                if let Some(run) = self.running_mut() {
                    run.stop.get_or_insert_with(|| stop(rollback));
                    self.stopped();
                }
                self.queue.push_front(start.clone());
            }
        }
    }

    fn drop_start(&mut self, start: &Start, outcome: Outcome) {
        self.notices.push_back(Notice::Dropped { start: Box::new(start.clone()), outcome: outcome.clone() });
        if let Some(parent) = start.parent.clone() {
            let execution_id = start.execution_id.clone();
            let used = Used::default();
            self.notices.push_back(Notice::NotifyParent { parent, execution_id, outcome, used });
        }
    }

    /// Refuses a start because of calls that only a command resolves.
    fn drop_pending(&mut self, start: &Start) {
        let calls: Vec<&str> = self.unresolved().into_iter().map(|open| open.call.id.as_str()).collect();
        let message = format!("calls of the session are unresolved: {}", calls.join(", "));
        self.drop_start(start, Outcome::failed("session_pending", &message));
    }

    /// An execution that is to stop needs nobody's word any more.
    fn stopped(&mut self) {
        let Some(id) = self.running().map(|run| run.start.execution_id.clone()) else { return };
        for approval in self.approvals.values_mut().filter(|approval| approval.execution_id == id) {
            approval.cancel();
        }
        self.cancel_children();
    }

    fn cancel(&mut self, id: &ExecutionId, reason: Option<&String>, changes: &mut Vec<Change>) {
        if let Some(run) = self.running_mut()
            && run.start.execution_id == *id
        {
            if run.stop.is_none() {
                run.stop = Some(Stop { reason: reason.cloned(), rollback: false });
                changes.push(Change::CancelDelivered { reason: reason.cloned() });
                self.stopped();
            }
            return;
        }
        if let Some(at) = self.queue.iter().position(|start| start.execution_id == *id) {
            if let Some(start) = self.queue.remove(at) {
                self.drop_start(&start, Outcome::Cancelled { reason: reason.cloned() });
            }
            return;
        }
        // It has not been asked for: the word stands until it is.
        if !self.knows(id) && !self.latched.iter().any(|(known, _)| known == id) {
            self.latched.push_back((id.clone(), reason.cloned()));
            if self.latched.len() > limits::LATCHED_CANCELS {
                self.latched.pop_front();
            }
        }
    }

    fn resume(&mut self, execution_id: &ExecutionId, changes: &mut Vec<Change>) {
        if let Some(run) = self.running_mut() {
            let mut any = std::mem::replace(&mut run.paused, false);
            for open in run.visits.values_mut().flat_map(|visit| &mut visit.calls) {
                if open.phase == Phase::Unknown {
                    open.phase = Phase::Ready;
                    any = true;
                }
            }
            if any {
                changes.push(Change::Resumed { reason: "by command".into() });
            }
            return;
        }
        let Some(last) = self.run.as_ref().map(|run| run.start.clone()) else { return };
        let start = Start {
            execution_id: execution_id.clone(),
            input: Value::Null,
            multitask: Multitask::Enqueue,
            parent: None,
            resumes: true,
            trace: None,
            ..last
        };
        self.start(&start);
    }

    fn abort_pending(&mut self, reason: &str, changes: &mut Vec<Change>) {
        for open in std::mem::take(&mut self.dangling) {
            self.transcript.push(super::message::Message::tool(open.call.id, aborted(reason)));
        }
        let mut any = false;
        let (mut approvals, mut questions, mut children) = (Vec::new(), Vec::new(), Vec::new());
        if let Some(run) = self.running_mut() {
            for open in run.visits.values_mut().flat_map(|visit| &mut visit.calls) {
                match &open.phase {
                    // Its owner is at it, or its answer is there.
                    Phase::Running(_) | Phase::Settled { .. } => continue,
                    Phase::Approval(id) => approvals.push(id.clone()),
                    Phase::Question(id) => questions.push(id.clone()),
                    Phase::Child(id) => children.push(id.clone()),
                    Phase::New | Phase::Ready | Phase::Unknown => {}
                }
                open.settle(aborted(reason), true);
                any = true;
            }
        }
        for id in approvals {
            if let Some(approval) = self.approvals.get_mut(&id) {
                approval.cancel();
            }
        }
        for id in questions {
            self.questions.remove(&id);
            self.remember(id, None);
        }
        for execution_id in children {
            if let Some(child) = self.children.get_mut(&execution_id).filter(|child| !child.ended) {
                child.ended = true;
                let session_id = child.session_id.clone();
                self.notices.push_back(Notice::CancelChild { session_id, execution_id });
            }
        }
        if any {
            changes.push(Change::Resumed { reason: format!("unresolved calls were aborted: {reason}") });
        }
    }

    fn close(&mut self, cascade: bool, reason: Option<&String>, at: Timestamp, changes: &mut Vec<Change>) {
        if self.closed.is_none() {
            self.closed = Some(Closed { at, reason: reason.cloned() });
            self.notices.push_back(Notice::Closed);
        }
        let why = Some(reason.cloned().unwrap_or_else(|| "the session was closed".into()));
        for start in std::mem::take(&mut self.queue) {
            self.drop_start(&start, Outcome::Cancelled { reason: why.clone() });
        }
        if let Some(id) = self.running().map(|run| run.start.execution_id.clone()) {
            self.cancel(&id, why.as_ref(), changes);
        }
        if cascade {
            for child in self.children.values() {
                let notice = Notice::CloseChild { session_id: child.session_id.clone() };
                if !self.notices.contains(&notice) {
                    self.notices.push_back(notice);
                }
            }
        }
    }

    fn decide(&mut self, command: &Command, said: &Decide, at: Timestamp, changes: &mut Vec<Change>) {
        let Some(approval) = self.approvals.get_mut(&said.approval_id) else { return };
        match approval.decide(command.id, command.by.clone(), said, at) {
            Ok(()) => {}
            Err(Refusal::Expired) => {
                let id = said.approval_id.clone();
                return self.expire(&id, at, changes);
            }
            Err(_) => return,
        }
        let approval = approval.clone();
        changes.push(Change::Decided(Box::new(approval.clone())));
        let Some(open) = self.running_mut().and_then(|run| {
            open(run, &approval.requested.call_id, |phase| {
                *phase == Phase::Approval(said.approval_id.clone())
            })
        }) else {
            return;
        };
        if said.approved {
            open.phase = Phase::Ready;
            if let Some(arguments) = &said.arguments {
                open.call.arguments = arguments.to_string();
            }
        } else {
            let note = said.note.as_deref().unwrap_or("no reason was given");
            open.settle(format!("<rejected: {note}>"), true);
        }
    }

    fn expire(&mut self, id: &str, at: Timestamp, changes: &mut Vec<Change>) {
        if let Some(approval) = self.approvals.get_mut(id) {
            if approval.expire(at).is_err() {
                return;
            }
            let approval = approval.clone();
            debug_assert_eq!(approval.status, Standing::Expired);
            if let Some(open) = self.running_mut().and_then(|run| {
                open(run, &approval.requested.call_id, |phase| *phase == Phase::Approval(id.to_owned()))
            }) {
                open.settle("<expired: nobody approved the call in time>", true);
            }
            changes.push(Change::Expired(Box::new(approval)));
            return;
        }
        let Some((_, question)) = self.questions.get(id) else { return };
        if question.expires_at.is_none_or(|end| at < end) {
            return;
        }
        match question.default.clone() {
            Some(default) => self.settle_question(id, Ok(default), None, changes),
            None => self.settle_question(id, Err("nobody answered in time"), None, changes),
        }
    }

    fn answer(&mut self, command: &Command, id: &str, input: &Value, changes: &mut Vec<Change>) {
        let Some((_, question)) = self.questions.get(id) else { return };
        if question.accepts(input) {
            self.settle_question(id, Ok(input.clone()), Some(command), changes);
        }
    }

    fn settle_question(
        &mut self,
        id: &str,
        answer: Result<Value, &str>,
        command: Option<&Command>,
        changes: &mut Vec<Change>,
    ) {
        let Some((node, question)) = self.questions.remove(id) else { return };
        self.remember(id.to_owned(), command.map(|command| command.id));
        let by = command.and_then(|command| command.by.clone());
        if let Some(visit) = self.running_mut().and_then(|run| run.visits.get_mut(&node)) {
            match question.call_id.as_deref().map(|call| visit.call_mut(call)) {
                Some(Some(open)) => match &answer {
                    Ok(Value::String(text)) => open.settle(text.clone(), false),
                    Ok(value) => open.settle(value.to_string(), false),
                    Err(why) => open.settle(format!("<{why}>"), true),
                },
                Some(None) => {}
                None => {
                    visit.answer = Some(match &answer {
                        Ok(value) => Answer::Value(value.clone()),
                        Err(why) => Answer::Failed((*why).to_owned()),
                    });
                }
            }
        }
        let input = answer.unwrap_or_else(|why| json!({ "expired": why }));
        changes.push(Change::Answered { node, request_id: id.to_owned(), input, by });
    }

    /// A child's usage counts for its parent.
    fn child_used(&mut self, execution_id: &ExecutionId, used: &Used) {
        let Some(child) = self.children.get_mut(execution_id) else { return };
        child.used = used.clone();
        self.usage.add(&used.usage);
        if let Some(run) = self.running_mut() {
            run.usage.add(&used.usage);
            run.rounds = run.rounds.saturating_add(used.rounds);
            run.below.usage.add(&used.usage);
            run.below.rounds = run.below.rounds.saturating_add(used.rounds);
        }
    }

    /// Something happened below a child.
    fn apply_report(&mut self, execution_id: &ExecutionId, report: &Report, changes: &mut Vec<Change>) {
        let Some(child) = self.children.get(execution_id).filter(|child| !child.ended) else { return };
        let through = child.session_id.clone();
        if let Some(id) = report.settles() {
            self.below.remove(id);
        }
        let waits = |open: &OpenCall| open.phase == Phase::Child(execution_id.clone());
        let found = self.running().and_then(|run| {
            let mut visits = run.visits.iter();
            visits.find(|(_, visit)| visit.calls.iter().any(waits)).map(|(node, _)| node.clone())
        });
        let Some(node) = found else { return };
        if let Some(id) = report.asks()
            && self.below.len() < limits::BELOW_WAITING
        {
            self.below.insert(id.to_owned(), (execution_id.clone(), report.clone()));
        }
        changes.push(Change::Below { node, through, report: Box::new(report.clone()) });
    }

    fn child_ended(
        &mut self,
        execution_id: &ExecutionId,
        completed: bool,
        output: &Value,
        changes: &mut Vec<Change>,
    ) {
        let Some(child) = self.children.get_mut(execution_id) else { return };
        child.ended = true;
        self.below.retain(|_, (through, _)| through != execution_id);
        let session_id = child.session_id.clone();
        let Some(run) = self.running_mut() else { return };
        let waits = |open: &&mut OpenCall| open.phase == Phase::Child(execution_id.clone());
        let found: Option<(NodeId, &mut OpenCall)> = run
            .visits
            .iter_mut()
            .find_map(|(node, visit)| Some((node.clone(), visit.calls.iter_mut().find(waits)?)));
        if let Some((node, open)) = found {
            let text = match output {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            open.settle(text, !completed);
            let output = output.clone();
            changes.push(Change::ChildEnded { node, session_id, completed, output });
        }
    }
}

fn open<'a>(run: &'a mut Run, call: &str, stands: impl Fn(&Phase) -> bool) -> Option<&'a mut OpenCall> {
    run.visits
        .values_mut()
        .flat_map(|visit| &mut visit.calls)
        .find(|open| open.call.id == call && stands(&open.phase))
}
