// The types that json-schema-to-typescript makes from the contracts narrow by `type`: this file compiles with `--strict`.
import type { KnownEvent } from "./events.js";
import type { ClientMessage, ServerMessage } from "./protocol.js";

export function text(event: KnownEvent): string {
  switch (event.type) {
    case "llm_text_delta":
      return event.data.content;
    case "tool_call_completed":
      return `${event.data.tool_name} ${event.data.is_error ?? false}`;
    case "execution_paused":
      // Absent or a text, never null.
      return event.data.reason === undefined ? "" : event.data.reason.trim();
    case "execution_completed":
      // @ts-expect-error the payload of another event
      return event.data.content;
    default:
      return event.type;
  }
}

export function told(message: ServerMessage): unknown {
  switch (message.type) {
    case "hello":
      return message.limits.max_batch.toFixed();
    case "events":
      return message.events.map((event) => event.cursor.length + event.seq);
    case "snapshot":
      return message.snapshot.turns.length;
    case "presence_changed":
      return message.joined.map((watcher) => watcher.subject.trim());
    case "list_changes":
      return message.list === "executions" ? message.upserts.map((entry) => entry.execution_id.trim()) : message.revision;
    case "monitor_patch":
      return message.patch.map((operation) => operation.path.trim());
    case "error":
      return message.path?.trim();
    case "gap":
      // @ts-expect-error no field of a gap
      return message.cursor;
    default:
      return message.type;
  }
}

export const messages: ClientMessage[] = [
  { type: "subscribe", id: "s", filter: { execution_id: "run-1", types: ["custom"] }, since: { cursor: "c" }, batch: 16 },
  { type: "list", id: "l", list: "executions", query: { status: "running", label: ["team=a"] } },
  { type: "start", id: "1", definition: "council", execution_id: "run-1" },
  { type: "decide", id: "2", approval_id: "a@s", approved: true },
  { type: "publish", id: "3", events: [{ type: "order_paid", stream_id: "billing", data: { cents: 1 } }] },
];
// @ts-expect-error a command needs an id
export const wrong: ClientMessage = { type: "cancel", execution_id: "run-1" };
