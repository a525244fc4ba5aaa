//! Begin to send a list as it changes. [`parameters`] reads what is asked of a list, for every way in.

pub mod parameters;

use runbus::directory::Query;
use runbus::store::index::Family;
use serde::Deserialize;
use serde_json::{Map, Value};

use self::parameters::Way;
use super::client::{Invalid, typed};

/// The list's name in messages.
#[must_use]
pub fn name(family: Family) -> &'static str {
    match family {
        Family::Executions => "executions",
        Family::Sessions => "sessions",
        Family::Approvals => "approvals",
        Family::Questions => "questions",
    }
}

/// A live list that a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// The client's name for it; one name space with its subscriptions.
    pub id: String,
    /// Which list.
    pub family: Family,
    /// Its query.
    pub query: Query,
}

/// The same on the wire.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    id: String,
    list: String,
    #[serde(default)]
    query: Map<String, Value>,
}

impl List {
    /// Reads one from a message's fields without `type`.
    ///
    /// # Errors
    /// A field is missing, unknown or wrong.
    pub fn read(value: Value, id: Option<String>) -> Result<Self, Invalid> {
        let Wire { id: own, list, query } = typed(value, id.clone())?;
        let wrong = |path: String, message: String| Invalid::Field { path, message, id: id.clone() };
        let family = Family::ALL.into_iter().find(|family| name(*family) == list);
        let family = family.ok_or_else(|| {
            let known = Family::ALL.map(name).join(", ");
            wrong("list".into(), format!("there is no list {list:?}; there are {known}"))
        })?;
        let mut pairs = Vec::new();
        for (key, value) in query {
            let texts = texts(value).ok_or_else(|| {
                wrong(
                    format!("query.{key}"),
                    "a text, a number, true, false, or a list of texts is needed".into(),
                )
            })?;
            // As in a query: what is asked for once is one parameter.
            match key.as_str() {
                "label" => pairs.extend(texts.into_iter().map(|text| (key.clone(), text))),
                _ => pairs.push((key, texts.join(","))),
            }
        }
        let query = parameters::read(family, Way::Live, pairs)
            .map_err(|refused| wrong(format!("query.{}", refused.path), refused.message))?;
        Ok(Self { id: own, family, query })
    }
}

/// A parameter's texts.
fn texts(value: Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text]),
        Value::Number(number) => Some(vec![number.to_string()]),
        Value::Bool(is) => Some(vec![is.to_string()]),
        Value::Array(all) => all.into_iter().map(|one| one.as_str().map(str::to_owned)).collect(),
        Value::Null | Value::Object(_) => None,
    }
}
