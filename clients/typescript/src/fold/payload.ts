/**
 * Payloads that change an execution, checked as the gateway checks them.
 *
 * A payload that is not as its type says counts as an event and changes nothing: what a stranger wrote under a known type
 * must not look different here from what it does there.
 */
import { time } from "./time.js";

/**
 * Fields by type: `name:kind`, with `?` where it may be absent or null, `=` where it has a default.
 * s text, u 32 bits, n 64 bits, f number, b boolean, v anything, t time, l texts, c tool calls, g usage.
 */
const FIELDS: Record<string, string> = {
  execution_queued: "definition:s?",
  execution_started: "input:v= definition:s?",
  execution_paused: "reason:s?",
  execution_resumed: "reason:s?",
  execution_completed: "output:v=",
  execution_failed: "error:v=",
  execution_cancelled: "reason:s?",
  attempt_superseded: "superseded_attempt:u attempt:u void_from:n? reason:s",
  llm_text_delta: "content:s snapshot:s?",
  client_output_delta: "content:s snapshot:s?",
  llm_reasoning_delta: "content:s",
  llm_turn_completed: "usage:g? finish_reason:s? model:s? content:s? tool_calls:c=",
  llm_retry: "error:v= next_try:u= delay_ms:n=",
  usage_updated: "usage:g rounds:u=",
  node_loop_started: "max_iterations:u? iteration:u?",
  node_loop_iteration: "iteration:u",
  node_loop_completed: "iterations:u",
  node_internal_output: "content:s output:v?",
  node_stalled: "reason:s=",
  goal_progress: "progress:f criteria_status:v=",
  goal_achieved: "goal_id:s?",
  client_input_requested: "prompt:s= request_id:s? choices:l= expires_at:t? tool_use_id:s?",
  client_input_received: "request_id:s? input:v= answered_by:s?",
  tool_call_started: "tool_use_id:s tool_name:s tool_input:v=",
  tool_call_completed: "tool_use_id:s tool_name:s result:v= is_error:b=",
  tool_approval_requested: "approval_id:s tool_use_id:s tool_name:s tool_input:v= arguments_digest:s? expires_at:t?",
  tool_approval_decided: "approval_id:s tool_use_id:s approved:b arguments:v? note:s? decided_by:s?",
  tool_approval_expired: "approval_id:s tool_use_id:s",
};

const USAGE = "prompt_tokens:n= completion_tokens:n= total_tokens:n= reasoning_tokens:n? cached_tokens:n?";
const CALL = "tool_use_id:s tool_name:s arguments:s";
const DEFAULTS: Record<string, unknown> = { s: "", u: 0, n: 0, b: false, v: null, l: [], c: [] };

// biome-ignore lint/suspicious/noExplicitAny: payloads were checked by their kinds
export type Payload = Record<string, any>;

/** `undefined`: the type says nothing about an execution, or the payload is not as it says. */
export function payload(type: string, data: unknown): Payload | undefined {
  return Object.hasOwn(FIELDS, type) ? fields(FIELDS[type] as string, data) : undefined;
}

function fields(spec: string, data: unknown): Payload | undefined {
  if (typeof data !== "object" || data === null || Array.isArray(data)) return undefined;
  const made: Payload = {};
  for (const field of spec.split(" ")) {
    const [name, kind, flag] = [field.slice(0, field.indexOf(":")), field.split(":")[1]![0]!, field.split(":")[1]![1]];
    const given = Object.hasOwn(data, name) ? (data as Payload)[name] : undefined;
    if (given === undefined || (given === null && flag === "?")) {
      if (flag === undefined) return undefined;
      if (flag === "=") made[name] = DEFAULTS[kind];
      continue;
    }
    const value = read(kind, given);
    if (value === undefined) return undefined;
    made[name] = value;
  }
  return made;
}

function read(kind: string, value: unknown): unknown {
  switch (kind) {
    case "s":
      return typeof value === "string" ? value : undefined;
    case "u":
      return isWhole(value, 2 ** 32) ? value : undefined;
    case "n":
      return isWhole(value, 2 ** 64) ? value : undefined;
    case "f":
      return typeof value === "number" ? value : undefined;
    case "b":
      return typeof value === "boolean" ? value : undefined;
    case "t":
      return time(value);
    case "l":
      return Array.isArray(value) && value.every((one) => typeof one === "string") ? value : undefined;
    case "c":
      return list(value);
    case "g":
      return fields(USAGE, value);
    default:
      return value;
  }
}

function list(value: unknown): Payload[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const calls = value.map((one) => fields(CALL, one));
  return calls.includes(undefined) ? undefined : (calls as Payload[]);
}

const isWhole = (value: unknown, end: number): boolean =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value < end;
