/**
 * How events change a snapshot: the gateway's fold, in TypeScript.
 *
 * Nothing is changed in place, so that a view can compare what it showed with what is.
 */
import { defined } from "../defined.js";
import type { Event } from "../event.js";
import * as LIMIT from "../limits.js";
import type { Approval, Call, CallState, Draft, Node, Question, Snapshot, Text, Turn } from "../types/snapshot.js";
import { excerpt, isShort, name, push, textBytes } from "./bounded.js";
import { head, utf8 } from "./bytes.js";
import * as execution from "./execution.js";
import { payload, type Payload } from "./payload.js";
import { time } from "./time.js";

/** Before the first event. `whole`: it is known that nothing was removed from the log. */
export function begin(cursor: string, whole: boolean): Snapshot {
  return {
    cursor,
    complete: whole,
    nodes: {},
    turns: [],
    turns_begun: 0,
    calls: [],
    approvals: [],
    questions: [],
  };
}

/** The snapshot behind one more event. */
export function apply(snapshot: Snapshot, event: Event): Snapshot {
  let now: Snapshot = { ...snapshot, cursor: event.cursor };
  const heard = execution.hear(now.execution, event);
  if (heard === "nothing") return now;
  const ended = heard === "counts" && execution.isOver(now.execution);
  if (heard === "begins") {
    // Earlier external events do not count.
    now = begin(event.cursor, now.complete || event.type === "execution_queued");
    now.execution = execution.begin(event);
  }
  const data = payload(event.type, event.data);
  now.execution = execution.apply(now.execution as execution.Known, event, data);
  if (ended) return now;
  if (data) change(now, event, data);
  if (!execution.COALESCIBLE.test(event.type)) settle(now);
  return now;
}

function change(now: Snapshot, event: Event, data: Payload): void {
  switch (event.type) {
    case "llm_text_delta":
      return write(now, event, ({ text }) => ({
        text: extend(text, data),
      }));
    case "client_output_delta":
      return write(now, event, ({ output }) => ({
        output: extend(output, data),
      }));
    case "llm_reasoning_delta":
      return write(now, event, ({ reasoning }) => ({
        reasoning: push(reasoning, data["content"]),
      }));
    case "tool_call_delta":
      return isShort(data["tool_use_id"]) ? write(now, event, (turn) => ({ drafts: draft(turn, data) })) : undefined;
    case "llm_turn_completed":
      return completeTurn(now, event, data);
    case "llm_retry":
      now.turns = now.turns.filter((turn) => turn.done || turn.node_id !== event.node_id);
      return node(now, event, (node) => ({
        ...node,
        retries: node.retries + 1,
        ...SILENT,
      }));
    case "attempt_superseded": {
      // A call of a model is never continued by another attempt: it is void as a whole.
      const from = data["void_from"] ?? Infinity;
      now.turns = now.turns.filter((turn) => turn.done || turn.seq < from);
      return;
    }
    case "node_loop_started":
      closeTurns(now, event.node_id);
      return node(now, event, (node) => ({
        ...node,
        state: "running",
        visits: node.visits + 1,
        round: 0,
        iteration: data["iteration"],
        ...SILENT,
      }));
    case "node_loop_iteration":
      return node(now, event, (node) => ({
        ...node,
        state: "running",
        round: data["iteration"],
        message_id: short(data["message_id"]),
      }));
    case "node_loop_completed":
      closeTurns(now, event.node_id);
      return node(now, event, (node) => ({
        ...node,
        state: "completed",
      }));
    case "node_internal_output": {
      const output = excerpt(data["output"] ?? data["content"], LIMIT.SNAPSHOT_VALUE_BYTES);
      return node(now, event, (node) => ({ ...node, output }));
    }
    case "node_stalled":
      return node(now, event, (node) => ({ ...node, state: "stalled" }));
    case "client_input_requested":
      return ask(now, event, data);
    case "tool_call_started":
      return call(now, event, data, "running", data["tool_input"]);
    case "tool_call_completed":
      return call(now, event, data, data["is_error"] ? "failed" : "completed", undefined, data["result"]);
    case "tool_approval_requested":
      return askApproval(now, event, data);
    case "tool_approval_decided":
      return decide(now, data, data["approved"] ? "approved" : "refused");
    case "tool_approval_expired":
      return decide(now, data, "refused");
    case "execution_completed":
    case "execution_failed":
    case "execution_cancelled":
      return end(now);
  }
}

/** Left-out parts are counted. */
function omit(
  now: Snapshot,
  what: "turns_omitted" | "nodes_omitted_events" | "calls_omitted" | "waiting_omitted",
): void {
  now[what] = (now[what] ?? 0) + 1;
}

/** A producer that sends the text so far is believed. */
const extend = (text: Text | undefined, data: Payload): Text | undefined =>
  data["snapshot"] === undefined ? push(text, data["content"]) : push(undefined, data["snapshot"]);

const short = (text: string | undefined): string | undefined => (text === undefined ? undefined : name(text));

function completeTurn(now: Snapshot, event: Event, data: Payload): void {
  const { content, finish_reason, message_id, model, provider, reasoning } = data;
  write(now, event, (turn) => ({
    ...whole(!turn.text && turn.output ? "output" : "text", content),
    ...whole("reasoning", reasoning),
    ...defined({ message_id: short(message_id) }),
    finish_reason: short(finish_reason),
    model: short(model),
    provider: short(provider),
    ...OVER,
  }));
  for (const one of data["tool_calls"] as Payload[]) call(now, event, one, "requested", one["arguments"]);
  node(now, event, (node) => ({ ...node, state: "running", ...SILENT }));
}

/** The drafts of a turn with one more piece of a call. */
function draft({ drafts = [] }: Turn, data: Payload): Draft[] {
  const { index, tool_use_id, tool_name } = data;
  const at = drafts.findLastIndex((one) => one.tool_use_id === tool_use_id);
  const known: Changes<Draft> = drafts[at] ?? {
    index,
    tool_use_id,
    tool_name: name(tool_name),
  };
  const one = {
    ...known,
    arguments: push(known.arguments, data["arguments"]) ?? { content: "" },
  } as Draft;
  return at < 0 ? [...drafts.slice(1 - LIMIT.SNAPSHOT_DRAFTS), one] : drafts.with(at, one);
}

/** A text that its provider gives as a whole; an empty one removes what there is. */
const whole = (field: string, text: string | undefined): Changes<Turn> =>
  text === undefined ? {} : { [field]: push(undefined, text) };

/** Changes of a turn that is over. */
const OVER = { done: true, drafts: undefined };

const over = (turn: Turn): Turn => defined<Turn>({ ...turn, ...OVER });

type Changes<T> = { [K in keyof T]?: T[K] | undefined };

const turnBytes = ({ text, output, reasoning, drafts = [] }: Turn): number =>
  [text, output, reasoning, ...drafts.map((one) => one.arguments)].reduce((sum, one) => sum + textBytes(one), 0);

/** Changes the node's open turn; begins one when there is none. A turn of an earlier attempt that no event made void is over. */
function write(now: Snapshot, event: Event, change: (turn: Turn) => Changes<Turn>): void {
  const turns = [...now.turns];
  let at = turns.findLastIndex((turn) => !turn.done && turn.node_id === event.node_id);
  const open = turns[at];
  if (open?.attempt !== undefined && event.attempt !== undefined && open.attempt < event.attempt) {
    turns[at] = over(open);
    at = -1;
  }
  const { seq, node_id, attempt } = event;
  if (at < 0) {
    // An id that names a property of every object has no `message_id` either.
    const { message_id } = now.nodes[node_id ?? ""] ?? {};
    at = turns.push({ number: ++now.turns_begun, seq, done: false, message_id, node_id, attempt } as Turn) - 1;
  }
  const turn = turns[at] as Turn;
  turns[at] = defined<Turn>({ ...turn, seq, ...change(turn) });
  let bytes = turns.reduce((sum, one) => sum + turnBytes(one), 0);
  while (turns.length > LIMIT.SNAPSHOT_TURNS || (bytes > LIMIT.SNAPSHOT_TEXT_BYTES && turns.length > 1)) {
    // The turns being written go last.
    bytes -= turnBytes(drop(turns, (one) => one.done));
    omit(now, "turns_omitted");
  }
  now.turns = turns;
}

/** Removes the first one that it is, else the first one. */
const drop = <T>(list: T[], which: (one: T) => boolean): T => list.splice(Math.max(list.findIndex(which), 0), 1)[0] as T;

/** A producer that has no turns ends its message with its node. */
function closeTurns(now: Snapshot, nodeId: string | undefined): void {
  now.turns = now.turns.map((turn) => (turn.node_id === nodeId ? over(turn) : turn));
}

/** Changes of a node whose model writes nothing. */
const SILENT = { message_id: undefined };

function node(now: Snapshot, event: Event, change: (node: Node) => Changes<Node>): void {
  const id = event.node_id;
  if (id === undefined) return;
  const known = Object.hasOwn(now.nodes, id);
  if (!known && Object.keys(now.nodes).length >= LIMIT.SNAPSHOT_NODES) {
    omit(now, "nodes_omitted_events");
    return;
  }
  const before: Node = known
    ? (now.nodes[id] as Node)
    : { state: "running", visits: 0, round: 0, retries: 0, updated_at: "" };
  const updated_at = time(event.timestamp) ?? event.timestamp;
  // A computed key makes an own property, whatever its name.
  now.nodes = {
    ...now.nodes,
    [id]: defined<Node>(change({ ...before, updated_at }) as Node),
  };
}

function call(now: Snapshot, event: Event, data: Payload, state: CallState, args?: unknown, result?: unknown): void {
  const id = data["tool_use_id"] as string;
  if (!isShort(id)) {
    omit(now, "calls_omitted");
    return;
  }
  const calls = [...now.calls];
  let at = calls.findLastIndex((one) => one.tool_use_id === id);
  if (at < 0) {
    if (calls.length >= LIMIT.SNAPSHOT_CALLS) {
      drop(calls, ({ state }) => state === "completed" || state === "failed");
      omit(now, "calls_omitted");
    }
    const { node_id } = event;
    const made = {
      tool_use_id: id,
      tool_name: name(data["tool_name"]),
      state,
      node_id,
      arguments: { value: null },
    };
    at = calls.push(defined<Call>(made)) - 1;
  }
  const one: Call = { ...(calls[at] as Call), state };
  if (args !== undefined) one.arguments = excerpt(args, LIMIT.SNAPSHOT_VALUE_BYTES);
  if (result !== undefined) one.result = excerpt(result, LIMIT.SNAPSHOT_VALUE_BYTES);
  calls[at] = one;
  now.calls = calls;
}

function decide(now: Snapshot, data: Payload, state: CallState): void {
  const at = now.calls.findLastIndex((one) => one.tool_use_id === data["tool_use_id"]);
  const known = now.calls[at];
  if (known?.state !== "awaiting_approval") return;
  const decided: Call = { ...known, state };
  if (data["arguments"] !== undefined) decided.arguments = excerpt(data["arguments"], LIMIT.SNAPSHOT_VALUE_BYTES);
  now.calls = now.calls.with(at, decided);
}

/** One more that waits, in the place of an earlier one of the same id, where there is room. */
function wait<T>(now: Snapshot, list: T[], one: T, id: (one: T) => string, short: boolean): T[] {
  const others = list.filter((known) => id(known) !== id(one));
  if (short && others.length < LIMIT.SNAPSHOT_WAITING && isShort(id(one))) return [...others, one];
  omit(now, "waiting_omitted");
  return others;
}

function askApproval(now: Snapshot, event: Event, data: Payload): void {
  const approval = defined<Approval>({
    approval_id: data["approval_id"],
    tool_use_id: data["tool_use_id"],
    tool_name: name(data["tool_name"]),
    arguments: excerpt(data["tool_input"], LIMIT.SNAPSHOT_VALUE_BYTES),
    node_id: event.node_id,
    arguments_digest: short(data["arguments_digest"]),
    expires_at: data["expires_at"],
  });
  now.approvals = wait(now, now.approvals, approval, ({ approval_id }) => approval_id, isShort(approval.tool_use_id));
  call(now, event, data, "awaiting_approval", data["tool_input"]);
}

function ask(now: Snapshot, event: Event, data: Payload): void {
  const request_id = (data["request_id"] ?? "") as string;
  const content = head(data["prompt"], LIMIT.SNAPSHOT_VALUE_BYTES);
  const choices = (data["choices"] as string[]).slice(0, LIMIT.SNAPSHOT_CHOICES).map(name);
  const question = defined<Question>({
    request_id,
    prompt: defined<Text>({
      content,
      truncated_bytes: utf8(data["prompt"]) - utf8(content) || undefined,
    }),
    node_id: event.node_id,
    choices: choices.length > 0 ? choices : undefined,
    expires_at: data["expires_at"],
    tool_use_id: short(data["tool_use_id"]),
  });
  now.questions = wait(now, now.questions, question, ({ request_id }) => request_id, true);
  node(now, event, (node) => node);
}

/** Gives each node the state that it has now. */
function states(now: Snapshot, of: (node: Node, id: string) => Node["state"]): void {
  const nodes = Object.entries(now.nodes).map(([id, one]) => {
    const state = of(one, id);
    return [id, state === one.state ? one : { ...one, state }];
  });
  now.nodes = Object.fromEntries(nodes);
}

function end(now: Snapshot): void {
  states(now, ({ state }) => (state === "completed" ? state : "stopped"));
  now.turns = now.turns.map(over);
  const run = now.execution as execution.Known;
  for (const field of ["output", "error"] as const) {
    if (run[field] === undefined) continue;
    const { value, truncated_bytes } = excerpt(run[field], LIMIT.SNAPSHOT_RESULT_BYTES);
    run[field] = value;
    if (truncated_bytes) now[`${field}_truncated_bytes`] = truncated_bytes;
  }
}

/** The status decides the waiting items, and the nodes show which of them wait. */
function settle(now: Snapshot): void {
  const run = now.execution as execution.Known;
  if (run.definition !== undefined) run.definition = name(run.definition);
  const ids = Object.keys(run.waiting ?? {})
    .filter(isShort)
    .sort();
  const kept = new Set(ids.slice(0, 2 * LIMIT.SNAPSHOT_WAITING));
  execution.forget(run, (id) => !kept.has(id));
  now.approvals = now.approvals.filter((approval) => kept.has(approval.approval_id));
  now.questions = now.questions.filter((question) => kept.has(question.request_id));
  const asking = new Set([...now.approvals, ...now.questions].map((one) => one.node_id));
  states(now, ({ state }, id) => {
    if (state === "running" && asking.has(id)) return "waiting";
    return state === "waiting" && !asking.has(id) ? "running" : state;
  });
}
