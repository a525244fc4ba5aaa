//! From text to types.
#![allow(clippy::disallowed_methods, reason = "every text that comes here is scanned first")]

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::error::{Error, Located};
use super::{object, scan, tree};
use crate::limits;

/// Reads a text.
///
/// # Errors
/// See [`Error`].
pub fn from_slice<'de, T: Deserialize<'de>>(text: &'de [u8]) -> Result<T, Error> {
    scan::check(text)?;
    Ok(serde_json::from_slice(text)?)
}

/// Reads a text.
///
/// # Errors
/// See [`Error`].
pub fn from_str<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Error> {
    scan::check(text.as_bytes())?;
    Ok(serde_json::from_str(text)?)
}

/// Reads what a model, a tool or a client said: nested no deeper than [`limits::EDGE_DEPTH`], so that it fits into the
/// envelopes that hold it later.
///
/// # Errors
/// See [`Error`].
pub fn shallow<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Error> {
    scan::check_within(text.as_bytes(), limits::EDGE_DEPTH)?;
    Ok(serde_json::from_str(text)?)
}

/// Makes a type of a value. The value is looked at as a text is: it may have been put together from parts that others gave.
///
/// # Errors
/// See [`Error`].
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    tree::check(&value)?;
    Ok(serde_json::from_value(value)?)
}

/// JSON that is read with the path of each fault.
#[derive(Debug)]
pub enum Source<'de> {
    /// A text.
    Text(&'de [u8]),
    /// A value.
    Value(Value),
}

impl<'de> From<&'de [u8]> for Source<'de> {
    fn from(text: &'de [u8]) -> Self {
        Self::Text(text)
    }
}

impl<'de> From<&'de str> for Source<'de> {
    fn from(text: &'de str) -> Self {
        Self::Text(text.as_bytes())
    }
}

impl From<Value> for Source<'_> {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}

/// Reads a text or a value, and says where it does not fit.
///
/// # Errors
/// See [`Located`].
pub fn read<'de, T: Deserialize<'de>>(source: impl Into<Source<'de>>) -> Result<T, Located> {
    let located = |error: serde_path_to_error::Error<serde_json::Error>| Located {
        path: error.path().to_string(),
        error: error.into_inner().into(),
    };
    match source.into() {
        Source::Text(text) => {
            scan::check(text).map_err(Located::whole)?;
            let deserializer = &mut serde_json::Deserializer::from_slice(text);
            let found = serde_path_to_error::deserialize(&mut *deserializer).map_err(located)?;
            deserializer.end().map_err(Located::whole)?;
            Ok(found)
        }
        Source::Value(value) => {
            tree::check(&value).map_err(Located::whole)?;
            serde_path_to_error::deserialize(value).map_err(located)
        }
    }
}

/// Reads a text that is an object, and nothing else.
///
/// # Errors
/// See [`Located`].
pub fn read_object<T: DeserializeOwned>(text: &[u8]) -> Result<T, Located> {
    scan::check(text).map_err(Located::whole)?;
    let deserializer = &mut serde_json::Deserializer::from_slice(text);
    let mut track = serde_path_to_error::Track::new();
    let found = object::only(serde_path_to_error::Deserializer::new(&mut *deserializer, &mut track));
    let found = found.map_err(|error: serde_json::Error| Located {
        path: track.path().to_string(),
        error: error.into(),
    })?;
    deserializer.end().map_err(Located::whole)?;
    Ok(found)
}

/// The object at the beginning of a text, read as by [`shallow`], and where it ends; anything may follow. `None`: no object
/// stands there.
pub fn first_object(text: &str) -> Option<(Map<String, Value>, usize)> {
    let end = scan::end_of_first(text.as_bytes())?;
    Some((shallow(text.get(..end)?).ok()?, end))
}
