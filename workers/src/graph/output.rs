//! Structured answers: the fields that a node declares, requested as a JSON Schema and read back from a model's text.

use serde_json::{Map, Value, json};

use super::OutputFault;
use super::fields::Fields;
use super::limits::{MAX_JSON_CANDIDATES, MAX_JSON_READ_BYTES};
use super::spec::{FieldSpec, FieldType};

/// The declared fields of a node's answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Output(Fields);

impl Output {
    /// An answer with these fields.
    pub fn new(fields: Fields) -> Self {
        Self(fields)
    }

    /// The JSON Schema of the answer, for the provider's response format. Fields stand in the order of the definition.
    pub fn schema(&self) -> Value {
        let properties: Map<String, Value> =
            self.0.entries().map(|(name, field)| (name.to_owned(), field_schema(field))).collect();
        let required: Vec<&str> =
            self.0.entries().filter(|(_, field)| !field.optional).map(|(name, _)| name).collect();
        json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
    }

    /// Reads a model's answer.
    ///
    /// The object may stand in a code fence or in prose, since not every provider enforces a response format;
    /// a number may be written as a string. Of several objects the first with all fields counts. Fields that are
    /// not declared are kept.
    ///
    /// # Errors
    ///
    /// When no object is found, or a field is missing, of the wrong type or out of range.
    pub fn parse(&self, text: &str) -> Result<Value, OutputFault> {
        let mut first_fault = None;
        for object in objects(text) {
            match self.check(object) {
                Ok(object) => return Ok(Value::Object(object)),
                Err(fault) => first_fault = first_fault.or(Some(fault)),
            }
        }
        Err(first_fault.unwrap_or_else(|| {
            let fields: Vec<&str> = self.0.entries().map(|(name, _)| name).collect();
            OutputFault::NoObject { fields: fields.join(", ") }
        }))
    }

    fn check(&self, mut object: Map<String, Value>) -> Result<Map<String, Value>, OutputFault> {
        for (name, field) in self.0.entries() {
            let fault = |message: String| OutputFault::Field { field: name.to_owned(), message };
            match object.get_mut(name) {
                None | Some(Value::Null) if field.optional => {
                    object.remove(name);
                }
                None => return Err(fault("is missing".to_owned())),
                Some(value) => check_field(field, value).map_err(fault)?,
            }
        }
        Ok(object)
    }
}

fn field_schema(field: &FieldSpec) -> Value {
    let mut schema = json!({"type": field.kind});
    if !field.description.is_empty() {
        schema["description"] = json!(field.description);
    }
    for (name, bound) in [("minimum", field.minimum), ("maximum", field.maximum)] {
        if let Some(bound) = bound {
            schema[name] = number(bound);
        }
    }
    schema
}

/// A number without a fraction that it does not have: `10`, not `10.0`.
fn number(value: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "the guard keeps it within what i64 represents")]
    if value.fract() == 0.0 && value.abs() < EXACT { json!(value as i64) } else { json!(value) }
}

fn check_field(field: &FieldSpec, value: &mut Value) -> Result<(), String> {
    let is_number = matches!(field.kind, FieldType::Number | FieldType::Integer);
    if is_number && let Some(parsed) = value.as_str().and_then(|text| text.trim().parse::<f64>().ok()) {
        if !parsed.is_finite() {
            return Err(format!("is no number: {value}"));
        }
        *value = number(parsed);
    }
    if !field.kind.fits(value) {
        let kind = field.kind.name();
        return Err(format!("must be of type {kind:?}, not {}", clip(&value.to_string())));
    }
    let Some(actual) = value.as_f64() else {
        return Ok(());
    };
    if field.minimum.is_some_and(|minimum| actual < minimum)
        || field.maximum.is_some_and(|maximum| actual > maximum)
    {
        let bound = |bound: Option<f64>| bound.map_or_else(|| "any".to_owned(), |bound| bound.to_string());
        return Err(format!("is {actual}, not within {} to {}", bound(field.minimum), bound(field.maximum)));
    }
    Ok(())
}

/// The JSON objects in a text, outermost ones only, in order.
fn objects(text: &str) -> impl Iterator<Item = Map<String, Value>> {
    let mut rest = text;
    let (mut tries, mut read) = (0, 0_usize);
    std::iter::from_fn(move || {
        while tries < MAX_JSON_CANDIDATES && read <= MAX_JSON_READ_BYTES {
            tries += 1;
            rest = &rest[rest.find('{')?..];
            // One that is not closed is read to the end of the text.
            read = read.saturating_add(rest.len());
            if let Some((object, end)) = runbus::json::first_object(rest) {
                rest = &rest[end..];
                return Some(object);
            }
            rest = &rest[1..];
        }
        None
    })
}

fn clip(text: &str) -> &str {
    &text[..text.floor_char_boundary(60)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn critique() -> Output {
        let fields = json!({
            "score": {"type": "number", "minimum": 0, "maximum": 10},
            "feedback": {"type": "string"},
            "tags": {"type": "array", "optional": true},
        });
        Output::new(serde_json::from_value(fields).unwrap())
    }

    #[test]
    fn finds_the_object_wherever_a_model_puts_it() {
        let expected = json!({"score": 7.5, "feedback": "ok {"});
        for text in [
            r#"{"score": 7.5, "feedback": "ok {"}"#,
            "```json\n{\"score\": \"7.5\", \"feedback\": \"ok {\"}\n```",
            r#"I {think} of {"a":1} this: {"score": 7.5, "feedback": "ok {", "tags": null} done"#,
        ] {
            assert_eq!(critique().parse(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn names_the_fault() {
        for (text, message) in [
            ("8 of 10", "it contains none"),
            (r#"{"score": 8}"#, r#""feedback" is missing"#),
            (r#"{"score": 11, "feedback": ""}"#, "is 11, not within 0 to 10"),
            (r#"{"score": "high", "feedback": ""}"#, r#"must be of type "number""#),
            (r#"{"score": "NaN", "feedback": ""}"#, "is no number"),
            (r#"{"score": 8, "feedback": "", "tags": 1}"#, r#"must be of type "array""#),
        ] {
            let error = critique().parse(text).unwrap_err().to_string();
            assert!(error.contains(message), "{text}: {error}");
        }
    }

    #[test]
    fn asks_for_its_fields_as_json_schema() {
        let schema = critique().schema();
        assert_eq!(schema["required"], json!(["score", "feedback"]));
        assert_eq!(schema["properties"]["score"], json!({"type": "number", "minimum": 0, "maximum": 10}));
    }

    #[test]
    fn fields_keep_the_order_of_the_definition() {
        const NAMES: [&str; 5] = ["thoughts", "verdict", "b", "a", "z"];
        let fields: Vec<String> = NAMES.iter().map(|name| format!("{name}: {{type: string}}")).collect();
        let yaml = format!(
            "{{kind: graph, name: g, entry: n, nodes: {{n: {{type: agent, output: {{{}}}}}}}}}",
            fields.join(", ")
        );
        let definition = crate::graph::Definition::parse("test", &yaml).unwrap();
        // A journal keeps the definition as JSON.
        let kept = serde_json::to_string(&definition).unwrap();
        let again: crate::graph::Definition = serde_json::from_str(&kept).unwrap();
        for definition in [definition, again] {
            let crate::graph::Definition::Graph(graph) = definition else { panic!("a graph") };
            let schema = graph.output("n").unwrap().schema();
            let keys: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
            assert_eq!(keys, NAMES);
            assert_eq!(schema["required"], json!(NAMES));
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "[\\PC{}\"\\\\]{0,200}") {
            critique().parse(&text).ok();
        }

        #[test]
        fn reads_written_answers(score in 0..=100, feedback in "\\PC{0,40}", before in "[^{]{0,40}") {
            let object = json!({"score": f64::from(score) / 10.0, "feedback": feedback});
            prop_assert_eq!(critique().parse(&format!("{before}{object} end")).unwrap(), object);
        }
    }
}
