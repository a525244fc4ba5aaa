/**
 * Payloads that change an execution, checked as the gateway checks them.
 *
 * A payload that is not as its type says counts as an event and changes nothing: what a stranger wrote under a known type
 * must not look different here from what it does there.
 */
import { time } from "./time.js";

/**
 * Fields by type: `name:kind`, a text without a kind; behind it `?` where it may be absent or null, `=` where it has a default.
 * u 32 bits, n 64 bits, f number, b boolean, v anything, t time, l texts, c tool calls, g usage.
 */
const FIELDS: Record<string, string> = {
  execution_queued: "definition? request_digest?",
  execution_waiting: "waits_for definition? tool?",
  execution_started: "input:v= definition?",
  execution_paused: "reason?",
  execution_resumed: "reason?",
  execution_completed: "output:v=",
  execution_failed: "error:v=",
  execution_cancelled: "reason?",
  attempt_superseded: "superseded_attempt:u attempt:u void_from:n? reason",
  llm_text_delta: "content snapshot?",
  client_output_delta: "content snapshot?",
  llm_reasoning_delta: "content",
  tool_call_delta: "index:u tool_use_id tool_name arguments",
  llm_turn_completed: "message_id? usage:g? finish_reason? model? provider? reasoning? content? tool_calls:c=",
  llm_retry: "error:v= next_try:u= delay_ms:n=",
  usage_updated: "usage:g rounds:u=",
  node_loop_started: "max_iterations:u? iteration:u?",
  node_loop_iteration: "iteration:u message_id?",
  node_loop_completed: "iterations:u",
  node_internal_output: "content output:v?",
  node_stalled: "reason=",
  goal_progress: "progress:f criteria_status:v=",
  goal_achieved: "goal_id?",
  client_input_requested: "prompt= request_id? choices:l= expires_at:t? tool_use_id?",
  client_input_received: "request_id? input:v= answered_by?",
  tool_call_started: "tool_use_id tool_name tool_input:v=",
  tool_call_completed: "tool_use_id tool_name result:v= is_error:b=",
  tool_approval_requested: "approval_id tool_use_id tool_name tool_input:v= arguments_digest? expires_at:t?",
  tool_approval_decided: "approval_id tool_use_id approved:b arguments:v? note? decided_by?",
  tool_approval_expired: "approval_id tool_use_id",
};

const USAGE = "prompt_tokens:n= completion_tokens:n= total_tokens:n= reasoning_tokens:n? cached_tokens:n? estimated:b?";
const CALL = "tool_use_id tool_name arguments";

// biome-ignore lint/suspicious/noExplicitAny: payloads were checked by their kinds
export type Payload = Record<string, any>;

/** `undefined`: the type says nothing about an execution, or the payload is not as it says. */
export function payload(type: string, data: unknown): Payload | undefined {
  return Object.hasOwn(FIELDS, type) ? fields(FIELDS[type] as string, data) : undefined;
}

function fields(spec: string, data: unknown): Payload | undefined {
  if (typeof data !== "object" || data === null || Array.isArray(data)) return undefined;
  const made: Payload = {};
  for (const [, name = "", kind = "s", flag] of spec.matchAll(/(\w+)(?::(\w))?([?=])?/g)) {
    const given: unknown = Object.hasOwn(data, name) ? (data as Payload)[name] : undefined;
    if (given === undefined || (given === null && flag === "?")) {
      if (!flag) return undefined;
      if (flag === "=") made[name] = absent(kind);
      continue;
    }
    const value = read(kind, given);
    if (value === undefined) return undefined;
    // A flag that is not set is absent.
    if (value !== false || flag !== "?") made[name] = value;
  }
  return made;
}

/** The default of an absent field. */
const absent = (kind: string): unknown => ({ s: "", b: false, v: null, l: [], c: [] })[kind] ?? 0;

const TYPES: Record<string, string> = {
  s: "string",
  f: "number",
  b: "boolean",
};

/** A value of a kind; `undefined`: it is none. */
function read(kind: string, value: unknown): unknown {
  const all = Array.isArray(value) ? value : undefined;
  if (kind === "v") return value;
  if (kind === "t") return time(value);
  if (kind === "g") return fields(USAGE, value);
  if (kind === "l") return all?.every((one) => typeof one === "string") ? all : undefined;
  if (kind === "c") {
    const calls = all?.map((one) => fields(CALL, one));
    return calls?.includes(undefined) ? undefined : calls;
  }
  const right = TYPES[kind] ? typeof value === TYPES[kind] : isWhole(value, kind === "u" ? 2 ** 32 : 2 ** 64);
  return right ? value : undefined;
}

const isWhole = (value: unknown, end: number): boolean =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value < end;
