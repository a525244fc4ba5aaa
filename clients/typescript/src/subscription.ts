/** The result of `subscribe`: items one by one, for an iterator or a callback. */
import type { Context } from "./context.js";
import type { Event, Filter } from "./event.js";
import { follow, type Place, type Request, type Since } from "./follow.js";
import type { Link } from "./link.js";
import type { CaughtUp, Gap, Message, SnapshotItem, Undecodable } from "./messages.js";
import type { Abortable } from "./options.js";
import type { Linked } from "./signals.js";

export interface SubscribeOptions extends Abortable {
  /** Where to begin: `new` (default), `all`, `snapshot` (needs `execution_id`), or behind a cursor. */
  since?: Since;
  /** Whether deltas that wait together are merged; absent: only for a subscription that is behind. */
  coalesce?: boolean;
  /** `true`: items of the type `caught_up` too, when what was stored has been delivered. */
  caughtUp?: boolean;
}

/** Something that a subscription delivers. */
export type Item = Event | Gap | Undecodable | SnapshotItem | CaughtUp;

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

export class Subscription implements AsyncIterableIterator<Item, undefined> {
  readonly #context: Context;
  readonly #scope: Linked;
  readonly #place: Place;
  readonly #messages: AsyncGenerator<Message, never>;
  /** The events before, to which those behind a lost connection are compared. */
  #before: Event[] = [];
  #resumed = false;
  readonly #options: SubscribeOptions;
  #batch: readonly Item[] = [];
  #at = 0;
  #waiting = 0;
  #tail: Promise<unknown> = Promise.resolve();
  #over = false;
  #lastGap = "";
  #caughtUp = false;
  #first: Promise<IteratorResult<Message, never>> | undefined;
  /** Behind the last item that was handed out: `since` of a later subscription. */
  cursor: string | undefined;
  /** Resolves when the subscription stands: from then on nothing is missed. */
  readonly ready: Promise<void>;

  constructor(context: Context, link: Link, filter: Filter, options: SubscribeOptions) {
    this.#context = context;
    this.#scope = context.scope(options.signal);
    this.#options = options;
    const since = options.since ?? "new";
    this.#place = { since };
    this.cursor = typeof since === "object" ? since.cursor : undefined;
    this.#messages = follow(context, link, requestOf(filter, options), this.#place, this.#scope.signal);
    // It begins now, not when somebody first asks for an item; the buffer holds what comes until then.
    this.#first = this.#messages.next();
    this.ready = this.#first.then(() => {});
    this.ready.catch(() => {});
    this.#scope.signal.addEventListener("abort", () => {
      this.#batch = [];
      this.#messages.return(undefined as never).catch(() => {});
    });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Item, undefined>> {
    if (this.#waiting === 0 && this.#at < this.#batch.length) return Promise.resolve(this.#take());
    this.#waiting++;
    const result = this.#tail.then(() => this.#step()).finally(() => this.#waiting--);
    this.#tail = result.catch(() => {});
    return result;
  }

  /** Ends the subscription. */
  async return(): Promise<IteratorResult<Item, undefined>> {
    this.close();
    return END;
  }

  close(): void {
    this.#over = true;
    this.#scope.abort();
  }

  #take(): IteratorResult<Item, undefined> {
    const value = this.#batch[this.#at++] as Item;
    if ("cursor" in value) this.cursor = value.cursor;
    return { done: false, value };
  }

  async #step(): Promise<IteratorResult<Item, undefined>> {
    while (!this.#over && this.#at >= this.#batch.length) {
      try {
        const coming = this.#first ?? this.#messages.next();
        this.#first = undefined;
        const { value } = await coming;
        if (value) this.#fill(value);
        else this.#scope.signal.throwIfAborted();
      } catch (error) {
        if (this.#over) break;
        this.close();
        throw error;
      }
    }
    return this.#over ? END : this.#take();
  }

  #fill(message: Message): void {
    this.#at = 0;
    this.#batch = [];
    switch (message.type) {
      case "events": {
        const { events } = message;
        this.#move(events.at(-1)?.cursor);
        this.#batch = this.#resumed ? withoutThose(events, this.#before) : events;
        this.#before = events;
        this.#resumed = false;
        this.#lastGap = "";
        return;
      }
      case "subscribed":
        this.#resumed = true;
        if (this.#place.since === "new") this.#move(message.cursor);
        this.cursor ??= message.cursor;
        return;
      case "snapshot":
      case "undecodable":
        this.#move(message.cursor);
        this.#batch = [message];
        return;
      case "gap": {
        // A connection that broke behind a gap is told of it again.
        const gap = JSON.stringify({ ...message, sub: 0 });
        if (gap !== this.#lastGap) this.#batch = [message];
        this.#lastGap = gap;
        return;
      }
      case "caught_up":
        if (this.#options.caughtUp && !this.#caughtUp) this.#batch = [message];
        this.#caughtUp = true;
        return;
      default:
        this.#context.skip(message.type);
    }
  }

  #move(cursor: string | undefined): void {
    if (cursor !== undefined) this.#place.since = { cursor };
  }
}

/** Drops items that were delivered before a connection was lost. Gateways send nothing twice; a proxy or a changed log may. */
function withoutThose(events: Event[], before: Event[]): Event[] {
  const known = new Set(before.map(key));
  return events.filter((event) => !known.has(key(event)));
}

const key = (event: Event): string =>
  JSON.stringify([event.id, event.seq, event.stream_id, event.node_id, event.execution_id]);

function requestOf(filter: Filter, { coalesce }: SubscribeOptions): Request {
  const { types, ...rest } = filter;
  return {
    socket: (since) => ({ type: "subscribe", filter, since, coalesce }),
    stream: (since) => ({
      path: ["events", "stream"],
      query: { ...rest, types: types?.join(","), since: typeof since === "object" ? since.cursor : since, coalesce },
    }),
  };
}
