//! The declared fields of an answer, in the order of the file.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use super::spec::FieldSpec;

/// Fields by name. Models write an answer in the order of its schema, so the order is part of the definition.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields(Vec<(String, FieldSpec)>);

impl Fields {
    /// Whether no field is declared.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The field of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&FieldSpec> {
        self.entries().find_map(|(known, field)| (known == name).then_some(field))
    }

    /// The fields, in order.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &FieldSpec)> {
        self.0.iter().map(|(name, field)| (name.as_str(), field))
    }
}

impl FromIterator<(String, FieldSpec)> for Fields {
    /// A repeated name keeps its first place and its last field.
    fn from_iter<I: IntoIterator<Item = (String, FieldSpec)>>(fields: I) -> Self {
        let mut made: Vec<(String, FieldSpec)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for (name, field) in fields {
            match places.get(&name).and_then(|place| made.get_mut(*place)) {
                Some(known) => known.1 = field,
                None => {
                    places.insert(name.clone(), made.len());
                    made.push((name, field));
                }
            }
        }
        Self(made)
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.entries())
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                std::iter::from_fn(|| map.next_entry::<String, FieldSpec>().transpose()).collect()
            }
        }
        deserializer.deserialize_map(Read)
    }
}
