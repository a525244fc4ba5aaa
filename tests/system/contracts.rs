//! Committed contracts are what the code says; `make docs` rewrites them.

fn is_committed(name: &str, schema: &serde_json::Value) {
    let text = format!("{}\n", serde_json::to_string_pretty(schema).unwrap());
    file_is_committed(&format!("docs/{name}"), &text);
}

fn file_is_committed(name: &str, text: &str) {
    let path = format!("{}/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::vars().any(|(key, _)| key == "RUNBUS_BLESS") {
        std::fs::write(&path, text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "{name} differs from the code: run `make docs`");
}

#[test]
fn the_event_schema_is_committed() {
    is_committed("events.schema.json", &runbus::event::schema());
}

#[test]
fn the_snapshot_schema_is_committed() {
    is_committed("snapshot.schema.json", &runbus::snapshot::schema());
}

#[test]
fn the_definition_schema_is_committed() {
    is_committed("definitions.schema.json", &runbus_workers::graph::schema());
}

#[test]
fn the_openapi_contract_is_committed() {
    is_committed("openapi.json", &runbus_gateway::endpoints::document().openapi);
}

#[test]
fn the_permissions_contract_is_committed() {
    use runbus::adapters::{nats, redis};
    file_is_committed("ops/nats/accounts.conf", &nats::accounts(&nats::Config::default()).unwrap());
    file_is_committed("ops/redis/users.acl", &redis::acl(&redis::Config::default().prefix));
}
