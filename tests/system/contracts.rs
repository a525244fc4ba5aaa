//! Committed contracts are what the code says; `make docs` rewrites them.

fn is_committed(name: &str, schema: &serde_json::Value) {
    let text = format!("{}\n", serde_json::to_string_pretty(schema).unwrap());
    file_is_committed(&format!("docs/{name}"), &text);
}

pub fn file_is_committed(name: &str, text: &str) {
    let path = format!("{}/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::vars().any(|(key, _)| key == "RUNBUS_BLESS") {
        std::fs::write(&path, text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "{name} differs from the code: run `make docs`");
}

#[test]
fn the_contract_of_events_is_committed() {
    is_committed("events.schema.json", &runbus::event::schema());
}

#[test]
fn the_contract_of_snapshots_is_committed() {
    is_committed("snapshot.schema.json", &runbus::snapshot::schema());
}

#[test]
fn the_contract_of_definitions_is_committed() {
    is_committed("definitions.schema.json", &runbus_workers::graph::schema());
}

#[test]
fn the_openapi_contract_is_committed() {
    is_committed("openapi.json", &runbus_gateway::endpoints::document().openapi);
}

#[test]
fn the_contract_of_the_websockets_messages_is_committed() {
    is_committed("protocol.schema.json", &runbus_gateway::contract::protocol());
}

#[test]
fn the_asyncapi_contract_is_committed() {
    is_committed("asyncapi.json", &runbus_gateway::contract::asyncapi());
}

#[test]
fn the_permissions_contract_is_committed() {
    use runbus::adapters::{nats, redis};
    file_is_committed("ops/nats/accounts.conf", &nats::accounts(&nats::Config::default()).unwrap());
    file_is_committed("ops/redis/users.acl", &redis::acl(&redis::Config::default().prefix));
}

/// A number of bytes as people read it.
fn bytes(count: usize) -> String {
    match count {
        count if count % (1024 * 1024) == 0 => format!("{} MiB", count / 1024 / 1024),
        count if count % 1024 == 0 => format!("{} KiB", count / 1024),
        count => format!("{count} bytes"),
    }
}

/// Each limit of callers' values, with the number in the code.
fn limits_table() -> String {
    use runbus::limits as core;
    use runbus_workers::graph::limits as graph;
    use runbus_workers::mcp::limits as mcp;
    use runbus_workers::tool::limits as tool;
    let rows = [
        ("an id (stream, node, execution, session)", bytes(core::ID_BYTES), "`invalid_argument`"),
        ("the input of an execution, as JSON", bytes(core::INPUT_BYTES), "`too_large`"),
        ("parts of an input", core::PARTS.to_string(), "`invalid_argument`"),
        ("the data of a part, in base64", bytes(core::PART_DATA_BYTES), "`invalid_argument`"),
        ("the address of a part", bytes(core::PART_URL_BYTES), "`invalid_argument`"),
        (
            "JSON that is handed in, in levels of lists and objects",
            core::EDGE_DEPTH.to_string(),
            "`invalid_argument`",
        ),
        ("an event, as its line", bytes(core::EVENT_BYTES), "`too_large`; a worker's event is cut"),
        (
            "one entry of a session's journal",
            bytes(core::GROUP_BYTES),
            "the execution fails with `too_large`",
        ),
        ("executions of a session that wait", core::SESSION_QUEUE.to_string(), "`queue_full`"),
        (
            "executions that a session remembers by id",
            core::SESSION_STARTS.to_string(),
            "the oldest is forgotten",
        ),
        (
            "executions of sub-agents that have ended, in a session",
            core::SESSION_CHILDREN.to_string(),
            "the oldest is forgotten",
        ),
        (
            "approvals and questions of executions below that one shows",
            core::BELOW_WAITING.to_string(),
            "left out",
        ),
        ("nodes of a graph", graph::MAX_NODES.to_string(), "refused at load"),
        ("edges of a graph", graph::MAX_EDGES.to_string(), "refused at load"),
        ("tools that one model gets", tool::MAX_TOOLS.to_string(), "refused at load, with the names"),
        ("arguments of a tool call", bytes(tool::MAX_ARGUMENTS_BYTES), "`invalid_arguments`"),
        ("a tool's result, for the model", bytes(tool::MAX_RESULT_BYTES), "cut in the middle"),
        ("a tool's error, for the model", bytes(tool::MAX_ERROR_BYTES), "cut"),
        (
            "an image, audio or a file of a result, in base64",
            bytes(tool::MAX_MEDIUM_BYTES),
            "described, not shown",
        ),
        ("the media of a result together, in base64", bytes(tool::MAX_MEDIA_BYTES), "described, not shown"),
        ("a tool's JSON Schema", bytes(core::SCHEMA_BYTES), "the tool is refused"),
        (
            "schemas of the tools of one turn's approvals, which edited arguments are checked against",
            bytes(core::APPROVAL_SCHEMAS_BYTES),
            "edited arguments are refused; the call can be approved as it is",
        ),
        ("MCP servers of a worker", mcp::MAX_SERVERS.to_string(), "refused at start"),
        ("tools that an MCP server lists", mcp::MAX_TOOLS.to_string(), "left out"),
        ("a message of an MCP server", bytes(mcp::MAX_MESSAGE_BYTES), "dropped; the call fails"),
    ];
    let mut table = String::from("| item | limit | beyond it |\n|---|---|---|\n");
    for (what, limit, beyond) in rows {
        table.push_str(&format!("| {what} | {limit} | {beyond} |\n"));
    }
    table
}

#[test]
fn the_page_of_limits_has_the_numbers_of_the_code() {
    let path = format!("{}/docs/limits.md", env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(path).unwrap();
    let (begin, end) = ("<!-- written by tests/system/contracts.rs -->\n", "<!-- end -->");
    let (before, rest) = page.split_once(begin).unwrap();
    let (_, after) = rest.split_once(end).unwrap();
    file_is_committed("docs/limits.md", &format!("{before}{begin}{}{end}{after}", limits_table()));
}
