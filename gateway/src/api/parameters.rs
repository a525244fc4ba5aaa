//! Parameters that several endpoints have.

use std::fmt::Display;

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use runbus::bus::Filter;
use runbus::event::Kind;
use runbus::id::{ExecutionId, NodeId, SessionId, StreamId};
use runbus::log::Since;
use runbus::time::Timestamp;
use serde_json::{Value, json};

use super::error::Failure;
use crate::openapi::Parameter;

/// The one stream that is meant.
#[must_use]
pub fn stream_id() -> Parameter {
    Parameter::of::<StreamId>("stream_id", "of this stream alone")
}

/// The parameters that [`filter`] reads, but `execution_id`.
#[must_use]
pub fn filters() -> Vec<Parameter> {
    vec![
        Parameter::of::<StreamId>("stream_id", "only events of this line of work"),
        Parameter::of::<NodeId>("node_id", "only events of this step"),
        Parameter::commas::<Kind>("types", "only these types, separated by commas; it may repeat"),
        Parameter::of::<Timestamp>("after", "only events that happened then or later"),
        Parameter::of::<Timestamp>("before", "only events that happened before"),
    ]
}

/// The parameter that a path may have already.
#[must_use]
pub fn execution_id() -> Parameter {
    Parameter::of::<ExecutionId>("execution_id", "only events of this run")
}

/// The schema of a cursor.
#[must_use]
pub fn cursor() -> Value {
    json!({ "type": "string", "format": "runbus-cursor", "minLength": 1, "maxLength": runbus::limits::CURSOR_BYTES })
}

/// The schema of a place to begin.
#[must_use]
pub fn place() -> Value {
    json!({ "anyOf": [{ "enum": ["new", "all"] }, cursor()] })
}

/// Parameters that may repeat: each one adds to the list.
const LISTS: [&str; 1] = ["types"];

/// The parameters of a query.
///
/// # Errors
/// A parameter that takes one value is there twice.
pub fn pairs(query: &str) -> Result<Vec<(String, String)>, Failure> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        if !LISTS.contains(&&*key) && pairs.iter().any(|(known, _)| *known == key) {
            return Err(Failure::invalid(key, "is there twice"));
        }
        pairs.push((key.into_owned(), value.into_owned()));
    }
    Ok(pairs)
}

/// A parameter of a filter.
///
/// # Errors
/// It is wrong, is fixed already, or there is no such parameter.
pub fn filter(filter: &mut Filter, key: &str, value: &str) -> Result<(), Failure> {
    let wrong = |reason: &dyn Display| Failure::invalid(key, reason.to_string());
    match key {
        "stream_id" => {
            filter.stream_id = Some(value.parse().map_err(|e: runbus::id::Error| wrong(&e.reason))?);
        }
        "node_id" => filter.node_id = Some(value.parse().map_err(|e: runbus::id::Error| wrong(&e.reason))?),
        "execution_id" if filter.execution_id.is_some() => return Err(wrong(&"the path has it")),
        "execution_id" => {
            filter.execution_id = Some(value.parse().map_err(|e: runbus::id::Error| wrong(&e.reason))?);
        }
        "types" => {
            for kind in value.split(',') {
                let kind =
                    kind.parse().map_err(|e: runbus::event::Invalid| wrong(&format!("{kind:?} {e}")))?;
                filter.types.insert(kind);
                if filter.types.len() > runbus::limits::FILTER_TYPES {
                    return Err(wrong(&runbus::bus::TooManyTypes));
                }
            }
        }
        "after" => filter.after = Some(value.parse().map_err(|e: runbus::time::Error| wrong(&e))?),
        "before" => filter.before = Some(value.parse().map_err(|e: runbus::time::Error| wrong(&e))?),
        _ => return Err(wrong(&"there is no such parameter")),
    }
    Ok(())
}

/// Where to begin: `new`, `all`, or a cursor.
///
/// # Errors
/// It is none of them; `key` is where it stands.
pub fn since(key: &str, value: &str) -> Result<Since, Failure> {
    Ok(match value {
        "new" => Since::New,
        "all" => Since::All,
        cursor => {
            let wrong = |e: runbus::log::InvalidCursor| Failure::invalid(key, e.to_string());
            Since::After(cursor.parse().map_err(wrong)?)
        }
    })
}

/// A parameter of a path.
pub trait Named: Sized {
    /// The parameter's name in errors.
    const FIELD: &'static str;

    /// Reads it.
    ///
    /// # Errors
    /// The value, or its fault.
    fn read(text: &str) -> Result<Self, String>;
}

impl Named for ExecutionId {
    const FIELD: &'static str = Self::FIELD;

    fn read(text: &str) -> Result<Self, String> {
        Self::new(text).map_err(|error| error.reason.to_string())
    }
}

impl Named for SessionId {
    const FIELD: &'static str = Self::FIELD;

    fn read(text: &str) -> Result<Self, String> {
        Self::new(text).map_err(|error| error.reason.to_string())
    }
}

impl Named for StreamId {
    const FIELD: &'static str = Self::FIELD;

    fn read(text: &str) -> Result<Self, String> {
        Self::new(text).map_err(|error| error.reason.to_string())
    }
}

impl Named for String {
    const FIELD: &'static str = "id";

    fn read(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

/// The one name in a path, percent-decoded.
#[derive(Debug)]
pub struct Id<T>(pub T);

impl<S: Send + Sync, T: Named> FromRequestParts<S> for Id<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|error| Failure::invalid(T::FIELD, error.body_text()))?;
        T::read(&text).map(Self).map_err(|wrong| Failure::invalid(T::FIELD, wrong))
    }
}

/// A parameter that is yes or no.
///
/// # Errors
/// It is neither.
pub fn flag(key: &str, value: &str) -> Result<bool, Failure> {
    value.parse().map_err(|_neither| Failure::invalid(key, "true or false is needed"))
}

/// The execution in a path.
///
/// # Errors
/// It is no id.
pub fn execution(id: Result<Path<String>, PathRejection>) -> Result<ExecutionId, Failure> {
    let Path(id) = id.map_err(|error| Failure::invalid("execution_id", error.body_text()))?;
    ExecutionId::new(id).map_err(|error| Failure::invalid("execution_id", error.reason.to_string()))
}
