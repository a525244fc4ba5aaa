/** The state of a run, and the events that count for it: the gateway's fold, in TypeScript. */
import { defined } from "../defined.js";
import type { Event } from "../event.js";
import type { Execution, Waiting } from "../types/snapshot.js";
import type { Payload } from "./payload.js";
import { time } from "./time.js";

/** A question that its producer gave no id: the next step of the execution answers it. */
const UNNAMED = "";

export const COALESCIBLE = /^(llm_(text|reasoning)|client_output|tool_call)_delta$/;

export type Known = Execution;

/** With fields that not every gateway has yet. */
type Run = Execution & { request_digest?: string; waits_for?: string };

export const isOver = (execution: Execution | undefined): boolean =>
  execution !== undefined && ["completed", "failed", "cancelled"].includes(execution.status);

/** `begins`: what was known before is void. `nothing`: somebody else's word. */
export type Heard = "begins" | "counts" | "nothing";

/** The producer that counts for an execution: Runbus for one that it runs, from its first event on; else the first stream's. */
export function hear(known: Execution | undefined, event: Event): Heard {
  if (!known) return event.execution_id === undefined ? "nothing" : "begins";
  if (event.execution_id !== known.execution_id) return "nothing";
  const external = event.external === true;
  if (known.external && !external) return "begins";
  if (!known.external && external) return "nothing";
  if (known.stream_id === event.stream_id) return "counts";
  const hasNotBegun = known.status === "queued" && known.started_at === undefined;
  const begins = event.type === "execution_queued" || event.type === "execution_started";
  return !external && hasNotBegun && begins ? "begins" : "nothing";
}

export function begin(event: Event): Execution {
  const { execution_id, stream_id, external } = event;
  return {
    execution_id: execution_id as string,
    stream_id,
    external: external === true,
    status: "queued",
    rounds: 0,
    events: 0,
  };
}

/** Takes an event that counts. Deltas change nothing here but counts. */
export function apply(known: Execution, event: Event, payload: Payload | undefined): Execution {
  const now: Run = { ...known, events: known.events + (event.merged ?? 1) };
  now.updated_at = time(event.timestamp) ?? event.timestamp;
  if (event.session_id !== undefined) now.session_id = event.session_id;
  if (event.correlation_id !== undefined) now.correlation_id = event.correlation_id;
  if (event.attempt !== undefined) now.attempt = Math.max(now.attempt ?? 0, event.attempt);
  if (payload && !isOver(known) && !COALESCIBLE.test(event.type)) change(now, event, payload);
  return now;
}

function change(now: Run, { type, node_id }: { type: string; node_id?: string }, data: Payload): void {
  if (type !== "execution_queued") delete now.waits_for;
  switch (type) {
    case "execution_queued":
      now.queued_at = now.updated_at as string;
      if (data["request_digest"] !== undefined) now.request_digest ??= data["request_digest"];
      return define(now, data);
    case "execution_waiting":
      now.waits_for = data["waits_for"];
      return;
    case "execution_started":
      now.started_at ??= now.updated_at as string;
      now.status = "running";
      return define(now, data);
    case "execution_paused":
      now.status = "paused";
      return;
    case "execution_resumed":
      forget(now, (id) => id === UNNAMED);
      now.status = atWork(now);
      return;
    case "tool_approval_requested":
      return waits(now, data["approval_id"], {
        status: "waiting_for_approval",
        tool_use_id: data["tool_use_id"],
      });
    case "tool_approval_decided":
    case "tool_approval_expired":
      return goesOn(now, (id) => id === data["approval_id"]);
    case "client_input_requested": {
      const waiting = defined<Waiting>({ status: "waiting_for_input", tool_use_id: data["tool_use_id"] });
      return waits(now, data["request_id"] ?? UNNAMED, waiting);
    }
    case "client_input_received":
      return goesOn(now, (id) => id === (data["request_id"] ?? UNNAMED));
    case "tool_call_completed":
      return goesOn(now, (_, waiting) => waiting.tool_use_id === data["tool_use_id"]);
    case "node_loop_started":
      if (node_id === undefined) delete now.active_node;
      else now.active_node = node_id;
      if (data["iteration"] !== undefined) now.iteration = data["iteration"];
      return goesOn(now, (id) => id === UNNAMED);
    case "goal_progress":
      now.progress = data["progress"];
      return;
    case "goal_achieved":
      now.progress = 1;
      return;
    case "llm_turn_completed":
      now.rounds++;
      return;
    case "usage_updated":
      now.usage = data["usage"];
      now.rounds = Math.max(now.rounds, data["rounds"]);
      return;
    case "execution_completed":
    case "execution_failed":
    case "execution_cancelled":
      Object.assign(now, defined({ output: data["output"], error: data["error"] }));
      return end(now, type.slice(10) as Execution["status"]);
  }
}

function define(now: Execution, data: Payload): void {
  if (data["definition"] !== undefined) now.definition = data["definition"];
}

function waits(now: Execution, id: string, waiting: Waiting): void {
  now.waiting = { ...now.waiting, [id]: waiting };
  goesOn(now, () => false);
}

/** Removes some of the waiting items. A paused execution stays paused until it is resumed. */
function goesOn(now: Execution, answered: (id: string, waiting: Waiting) => boolean): void {
  forget(now, answered);
  if (now.status !== "paused") now.status = atWork(now);
}

/** Leaves some of what waits out; what is empty is absent. */
export function forget(now: Execution, which: (id: string, waiting: Waiting) => boolean): void {
  const left = Object.entries(now.waiting ?? {}).filter(([id, waiting]) => !which(id, waiting));
  if (left.length > 0) now.waiting = Object.fromEntries(left);
  else delete now.waiting;
}

/** Approvals go before questions: the one name is before the other. */
const atWork = (now: Execution): Execution["status"] =>
  Object.values(now.waiting ?? {})
    .map(({ status }) => status)
    .sort()[0] ?? "running";

function end(now: Execution, status: Execution["status"]): void {
  now.status = status;
  now.ended_at = now.updated_at as string;
  delete now.waiting;
  delete now.active_node;
}
