// Executions, sessions and a system that never change: the content of the pictures.
//
// Shapes are those of docs/events.md, docs/lists.md and docs/protocol.md; `test/unit/world.test.ts` checks the events by their schema.

/** The page's time. */
export const NOW = Date.parse("2026-03-02T10:00:00Z");
const iso = (ms) => new Date(ms).toISOString();
const ago = (seconds) => iso(NOW - seconds * 1000);

/** Writes the events of one execution, 40 ms apart unless told otherwise. */
class Log {
  events = [];
  attempt = 1;
  total = {};

  constructor(execution_id, stream_id, begun) {
    Object.assign(this, { execution_id, stream_id, at: NOW - begun * 1000 });
  }

  add(type, data = {}, node_id = undefined, { wait = 40 } = {}) {
    this.at += wait;
    const seq = this.events.length + 1;
    const { execution_id, stream_id, attempt } = this;
    const id = `0195554a-0000-7000-8000-${String(seq).padStart(12, "0")}`;
    const event = { id, type, stream_id, execution_id, session_id: execution_id, attempt, data, timestamp: iso(this.at), seq, cursor: `${execution_id}.${seq}` };
    this.events.push(node_id === undefined ? event : { ...event, node_id });
    return this;
  }

  /** A text in pieces, 90 ms apart: each has a position of its own. */
  say(node, text, type = "llm_text_delta") {
    for (const piece of text.match(/[\s\S]{1,40}/g)) this.add(type, { content: piece }, node, { wait: 90 });
    return this;
  }

  /** The usage of all turns so far. */
  #sum(usage) {
    for (const [name, value] of Object.entries(usage)) this.total[name] = Math.round(((this.total[name] ?? 0) + value) * 10_000) / 10_000;
    return { ...this.total };
  }

  turn(node, content, usage, more = {}) {
    const total_tokens = usage.prompt_tokens + usage.completion_tokens;
    const counted = { ...usage, total_tokens };
    return this.add("llm_turn_completed", { model: "model-l", finish_reason: "stop", content, usage: counted, ...more }, node).add("usage_updated", { usage: this.#sum(counted) }, node, { wait: 0 });
  }
}

const DRAFT = "A write-ahead log is a file to which a database appends every change before it touches its tables.";
const FINAL = [
  "## Write it down before you do it",
  "",
  "That is the rule of a write-ahead log: first the *promise*, then the deed. `fsync` is the moment between them.",
  "",
  "| step | what is on disk |",
  "|---|---|",
  "| append | the record |",
  "| apply | the table |",
].join("\n");
const question = "Explain write-ahead logging.";

/** A council that has ended: a graph with a cycle. */
export const council = new Log("run-council-7", "council", 1500)
  .add("execution_queued", { definition: "council" })
  .add("execution_started", { definition: "council", input: question }, undefined, { wait: 300 })
  .add("node_loop_started", { max_iterations: 3, iteration: 1 }, "master_agent")
  .add("node_loop_iteration", { iteration: 1 }, "master_agent")
  .say("master_agent", DRAFT)
  .turn("master_agent", DRAFT, { prompt_tokens: 412, completion_tokens: 96, cost: 0.0021 })
  .add("node_loop_completed", { iterations: 1 }, "master_agent")
  .add("node_loop_started", { max_iterations: 3, iteration: 1 }, "critic_agent")
  .add("node_loop_iteration", { iteration: 1 }, "critic_agent")
  .say("critic_agent", "The draft says what a log does, but not why appending is enough.", "llm_reasoning_delta")
  .turn("critic_agent", '{"score": 5, "feedback": "Say why appending is enough."}', { prompt_tokens: 640, completion_tokens: 41, cost: 0.0019 })
  .add("node_loop_completed", { iterations: 1 }, "critic_agent")
  .add("node_loop_started", { max_iterations: 3, iteration: 2 }, "master_agent")
  .add("node_loop_iteration", { iteration: 1 }, "master_agent")
  .say("master_agent", `${DRAFT} Appending is one write in one place.`)
  .turn("master_agent", `${DRAFT} Appending is one write in one place.`, { prompt_tokens: 802, completion_tokens: 110, cost: 0.0031 })
  .add("node_loop_completed", { iterations: 1 }, "master_agent")
  .add("node_loop_started", { max_iterations: 3, iteration: 2 }, "critic_agent")
  .add("node_loop_iteration", { iteration: 1 }, "critic_agent")
  .turn("critic_agent", '{"score": 9, "feedback": "Good."}', { prompt_tokens: 702, completion_tokens: 14, cost: 0.0017 })
  .add("node_loop_completed", { iterations: 1 }, "critic_agent")
  .add("node_loop_started", { max_iterations: 1, iteration: 1 }, "writer_agent")
  .add("node_loop_iteration", { iteration: 1 }, "writer_agent")
  .say("writer_agent", FINAL, "client_output_delta")
  .turn("writer_agent", FINAL, { prompt_tokens: 920, completion_tokens: 240, cost: 0.0052 })
  .add("node_loop_completed", { iterations: 1 }, "writer_agent")
  .add("execution_completed", { output: FINAL });

/** One at work, after a takeover and a retry: a call runs, one waits for a person, one is being written. */
export const working = new Log("run-refund-12", "orders", 95)
  .add("execution_queued", { definition: "refund" })
  .add("execution_started", { definition: "refund", input: { order: "A-1188", wish: "money back" } })
  .add("node_loop_started", { iteration: 1 }, "refund")
  .add("node_loop_iteration", { iteration: 1 }, "refund")
  .say("refund", "The customer wants a refund. The order first.");
working.attempt = 2;
working
  .add("attempt_superseded", { superseded_attempt: 1, attempt: 2, void_from: 5, reason: "its worker is gone" }, undefined, { wait: 12_000 })
  .add("node_loop_iteration", { iteration: 1 }, "refund")
  .say("refund", "I look the order up")
  .add("llm_retry", { error: { code: "provider_refused", message: "the provider answered with status 529", provider: { status: 529, type: "overloaded_error", message: "Overloaded" } }, next_try: 2, delay_ms: 900 }, "refund", { wait: 400 })
  .say("refund", "Look up the order, then decide by its age.", "llm_reasoning_delta")
  .say("refund", "I look up the **order** first.")
  .add("tool_call_delta", { index: 0, tool_use_id: "call-1", tool_name: "find_order", arguments: '{"order":' }, "refund")
  .add("tool_call_delta", { index: 0, tool_use_id: "call-1", tool_name: "find_order", arguments: ' "A-1188"}' }, "refund", { wait: 90 })
  .turn("refund", "I look up the **order** first.", { prompt_tokens: 1_310, completion_tokens: 58, cost: 0.004 }, { finish_reason: "tool_calls", tool_calls: [{ tool_use_id: "call-1", tool_name: "find_order", arguments: '{"order": "A-1188"}' }] })
  .add("tool_call_started", { tool_use_id: "call-1", tool_name: "find_order", tool_input: { order: "A-1188" } }, "refund")
  .add("tool_call_completed", { tool_use_id: "call-1", tool_name: "find_order", result: { order: "A-1188", paid: 41.5, days: 9 }, is_error: false }, "refund", { wait: 1_400 })
  .add("node_loop_iteration", { iteration: 2 }, "refund")
  .turn("refund", "", { prompt_tokens: 1_420, completion_tokens: 44, cost: 0.0043 }, { finish_reason: "tool_calls", tool_calls: [{ tool_use_id: "call-2", tool_name: "pay_back", arguments: '{"order": "A-1188", "sum": 41.5}' }] })
  .add("tool_approval_requested", { approval_id: "run-refund-12@call-2", tool_use_id: "call-2", tool_name: "pay_back", tool_input: { order: "A-1188", sum: 41.5 }, arguments_digest: "sha256:1f0c", expires_at: iso(NOW + 540_000) }, "refund")
  .add("tool_call_delta", { index: 0, tool_use_id: "call-3", tool_name: "write_letter", arguments: '{"to": "ann@example.org", "text": "Dear Ann, your money is on its' }, "letters", { wait: 900 });

/** One that the provider refused. */
export const failed = new Log("run-council-8", "council", 700)
  .add("execution_queued", { definition: "council" })
  .add("execution_started", { definition: "council", input: "Explain fsync." })
  .add("node_loop_started", { max_iterations: 3, iteration: 1 }, "master_agent")
  .add("node_loop_iteration", { iteration: 1 }, "master_agent")
  .say("master_agent", "fsync asks the disk to")
  .add("execution_failed", { error: { code: "content_filter", message: "the provider's filter stopped the answer", tries: 1, provider: { status: 400, message: "This request was filtered." } } }, undefined, { wait: 2_000 });

export const logs = [council, working, failed];

const usage = (total_tokens, cost) => ({ prompt_tokens: total_tokens - 500, completion_tokens: 500, total_tokens, cost });
const execution = (execution_id, definition, status, created, more = {}) => ({
  execution_id, stream_id: definition, session_id: execution_id, definition, status, external: false, rounds: 3, approvals: 0, questions: 0,
  created_at: ago(created), started_at: ago(created - 1), updated_at: ago(1), ...more,
});
const ended = (at) => ({ ended_at: ago(at), updated_at: ago(at) });

export const executions = [
  execution("run-new-20", "research", "queued", 4, { started_at: undefined, rounds: 0, input: "The price of copper since 1900", waits_for: "a worker that knows research" }),
  execution("run-draft-19", "writer", "running", 31, { nodes: ["outline", "chapter"], attempt: 1, progress: 0.42, usage: usage(18_204, 0.0611), input: "A short history of the lighthouse" }),
  execution("run-refund-12", "refund", "waiting_for_approval", 95, { stream_id: "orders", nodes: ["refund"], attempt: 2, approvals: 1, usage: usage(2_832, 0.0083), input: '{"order":"A-1188","wish":"money back"}' }),
  execution("run-plan-11", "planner", "waiting_for_input", 340, { nodes: ["ask"], attempt: 1, questions: 1, usage: usage(912, 0.0018), input: "Plan the move to the new office" }),
  execution("run-council-8", "council", "failed", 700, { attempt: 1, usage: usage(510, 0.0009), input: "Explain fsync.", error: { code: "content_filter", message: "the provider's filter stopped the answer" }, ...ended(697) }),
  execution("run-long-a-very-long-identifier-of-an-execution-9", "import_of_everything", "paused", 900, { nodes: ["read", "clean", "load"], attempt: 3, progress: 0.9, usage: usage(1_204_000, 12.4), input: "x".repeat(200) }),
  execution("run-council-7", "council", "completed", 1_500, { attempt: 1, usage: usage(4_037, 0.014), input: question, ...ended(1_495) }),
  execution("run-stopped-6", "research", "cancelled", 5_400, { attempt: 1, usage: usage(7_000, 0.02), input: "All that is known of eels", ...ended(5_000) }),
  execution("run-else-5", undefined, "completed", 90_000, { stream_id: "elsewhere", external: true, rounds: 0, input: "", ...ended(89_990) }),
];

export const approvals = [
  { approval_id: "run-refund-12@call-2", status: "pending", execution_id: "run-refund-12", stream_id: "orders", session_id: "run-refund-12", definition: "refund", node_id: "refund", tool_use_id: "call-2", tool_name: "pay_back", tool_input: { order: "A-1188", sum: 41.5 }, arguments_digest: "sha256:1f0c", external: false, requested_at: ago(80), expires_at: iso(NOW + 540_000) },
  { approval_id: "run-shell-3@call-9", status: "pending", execution_id: "run-shell-3", root: "run-root-2", stream_id: "tools", session_id: "run-shell-3", definition: "keeper", node_id: "keeper", tool_use_id: "call-9", tool_name: "run_script", tool_input: { begins: '{"script": "for one in ...', bytes: 1_048_576 }, tool_input_cut: true, external: false, requested_at: ago(4_000) },
];

export const questions = [
  { request_id: "question-1", status: "pending", execution_id: "run-plan-11", stream_id: "planner", session_id: "run-plan-11", definition: "planner", node_id: "ask", prompt: "Which **floor** do we take?", choices: ["the third", "the fifth"], external: false, requested_at: ago(300) },
  { request_id: "question-2", status: "pending", execution_id: "run-plan-10", stream_id: "planner", session_id: "run-plan-10", definition: "planner", node_id: "ask", prompt: "Who moves the plants?", choices: [], external: false, requested_at: ago(310) },
];

const talk = (session_id, definition, status, created, more) => ({ session_id, execution_id: session_id, stream_id: definition, definition, status, executions: 1, approvals: 0, questions: 0, created_at: ago(created), updated_at: ago(created - 20), ...more });
export const sessions = [
  talk("talk-4", "assistant", "idle", 60, { executions: 5, usage: usage(9_120, 0.03), input: "And in French?" }),
  talk("run-refund-12", "refund", "waiting_for_approval", 95, { approvals: 1, usage: usage(2_832, 0.0083), input: '{"order":"A-1188"}' }),
  talk("run-shell-3", "keeper", "pending", 4_000, { usage: usage(700, 0.002), input: "Tidy the folder" }),
  talk("talk-1", "assistant", "closed", 400_000, { executions: 12, usage: usage(40_000, 0.2), input: "Thank you" }),
];

export const session = {
  session_id: "talk-4", status: "idle", execution_id: "run-talk-4", definition: "assistant", queued: [], pending: [], approvals: [], questions: [],
  children: [{ session_id: "run-look-2", execution_id: "run-look-2", definition: "librarian", ephemeral: false, ended: true }],
  messages: 6, usage: usage(9_120, 0.03), version: 12,
};
export const messages = [
  { message_id: "m1", role: "user", content: "What is the time in Lisbon?" },
  { message_id: "m2", role: "assistant", content: "I look.", tool_calls: [{ id: "c1", name: "clock", arguments: '{"zone":"Europe/Lisbon"}' }] },
  { message_id: "m3", role: "tool", tool_call_id: "c1", content: '{"time":"10:00"}' },
  { message_id: "m4", role: "assistant", content: "It is **ten** in the morning.\n\n- Lisbon: 10:00\n- Berlin: 11:00" },
  { message_id: "m5", role: "user", content: "And in French?" },
  { message_id: "m6", role: "assistant", content: "Il est *dix heures* du matin." },
];

const edge = (from, to, when) => ({ from, to, ...(when ? { when } : {}) });
const node = (id, type = "agent", more = {}) => ({ id, type, model: { name: "model-l" }, ...more });
export const definitions = {
  council: {
    name: "council", kind: "graph", description: "Drafts, criticises, writes.", version: "1", entry: "master_agent", max_iterations: 3,
    nodes: [node("master_agent"), node("critic_agent"), node("writer_agent", "agent", { client_facing: true })],
    edges: [edge("master_agent", ["critic_agent"]), edge("critic_agent", ["writer_agent"], { field: "score", gte: 8 }), edge("critic_agent", ["master_agent"], { field: "score", lt: 8 })],
    tools: [], input_schema: {},
  },
  refund: {
    name: "refund", kind: "agent", description: "Pays back what may be paid back.", version: "4", entry: "refund", nodes: [node("refund")], edges: [],
    tools: [{ name: "pay_back", input_schema: { type: "object", properties: { order: { type: "string" }, sum: { type: "number", maximum: 100 } }, required: ["order", "sum"] } }],
    input_schema: {
      type: "object", required: ["order", "wish"],
      properties: { order: { type: "string", description: "The number on the invoice" }, wish: { enum: ["money back", "another one"] }, sum: { type: "number" }, urgent: { type: "boolean" }, notes: { type: "array" } },
    },
  },
};

const { gateway } = { gateway: { connections: 14, max_connections: 10_000, open_files: 1024, hubs: 6, held_bytes: 20_480, behind: 1, spills: 3, cut: 0 } };
export const stats = {
  events: 1_204_331, undecodable: 2, bytes: 480_000_000, stored_frames: 90_211, stored_bytes: 212_000_000, subscriptions: 21, first: ago(900_000), last: ago(1), gateway,
  by_type: { llm_text_delta: 902_144, tool_call_started: 20_110, tool_call_completed: 20_102, llm_turn_completed: 48_990, node_loop_iteration: 49_010, execution_started: 4_102 },
  by_stream: { council: 702_331, orders: 302_000, planner: 120_000, elsewhere: 80_000 },
};
export const workers = [
  { worker: "worker-1.3f2a", since: ago(86_000), at: ago(2), sessions: 12, concurrency: 16, definitions: ["council", "refund", "planner"], tools: ["calculator", "find_order", "pay_back"], tool_calls: { ok: 20_001, error: 101 }, mcp_servers: [{ name: "orders", state: "ready", tools: 3 }] },
  { worker: "worker-2.91bc", since: ago(300), at: ago(1), sessions: 1, concurrency: 16, definitions: ["writer"], tools: [], tool_calls: {}, mcp_servers: [] },
];
export const gateways = [
  { gateway: "gateway-a", address: "10.0.0.4:8700", version: "0.1.0", since: ago(86_000), at: ago(1), connections: 14, hubs: 6, monitors: 1, lists: 3, indexes: true },
  { gateway: "gateway-b", address: "10.0.0.5:8700", version: "0.1.0", since: ago(40), at: ago(1), connections: 0, hubs: 0, monitors: 0, lists: 0, indexes: false },
];
export const dead = [
  { execution_id: "run-dead-1", session_id: "run-dead-1", definition: "import_of_everything", reason: "three workers ended while they had it: out of memory", attempts: 3, dead_since: ago(3_000) },
  { execution_id: "run-dead-0", session_id: "run-dead-0", definition: "council", reason: "no worker could read its session", attempts: 3, dead_since: ago(90_000), retried_as: "run-council-7" },
];
export const watchers = [
  { subject: "ann", label: null, connections: 2, since: ago(60) },
  { subject: "ben", label: "ben at the desk", connections: 1, since: ago(20) },
];
