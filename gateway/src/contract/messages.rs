//! One object for each message, from the types that read and write it.

use runbus::control::presence::Presence;
use runbus::control::{
    Acknowledged, AnswerRequest, DecideRequest, Decided, SendRequest, StartRequest, Started,
};
use runbus::directory::entry::{ApprovalEntry, ExecutionEntry, QuestionEntry, SessionEntry};
use runbus::event::{self, Form};
use runbus::id::{ExecutionId, SessionId};
use runbus::schema::{self, pascal};
use runbus::session::view::Session;
use runbus::store::index::Family;
use schemars::generate::{Contract, SchemaSettings};
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::DEFINITIONS;
use crate::limits;
use crate::lists::window;
use crate::protocol::body::{Aborted, Cancel, Close, Nothing, Reason};
use crate::protocol::list::parameters::{self, Way};
use crate::protocol::publish::Publish;
use crate::protocol::{client, said};
use crate::publishing::Published;

/// A message of one direction.
#[derive(Debug)]
pub struct Message {
    /// Its `type`.
    pub kind: &'static str,
    /// The name of its object, or of the union of its forms.
    pub name: String,
    /// Its purpose.
    pub summary: String,
    /// The objects of the answers to a command, or of the answers to another message of a client.
    pub answers: Vec<String>,
}

/// Every message.
#[derive(Debug)]
pub struct Messages {
    /// Of clients.
    pub client: Vec<Message>,
    /// Of the gateway.
    pub server: Vec<Message>,
    /// Objects and the types that they use, by name. References begin with `#/$defs/`.
    pub definitions: Map<String, Value>,
}

/// The messages, from the types.
#[must_use]
pub fn all() -> Messages {
    let (mut taken, mut answered) = (Side::new(Contract::Deserialize), Side::new(Contract::Serialize));
    let client = client_messages(&mut taken);
    let server = server_messages(&mut answered);
    let (events, mut definitions) = events();
    // The gateway's own types have their names. Of events, whose publishers may leave out more, and of requests the others differ.
    let mut all = answered.finish();
    all.values_mut().for_each(schema::optional_is_absent);
    client.iter().for_each(|message| give_way(&mut all, &message.name));
    schema::merge_definitions(&mut all, std::mem::take(&mut definitions), DEFINITIONS, "Event");
    schema::merge_definitions(&mut all, taken.finish(), DEFINITIONS, "Request");
    all.extend(events);
    Messages { client, server, definitions: all }
}

/// Gives another name to a type that has the name of a message.
fn give_way(types: &mut Map<String, Value>, message: &str) {
    let Some(schema) = types.shift_remove(message) else { return };
    let (old, new) = (format!("{DEFINITIONS}/{message}"), format!("{DEFINITIONS}/Shown{message}"));
    types.insert(format!("Shown{message}"), schema);
    let change = |reference: &str| (reference == old).then(|| new.clone());
    types.values_mut().for_each(|schema| schema::change_references(schema, &change));
}

/// The objects of events, and the types that they use.
fn events() -> (Map<String, Value>, Map<String, Value>) {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let event::Union { known, other, mut definitions } = event::union(&mut generator, Form::Delivered);
    definitions.extend(generator.take_definitions(true));
    definitions.values_mut().for_each(schema::optional_is_absent);
    let unions = Map::from_iter([
        (
            "KnownEvent".to_owned(),
            json!({
                "description": "An event whose type is in the catalogue.",
                "type": "object",
                "required": ["type"],
                "discriminator": { "propertyName": "type" },
                "oneOf": schema::references(DEFINITIONS, &known),
            }),
        ),
        (
            "Event".to_owned(),
            json!({
                "description": "An event as readers get it (docs/events.md).",
                "oneOf": schema::references(DEFINITIONS, &["KnownEvent".into(), other]),
            }),
        ),
    ]);
    (unions, definitions)
}

/// The messages of one direction.
struct Side {
    generator: SchemaGenerator,
    objects: Map<String, Value>,
}

/// A field that a message has beside those of its type: its name, its schema, and whether it is always there.
type Field = (&'static str, Value, bool);

impl Side {
    fn new(contract: Contract) -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| settings.contract = contract);
        Self { generator: settings.into_generator(), objects: Map::new() }
    }

    fn finish(mut self) -> Map<String, Value> {
        let mut all = self.generator.take_definitions(true);
        self.objects.keys().for_each(|message| give_way(&mut all, message));
        let renamed: Vec<String> = self
            .objects
            .keys()
            .filter(|message| all.contains_key(&format!("Shown{message}")))
            .cloned()
            .collect();
        for message in renamed {
            // Of one side only the fields of a message refer to types: other messages are in unions.
            let (old, new) = (format!("{DEFINITIONS}/{message}"), format!("{DEFINITIONS}/Shown{message}"));
            let change = |reference: &str| (reference == old).then(|| new.clone());
            self.objects
                .values_mut()
                .filter_map(|object| object.get_mut("properties"))
                .for_each(|fields| schema::change_references(fields, &change));
        }
        all.extend(self.objects);
        all
    }

    fn schema_of<T: JsonSchema>(&mut self) -> Value {
        self.generator.subschema_for::<T>().to_value()
    }

    /// Defines an object: `type`, more fields, and those of a type of ours.
    fn define<T: JsonSchema>(&mut self, name: &str, kind: &'static str, more: &[Field]) -> String {
        let fields = T::json_schema(&mut self.generator).to_value();
        self.define_as(name, kind, more, &fields)
    }

    /// The same with the schema of the fields.
    fn define_as(&mut self, name: &str, kind: &'static str, more: &[Field], fields: &Value) -> String {
        let mut properties =
            Map::from_iter([("type".to_owned(), json!({ "type": "string", "const": kind }))]);
        let mut required = vec![Value::from("type")];
        for (field, schema, is_required) in more {
            properties.insert((*field).into(), schema.clone());
            if *is_required {
                required.push((*field).into());
            }
        }
        for (field, schema) in fields["properties"].as_object().into_iter().flatten() {
            properties.entry(field.clone()).or_insert_with(|| schema.clone());
        }
        for field in fields["required"].as_array().into_iter().flatten() {
            if !required.contains(field) {
                required.push(field.clone());
            }
        }
        let mut object = json!({ "type": "object" });
        if let Some(description) = fields.get("description") {
            object["description"] = description.clone();
        }
        object["required"] = required.into();
        object["properties"] = properties.into();
        if let Some(additional) = fields.get("additionalProperties") {
            object["additionalProperties"] = additional.clone();
        }
        self.objects.insert(name.into(), object);
        name.into()
    }

    /// Defines a message by the forms that it has, which `property` tells apart.
    fn define_union(
        &mut self,
        kind: &'static str,
        description: &str,
        property: &str,
        forms: &[String],
    ) -> String {
        let name = name_of(kind);
        let union = json!({
            "description": description,
            "type": "object",
            "required": ["type"],
            "discriminator": { "propertyName": property },
            "oneOf": schema::references(DEFINITIONS, forms),
        });
        self.objects.insert(name.clone(), union);
        name
    }

    fn message(&self, kind: &'static str, name: String, answers: Vec<String>) -> Message {
        let description = self.objects.get(&name).and_then(|object| object["description"].as_str());
        Message { kind, summary: description.unwrap_or_default().replace('\n', " "), name, answers }
    }
}

/// The name of a message's object.
fn name_of(kind: &str) -> String {
    pascal(kind) + "Message"
}

/// The name that a client gives: of a subscription or a command.
fn own_id() -> Field {
    ("id", json!({ "type": "string", "minLength": 1, "maxLength": limits::SUBSCRIPTION_ID_BYTES }), true)
}

/// The object of an error, which any message may have as its answer.
const ERROR: &str = "ErrorMessage";

fn client_messages(side: &mut Side) -> Vec<Message> {
    let mut all = Vec::new();
    let mut say = |side: &Side, kind, name, answers: &[&str]| {
        let mut answers: Vec<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
        answers.push(ERROR.into());
        all.push(side.message(kind, name, answers));
    };
    let name = side.define::<client::Subscribe>(&name_of("subscribe"), "subscribe", &[own_id()]);
    say(side, "subscribe", name, &["SubscribedMessage"]);
    let name = side.define::<client::Unsubscribe>(&name_of("unsubscribe"), "unsubscribe", &[own_id()]);
    say(side, "unsubscribe", name, &["UnsubscribedMessage"]);
    let name = side.define::<client::Auth>(&name_of("auth"), "auth", &[]);
    say(side, "auth", name, &["AuthOkMessage"]);
    let name = side.define::<client::Ping>(&name_of("ping"), "ping", &[]);
    say(side, "ping", name, &["PongMessage"]);
    let name = side.define::<client::Monitor>(&name_of("monitor"), "monitor", &[own_id()]);
    say(side, "monitor", name, &["SubscribedMessage"]);
    let forms = Family::ALL.map(|family| list(side, family));
    let name =
        side.define_union("list", "Begin to send a list as it changes (docs/lists.md).", "list", &forms);
    say(side, "list", name, &["SubscribedMessage"]);

    let session: Field = ("session_id", side.schema_of::<SessionId>(), true);
    let execution: Field = ("execution_id", side.schema_of::<ExecutionId>(), true);
    let named = |field: &'static str| -> Field { (field, json!({ "type": "string" }), true) };
    macro_rules! commands {
        ($($kind:literal: $body:ty, [$($field:expr),*] => $answer:literal;)*) => {$(
            let fields = [
                own_id(),
                $($field,)*
                ("traceparent", json!({ "type": "string", "description": "W3C trace context; absent: that of the connection" }), false),
                ("tracestate", json!({ "type": "string" }), false),
            ];
            let name = side.define::<$body>(&name_of($kind), $kind, &fields);
            say(side, $kind, name, &[$answer]);
        )*};
    }
    commands! {
        "start": StartRequest, [] => "StartedMessage";
        "send": SendRequest, [] => "StartedMessage";
        "resume": Nothing, [session.clone()] => "StartedMessage";
        "abort_pending": Reason, [session.clone()] => "AbortedMessage";
        "close": Close, [session] => "SessionMessage";
        "cancel": Cancel, [execution.clone()] => "AcknowledgedMessage";
        "pause": Reason, [execution.clone()] => "AcknowledgedMessage";
        "unpause": Nothing, [execution] => "AcknowledgedMessage";
        "decide": DecideRequest, [named("approval_id")] => "DecidedMessage";
        "answer": AnswerRequest, [named("request_id")] => "DecidedMessage";
        "publish": Publish, [] => "PublishedMessage";
    }
    all
}

/// Defines the message that asks for a list.
fn list(side: &mut Side, family: Family) -> String {
    let list = crate::lists::name(family);
    let mut properties = Map::new();
    for parameter in parameters::of(family, Way::Live) {
        let mut schema = parameter.json(&mut side.generator);
        if schema["type"] == "array" {
            // One text stands for a list of one, or for several that commas separate.
            let description = schema.as_object_mut().and_then(|fields| fields.remove("description"));
            schema = json!({ "anyOf": [{ "type": "string", "minLength": 1 }, schema] });
            schema["description"] = description.into();
        }
        properties.insert(parameter.name().into(), schema);
    }
    let query = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    let fields =
        [own_id(), ("list", json!({ "type": "string", "const": list }), true), ("query", query, false)];
    let name = format!("List{}Message", pascal(list));
    side.define_as(&name, "list", &fields, &json!({ "description": format!("Begin to send the list of {list} as it changes."), "additionalProperties": false }))
}

/// The subscription that a message is about.
fn about() -> Field {
    (
        "sub",
        json!({ "type": "string", "description": "the `id` of the subscription, the monitor or the list" }),
        true,
    )
}

fn server_messages(side: &mut Side) -> Vec<Message> {
    let mut all = Vec::new();
    let mut say = |side: &Side, kind, name| all.push(side.message(kind, name, Vec::new()));
    macro_rules! said {
        ($($kind:literal: $body:ty, [$($field:expr),*];)*) => {$(
            let name = side.define::<$body>(&name_of($kind), $kind, &[$($field),*]);
            say(side, $kind, name);
        )*};
    }
    said! {
        "hello": said::Hello<'_>, [];
        "auth_ok": said::AuthOk, [];
        "subscribed": said::Subscribed<'_>, [about()];
    }
    let events = json!({ "type": "array", "minItems": 1, "maxItems": limits::BATCH_EVENTS, "items": { "$ref": format!("{DEFINITIONS}/Event") } });
    let description = json!({ "description": "Events of a subscription, in order." });
    let name =
        side.define_as(&name_of("events"), "events", &[about(), ("events", events, true)], &description);
    say(side, "events", name);
    said! {
        "snapshot": said::SnapshotShown, [about()];
        "caught_up": said::CaughtUp, [about()];
        "gap": said::Gap, [about()];
        "undecodable": said::Undecodable, [about()];
        "presence": Presence, [about()];
        "presence_changed": said::PresenceChanged, [about()];
        "monitor_snapshot": said::MonitorSnapshot, [about()];
        "monitor_patch": said::MonitorPatch, [about()];
    }
    let (mut snapshots, mut changes) = (Vec::new(), Vec::new());
    macro_rules! lists {
        ($($family:ident: $entry:ty;)*) => {$(
            let entry = side.schema_of::<$entry>();
            let (snapshot, change) = live(side, Family::$family, &entry);
            snapshots.push(snapshot);
            changes.push(change);
        )*};
    }
    lists! {
        Executions: ExecutionEntry;
        Sessions: SessionEntry;
        Approvals: ApprovalEntry;
        Questions: QuestionEntry;
    }
    let name = side.define_union("list_snapshot", "The whole of a live list.", "list", &snapshots);
    say(side, "list_snapshot", name);
    let name = side.define_union(
        "list_changes",
        "The changes of a live list from one revision to the next.",
        "list",
        &changes,
    );
    say(side, "list_changes", name);
    said! {
        "unsubscribed": said::Unsubscribed, [about()];
        "pong": said::Pong<'_>, [];
    }
    let name = answers(side);
    say(side, "ok", name);
    said! { "error": said::Error<'_>, []; }
    all
}

/// Defines both messages of a live list.
fn live(side: &mut Side, family: Family, entry: &Value) -> (String, String) {
    let list = crate::lists::name(family);
    let mut rest = window::Rest::json_schema(&mut side.generator).to_value();
    let revision = || json!({ "type": "integer", "minimum": 1 });
    let entries = json!({ "type": "array", "items": entry });
    let this: Field = ("list", json!({ "type": "string", "const": list }), true);
    let fields = [about(), this.clone(), ("revision", revision(), true), ("entries", entries.clone(), true)];
    rest["description"] = format!("The whole list of {list}, as far as the query shows it.").into();
    let snapshot =
        side.define_as(&format!("{}ListSnapshotMessage", pascal(list)), "list_snapshot", &fields, &rest);
    let removal = json!({
        "type": "object",
        "required": ["id"],
        "properties": {
            "id": { "type": "string" },
            "entry": entry,
        },
        "description": "The id that left the list, and its entry where the caller may still see it.",
    });
    let fields = [
        about(),
        this,
        ("base", revision(), true),
        ("revision", revision(), true),
        ("removals", json!({ "type": "array", "items": removal }), true),
        ("upserts", entries, true),
    ];
    rest["description"] =
        format!("The changes of the list of {list}: first the removals, then the upserts.").into();
    let changes =
        side.define_as(&format!("{}ListChangesMessage", pascal(list)), "list_changes", &fields, &rest);
    (snapshot, changes)
}

/// Defines `ok`: one object for each kind of result.
fn answers(side: &mut Side) -> String {
    let id: Field = ("id", json!({ "type": "string", "description": "the `id` of the command" }), true);
    let mut names = Vec::new();
    macro_rules! answers {
        ($($name:literal: $result:ty;)*) => {$(
            names.push(side.define::<$result>($name, "ok", std::slice::from_ref(&id)));
        )*};
    }
    answers! {
        "StartedMessage": Started;
        "AbortedMessage": Aborted;
        "SessionMessage": Session;
        "AcknowledgedMessage": Acknowledged;
        "DecidedMessage": Decided;
        "PublishedMessage": Published;
    }
    let name = name_of("ok");
    let union = json!({
        "description": "A command is durable. The other fields are its result, by the command.",
        "type": "object",
        "required": ["type"],
        "anyOf": schema::references(DEFINITIONS, &names),
    });
    side.objects.insert(name.clone(), union);
    name
}
