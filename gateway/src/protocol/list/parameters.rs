//! The parameters of a list: the same names in a query and in a message.

use std::fmt::Display;

use runbus::bus::history::Order;
use runbus::directory::{self, Query};
use runbus::id::{CorrelationId, ExecutionId, SessionId, StreamId};
use runbus::labels::Label;
use runbus::limits::{LIST_DEFAULT_ENTRIES, LIST_ENTRIES, LIST_TEXT_BYTES};
use runbus::store::index::Family;
use runbus::time::Timestamp;
use serde_json::json;

use crate::limits;
use crate::openapi::Parameter;

/// A parameter is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct Wrong {
    /// Which.
    pub path: String,
    /// The fault.
    pub message: String,
}

/// How a list is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A page at a time.
    Page,
    /// As it changes.
    Live,
}

/// Every status, for lists that show only some when nobody says which.
const ALL: &str = "all";

/// The parameters of a list.
#[must_use]
pub fn of(family: Family, way: Way) -> Vec<Parameter> {
    let default = match way {
        Way::Page => LIST_DEFAULT_ENTRIES,
        Way::Live => limits::LIVE_DEFAULT_ENTRIES,
    };
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": LIST_ENTRIES, "default": default });
    let mut statuses = directory::statuses(family).to_vec();
    statuses.push(ALL);
    let status = json!({ "type": "array", "minItems": 1, "items": { "enum": statuses } });
    let text = json!({ "type": "string", "minLength": 1, "maxLength": LIST_TEXT_BYTES });
    let mut all = vec![
        Parameter::new("limit", limit, "entries at most"),
        Parameter::of::<Order>(
            "order",
            "which end first, by the time when it was first seen; default: newest",
        ),
        Parameter::listed("status", status, "only in one of these, separated by commas"),
        Parameter::new(
            "definition",
            json!({ "type": "string", "minLength": 1 }),
            "only of this agent or graph",
        ),
        Parameter::of::<StreamId>("stream_id", "only of this line of work"),
        Parameter::of::<Timestamp>("after", "only entries first seen then or later"),
        Parameter::of::<Timestamp>("before", "only entries first seen before"),
        Parameter::new("text", text, "only with this in the id or what is shown of the input"),
        Parameter::new(
            "counts",
            json!({ "type": "boolean" }),
            "whether to count by status; default: on a first page",
        ),
    ];
    if way == Way::Page {
        let cursor = json!({ "type": "string", "minLength": 1, "maxLength": runbus::limits::CURSOR_BYTES });
        all.push(Parameter::new("cursor", cursor, "go on behind a page: its `next`"));
    }
    all.push(Parameter::of::<SessionId>("session_id", "only of this conversation"));
    if family != Family::Sessions {
        all.push(Parameter::of::<ExecutionId>("root", "only in the tree below this execution, it included"));
    }
    if matches!(family, Family::Executions | Family::Sessions) {
        let label = json!({
            "type": "array",
            "maxItems": runbus::limits::LABELS,
            "items": { "type": "string", "pattern": r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}=[^\x00-\x1f\x7f-\x9f]*$" },
        });
        all.push(Parameter::of::<ExecutionId>("parent", "only what this execution started as a sub-agent"));
        all.push(Parameter::repeated(
            "label",
            label,
            "only with this label, `key=value`; all of them when given again",
        ));
    } else {
        all.push(Parameter::of::<ExecutionId>("execution_id", "only of this run"));
    }
    if matches!(family, Family::Executions | Family::Sessions) {
        all.push(Parameter::of::<CorrelationId>("correlation_id", "only what is tied together by this"));
    }
    all
}

/// Reads what is asked.
///
/// # Errors
/// [`Wrong`]: the first that is.
pub fn read(
    family: Family,
    way: Way,
    pairs: impl IntoIterator<Item = (String, String)>,
) -> Result<Query, Wrong> {
    let limit = match way {
        Way::Page => LIST_DEFAULT_ENTRIES,
        Way::Live => limits::LIVE_DEFAULT_ENTRIES,
    };
    let mut query = Query { limit, ..Query::default() };
    let (mut seen, mut counts) = (std::collections::BTreeSet::new(), None);
    for (key, value) in pairs {
        let wrong = |message: &dyn Display| Wrong { path: key.clone(), message: message.to_string() };
        if !seen.insert(key.clone()) && key != "label" {
            return Err(wrong(&"is there twice"));
        }
        let is_known = of(family, way).iter().any(|parameter| parameter.name() == key);
        if !is_known {
            return Err(wrong(&"there is no such parameter"));
        }
        match key.as_str() {
            "counts" => counts = Some(value.parse::<bool>().map_err(|error| wrong(&error))?),
            _ => take(&mut query, family, &key, value).map_err(|message| wrong(&message))?,
        }
    }
    query.counts = counts.unwrap_or(query.cursor.is_none());
    if !seen.contains("status") && matches!(family, Family::Approvals | Family::Questions) {
        query.statuses.insert("pending".into());
    }
    Ok(query)
}

fn take(query: &mut Query, family: Family, key: &str, value: String) -> Result<(), String> {
    fn id<T: std::str::FromStr<Err = runbus::id::Error>>(value: String) -> Result<Option<String>, String> {
        value.parse::<T>().map_err(|error| error.reason.to_string())?;
        Ok(Some(value))
    }
    match key {
        "limit" => {
            let limit = value.parse::<usize>().ok().filter(|limit| (1..=LIST_ENTRIES).contains(limit));
            query.limit = limit.ok_or_else(|| format!("is {value:?}, 1 to {LIST_ENTRIES} is needed"))?;
        }
        "cursor" => query.cursor = Some(value),
        "order" => {
            query.order = match value.as_str() {
                "newest" => Order::Newest,
                "oldest" => Order::Oldest,
                _ => return Err(format!("is {value:?}, newest or oldest is needed")),
            };
        }
        "status" => {
            let known = directory::statuses(family);
            for status in value.split(',').filter(|status| *status != ALL) {
                if !known.contains(&status) {
                    return Err(format!(
                        "there is no status {status:?}; there are {}, all",
                        known.join(", ")
                    ));
                }
                query.statuses.insert(status.to_owned());
            }
            if value.split(',').any(|status| status == ALL) {
                query.statuses.clear();
            }
        }
        "definition" if value.is_empty() => return Err("must not be empty".into()),
        "definition" => query.definition = Some(value),
        "stream_id" => query.stream = id::<StreamId>(value)?,
        "session_id" => query.session = id::<SessionId>(value)?,
        "execution_id" => query.execution = id::<ExecutionId>(value)?,
        "parent" => query.parent = id::<ExecutionId>(value)?,
        "root" => query.root = id::<ExecutionId>(value)?,
        "correlation_id" => query.correlation = id::<CorrelationId>(value)?,
        "after" => query.after = Some(value.parse().map_err(|error: runbus::time::Error| error.to_string())?),
        "before" => {
            query.before = Some(value.parse().map_err(|error: runbus::time::Error| error.to_string())?)
        }
        "label" => {
            let label: Label = value.parse().map_err(|error: runbus::labels::Invalid| error.to_string())?;
            query.labels.insert(label);
            if query.labels.len() > runbus::limits::LABELS {
                return Err(format!("there are more than {}", runbus::limits::LABELS));
            }
        }
        "text" if value.is_empty() || value.len() > LIST_TEXT_BYTES => {
            return Err(format!("has {} bytes, 1 to {LIST_TEXT_BYTES} are needed", value.len()));
        }
        "text" => query.text = Some(value),
        _ => return Err("there is no such parameter".into()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ask(family: Family, query: &[(&str, &str)]) -> Result<Query, Wrong> {
        read(family, Way::Page, query.iter().map(|(key, value)| ((*key).into(), (*value).into())))
    }

    #[test]
    fn what_is_asked_is_read() {
        let query = ask(
            Family::Executions,
            &[
                ("status", "running,failed"),
                ("label", "a=1"),
                ("label", "b=2"),
                ("limit", "7"),
                ("order", "oldest"),
            ],
        )
        .unwrap();
        assert_eq!((query.statuses.len(), query.labels.len(), query.limit), (2, 2, 7));
        assert!(query.counts && query.order == Order::Oldest);
        assert!(!ask(Family::Executions, &[("cursor", "x")]).unwrap().counts);
        assert_eq!(ask(Family::Approvals, &[]).unwrap().statuses.len(), 1);
        assert!(ask(Family::Approvals, &[("status", "all")]).unwrap().statuses.is_empty());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let wrong = [
            (Family::Executions, ("limit", "0"), "1 to 500"),
            (Family::Executions, ("limit", "x"), "1 to 500"),
            (Family::Executions, ("status", "odd"), "waiting_for_input"),
            (Family::Executions, ("execution_id", "x"), "no such parameter"),
            (Family::Executions, ("stream_id", ""), "empty"),
            (Family::Executions, ("label", "x"), "key=value"),
            (Family::Executions, ("after", "yesterday"), "RFC 3339"),
            (Family::Executions, ("counts", "maybe"), "`true` or `false`"),
            (Family::Executions, ("text", ""), "1 to 256"),
            (Family::Executions, ("order", "best"), "oldest"),
            (Family::Sessions, ("root", "x"), "no such parameter"),
            (Family::Approvals, ("label", "a=1"), "no such parameter"),
        ];
        for (family, (key, value), says) in wrong {
            let refused = ask(family, &[(key, value)]).unwrap_err();
            assert!(refused.path == key && refused.message.contains(says), "{key}={value}: {refused}");
        }
        assert!(
            ask(Family::Sessions, &[("text", "a"), ("text", "b")]).unwrap_err().message.contains("twice")
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(key in "limit|status|label|text|after|root|x", value in "\\PC{0,9}|[a-z]=.{0,200}") {
            let _ = ask(Family::Executions, &[(&key, &value)]);
        }
    }
}
