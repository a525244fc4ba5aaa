/** What is wrong with an argument is said before anything is sent. */
import { RunbusError } from "./errors.js";
import { EVENT_BYTES, ID_BYTES, PUBLISH_BYTES, PUBLISH_EVENTS } from "./limits.js";

const encoder = new TextEncoder();
export const bytesOf = (text: string): number => encoder.encode(text).length;

/** An id as gateways take it: 1 to 128 bytes of UTF-8 without control characters. */
export function id(value: unknown, path: string): string {
  if (typeof value === "string" && value && bytesOf(value) <= ID_BYTES && !/[\0-\x1f\x7f-\x9f]/.test(value)) return value;
  const shown = JSON.stringify(value)?.slice(0, 40);
  throw new RunbusError("invalid_argument", `${path} is ${shown}, not 1 to ${ID_BYTES} bytes without control characters`, { path });
}

const IDS = ["stream_id", "node_id", "execution_id", "session_id", "correlation_id", "definition"];

/** Every field of an object that is an id and is there. */
export function ids(object: object, prefix = ""): void {
  for (const name of IDS) {
    const value = (object as Record<string, unknown>)[name];
    if (value !== undefined) id(value, prefix + name);
  }
}

/** Events as one request may carry them. */
export function events(list: readonly object[]): void {
  limit("invalid_argument", "events", list.length || Infinity, PUBLISH_EVENTS, "events");
  let all = 0;
  list.forEach((event, at) => {
    const path = `events[${at}]`;
    id((event as { stream_id?: unknown }).stream_id, `${path}.stream_id`);
    ids(event, `${path}.`);
    const bytes = bytesOf(JSON.stringify(event));
    limit("too_large", path, bytes, EVENT_BYTES, "bytes");
    all += bytes + 1;
  });
  limit("too_large", "events", all + 16, PUBLISH_BYTES, "bytes");
}

function limit(code: string, path: string, count: number, most: number, unit: string): void {
  if (count > most) throw new RunbusError(code, `${path} has ${count} ${unit}, of 1 to ${most}`, { path });
}
