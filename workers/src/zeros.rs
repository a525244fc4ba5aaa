//! Numbers that lose something when they are read: a plain `00123` in YAML is a text to its author.

use std::fmt;

use serde::Deserialize as _;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// A number that is written with zeros before it.
#[derive(Debug)]
pub(crate) struct Zeros {
    /// The key, as in `nodes.work.arguments.zip`.
    pub(crate) path: String,
    /// As it is written.
    pub(crate) text: String,
}

/// Reads a document once more, where it was read to `value`, and takes the first such number of it.
pub(crate) fn take<'de, D: Deserializer<'de>>(
    document: D,
    value: &Value,
    found: &mut Option<Zeros>,
) -> Result<(), D::Error> {
    Place { value, path: String::new(), found }.deserialize(document)
}

/// Whether a text that was read as a number begins with a zero that says nothing.
fn has_zeros(text: &str) -> bool {
    let digits = text.trim().trim_start_matches(['+', '-']).as_bytes();
    digits.len() > 1 && digits[0] == b'0' && (digits[1].is_ascii_digit() || digits[1] == b'_')
}

/// A value of the document that was read before.
struct Place<'v> {
    value: &'v Value,
    path: String,
    found: &'v mut Option<Zeros>,
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<(), D::Error> {
        match self.value {
            Value::Number(_) => {
                let text = String::deserialize(source)?;
                if has_zeros(&text) {
                    let path = self.path;
                    self.found.get_or_insert(Zeros { path, text });
                }
                Ok(())
            }
            Value::Array(_) => source.deserialize_seq(self),
            Value::Object(_) => source.deserialize_map(self),
            _ => IgnoredAny::deserialize(source).map(drop),
        }
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value read before")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut source: A) -> Result<(), A::Error> {
        let items = self.value.as_array().map(Vec::as_slice).unwrap_or_default();
        for (n, value) in items.iter().enumerate() {
            let path = format!("{}[{n}]", self.path);
            if source.next_element_seed(Place { value, path, found: self.found })?.is_none() {
                break;
            }
        }
        while source.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut source: A) -> Result<(), A::Error> {
        while let Some(name) = source.next_key::<String>()? {
            let path = if self.path.is_empty() { name.clone() } else { format!("{}.{name}", self.path) };
            let value = self.value.get(&name).unwrap_or(&Value::Null);
            source.next_value_seed(Place { value, path, found: self.found })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_that_say_nothing_are_found() {
        for (text, wanted) in [
            ("00123", true),
            ("-007", true),
            ("01.5", true),
            ("0", false),
            ("0.5", false),
            ("0x1f", false),
            ("10", false),
        ] {
            assert_eq!(has_zeros(text), wanted, "{text}");
        }
    }
}
