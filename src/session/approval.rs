//! Approvals: one compare-and-set state machine. The order of the inbox decides, so that every reader of it knows the
//! outcome without asking a worker.
//!
//! ```text
//!             decide(approve)
//!   pending ─────────────────▶ approved ──consume──▶ consumed
//!      │ │ └──decide(reject)──▶ rejected     │
//!      │ └────expire──────────▶ expired      │
//!      └──────cancel──────────▶ cancelled ◀──┘ cancel
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::command::Decide;
use super::message::ToolCall;
use crate::id::{EventId, ExecutionId, NodeId};
use crate::json_schema::{CompileError, Mismatch, Schema};
use crate::time::Timestamp;
use crate::{blocking, json, limits};

/// A request to approve a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Requested {
    /// The id that a decision names.
    pub approval_id: String,
    /// The call.
    pub call_id: String,
    /// The tool.
    pub tool_name: String,
    /// Its arguments.
    #[serde(default)]
    pub arguments: Value,
    /// [`digest`] of the arguments.
    pub arguments_digest: String,
    /// When it is no longer waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// Where an approval stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ApprovalStatus")]
pub enum Standing {
    /// Nobody has decided.
    Pending,
    /// The call may run, once.
    Approved,
    /// The call must not run.
    Rejected,
    /// Nobody decided in time.
    Expired,
    /// The execution ended before.
    Cancelled,
    /// The call ran, or began to.
    Consumed,
}

impl Standing {
    /// The end of a sentence that begins with the approval.
    const fn explain(self) -> &'static str {
        match self {
            Self::Pending => "waits for a decision",
            Self::Approved => "is approved already",
            Self::Rejected => "is rejected already",
            Self::Expired => "has expired",
            Self::Cancelled => "is cancelled: its execution ended before",
            Self::Consumed => "is used up: its call ran, or began to",
        }
    }
}

/// An approval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    /// The request.
    #[serde(flatten)]
    pub requested: Requested,
    /// For which run.
    pub execution_id: ExecutionId,
    /// Of which node.
    pub node_id: NodeId,
    /// Since when.
    pub requested_at: Timestamp,
    /// Where it stands.
    pub status: Standing,
    /// The decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// How edited arguments are checked, while it is pending.
    #[serde(skip)]
    pub schema: Kept,
}

/// The schema of an approval's tool.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Kept {
    /// The journal has none: it is older than schemas in journals, or the tool has none.
    #[default]
    Absent,
    /// Edited arguments must fit it.
    Known(Arc<Value>),
    /// It is too large to be kept.
    TooLarge,
}

/// The schemas of the tools of several approvals, by name; `None`: it is too large to be kept.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Schemas(BTreeMap<String, Option<Arc<Value>>>);

impl Schemas {
    /// Those of these tools, as many as [`limits::APPROVAL_SCHEMAS_BYTES`] allow.
    pub fn of_tools(tools: impl IntoIterator<Item = (String, Arc<Value>)>) -> Self {
        let mut room = limits::APPROVAL_SCHEMAS_BYTES;
        let mut kept = BTreeMap::new();
        for (name, schema) in tools {
            kept.entry(name).or_insert_with(|| {
                let text = schema.to_string();
                // The entry of the journal must stay readable.
                json::scan::check_within(text.as_bytes(), limits::APPROVAL_SCHEMA_DEPTH).ok()?;
                room = room.checked_sub(text.len())?;
                Some(schema)
            });
        }
        Self(kept)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn of(&self, tool: &str) -> Kept {
        match self.0.get(tool) {
            None => Kept::Absent,
            Some(None) => Kept::TooLarge,
            Some(Some(schema)) => Kept::Known(schema.clone()),
        }
    }
}

/// Approvals with their schemas, as a checkpoint holds them: each schema once.
pub(super) mod kept {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::Value;

    use super::{Approval, Kept};

    /// Where the schema of an approval is.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Schema {
        Absent,
        TooLarge,
        /// Its place in the list.
        Known(usize),
    }

    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Document {
        schemas: Vec<Arc<Value>>,
        approvals: Vec<(Approval, Schema)>,
    }

    pub(in crate::session) fn serialize<S: Serializer>(
        approvals: &BTreeMap<String, Approval>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut schemas: Vec<Arc<Value>> = Vec::new();
        let mut placed = Vec::with_capacity(approvals.len());
        for approval in approvals.values() {
            let schema = match &approval.schema {
                Kept::Absent => Schema::Absent,
                Kept::TooLarge => Schema::TooLarge,
                Kept::Known(schema) => {
                    let place = schemas.iter().position(|known| Arc::ptr_eq(known, schema));
                    Schema::Known(place.unwrap_or_else(|| {
                        schemas.push(schema.clone());
                        schemas.len() - 1
                    }))
                }
            };
            placed.push((approval.clone(), schema));
        }
        Document { schemas, approvals: placed }.serialize(serializer)
    }

    pub(in crate::session) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<String, Approval>, D::Error> {
        let Document { schemas, approvals } = Document::deserialize(deserializer)?;
        let with_schema = |(mut approval, schema): (Approval, Schema)| {
            approval.schema = match schema {
                Schema::Absent => Kept::Absent,
                Schema::TooLarge => Kept::TooLarge,
                Schema::Known(place) => {
                    let known = schemas
                        .get(place)
                        .ok_or_else(|| serde::de::Error::custom(format!("there is no schema {place}")))?;
                    Kept::Known(known.clone())
                }
            };
            Ok((approval.requested.approval_id.clone(), approval))
        };
        approvals.into_iter().map(with_schema).collect()
    }
}

/// A decision, with its author.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The command that decided.
    pub command_id: EventId,
    /// Whether the call may run.
    pub approved: bool,
    /// When.
    pub decided_at: Timestamp,
    /// The author of the decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    /// Their note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Other arguments for the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Value>,
}

/// Why a transition did not happen. The approval is as it was, but for one that is found to be expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It was decided before, or is of no use any more.
    #[error("the approval {}", .0.explain())]
    Settled(Standing),
    /// The decision is for other arguments.
    #[error("the decision is for other arguments than the call's")]
    Stale,
    /// Its time was up.
    #[error("the approval has expired")]
    Expired,
    /// Its time is not up.
    #[error("the approval has not expired yet")]
    Early,
    /// Arguments come with a rejection, or are no object.
    #[error("edited arguments are an object, and come with an approval")]
    Arguments,
}

/// Why edited arguments are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// The tool would refuse them.
    #[error("the tool's schema refuses them {0}")]
    Mismatch(#[from] Mismatch),
    /// Nobody can tell whether the tool would refuse them.
    #[error(
        "cannot be checked: the schema of {tool:?} is over the limit of {limit} bytes for the approvals of one turn, or of \
         {depth} levels; approve the call as it is, or reject it",
        limit = limits::APPROVAL_SCHEMAS_BYTES,
        depth = limits::APPROVAL_SCHEMA_DEPTH
    )]
    TooLarge {
        /// Its name.
        tool: String,
    },
    /// The schema does not compile here: the worker that asked has another version.
    #[error("cannot be checked: the tool's schema is refused: {0}; approve the call as it is, or reject it")]
    Schema(String),
    /// There is no time or thread for the check.
    #[error("cannot be checked now: {0}; try again")]
    Unchecked(blocking::Error),
}

impl Approval {
    /// A call that waits.
    #[must_use]
    pub const fn new(
        requested: Requested,
        execution_id: ExecutionId,
        node_id: NodeId,
        at: Timestamp,
    ) -> Self {
        Self {
            requested,
            execution_id,
            node_id,
            requested_at: at,
            status: Standing::Pending,
            decision: None,
            schema: Kept::Absent,
        }
    }

    /// Decides; the first one counts. `at` is when the inbox took the decision.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn decide(
        &mut self,
        command_id: EventId,
        by: Option<String>,
        said: &Decide,
        at: Timestamp,
    ) -> Result<(), Refusal> {
        self.check(said, at)?;
        self.status = if said.approved { Standing::Approved } else { Standing::Rejected };
        self.schema = Kept::Absent;
        self.decision = Some(Decision {
            command_id,
            approved: said.approved,
            decided_at: at,
            decided_by: by,
            note: said.note.clone(),
            arguments: said.arguments.clone(),
        });
        Ok(())
    }

    /// Whether a decision would count.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn check(&self, said: &Decide, at: Timestamp) -> Result<(), Refusal> {
        if self.status != Standing::Pending {
            return Err(Refusal::Settled(self.status));
        }
        if said.arguments_digest.as_ref().is_some_and(|digest| *digest != self.requested.arguments_digest) {
            return Err(Refusal::Stale);
        }
        if said.arguments.as_ref().is_some_and(|arguments| !said.approved || !arguments.is_object()) {
            return Err(Refusal::Arguments);
        }
        if self.requested.expires_at.is_some_and(|end| at > end) {
            return Err(Refusal::Expired);
        }
        Ok(())
    }

    /// Checks edited arguments against the tool's schema: a decision whose arguments the tool refuses would use the approval up.
    ///
    /// # Errors
    /// They do not fit, or cannot be checked.
    pub async fn check_edited(&self, arguments: &Value) -> Result<(), Unfit> {
        let schema = match &self.schema {
            Kept::Absent => return Ok(()),
            Kept::TooLarge => return Err(Unfit::TooLarge { tool: self.requested.tool_name.clone() }),
            Kept::Known(schema) => Schema::compile_elsewhere(Value::clone(schema)).await,
        };
        let schema = schema.map_err(|error| match error {
            CompileError::Schema(fault) => Unfit::Schema(fault),
            CompileError::Pool(error) => Unfit::Unchecked(error),
        })?;
        Ok(schema.check(arguments)?)
    }

    /// Whether it lets a call run with these arguments: those that were asked about, or those that the decision brought.
    #[must_use]
    pub fn allows(&self, call: &ToolCall, arguments: &Value) -> bool {
        let Requested { call_id, tool_name, arguments_digest, .. } = &self.requested;
        let edited = self.decision.as_ref().and_then(|decision| decision.arguments.as_ref()).map(digest);
        matches!(self.status, Standing::Approved | Standing::Consumed)
            && *call_id == call.id
            && *tool_name == call.name
            && digest(arguments) == *edited.as_ref().unwrap_or(arguments_digest)
    }

    /// The time may be up.
    ///
    /// # Errors
    /// It is not, or it was decided.
    pub fn expire(&mut self, at: Timestamp) -> Result<(), Refusal> {
        if self.status != Standing::Pending {
            return Err(Refusal::Settled(self.status));
        }
        if self.requested.expires_at.is_none_or(|end| at < end) {
            return Err(Refusal::Early);
        }
        self.status = Standing::Expired;
        self.schema = Kept::Absent;
        Ok(())
    }

    /// The call begins: the approval is used up.
    ///
    /// # Errors
    /// It was not approved, or is used up.
    pub fn consume(&mut self) -> Result<(), Refusal> {
        if self.status != Standing::Approved {
            return Err(Refusal::Settled(self.status));
        }
        self.status = Standing::Consumed;
        Ok(())
    }

    /// The execution ended: an approval that was not used is void.
    pub fn cancel(&mut self) {
        if matches!(self.status, Standing::Pending | Standing::Approved) {
            self.status = Standing::Cancelled;
            self.schema = Kept::Absent;
        }
    }
}

/// `sha256:` and the hexadecimal SHA-256 of the canonical JSON: keys sorted, no white space.
#[must_use]
pub fn digest(arguments: &Value) -> String {
    let hash = ring::digest::digest(&ring::digest::SHA256, canonical(arguments).as_bytes());
    let mut text = String::with_capacity(7 + 64);
    text.push_str("sha256:");
    for byte in hash.as_ref() {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

/// JSON text with sorted keys, however the map keeps them.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort();
            let fields: Vec<String> = names
                .into_iter()
                .map(|name| format!("{}:{}", Value::String(name.clone()), canonical(&fields[name])))
                .collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Clone)]
    enum Move {
        Decide { approved: bool, stale: bool, edited: bool, at: i64 },
        Expire { at: i64 },
        Consume,
        Cancel,
    }

    fn moves() -> impl Strategy<Value = Vec<Move>> {
        let one = prop_oneof![
            (any::<bool>(), any::<bool>(), any::<bool>(), 0_i64..200)
                .prop_map(|(approved, stale, edited, at)| Move::Decide { approved, stale, edited, at }),
            (0_i64..200).prop_map(|at| Move::Expire { at }),
            Just(Move::Consume),
            Just(Move::Cancel),
        ];
        proptest::collection::vec(one, 0..20)
    }

    #[tokio::test]
    async fn edited_arguments_are_checked_by_the_schema_that_the_entry_keeps() {
        let schema = |bytes: usize| {
            let padding = "x".repeat(bytes);
            Arc::new(json!({ "properties": { "n": { "type": "integer" } }, "description": padding }))
        };
        let large = limits::APPROVAL_SCHEMAS_BYTES / 2 - 1_000;
        let tools = [("a", large), ("b", large), ("a", large), ("c", large), ("d", 10)];
        let kept = Schemas::of_tools(tools.map(|(name, bytes)| (name.to_owned(), schema(bytes))));
        let bytes = serde_json::to_vec(&kept).unwrap();
        assert!(bytes.len() < limits::APPROVAL_SCHEMAS_BYTES + 100);
        let kept: Schemas = serde_json::from_slice(&bytes).unwrap();
        let mut approval = approval();
        for (tool, known) in [("a", true), ("b", true), ("c", false), ("d", true)] {
            approval.schema = kept.of(tool);
            assert!(approval.check_edited(&json!({ "n": "x" })).await.is_err(), "{tool}");
            let fits = approval.check_edited(&json!({ "n": 1 })).await;
            assert_eq!(fits.is_ok(), known, "{tool}: {fits:?}");
        }
        // Deeper than an entry of the journal may be.
        let deep = (0..2 * limits::ENTRY_DEPTH).fold(json!({}), |inner, _| json!({ "default": inner }));
        let deep = Schemas::of_tools([("deep".to_owned(), Arc::new(deep))]);
        assert_eq!(deep.of("deep"), Kept::TooLarge);
        // A schema that this version refuses: not an error that passes.
        approval.schema = Kept::Known(Arc::new(json!({ "type": "nonsense" })));
        let refused = approval.check_edited(&json!({})).await;
        assert!(matches!(refused, Err(Unfit::Schema(_))), "{refused:?}");
        // An entry of before.
        approval.schema = kept.of("unknown");
        assert_eq!(approval.check_edited(&json!({ "n": "x" })).await, Ok(()));
    }

    fn approval() -> Approval {
        let arguments = json!({ "b": 1, "a": [true, null] });
        let requested = Requested {
            approval_id: "a@s".into(),
            call_id: "c".into(),
            tool_name: "t".into(),
            arguments_digest: digest(&arguments),
            arguments,
            expires_at: Some(Timestamp::from_micros(100)),
        };
        let (execution, node) = (ExecutionId::new("e").unwrap(), NodeId::new("n").unwrap());
        Approval::new(requested, execution, node, Timestamp::from_micros(0))
    }

    proptest! {
        /// For any sequence of moves: at most one decision counts, it never changes, the call runs at most once and only
        /// after an approval in time for its arguments, and a final state has no successor.
        #[test]
        fn one_decision_counts_and_a_call_runs_at_most_once(moves in moves()) {
            let mut approval = approval();
            let mut runs = 0;
            for (n, step) in moves.into_iter().enumerate() {
                let before = approval.clone();
                let outcome = match step {
                    Move::Decide { approved, stale, edited, at } => {
                        let said = Decide {
                            approval_id: "a@s".into(),
                            approved,
                            arguments: edited.then(|| json!({})),
                            note: None,
                            arguments_digest: stale.then(|| "sha256:0".into()),
                        };
                        let id = EventId::derived(&n.to_string());
                        let outcome = approval.decide(id, None, &said, Timestamp::from_micros(at));
                        prop_assert!(outcome.is_err() || (at <= 100 && !stale && (approved || !edited)));
                        outcome
                    }
                    Move::Expire { at } => approval.expire(Timestamp::from_micros(at)),
                    Move::Consume => {
                        let outcome = approval.consume();
                        runs += usize::from(outcome.is_ok());
                        outcome
                    }
                    Move::Cancel => {
                        approval.cancel();
                        Ok(())
                    }
                };
                if outcome.is_err() {
                    prop_assert_eq!(&approval, &before);
                }
                if before.decision.is_some() {
                    prop_assert_eq!(&approval.decision, &before.decision);
                }
                let last = [Standing::Rejected, Standing::Expired, Standing::Cancelled, Standing::Consumed];
                if last.contains(&before.status) {
                    prop_assert_eq!(approval.status, before.status);
                }
            }
            prop_assert!(runs <= 1);
            prop_assert!(runs == 0 || approval.decision.as_ref().is_some_and(|decision| decision.approved));
        }
    }

    #[test]
    fn the_digest_is_of_the_canonical_form() {
        assert_eq!(
            digest(&json!({ "b": 1, "a": "x" })),
            digest(&serde_json::from_str(r#" { "a" : "x", "b": 1 } "#).unwrap())
        );
        assert_ne!(digest(&json!({ "a": 1 })), digest(&json!({ "a": 2 })));
        assert_eq!(digest(&json!({})).len(), 71);
    }
}
