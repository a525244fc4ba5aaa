//! The committed schemas against the code that reads and writes what they describe.

use std::sync::LazyLock;

use jsonschema::Validator;
use proptest::prelude::*;
use runbus::event::{Event, Payload};
use runbus::log::Cursor;
use runbus_gateway::protocol::client::Message;
use serde_json::{Map, Value, json};

/// A schema, and validators of its definitions.
pub struct Contract {
    schema: Value,
    whole: Validator,
}

fn build(schema: &Value) -> Validator {
    let options =
        jsonschema::options().offline().should_validate_formats(true).should_ignore_unknown_formats(true);
    options.build(schema).unwrap_or_else(|error| panic!("no schema: {error}"))
}

impl Contract {
    fn new(schema: Value) -> Self {
        jsonschema::draft202012::meta::validate(&schema)
            .unwrap_or_else(|error| panic!("no JSON Schema 2020-12: {error}"));
        Self { whole: build(&schema), schema }
    }

    /// The schema of one definition.
    fn of(&self, name: &str) -> Self {
        let schema = json!({ "$ref": format!("#/$defs/{name}"), "$defs": self.schema["$defs"] });
        Self { whole: build(&schema), schema }
    }

    fn is_valid(&self, value: &Value) -> bool {
        self.whole.is_valid(value)
    }

    fn definitions(&self) -> &Map<String, Value> {
        self.schema["$defs"].as_object().unwrap()
    }
}

static EVENTS: LazyLock<Contract> = LazyLock::new(|| Contract::new(runbus::event::schema()));
static PROTOCOL: LazyLock<Contract> = LazyLock::new(|| Contract::new(runbus_gateway::contract::protocol()));
static CLIENT: LazyLock<Contract> = LazyLock::new(|| PROTOCOL.of("ClientMessage"));
static SERVER: LazyLock<Contract> = LazyLock::new(|| PROTOCOL.of("ServerMessage"));

/// A delivered event with the fields that Runbus knows; `None`: a publisher wrote a payload that is not as its type says.
fn understood(event: &Value) -> Option<Value> {
    let read = Event::decode(event.to_string().as_bytes()).ok()?;
    let data = read.payload().ok()?.write().ok()?.into();
    let mut known: Value = serde_json::from_slice(&Event { data, ..read }.encode().ok()?).ok()?;
    for name in ["seq", "cursor", "external", "merged"] {
        if let Some(value) = event.get(name) {
            known[name] = value.clone();
        }
    }
    Some(known)
}

/// Fails when a gateway's message is not as `docs/protocol.schema.json` says. Of events it looks at what Runbus knows: others may publish
/// more.
pub fn check_server_message(message: &Value) {
    let mut message = message.clone();
    if message["type"] == "events"
        && let Some(Value::Array(events)) = message.get_mut("events")
    {
        *events = events.iter().filter_map(understood).collect();
        if events.is_empty() {
            return;
        }
    }
    let message = &message;
    if SERVER.is_valid(message) {
        return;
    }
    // The union says only that no object fits: the object of this type says more.
    let kind = message["type"].as_str().unwrap_or_default();
    let name = runbus::schema::pascal(kind) + "Message";
    let faults: Vec<String> = if PROTOCOL.definitions().contains_key(&name) {
        let object = PROTOCOL.of(&name);
        object.whole.iter_errors(message).map(|fault| format!("{}: {fault}", fault.instance_path())).collect()
    } else {
        vec![format!("there is no message {kind}")]
    };
    panic!("a message is not as docs/protocol.schema.json says: {faults:?}: {message}");
}

/// Choices of a case, one after the other: no more than these decide it.
struct Choices<'a>(std::slice::Iter<'a, u8>);

impl Choices<'_> {
    fn below(&mut self, count: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or(0)) % count
    }

    fn pick<'v>(&mut self, all: &'v [Value]) -> &'v Value {
        &all[self.below(all.len())]
    }
}

/// Values of any type that JSON has.
fn anything() -> Vec<Value> {
    vec![json!(7), json!([[]]), json!({ "odd": 1 }), json!(true), json!("x"), json!(-1), json!(1.5)]
}

/// A value that a schema of `root` describes.
fn instance(schema: &Value, root: &Value, choices: &mut Choices<'_>) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        return instance(root.pointer(reference.strip_prefix('#').unwrap()).unwrap(), root, choices);
    }
    if let Some(value) = schema.get("const") {
        return value.clone();
    }
    if let Some(Value::Array(cases)) = schema.get("enum") {
        return choices.pick(cases).clone();
    }
    for union in ["oneOf", "anyOf"] {
        if let Some(Value::Array(cases)) = schema.get(union) {
            let case = choices.below(cases.len());
            return instance(&cases[case], root, choices);
        }
    }
    let kind = match &schema["type"] {
        Value::String(kind) => kind.as_str(),
        Value::Array(kinds) => choices.pick(kinds).as_str().unwrap(),
        _ => return choices.pick(&anything()).clone(),
    };
    match kind {
        "object" => {
            let mut fields = Map::new();
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                if required.contains(&json!(name)) || choices.below(2) == 1 {
                    // The gateway reads the places that a cursor holds.
                    let value = match name.as_str() {
                        "cursor" => json!(Cursor::start()),
                        _ => instance(property, root, choices),
                    };
                    fields.insert(name.clone(), value);
                }
            }
            let more = schema.get("additionalProperties").filter(|more| more.is_object());
            let more = more.or_else(|| schema["patternProperties"].as_object()?.values().next());
            if let Some(more) = more
                && choices.below(2) == 1
            {
                fields.insert("k1".into(), instance(more, root, choices));
            }
            fields.into()
        }
        "array" => {
            let least = usize::try_from(schema["minItems"].as_u64().unwrap_or(0)).unwrap();
            let count = least + choices.below(2);
            (0..count).map(|_| instance(&schema["items"], root, choices)).collect()
        }
        "string" => {
            let texts = [
                json!("run-1"),
                json!("é"),
                json!("a_type"),
                json!("k=v"),
                json!("2026-01-01T00:00:00Z"),
                json!("01890a5d-ac96-774b-bcce-b302099a8057"),
            ];
            let validator = build(schema);
            let fitting: Vec<Value> = texts.into_iter().filter(|text| validator.is_valid(text)).collect();
            assert!(!fitting.is_empty(), "no text for {schema}");
            choices.pick(&fitting).clone()
        }
        "integer" => {
            json!(schema["minimum"].as_i64().unwrap_or(0) + i64::try_from(choices.below(3)).unwrap())
        }
        "number" => choices.pick(&[json!(0.5), json!(2)]).clone(),
        "boolean" => json!(choices.below(2) == 1),
        "null" => Value::Null,
        other => panic!("type {other}"),
    }
}

/// Puts something else in the place of one field, list item or value.
fn spoil(value: &mut Value, choices: &mut Choices<'_>, with: &[Value]) {
    let deeper = match value {
        Value::Object(fields) if !fields.is_empty() => {
            let at = choices.below(fields.len());
            fields.values_mut().nth(at)
        }
        Value::Array(items) if !items.is_empty() => {
            let at = choices.below(items.len());
            items.get_mut(at)
        }
        _ => None,
    };
    match deeper {
        Some(deeper) if choices.below(3) > 0 => spoil(deeper, choices, with),
        Some(deeper) => *deeper = choices.pick(with).clone(),
        None => *value = choices.pick(with).clone(),
    }
}

fn accept(event: &Value) -> Result<Event, String> {
    Event::accept(event.to_string().as_bytes()).map_err(|error| error.to_string())
}

proptest! {
    /// The schema refuses no event that Runbus writes, and takes none that Runbus cannot read.
    #[test]
    fn events_are_valid_when_runbus_reads_them(choices in prop::collection::vec(any::<u8>(), 0..120), is_spoiled: bool) {
        let schema = &EVENTS.schema;
        let mut choices = Choices(choices.iter());
        let mut event = instance(schema, schema, &mut choices);
        prop_assert!(EVENTS.is_valid(&event), "{event}");
        if is_spoiled {
            spoil(&mut event, &mut choices, &anything());
        }
        let read = accept(&event);
        if EVENTS.is_valid(&event) {
            prop_assert!(read.is_ok(), "{event}: {read:?}");
        }
        if let Ok(read) = read {
            let payload = read.payload().unwrap();
            let is_known = !matches!(payload, Payload::Other(..));
            // As a producer writes it that has the types.
            let written = Event { data: payload.write().unwrap().into(), ..read };
            let written: Value = serde_json::from_slice(&written.encode().unwrap()).unwrap();
            prop_assert_eq!(EVENTS.is_valid(&written), is_known, "{}", written);
            prop_assert!(PROTOCOL.of_event(&written), "{written}");
        }
    }

    /// The schema takes no message that a gateway would refuse by the types of its fields, and refuses none that it would take.
    #[test]
    fn client_messages_are_valid_when_the_gateway_reads_them(choices in prop::collection::vec(any::<u8>(), 0..120), is_spoiled: bool) {
        let mut choices = Choices(choices.iter());
        let mut message = instance(&CLIENT.schema, &CLIENT.schema, &mut choices);
        // Texts have rules that only the gateway checks.
        if let Some(cursor) = message.pointer_mut("/since/cursor") {
            *cursor = runbus::log::Cursor::start().text().into();
        }
        prop_assert!(CLIENT.is_valid(&message), "{message}");
        let is_list = message["type"] == "list";
        if is_spoiled && !is_list {
            spoil(&mut message, &mut choices, &[json!(7), json!([[]]), json!({ "odd": 1 }), json!(true), json!(-1)]);
        }
        let read = Message::decode(&message.to_string());
        if !is_list {
            prop_assert_eq!(CLIENT.is_valid(&message), read.is_ok(), "{}: {:?}", message, read);
        }
    }

    /// A field of another type makes a message of the gateway invalid.
    #[test]
    fn server_messages_with_a_wrong_field_are_invalid(choices in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut choices = Choices(choices.iter());
        let message = instance(&SERVER.schema, &SERVER.schema, &mut choices);
        prop_assert!(SERVER.is_valid(&message), "{message}");
        for (name, value) in message.as_object().unwrap() {
            // Any JSON, or a field of the results of other commands.
            if name == "details" || name == "value" || message["type"] == "ok" && !["type", "id"].contains(&name.as_str()) {
                continue;
            }
            let mut spoiled = message.clone();
            spoiled[name] = if value.is_object() { json!(7) } else { json!({ "odd": 1 }) };
            prop_assert!(!SERVER.is_valid(&spoiled), "{name}: {spoiled}");
        }
    }
}

impl Contract {
    /// Whether an event is as delivered ones are, once it is delivered.
    fn of_event(&self, event: &Value) -> bool {
        static DELIVERED: LazyLock<Contract> = LazyLock::new(|| PROTOCOL.of("Event"));
        let mut delivered = event.clone();
        delivered["seq"] = 1.into();
        delivered["cursor"] = "c".into();
        DELIVERED.is_valid(&delivered)
            && !DELIVERED.is_valid(&{
                delivered["seq"] = "1".into();
                delivered
            })
    }
}

#[test]
fn no_optional_field_of_an_event_may_be_null() {
    let event = json!({
        "id": "01890a5d-ac96-774b-bcce-b302099a8057", "type": "execution_paused", "stream_id": "s", "data": {},
        "timestamp": "2026-01-01T00:00:00Z",
    });
    assert!(EVENTS.is_valid(&event));
    for (pointer, field) in [("", "node_id"), ("", "attempt"), ("/data", "reason")] {
        let mut with_null = event.clone();
        with_null.pointer_mut(pointer).unwrap()[field] = Value::Null;
        assert!(!EVENTS.is_valid(&with_null), "{field}");
    }
    // Any JSON may be null.
    let mut changed = event;
    changed["type"] = "state_changed".into();
    changed["data"] = json!({ "key": "k", "old_value": null, "new_value": 1 });
    assert!(EVENTS.is_valid(&changed));
}

#[test]
fn every_event_type_has_one_object_and_one_payload_with_its_name() {
    for kind in runbus::event::Kind::ALL {
        let name = runbus::schema::pascal(kind.as_str());
        for contract in [&*EVENTS, &*PROTOCOL] {
            let event = &contract.schema["$defs"][format!("{name}Event")];
            assert_eq!(event["properties"]["type"]["const"], kind.as_str());
            assert_eq!(event["properties"]["data"]["$ref"], format!("#/$defs/{name}Data"));
            assert!(contract.definitions().contains_key(&format!("{name}Data")), "{name}");
        }
    }
    let objects = EVENTS.schema["oneOf"].as_array().unwrap();
    assert_eq!(objects.len(), runbus::event::Kind::ALL.len());
}

#[test]
fn every_message_has_an_object_with_its_type() {
    fn check(name: &str, kind: Option<&str>) {
        let schema = &PROTOCOL.schema["$defs"][name];
        let cases = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array());
        match cases {
            Some(cases) => {
                for case in cases {
                    let case = case["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
                    let own = kind.map(ToOwned::to_owned).or_else(|| {
                        let messages = runbus_gateway::contract::messages::all();
                        let mut all = messages.client.into_iter().chain(messages.server);
                        Some(all.find(|message| message.name == case)?.kind.to_owned())
                    });
                    check(case, own.as_deref());
                }
            }
            None => assert_eq!(schema["properties"]["type"]["const"].as_str(), kind, "{name}"),
        }
    }
    check("ClientMessage", None);
    check("ServerMessage", None);
}

#[test]
fn every_reference_of_a_contract_leads_to_a_definition() {
    let asyncapi = runbus_gateway::contract::asyncapi();
    for document in [&EVENTS.schema, &PROTOCOL.schema, &asyncapi] {
        let text = document.to_string();
        let references: Vec<&str> =
            text.split("\"$ref\":\"").skip(1).map(|part| part.split('"').next().unwrap()).collect();
        assert!(references.len() > 40);
        for reference in references {
            assert!(document.pointer(reference.strip_prefix('#').unwrap()).is_some(), "{reference}");
        }
    }
}

/// The messages that `docs/protocol.md` names, by the column of their direction.
#[test]
fn every_message_of_the_protocol_page_is_in_the_contract() {
    let path = format!("{}/docs/protocol.md", env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(path).unwrap();
    let kinds = |union: &Contract| -> Vec<String> {
        let names = union.schema.pointer("/$defs").unwrap();
        let reference = union.schema["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
        let cases = names[reference]["oneOf"].as_array().unwrap().iter();
        cases.map(|case| case["$ref"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()).collect()
    };
    let known: Vec<String> = [kinds(&CLIENT), kinds(&SERVER)].concat();
    let mut named = 0;
    let protocol = page.split("## WebSocket").nth(1).expect("the page has a section about the WebSocket");
    for part in protocol.split("{\"type\":\"").skip(1) {
        let kind = part.split('"').next().unwrap();
        if runbus::event::Kind::ALL.iter().any(|event| event.as_str() == kind) {
            continue;
        }
        let name = runbus::schema::pascal(kind) + "Message";
        assert!(
            known.contains(&name),
            "docs/protocol.md names {kind}, which is not in docs/protocol.schema.json"
        );
        named += 1;
    }
    assert!(named > 20, "the page names the messages");
}
