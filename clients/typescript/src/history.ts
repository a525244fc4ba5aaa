/** Events that are stored, a page at a time. */
import type { Context } from "./context.js";
import type { Event, Filter } from "./event.js";
import type { Gap, Undecodable } from "./messages.js";
import type { Abortable } from "./options.js";
import { request } from "./rest.js";
import * as check from "./check.js";
import { REQUEST_MS } from "./limits.js";

export interface HistoryOptions extends Abortable {
  /** Default: `newest` first. */
  order?: "newest" | "oldest";
  /** Events of a page, 1 to 10000; default 100. */
  limit?: number;
  /** Behind an earlier page's `next`, or an event's `cursor`. */
  cursor?: string;
  /** Waits so long for the next events, in milliseconds, up to 60000; then the order is `oldest`. */
  wait_ms?: number;
}

export interface Page {
  events: (Event | Undecodable)[];
  /** Where to go on; `null`: nothing is left in this direction. */
  next: string | null;
  gaps: Gap[];
}

export function history(context: Context, filter: Filter, options: HistoryOptions = {}): Promise<Page> {
  check.ids(filter, "filter.");
  const { signal, ...query } = options;
  return request(context, "GET", ["events"], {
    query: { ...filter, types: filter.types?.join(","), ...query },
    timeoutMs: REQUEST_MS + (options.wait_ms ?? 0),
    signal,
  });
}

/** All of it, page after page; gaps stand before the page that they belong to. */
export async function* pages(
  context: Context,
  filter: Filter,
  options: Omit<HistoryOptions, "wait_ms"> = {},
): AsyncGenerator<Event | Undecodable | Gap, void> {
  let { cursor } = options;
  do {
    const page = await history(context, filter, { limit: 1000, ...options, ...(cursor ? { cursor } : {}) });
    yield* page.gaps;
    yield* page.events;
    cursor = page.next ?? undefined;
  } while (cursor);
}
