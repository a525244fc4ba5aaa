//! Every limit of the core in one place, with its unit in its name.

use std::time::Duration;

/// Longest id (stream, node, execution, session, worker), in bytes of UTF-8.
pub const ID_BYTES: usize = 128;

/// Largest text that is parsed as JSON, in bytes. Each entrance has a smaller limit of its own or this one.
pub const JSON_BYTES: usize = 64 * 1024 * 1024;

/// Deepest JSON that is read, in levels of lists and objects: the parser refuses the next one, the 128th.
pub const JSON_DEPTH: usize = 127;

/// Deepest JSON that anybody hands in (input, answers, arguments, payloads of events) or a model or a tool answers with, in
/// levels. Below [`JSON_DEPTH`] by far more than the envelopes around it add, so that every accepted value can be read back.
pub const EDGE_DEPTH: usize = 64;

/// Deepest command that an inbox holds, in levels: a caller's value inside the command.
pub const COMMAND_DEPTH: usize = 80;

/// Deepest entry that a journal takes, in levels. The events that project it may add some.
pub const ENTRY_DEPTH: usize = 96;

/// Stack of each thread of a process, in bytes. A debug build reads the deepest JSON with a part of it; pages that no thread
/// touches take no memory.
pub const STACK_BYTES: usize = 8 * 1024 * 1024;

/// Largest event, in bytes of its JSON line.
pub const EVENT_BYTES: usize = 256 * 1024;

/// Levels of arrays and objects in an event's line. Parsers take 128, and readers get events inside of other documents.
pub const EVENT_DEPTH: usize = 120;

/// Bytes of a line that is no event which are shown to readers over the network. Control characters take six times as many.
pub const UNDECODABLE_BYTES: usize = 32 * 1024;

/// Longest `tracestate` that is carried on, in bytes: as long as W3C asks for. A longer one is left out.
pub const TRACESTATE_BYTES: usize = 512;

/// A frame is closed when its payload reaches this size, in bytes. One larger event still makes one frame.
pub const FRAME_BYTES: usize = 256 * 1024;

/// Largest group of events that one frame holds together, in bytes; a frame becomes visible at once. Brokers take 1 MiB.
pub const GROUP_BYTES: usize = 768 * 1024;

/// Largest input of an execution, in bytes of JSON: it must fit into its events.
pub const INPUT_BYTES: usize = 128 * 1024;

/// Parts of one input.
pub const PARTS: usize = 32;

/// Data of one part, in bytes of base64. An input with all its parts is within [`INPUT_BYTES`].
pub const PART_DATA_BYTES: usize = 256 * 1024;

/// Longest address of a part, in bytes.
pub const PART_URL_BYTES: usize = 8 * 1024;

/// Longest name of a part's file, in bytes.
pub const PART_NAME_BYTES: usize = 255;

/// Longest media type of a part, in bytes.
pub const PART_TYPE_BYTES: usize = 127;

/// Approvals and questions of the executions below one that it shows.
pub const BELOW_WAITING: usize = 256;

/// Most events in one frame.
pub const FRAME_EVENTS: usize = 4096;

/// Bytes that a writer holds for one execution before `append` waits.
pub const WRITER_BUFFER_BYTES: usize = 1024 * 1024;

/// Largest page that one read of the log returns, in payload bytes (at least one frame is returned).
pub const PAGE_BYTES: usize = 1024 * 1024;

/// Most frames that one read of the log returns.
pub const PAGE_FRAMES: usize = 500;

/// Events that `history` returns when the caller does not say.
pub const HISTORY_DEFAULT_EVENTS: usize = 100;

/// Most events that one `history` call returns.
pub const HISTORY_MAX_EVENTS: usize = 10_000;

/// Most bytes of events' lines that one `history` call returns. One event more makes a page of its own.
pub const HISTORY_MAX_BYTES: usize = 4 * 1024 * 1024;

/// Types that a filter which comes from outside may name.
pub const FILTER_TYPES: usize = 256;

/// Handlers of one subscription that run at the same time when the caller does not say.
pub const HANDLERS_DEFAULT: usize = 10;

/// Most handlers of one subscription that run at the same time.
pub const HANDLERS_MAX: usize = 1024;

/// Subscriptions of one bus handle.
pub const SUBSCRIPTIONS_MAX: usize = 10_000;

/// Publishes that a pipelined publisher has in flight.
pub const PIPELINE_IN_FLIGHT: usize = 1024;

/// Signals that a live feed buffers before it drops them and says so.
pub const TAIL_SIGNALS: usize = 1024;

/// Longest text of a cursor, in bytes.
pub const CURSOR_BYTES: usize = 4096;

/// Most shards (JetStream streams per lane) over all generations.
pub const SHARDS_MAX: u16 = 256;

/// Longest time that a publish waits for the broker before it reports that the outcome is unknown.
pub const PUBLISH_WAIT: Duration = Duration::from_secs(30);

/// Pause before a replica that lags is asked again for a frame that the leader has shown.
pub const LAG_PAUSE: Duration = Duration::from_millis(5);

/// Longest time that a reader waits for such a frame.
pub const LAG_PATIENCE: Duration = Duration::from_secs(30);

/// How long identical event ids are recognised on brokers with a deduplication window.
pub const DUPLICATE_WINDOW: Duration = Duration::from_secs(120);

/// Frames that one `history` call looks at before it returns what it has.
pub const HISTORY_SCAN_FRAMES: usize = 50_000;

/// How long the store keeps a copy of an execution's status after its last change.
pub const PROJECTION_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// Types, and streams, that statistics count apart.
pub const STATS_NAMES: usize = 10_000;

/// Executions that a sweep for stranded ones keeps in mind.
pub const SWEEP_EXECUTIONS: usize = 10_000;

/// Executions that wait in one session.
pub const SESSION_QUEUE: usize = 1000;

/// Executions that a session was asked for, as many as it remembers.
pub const SESSION_STARTS: usize = 1024;

/// Executions of children that have ended, as many as a session remembers.
pub const SESSION_CHILDREN: usize = 1000;

/// Entries of a journal behind its last checkpoint after which its owner writes the next one.
pub const CHECKPOINT_ENTRIES: u64 = 256;

/// Bytes of these entries; where the last checkpoint was larger, as many as that had.
pub const CHECKPOINT_BYTES: usize = 128 * 1024;

/// The same when the session is parked: bytes, or a part of the entries.
pub const CHECKPOINT_PARK_BYTES: usize = 32 * 1024;

/// Bytes of a checkpoint that are worth one entry more behind it.
pub const CHECKPOINT_ENTRY_BYTES: usize = 512;

/// Messages that a checkpoint holds itself, in bytes: when they are more, they are put into a segment first.
pub const CHECKPOINT_MESSAGES_BYTES: usize = 64 * 1024;

/// Bytes of one segment of messages, about.
pub const SEGMENT_BYTES: usize = 256 * 1024;

/// Text of a checkpoint, or of a segment, that one entry holds, in bytes: twice as many fit when each byte is escaped.
pub const CHECKPOINT_PART_BYTES: usize = 256 * 1024;

/// Cancels of executions that nobody has asked for yet, which a session remembers.
pub const LATCHED_CANCELS: usize = 1000;

/// How long a cancel waits until the execution's owner has taken it.
pub const CANCEL_PATIENCE: Duration = Duration::from_secs(5);

/// How soon it looks the first time; each pause is twice the one before.
pub const CANCEL_LOOK: Duration = Duration::from_millis(10);

/// Longest answer to a question, and longest arguments that a decider edits, in bytes of JSON.
pub const ANSWER_BYTES: usize = 64 * 1024;

/// Longest reason, note or name of a decider, in bytes.
pub const NOTE_BYTES: usize = 4 * 1024;

/// Largest description of one definition, in bytes of JSON: without its tools' schemas, or its tools, where it would be larger.
pub const DEFINITION_BYTES: usize = 256 * 1024;

/// Fields of a definition's input that its schema names.
pub const DEFINITION_FIELDS: usize = 64;

/// Definitions that are listed.
pub const DEFINITIONS: usize = 500;

/// Entries of one page of a list.
pub const LIST_ENTRIES: usize = 500;

/// Entries of a page of a list when nobody says how many.
pub const LIST_DEFAULT_ENTRIES: usize = 50;

/// Entries that one page of a list looks at, about, when few of them are wanted.
pub const LIST_SCAN: usize = 2000;

/// Entries that it looks at a time then.
pub const LIST_SCAN_PAGE: usize = 250;

/// Streams that a page looks through one by one, for somebody who may see only some.
pub const LIST_STREAMS: usize = 32;

/// Longest text that a list is searched for, in bytes.
pub const LIST_TEXT_BYTES: usize = 256;

/// How long the events of one batch of the index are gathered.
pub const INDEX_PAUSE: Duration = Duration::from_millis(50);

/// Events in one batch of the index, about.
pub const INDEX_BATCH: usize = 256;

/// How often the index is told how far it is when events change nothing in it.
pub const INDEX_SAVE: Duration = Duration::from_secs(5);

/// How often entries that are too many or too old are looked for.
pub const INDEX_TRIM: Duration = Duration::from_secs(5);

/// How long entries are taken out at a time: shorter than a third of [`INDEX_LEASE`].
pub const INDEX_TRIM_TIME: Duration = Duration::from_secs(1);

/// Entries of each list that one step takes out.
pub const INDEX_TRIM_ENTRIES: usize = 64;

/// Entries that whoever keeps the index remembers.
pub const INDEX_KNOWN: usize = 20_000;

/// How long a process that keeps the index has before another one takes over.
pub const INDEX_LEASE: Duration = Duration::from_secs(6);

/// Pause before the index is tried again.
pub const INDEX_PATIENCE: Duration = Duration::from_secs(1);

/// The beginning of an input that lists show, in bytes.
pub const ENTRY_INPUT_BYTES: usize = 256;

/// The beginning of an error's message that lists show, in bytes.
pub const ENTRY_ERROR_BYTES: usize = 512;

/// The beginning of a question that lists show, in bytes.
pub const ENTRY_PROMPT_BYTES: usize = 2048;

/// Choices of a question that lists show.
pub const ENTRY_CHOICES: usize = 32;

/// Nodes at work that lists show of an execution.
pub const ENTRY_NODES: usize = 16;

/// Approvals and questions of an execution that the index knows by id.
pub const ENTRY_WAITING: usize = 320;

/// Executions of a session that have not ended, as many as the index knows one by one.
pub const ENTRY_ACTIVE: usize = 64;

/// Lines of work of a session that the index knows.
pub const ENTRY_STREAMS: usize = 8;

/// Longest id of an approval or a question that the index takes, in bytes: a session's id of [`ID_BYTES`] as a token, and more.
pub const REQUEST_ID_BYTES: usize = 512;

/// Labels of an execution.
pub const LABELS: usize = 16;

/// Longest key of a label, in bytes.
pub const LABEL_KEY_BYTES: usize = 63;

/// Longest value of a label, in bytes.
pub const LABEL_VALUE_BYTES: usize = 128;

/// Commands that one look into an inbox takes.
pub const COMMANDS_AT_ONCE: usize = 100;

/// Executions that one monitor shows, and remembers one by one.
pub const MONITOR_EXECUTIONS: usize = 128;

/// Executions that a monitor has put away and still knows by id, so that a late word does not count them again.
pub const MONITOR_PUT_AWAY: usize = 1024;

/// Nodes of one execution that a monitor shows.
pub const MONITOR_NODES: usize = 64;

/// Pending approvals that one monitor remembers; the oldest go first.
pub const MONITOR_APPROVALS: usize = 1000;

/// Conversations that one monitor shows.
pub const MONITOR_CONVERSATIONS: usize = 8;

/// Messages of one conversation that a monitor shows. At this many the older half goes.
pub const MONITOR_MESSAGES: usize = 32;

/// Longest text or value inside a monitor, in bytes; longer ones are cut and say so.
pub const MONITOR_VALUE_BYTES: usize = 2 * 1024;

/// Names (models, tools, definitions, contributors) that a monitor counts apart, each.
pub const MONITOR_NAMES: usize = 64;

/// Patches that a monitor keeps for clients that missed some.
pub const MONITOR_PATCHES: usize = 64;

/// Largest description of agents in a worker's report, in bytes of JSON; a larger one is left out.
pub const REPORT_AGENTS_BYTES: usize = 64 * 1024;

/// Watchers of one execution that are listed by name. All are counted.
pub const PRESENCE_WATCHERS: usize = 100;
/// Largest text of a turn that a snapshot holds, in bytes: its end.
pub const SNAPSHOT_TURN_BYTES: usize = 64 * 1024;

/// Texts of all turns of a snapshot, in bytes: the oldest turns go first.
pub const SNAPSHOT_TEXT_BYTES: usize = 256 * 1024;

/// Turns of a snapshot.
pub const SNAPSHOT_TURNS: usize = 256;

/// Nodes of a snapshot.
pub const SNAPSHOT_NODES: usize = 256;

/// Tool calls of a snapshot.
pub const SNAPSHOT_CALLS: usize = 128;

/// Approvals, and questions, of a snapshot.
pub const SNAPSHOT_WAITING: usize = 128;

/// Choices of a question in a snapshot.
pub const SNAPSHOT_CHOICES: usize = 32;

/// Calls that a model is writing, in one turn of a snapshot.
pub const SNAPSHOT_DRAFTS: usize = 4;

/// Arguments, or result, of a tool call in a snapshot, in bytes of JSON.
pub const SNAPSHOT_VALUE_BYTES: usize = 4 * 1024;

/// Output of a node in a snapshot, in bytes of JSON.
pub const SNAPSHOT_OUTPUT_BYTES: usize = 4 * 1024;

/// Output, or error, of the execution in a snapshot, in bytes of JSON.
pub const SNAPSHOT_RESULT_BYTES: usize = 64 * 1024;

/// Names, digests and choices of external producers, in a snapshot, in bytes. Items with a longer id are left out.
pub const SNAPSHOT_NAME_BYTES: usize = 256;

/// The most bytes of a tool's JSON Schema.
pub const SCHEMA_BYTES: usize = 64 * 1024;

/// The most schemas that a tool's schema expands to, each reference followed.
pub const SCHEMA_NODES: usize = 4_096;

/// How deep they nest, references included.
pub const SCHEMA_DEPTH: usize = 48;

/// The most patterns of an expanded schema.
pub const SCHEMA_PATTERNS: usize = 64;

/// The most bytes of one of its patterns.
pub const SCHEMA_PATTERN_CHARS: usize = 1024;

/// The most bytes of memory of one compiled pattern of a schema, and of its cache.
pub const SCHEMA_PATTERN_BYTES: usize = 256 * 1024;

/// The most steps that checking a call's arguments takes: a keyword of a schema that looks at a value, or 4 bytes of text that
/// it reads. So many take less than 10 ms, because the check runs on the async runtime.
pub const SCHEMA_CHECK_STEPS: usize = 40_000;

/// How deep that goes, references and values together.
pub const SCHEMA_CHECK_DEPTH: usize = 192;

/// Schemas of servers that are compiled at a time in a process.
pub const SCHEMA_COMPILES: usize = 2;

/// Schemas that wait for that.
pub const SCHEMA_COMPILES_WAITING: usize = 1_024;

/// How long one is waited for. The limits above end it before.
pub const SCHEMA_COMPILE_TIME: Duration = Duration::from_secs(10);

/// The most mistakes in a call's arguments that the model reads.
pub const SCHEMA_ERRORS: usize = 3;

/// The most bytes of each of them.
pub const SCHEMA_ERROR_BYTES: usize = 500;

/// Most bytes of the schemas that the approvals of one turn keep, each tool's once: edited arguments are checked against them.
pub const APPROVAL_SCHEMAS_BYTES: usize = 128 * 1024;

/// Deepest of these schemas, in levels: an entry of the journal holds it two levels below its own.
pub const APPROVAL_SCHEMA_DEPTH: usize = ENTRY_DEPTH - 2;
