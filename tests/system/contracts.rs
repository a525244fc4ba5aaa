//! Committed contracts are what the code says; `make docs` rewrites them.

fn is_committed(name: &str, schema: &serde_json::Value) {
    let path = format!("{}/docs/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = format!("{}\n", serde_json::to_string_pretty(schema).unwrap());
    if std::env::vars().any(|(key, _)| key == "RUNBUS_BLESS") {
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "docs/{name} differs from the code: run `make docs`");
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
