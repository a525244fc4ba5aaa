//! Committed contracts are what the code says; `make docs` rewrites them.

#[test]
fn the_event_schema_is_committed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/events.schema.json");
    let text = format!("{}\n", serde_json::to_string_pretty(&runbus::event::schema()).unwrap());
    if std::env::vars().any(|(key, _)| key == "RUNBUS_BLESS") {
        std::fs::write(path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == text, "docs/events.schema.json differs from the code: run `make docs`");
}
