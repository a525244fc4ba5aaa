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
    /// Its place: when the log stored its first event.
    fn at(&self) -> Timestamp;
    fn updated_at(&self) -> Timestamp;
    fn facets(&self) -> Facets<'_>;
    /// The texts that a search looks at.
    fn texts(&self) -> Vec<Cow<'_, str>>;
    /// Nothing more is expected of it.
    fn is_over(&self) -> bool;
    /// Others tell it.
    fn is_external(&self) -> bool;
    /// Too little is known of it to be listed.
    fn is_hidden(&self) -> bool {
        false
    }
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

/// How far apart the ranks are of what others run, of what has ended, and of what is at work. In microseconds: more than a century, and a
/// rank is still exact in a float.
const TIER: i64 = 4_000_000_000_000_000;

/// The lowest rank of what Runbus runs.
pub(super) const OWN_RANK: i64 = 0;

/// Entries leave in this order: what others run (they can have as many as they like), what has ended, what is at work; each by its last
/// change, whenever that is indexed: shards of the log are read one after the other.
fn rank<T: Listed>(entry: &T, now: Timestamp) -> i64 {
    let changed = entry.updated_at().min(now).micros();
    match () {
        () if entry.is_external() => changed - TIER,
        () if entry.is_over() => changed.max(OWN_RANK),
        () => changed.max(OWN_RANK) + TIER,
    }
}

/// How an entry is filed.
pub(super) fn filed<T: Listed>(entry: &T) -> Filed {
    if entry.is_hidden() {
        return Filed { at: entry.at().micros(), sets: BTreeSet::new() };
    }
    let facets = entry.facets();
    let mut sets = BTreeSet::from([set::status(facets.status)]);
    sets.extend(facets.streams.iter().map(|stream| set::stream(stream, facets.status)));
    sets.extend(facets.definition.map(|name| set::definition(name, facets.status)));
    sets.extend(facets.session.map(set::session));
    // The execution of an execution is itself, that of a session its id.
    let has_executions = matches!(T::FAMILY, Family::Approvals | Family::Questions);
    sets.extend(facets.execution.filter(|_| has_executions).map(set::execution));
    sets.extend(facets.parent.map(set::parent));
    sets.extend(facets.root.map(set::root));
    sets.extend(facets.correlation.map(set::correlation));
    let labels = facets.labels.into_iter().flat_map(|labels| &labels.0);
    sets.extend(labels.map(|(key, value)| set::label(key, value)));
    Filed { at: entry.at().micros(), sets }
}

/// An entry as the index holds it.
pub(super) fn stored<T: Listed>(entry: &T, now: Timestamp) -> Entry {
    // A document that was read from JSON can be written as JSON.
    let document = Bytes::from(serde_json::to_vec(entry).unwrap_or_default());
    Entry { filed: filed(entry), rank: rank(entry, now), document }
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
            correlation: self.correlation.as_ref().map(|id| id.as_str()),
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
    fn is_hidden(&self) -> bool {
        self.executions == 0
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
