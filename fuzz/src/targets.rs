//! The ways in.

use axum::body::Body as Bytes;
use axum::extract::ws::Message as Frame;
use axum::extract::{FromRequest, Request};
use futures_util::FutureExt as _;
use runbus::control::{AnswerRequest, DecideRequest, SendRequest, StartRequest};
use runbus::event::{Event, Head};
use runbus::id::SessionId;
use runbus::log::Cursor;
use runbus::session::command::Command;
use runbus::session::entry::Entry;
use runbus::session::state::State;
use runbus::snapshot::{At, Snapshot};
use runbus::time::Timestamp;
use runbus_gateway::api::body::Body;
use runbus_gateway::protocol::{Encoding, Publish};
use runbus_workers::model::ToolCall;
use runbus_workers::session::projection;
use runbus_workers::tool::{Registry, ask_human};

/// One way in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    pub(crate) name: &'static str,
    /// Typical inputs.
    pub(crate) examples: &'static [&'static [u8]],
    /// Reads an input as a process does. It must neither panic nor take long.
    pub(crate) run: fn(&[u8]),
}

impl Target {
    /// All.
    pub(crate) const ALL: [Self; 8] = [
        Self { name: "websocket-json", examples: MESSAGES, run: websocket_json },
        Self { name: "websocket-cbor", examples: CBOR, run: websocket_cbor },
        Self { name: "rest", examples: BODIES, run: rest },
        Self { name: "frames", examples: EVENTS, run: frames },
        Self { name: "journal", examples: ENTRIES, run: journal },
        Self { name: "provider-stream", examples: STREAMS, run: provider_stream },
        Self { name: "mcp", examples: MCP, run: mcp },
        Self { name: "tool-arguments", examples: ARGUMENTS, run: tool_arguments },
    ];

    /// The one of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|target| target.name == name)
    }
}

const MESSAGES: &[&[u8]] = &[
    br#"{"type":"subscribe","id":"a","filter":{"execution_id":"run-1","types":["custom"]},"since":"all"}"#,
    br#"{"type":"start","id":"1","definition":"council","input":{"a":[1,"x"]},"budget":{"rounds":1}}"#,
    br#"{"type":"decide","id":"1","approval_id":"a@s","approved":true,"arguments":{"path":"/tmp"}}"#,
    br#"{"type":"publish","id":"1","events":[{"type":"custom","stream_id":"s","data":{"n":1e2}}]}"#,
    br#"{"type":"ping","nonce":"x"}"#,
];

const CBOR: &[&[u8]] = &[
    b"\xa2dtypedpingenonceax",
    b"\xa4dtypeestartbida1jdefinitionadeinput\xa1aa\x82\x01\xf9\x3c\x00",
    b"\xbfdtypeestartbida1jdefinitionadeinput\x9f\x81\x81\x81\x01\xff\xff",
    b"\xa4dtypeestartbida1jdefinitionadeinput\xa1x\x1e$serde_json::private::RawValueb[]",
];

const BODIES: &[&[u8]] = &[
    br#"{"definition":"council","input":{"a":[1,"x"]},"scheduling":{"priority":"low"}}"#,
    br#"{"input":"hello","session_id":"s"}"#,
    br#"{"approved":true,"arguments":{"path":"/tmp/a"},"note":"fine"}"#,
    br#"{"events":[{"type":"custom","stream_id":"s","data":{"n":1}}]}"#,
];

const EVENTS: &[&[u8]] = &[
    br#"{"id":"01890a5d-ac96-774b-bcce-b302099a8057","type":"custom","stream_id":"s","execution_id":"e","data":{"n":[1,{"a":"x"}]},"timestamp":"2026-01-01T00:00:00Z"}"#,
    br#"{"id":"01890a5d-ac96-774b-bcce-b302099a8057","type":"execution_started","stream_id":"s","execution_id":"e","data":{"input":{"a":1},"definition":"d"},"timestamp":"2026-01-01T00:00:00Z"}"#,
    br#"{"id":"01890a5d-ac96-774b-bcce-b302099a8057","type":"tool_call_completed","stream_id":"s","node_id":"n","execution_id":"e","data":{"tool_use_id":"1","tool_name":"t","result":[1],"is_error":false},"timestamp":"2026-01-01T00:00:00Z"}"#,
];

const ENTRIES: &[&[u8]] = &[
    br#"{"at":"2026-01-01T00:00:00Z","entry":"command_taken","inbox":1,"stored_at":"2026-01-01T00:00:00Z","command":{"id":"01890a5d-ac96-774b-bcce-b302099a8057","at":"2026-01-01T00:00:00Z","command":"start","execution_id":"e","stream_id":"s","definition":"d","input":{"a":[1]}}}"#,
    br#"{"at":"2026-01-01T00:00:00Z","entry":"claimed","worker":"w","epoch":1}"#,
    br#"{"at":"2026-01-01T00:00:00Z","entry":"node_completed","node":"n","output":{"a":[1]},"rounds":1}"#,
    br#"{"id":"01890a5d-ac96-774b-bcce-b302099a8057","at":"2026-01-01T00:00:00Z","command":"answer","request_id":"q@s","input":[1]}"#,
];

const STREAMS: &[&[u8]] = &[
    b"data: {\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\",\"annotations\":[{\"a\":1}]}}]}\n\ndata: [DONE]\n\n",
    b"data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"1\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\n",
    b"event: error\ndata: {\"error\":{\"message\":\"no\",\"code\":429}}\n\n",
    b"event: content_block_start\r\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\r\n\r\nevent: content_block_delta\r\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"hi\"}}\r\n\r\n",
    b"data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"hi\"},{\"functionCall\":{\"name\":\"f\",\"args\":{}}}]},\"finishReason\":\"STOP\"}]}\r\n\r\n",
    b"data: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":0,\"delta\":\"hi\"}\n\ndata: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\",\"output\":[]}}\n\n",
    b"{\"choices\":[{\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"x\"}]},\"finish_reason\":\"stop\"}]}",
];

const MCP: &[&[u8]] = &[
    br#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"{\"a\":1}"}],"structuredContent":{"a":1}}}"#,
    br#"{"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"t","inputSchema":{"type":"object","properties":{"a":{"type":"string"}}}}]}}"#,
    br#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":{"a":1}}}"#,
    br#"{"jsonrpc":"2.0","id":3,"error":{"code":-32600,"message":"no","data":[1]}}"#,
];

const ARGUMENTS: &[&[u8]] =
    &[br#"{"prompt":"Which one?","choices":["red","blue"]}"#, br#"{"prompt":"x"}"#, b""];

fn websocket_json(input: &[u8]) {
    if let Ok(text) = std::str::from_utf8(input) {
        drop(Encoding::Json.read(&Frame::Text(text.into())));
    }
}

fn websocket_cbor(input: &[u8]) {
    drop(Encoding::Cbor.read(&Frame::Binary(input.to_vec().into())));
}

fn rest(input: &[u8]) {
    fn read<T: serde::de::DeserializeOwned>(input: &[u8]) -> Option<T> {
        let request = Request::new(Bytes::from(input.to_vec()));
        let body = Body::<T>::from_request(request, &()).now_or_never();
        body.and_then(Result::ok).map(|Body(body)| body)
    }
    read::<StartRequest>(input);
    read::<SendRequest>(input);
    read::<DecideRequest>(input);
    read::<AnswerRequest>(input);
    let Some(Publish { events }) = read::<Publish>(input) else { return };
    for draft in events {
        let event = draft.into_event(Timestamp::default());
        if let Ok(line) = event.encode() {
            assert!(Event::decode(&line).is_ok(), "a stored line can be read");
        }
    }
}

fn frames(input: &[u8]) {
    let (head, event) = (Head::decode(input), Event::decode(input));
    assert_eq!(head.is_ok(), event.is_ok(), "readers agree on what an event is");
    // Gateways transcode lines, whether they are events or not.
    drop(Encoding::Cbor.frame(String::from_utf8_lossy(input).into_owned()));
    let Ok(event) = event else { return };
    drop(event.payload());
    let cursor = Cursor::start();
    let at = At { seq: 0, merged: 1, external: false, cursor: &cursor };
    Snapshot::begin(cursor.clone(), true).apply(&event, at);
    if let Ok(line) = event.encode() {
        assert!(Event::decode(&line).is_ok(), "a stored line can be read");
    }
}

fn journal(input: &[u8]) {
    let Ok(session) = SessionId::new("s") else { return };
    let mut state = State::new(session);
    if let Ok(entry) = Entry::decode(input) {
        state.apply(&entry);
        if let Ok(line) = entry.encode() {
            assert!(Entry::decode(&line).is_ok(), "a stored line can be read");
        }
    }
    if let Ok(command) = Command::decode(input) {
        assert!(command.encode().is_ok(), "an accepted command can be recorded");
        state.command(&command, Timestamp::default(), &mut Vec::new());
    }
}

fn provider_stream(input: &[u8]) {
    runbus_workers::model::fuzz(input);
}

fn mcp(input: &[u8]) {
    runbus_workers::mcp::fuzz(input);
}

fn tool_arguments(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    drop(projection::arguments(text));
    if let Ok(registry) = Registry::new().with(ask_human()) {
        let call = ToolCall::new("1", "ask_human", text);
        drop(registry.everything().clear(&call, None));
    }
}
