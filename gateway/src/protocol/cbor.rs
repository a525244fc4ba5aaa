//! Messages in CBOR (RFC 8949): the same maps, lists, texts and numbers as in JSON.

use cbor4ii::core::enc::{Encode, Write};
use cbor4ii::core::types::{Array, Map};
use cbor4ii::core::utils::{BufWriter, SliceReader};
use runbus::{json, limits};
use serde_json::{Number, Value};

/// Adds a value.
pub(super) fn write(value: &Value, into: &mut Vec<u8>) {
    let mut writer = BufWriter::new(std::mem::take(into));
    // The only error of a buffer that grows would be memory, which aborts.
    let _ = put(value, &mut writer);
    *into = writer.into_inner();
}

/// The CBOR of a value.
#[must_use]
pub(super) fn encode(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(value, &mut bytes);
    bytes
}

fn put<W: Write>(value: &Value, writer: &mut W) -> Result<(), cbor4ii::core::enc::Error<W::Error>> {
    match value {
        Value::Null => cbor4ii::core::types::Null.encode(writer),
        Value::Bool(known) => known.encode(writer),
        Value::Number(number) => put_number(number, writer),
        Value::String(text) => text.as_str().encode(writer),
        Value::Array(items) => {
            Array::bounded(items.len(), writer)?;
            items.iter().try_for_each(|item| put(item, writer))
        }
        Value::Object(fields) => {
            Map::bounded(fields.len(), writer)?;
            fields.iter().try_for_each(|(name, value)| {
                name.as_str().encode(writer)?;
                put(value, writer)
            })
        }
    }
}

fn put_number<W: Write>(number: &Number, writer: &mut W) -> Result<(), cbor4ii::core::enc::Error<W::Error>> {
    if let Some(number) = number.as_u64() {
        return number.encode(writer);
    }
    if let Some(number) = number.as_i64() {
        return number.encode(writer);
    }
    let number = number.as_f64().unwrap_or_default();
    #[expect(clippy::cast_possible_truncation, reason = "looked at in the next line")]
    let short = number as f32;
    if f64::from(short).to_bits() == number.to_bits() { short.encode(writer) } else { number.encode(writer) }
}

/// Reads one value, which must be the whole text. Values without a JSON form (byte strings, tags, keys that are no texts)
/// are refused; `undefined` is null. Nesting is bounded, and keys that JSON's parser reserves are refused, as in texts.
///
/// # Errors
/// Why it cannot be read.
pub(super) fn decode(bytes: &[u8]) -> Result<Value, String> {
    let mut reader = cbor4ii::serde::Deserializer::new(SliceReader::new(bytes));
    let value =
        json::tree::deserialize(&mut reader, limits::JSON_DEPTH).map_err(|error| error.to_string())?;
    match cbor4ii::core::dec::Read::fill(&mut reader.into_inner(), 1) {
        Ok(rest) if rest.as_ref().is_empty() => Ok(value),
        _ => Err("something follows the message".into()),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// Any JSON.
    pub(crate) fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<f32>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 48, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(".{0,8}", inner, 0..6)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    #[test]
    fn the_bytes_are_those_of_the_rfc() {
        for (value, bytes) in [
            (json!(null), &[0xf6][..]),
            (json!(true), &[0xf5]),
            (json!(0), &[0x00]),
            (json!(24), &[0x18, 24]),
            (json!(-1), &[0x20]),
            (json!(1.5), &[0xfa, 0x3f, 0xc0, 0, 0]),
            (json!("a"), &[0x61, b'a']),
            (json!([1, [2]]), &[0x82, 1, 0x81, 2]),
            (json!({ "a": [] }), &[0xa1, 0x61, b'a', 0x80]),
        ] {
            assert_eq!(encode(&value), bytes, "{value}");
            assert_eq!(decode(bytes).unwrap(), value);
        }
    }

    #[test]
    fn values_without_a_json_form_are_refused() {
        let deep = [vec![0x81; 5000], vec![0x00]].concat();
        for bytes in [
            &b""[..],
            b"\x41a",
            b"\xc0\x61a",
            b"\xa1\x01\x02",
            b"\x00\x00",
            b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\x7b\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\x61\xff",
            &deep,
        ] {
            decode(bytes).unwrap_err();
        }
        // Without lengths, with half floats, and undefined.
        assert_eq!(decode(b"\xbf\x61a\x9f\xf9\x3c\x00\xff\xff").unwrap(), json!({ "a": [1.0] }));
        assert_eq!(decode(b"\xf7").unwrap(), Value::Null);
    }

    proptest! {
        #[test]
        fn json_and_cbor_decode_to_the_same(value in value()) {
            let json: Value = runbus::json::from_str(&value.to_string()).unwrap();
            prop_assert_eq!(decode(&encode(&json)).unwrap(), json);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = decode(&bytes);
        }
    }
}
