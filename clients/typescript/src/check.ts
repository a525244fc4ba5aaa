/** Arguments are checked before anything is sent. */
import { RunbusError } from "./errors.js";
import { utf8 } from "./fold/bytes.js";
import { EVENT_BYTES, ID_BYTES, PUBLISH_BYTES, PUBLISH_EVENTS } from "./limits.js";

/** An id as gateways take it: 1 to 128 bytes of UTF-8 without control characters. */
export function id(value: unknown, path: string, most = ID_BYTES): string {
  if (typeof value === "string" && value && utf8(value) <= most && !/[\0-\x1f\x7f-\x9f]/.test(value)) return value;
  const shown = JSON.stringify(value)?.slice(0, 40);
  throw new RunbusError("invalid_argument", `${path} is ${shown}, not 1 to ${most} bytes without control characters`, { path });
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
    const bytes = utf8(JSON.stringify(event));
    limit("too_large", path, bytes, EVENT_BYTES, "bytes");
    all += bytes + 1;
  });
  limit("too_large", "events", all + 16, PUBLISH_BYTES, "bytes");
}

function limit(code: string, path: string, count: number, most: number, unit: string): void {
  if (count > most) throw new RunbusError(code, `${path} has ${count} ${unit}, of 1 to ${most}`, { path });
}
