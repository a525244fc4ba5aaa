//! Parameters that several endpoints have.

use std::fmt::Display;

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use runbus::bus::Filter;
use runbus::id::ExecutionId;
use runbus::log::Since;

use super::error::Failure;

/// The parameters of a query.
///
/// # Errors
/// One is there twice.
pub fn pairs(query: &str) -> Result<Vec<(String, String)>, Failure> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        if pairs.iter().any(|(known, _)| *known == key) {
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

/// The execution in a path.
///
/// # Errors
/// It is no id.
pub fn execution(id: Result<Path<String>, PathRejection>) -> Result<ExecutionId, Failure> {
    let Path(id) = id.map_err(|error| Failure::invalid("execution_id", error.body_text()))?;
    ExecutionId::new(id).map_err(|error| Failure::invalid("execution_id", error.reason.to_string()))
}
