/** What is wrong with an argument is said before anything is sent. */
import { RunbusError } from "./errors.js";
import { EVENT_BYTES, ID_BYTES, PUBLISH_BYTES, PUBLISH_EVENTS } from "./limits.js";

const encoder = new TextEncoder();
export const bytesOf = (text: string): number => encoder.encode(text).length;

/** An id as gateways take it: 1 to 128 bytes of UTF-8 without control characters. */
export function id(value: unknown, path: string): string {
  const wrong = (why: string) => new RunbusError("invalid_argument", `${path} ${why}`, { path });
  if (typeof value !== "string") throw wrong(`is ${value === null ? "null" : typeof value}, not a text`);
  if (value === "") throw wrong("is empty");
  if (bytesOf(value) > ID_BYTES) throw wrong(`has ${bytesOf(value)} bytes, of ${ID_BYTES} at most`);
  if (/[\0-\x1f\x7f-\x9f]/.test(value)) throw wrong("has control characters");
  return value;
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
  if (list.length === 0 || list.length > PUBLISH_EVENTS) {
    const message = `${list.length} events, of 1 to ${PUBLISH_EVENTS}`;
    throw new RunbusError("invalid_argument", message, { path: "events" });
  }
  let all = 0;
  list.forEach((event, at) => {
    id((event as { stream_id?: unknown }).stream_id, `events[${at}].stream_id`);
    ids(event, `events[${at}].`);
    const bytes = bytesOf(JSON.stringify(event));
    if (bytes > EVENT_BYTES) throw tooLarge(`events[${at}]`, bytes, EVENT_BYTES);
    all += bytes + 1;
  });
  if (all + 16 > PUBLISH_BYTES) throw tooLarge("events", all, PUBLISH_BYTES);
}

const tooLarge = (path: string, bytes: number, limit: number) =>
  new RunbusError("too_large", `${path} has ${bytes} bytes, of ${limit} at most`, { path });
