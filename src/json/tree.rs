//! Values: their depth and keys, and how one is made of another format.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::error::Fault;
use super::key;
use crate::limits;

/// How deeply lists and objects are nested: a text is 0, `[]` is 1.
#[must_use]
pub fn depth(value: &Value) -> usize {
    let mut deepest = 0;
    walk(value, |_, depth| deepest = deepest.max(depth));
    deepest
}

/// Checks a value as [`super::scan::check`] checks a text.
///
/// # Errors
/// See [`Fault`].
pub fn check(value: &Value) -> Result<(), Fault> {
    check_within(value, limits::JSON_DEPTH)
}

/// The same with a smaller limit on the depth.
///
/// # Errors
/// See [`Fault`].
pub fn check_within(value: &Value, limit: usize) -> Result<(), Fault> {
    let (mut deepest, mut reserved) = (0, None);
    walk(value, |value, depth| {
        deepest = deepest.max(depth);
        let mut keys = value.as_object().into_iter().flat_map(Map::keys);
        reserved = reserved.or_else(|| keys.find(|key| key::is_reserved(key)));
    });
    match reserved {
        Some(key) => Err(Fault::Reserved { key: key::shown(key) }),
        None if deepest > limit => Err(Fault::TooDeep { depth: deepest, limit }),
        None => Ok(()),
    }
}

/// Shows each list and object with its depth, without recursion.
fn walk<'v>(value: &'v Value, mut look: impl FnMut(&'v Value, usize)) {
    let nests = |value: &&Value| value.is_array() || value.is_object();
    let mut open = Vec::new();
    open.extend(Some(value).filter(nests).map(|value| (value, 1)));
    while let Some((value, depth)) = open.pop() {
        look(value, depth);
        match value {
            Value::Array(items) => open.extend(items.iter().filter(nests).map(|item| (item, depth + 1))),
            Value::Object(fields) => {
                open.extend(fields.values().filter(nests).map(|item| (item, depth + 1)));
            }
            _ => {}
        }
    }
}

/// Makes a value of anything that is no JSON text: the limit on depth and the reserved keys hold as for texts.
///
/// # Errors
/// The source is faulty, deeper than `limit`, or has a reserved key.
pub fn deserialize<'de, D: Deserializer<'de>>(source: D, limit: usize) -> Result<Value, D::Error> {
    Level { depth: 0, limit }.deserialize(source)
}

/// A value at a depth.
#[derive(Clone, Copy)]
struct Level {
    depth: usize,
    limit: usize,
}

impl Level {
    fn below<E: Error>(self) -> Result<Self, E> {
        let Self { depth, limit } = self;
        let depth = depth + 1;
        if depth > limit {
            Err(E::custom(Fault::TooDeep { depth, limit }))
        } else {
            Ok(Self { depth, limit })
        }
    }
}

impl<'de> DeserializeSeed<'de> for Level {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Value, D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any valid JSON value")
    }

    fn visit_bool<E>(self, known: bool) -> Result<Value, E> {
        Ok(known.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, source: D) -> Result<Value, D::Error> {
        self.deserialize(source)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, source: D) -> Result<Value, D::Error> {
        self.deserialize(source)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut source: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut items = Vec::new();
        while let Some(item) = source.next_element_seed(below)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut source: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut fields = Map::new();
        while let Some(name) = source.next_key::<String>()? {
            if key::is_reserved(&name) {
                return Err(A::Error::custom(Fault::Reserved { key: key::shown(&name) }));
            }
            fields.insert(name, source.next_value_seed(below)?);
        }
        Ok(Value::Object(fields))
    }
}
