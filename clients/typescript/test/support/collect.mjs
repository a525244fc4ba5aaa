// Common steps of tests with a client.
import assert from "node:assert/strict";
import { connect } from "@runbus/client";

export const transports = ["websocket", "sse"];
export const quiet = { onWarning: () => {}, backoff: { minMs: 5, maxMs: 50 } };
export const client = (url, more = {}) => connect({ url, ...quiet, ...more });

const TERMINAL = new Set(["execution_completed", "execution_failed", "execution_cancelled"]);

/** All items up to the execution's end. */
export async function untilEnd(subscription) {
  const items = [];
  for await (const item of subscription) {
    items.push(item);
    if (TERMINAL.has(item.type)) return items;
  }
  return items;
}

/** The log's events of an execution, as history has them. */
export async function log(from, filter) {
  const events = [];
  for await (const item of from.pages(filter, { order: "oldest" })) events.push(item);
  return events;
}

/** A reader's events are the log: every event once, in order, with its data; merged deltas say the same. */
export function assertIsLog(got, log) {
  const flat = (events) => {
    const texts = [];
    for (const event of events) {
      const last = texts.at(-1);
      const { data, merged = 1, id, seq } = event;
      const delta = typeof data?.content === "string" && event.type.endsWith("_delta");
      if (delta && last?.delta && last.type === event.type && last.node === event.node_id && last.attempt === event.attempt) {
        Object.assign(last, { content: last.content + data.content, id, seq, count: last.count + merged });
      } else {
        const content = delta ? data.content : JSON.stringify(data);
        texts.push({ delta, type: event.type, node: event.node_id, attempt: event.attempt, content, id, seq, count: merged });
      }
    }
    return texts;
  };
  assert.deepEqual(flat(got), flat(log));
}
