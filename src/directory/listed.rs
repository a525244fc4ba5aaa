//! The common part of the four lists: the facets by which an entry is found, and its sets.

use std::borrow::Cow;
use std::collections::BTreeSet;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::entry::{
    ApprovalEntry, ApprovalStatus, ExecutionEntry, QuestionEntry, QuestionStatus, SessionEntry,
};
use super::kept::{KeptExecution, KeptSession};
use crate::labels::Labels;
use crate::store::index::{Entry, Family, Filed};
use crate::time::Timestamp;

/// By what an entry is found.
#[derive(Debug, Default)]
pub(super) struct Facets<'a> {
    pub(super) status: &'static str,
    pub(super) streams: Vec<&'a str>,
    /// It is of other streams too.
    pub(super) has_more_streams: bool,
    pub(super) definition: Option<&'a str>,
    pub(super) node: Option<&'a str>,
    pub(super) session: Option<&'a str>,
    pub(super) execution: Option<&'a str>,
    pub(super) parent: Option<&'a str>,
    pub(super) root: Option<&'a str>,
    pub(super) correlation: Option<&'a str>,
    pub(super) labels: Option<&'a Labels>,
}

/// Something that is listed.
pub(super) trait Listed: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Which list.
    const FAMILY: Family;
    /// All that [`Facets::status`] may be.
    const STATUSES: &'static [&'static str];
    /// As it is shown.
    type Shown: Serialize + Send;

    fn id(&self) -> &str;
    /// Its place: when the log heard of it first.
    fn at(&self) -> Timestamp;
    fn updated_at(&self) -> Timestamp;
    fn facets(&self) -> Facets<'_>;
    /// The texts that a search looks at.
    fn texts(&self) -> Vec<Cow<'_, str>>;
    /// Nothing more is expected of it.
    fn is_over(&self) -> bool;
    /// Others tell it.
    fn is_external(&self) -> bool;
    fn shown(self) -> Self::Shown;
}

/// Separates what is told apart by status. No id has it.
const APART: char = '\u{1f}';

/// Names of sets.
pub(super) mod set {
    use super::APART;

    pub(in super::super) fn status(status: &str) -> String {
        format!("s={status}")
    }
    /// How the names of all sets of streams begin.
    pub(in super::super) const STREAM: &str = "t=";
    pub(in super::super) fn stream(stream: &str, status: &str) -> String {
        format!("t={stream}{APART}{status}")
    }
    /// The stream that a set is of.
    pub(in super::super) fn stream_of(name: &str) -> Option<&str> {
        name.strip_prefix(STREAM)?.split_once(APART).map(|(stream, _)| stream)
    }
    /// Behind the last set of a stream.
    pub(in super::super) fn behind_stream(stream: &str) -> String {
        format!("t={stream}{APART}~")
    }
    pub(in super::super) fn definition(definition: &str, status: &str) -> String {
        format!("d={definition}{APART}{status}")
    }
    pub(in super::super) fn session(id: &str) -> String {
        format!("e={id}")
    }
    pub(in super::super) fn execution(id: &str) -> String {
        format!("x={id}")
    }
    pub(in super::super) fn parent(id: &str) -> String {
        format!("p={id}")
    }
    pub(in super::super) fn root(id: &str) -> String {
        format!("r={id}")
    }
    pub(in super::super) fn correlation(id: &str) -> String {
        format!("c={id}")
    }
    pub(in super::super) fn label(key: &str, value: &str) -> String {
        format!("l={key}={value}")
    }
}

/// Others' entries leave before all of Runbus's own: they can have as many as they like. In microseconds: more than a century.
const EXTERNAL_RANK: i64 = 4_000_000_000_000_000;

/// How an entry is filed.
pub(super) fn filed<T: Listed>(entry: &T) -> Filed {
    let facets = entry.facets();
    let mut sets = BTreeSet::from([set::status(facets.status)]);
    sets.extend(facets.streams.iter().map(|stream| set::stream(stream, facets.status)));
    sets.extend(facets.definition.map(|name| set::definition(name, facets.status)));
    // An execution and a session are found by their own ids.
    let is = |family| T::FAMILY == family;
    sets.extend(facets.session.filter(|_| !is(Family::Sessions)).map(set::session));
    sets.extend(facets.execution.filter(|_| !is(Family::Executions)).map(set::execution));
    sets.extend(facets.parent.map(set::parent));
    sets.extend(facets.root.map(set::root));
    sets.extend(facets.correlation.map(set::correlation));
    let labels = facets.labels.into_iter().flat_map(|labels| &labels.0);
    sets.extend(labels.map(|(key, value)| set::label(key, value)));
    Filed { at: entry.at().micros(), sets }
}

/// An entry as the index holds it; `seen_at`: when it is seen to.
pub(super) fn stored<T: Listed>(entry: &T, seen_at: Timestamp) -> Entry {
    let rank = seen_at.micros() - if entry.is_external() { EXTERNAL_RANK } else { 0 };
    // A document that was read from JSON can be written as JSON.
    Entry { filed: filed(entry), rank, document: Bytes::from(serde_json::to_vec(entry).unwrap_or_default()) }
}

impl Listed for KeptExecution {
    const FAMILY: Family = Family::Executions;
    const STATUSES: &'static [&'static str] = &[
        "queued",
        "running",
        "waiting_for_approval",
        "waiting_for_input",
        "paused",
        "completed",
        "failed",
        "cancelled",
    ];
    type Shown = ExecutionEntry;

    fn id(&self) -> &str {
        self.known.execution_id.as_str()
    }
    fn at(&self) -> Timestamp {
        self.created_at
    }
    fn updated_at(&self) -> Timestamp {
        Self::updated_at(self)
    }
    fn facets(&self) -> Facets<'_> {
        let known = &self.known;
        let own = self.has_below.then_some(&known.execution_id);
        Facets {
            status: known.status.name(),
            streams: vec![known.stream_id.as_str()],
            definition: known.definition.as_deref(),
            session: known.session_id.as_ref().map(|id| id.as_str()),
            execution: Some(known.execution_id.as_str()),
            parent: known.parent.as_ref().map(|parent| parent.execution_id.as_str()),
            root: self.root().or(own).map(|id| id.as_str()),
            correlation: known.correlation_id.as_ref().map(|id| id.as_str()),
            labels: Some(&known.labels),
            ..Facets::default()
        }
    }
    fn texts(&self) -> Vec<Cow<'_, str>> {
        let input = self.input.as_ref().map(|input| input.text.as_str().into());
        input.into_iter().chain([self.id().into()]).collect()
    }
    fn is_over(&self) -> bool {
        self.known.status.is_terminal()
    }
    fn is_external(&self) -> bool {
        self.known.external
    }
    fn shown(self) -> ExecutionEntry {
        self.view()
    }
}

impl Listed for KeptSession {
    const FAMILY: Family = Family::Sessions;
    const STATUSES: &'static [&'static str] =
        &["idle", "running", "waiting_for_approval", "waiting_for_input", "paused", "closed"];
    type Shown = SessionEntry;

    fn id(&self) -> &str {
        self.session_id.as_str()
    }
    fn at(&self) -> Timestamp {
        self.created_at
    }
    fn updated_at(&self) -> Timestamp {
        self.updated_at
    }
    fn facets(&self) -> Facets<'_> {
        Facets {
            status: self.status().name(),
            streams: self.streams.iter().map(|stream| stream.as_str()).collect(),
            has_more_streams: self.has_more_streams,
            definition: self.definition.as_deref(),
            session: Some(self.session_id.as_str()),
            // In scopes a session is named like an execution.
            execution: Some(self.session_id.as_str()),
            parent: self.parent.as_ref().map(|parent| parent.execution_id.as_str()),
            labels: Some(&self.labels),
            ..Facets::default()
        }
    }
    fn texts(&self) -> Vec<Cow<'_, str>> {
        let input = self.input.as_ref().map(|input| input.text.as_str().into());
        input.into_iter().chain([self.id().into()]).collect()
    }
    fn is_over(&self) -> bool {
        use crate::session::view::SessionStatus::{Closed, Idle};
        matches!(self.status(), Idle | Closed)
    }
    fn is_external(&self) -> bool {
        false
    }
    fn shown(self) -> SessionEntry {
        self.view()
    }
}

impl ApprovalStatus {
    const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Listed for ApprovalEntry {
    const FAMILY: Family = Family::Approvals;
    const STATUSES: &'static [&'static str] = &["pending", "approved", "rejected", "expired", "cancelled"];
    type Shown = Self;

    fn id(&self) -> &str {
        &self.approval_id
    }
    fn at(&self) -> Timestamp {
        self.requested_at
    }
    fn updated_at(&self) -> Timestamp {
        self.decided_at.unwrap_or(self.requested_at)
    }
    fn facets(&self) -> Facets<'_> {
        Facets {
            status: self.status.name(),
            streams: vec![self.stream_id.as_str()],
            definition: self.definition.as_deref(),
            node: self.node_id.as_ref().map(|id| id.as_str()),
            session: self.session_id.as_ref().map(|id| id.as_str()),
            execution: Some(self.execution_id.as_str()),
            root: Some(self.root.as_ref().unwrap_or(&self.execution_id).as_str()),
            ..Facets::default()
        }
    }
    fn texts(&self) -> Vec<Cow<'_, str>> {
        vec![self.id().into(), self.tool_name.as_str().into(), self.tool_input.to_string().into()]
    }
    fn is_over(&self) -> bool {
        self.status != ApprovalStatus::Pending
    }
    fn is_external(&self) -> bool {
        self.external
    }
    fn shown(self) -> Self {
        self
    }
}

impl QuestionStatus {
    const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Answered => "answered",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Listed for QuestionEntry {
    const FAMILY: Family = Family::Questions;
    const STATUSES: &'static [&'static str] = &["pending", "answered", "expired", "cancelled"];
    type Shown = Self;

    fn id(&self) -> &str {
        &self.request_id
    }
    fn at(&self) -> Timestamp {
        self.requested_at
    }
    fn updated_at(&self) -> Timestamp {
        self.answered_at.unwrap_or(self.requested_at)
    }
    fn facets(&self) -> Facets<'_> {
        Facets {
            status: self.status.name(),
            streams: vec![self.stream_id.as_str()],
            definition: self.definition.as_deref(),
            session: self.session_id.as_ref().map(|id| id.as_str()),
            execution: Some(self.execution_id.as_str()),
            root: Some(self.root.as_ref().unwrap_or(&self.execution_id).as_str()),
            ..Facets::default()
        }
    }
    fn texts(&self) -> Vec<Cow<'_, str>> {
        vec![self.id().into(), self.prompt.as_str().into()]
    }
    fn is_over(&self) -> bool {
        self.status != QuestionStatus::Pending
    }
    fn is_external(&self) -> bool {
        self.external
    }
    fn shown(self) -> Self {
        self
    }
}
