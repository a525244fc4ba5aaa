//! Objects on the wire are objects: serde also takes a list for a struct, field by field, which no caller means.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

struct Only<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Only<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

struct Optional<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Optional<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or null")
    }

    fn visit_unit<E>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_none<E>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, some: D) -> Result<Option<T>, D::Error> {
        only(some).map(Some)
    }
}

/// Reads an object, and nothing else.
///
/// # Errors
/// It is something else, or its fields are wrong.
pub fn only<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_map(Only(PhantomData))
}

/// The same, or `null`.
///
/// # Errors
/// It is something else, or its fields are wrong.
pub fn optional<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    deserializer.deserialize_option(Optional(PhantomData))
}

#[cfg(test)]
mod tests {
    use crate::control::{SendRequest, StartRequest};

    #[test]
    fn a_list_is_no_object() {
        let read = |text: &str| serde_json::from_str::<StartRequest>(text);
        let started =
            read(r#"{"definition":"d","budget":{"rounds":1},"scheduling":{"priority":"low"}}"#).unwrap();
        assert_eq!(started.budget.rounds, Some(1));
        for field in [r#""budget":[1,2,3]"#, r#""budget":null"#, r#""scheduling":["low",null]"#] {
            read(&format!(r#"{{"definition":"d",{field}}}"#)).unwrap_err();
        }
        let said = |text: &str| serde_json::from_str::<SendRequest>(text);
        assert_eq!(said(r#"{"scheduling":null}"#).unwrap().scheduling, None);
        assert!(said(r#"{"scheduling":{}}"#).unwrap().scheduling.is_some());
        said(r#"{"scheduling":["low"]}"#).unwrap_err();
    }
}
