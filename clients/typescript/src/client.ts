/** The client: everything that a gateway offers, over connections that come back. */
import * as check from "./check.js";
import { Commands } from "./commands.js";
import { Context } from "./context.js";
import { RunbusError } from "./errors.js";
import type { Event, Filter } from "./event.js";
import { ExecutionView, type ExecutionOptions } from "./execution.js";
import { history, pages, type HistoryOptions, type Page } from "./history.js";
import { Link } from "./link.js";
import type { Gap, Undecodable } from "./messages.js";
import { monitor } from "./monitor.js";
import type { Abortable, ConnectOptions } from "./options.js";
import { watch, type WatchOptions } from "./presence.js";
import { request } from "./rest.js";
import { Subscription, type Item, type SubscribeOptions } from "./subscription.js";
import type { Monitor, Presence, Published } from "./api.js";
import type { KnownEvent } from "./types/events.js";

type Made = "id" | "timestamp" | "seq" | "cursor" | "external" | "merged";
type Draft<E> = E extends unknown ? Omit<E, Made> & { id?: string; timestamp?: string } : never;

/** An event to publish. Its id and time are made here when they are absent. */
export type EventDraft =
  | Draft<KnownEvent>
  | (Omit<Draft<KnownEvent>, "type" | "data"> & { type: string & {}; data: Record<string, unknown> });

/** Takes one item; the next one waits for its promise. */
export type Handler = (item: Item) => unknown;

export class Client extends Commands {
  protected readonly link: Link;

  constructor(options: ConnectOptions) {
    super(new Context(options));
    this.link = new Link(this.context);
  }

  /**
   * Events as they happen: items one by one, as an async iterator, or given to a handler. A slow consumer slows the
   * connection; nothing is lost. An error ends the iterator, or `done`.
   */
  subscribe(filter?: Filter, options?: SubscribeOptions): Subscription;
  subscribe(filter: Filter, options: SubscribeOptions, handler: Handler): Subscription & { done: Promise<void> };
  subscribe(filter: Filter = {}, options: SubscribeOptions = {}, handler?: Handler): Subscription {
    check.ids(filter, "filter.");
    if (options.since === "snapshot" && filter.execution_id === undefined) {
      const message = "a snapshot is of one execution: name it in the filter";
      throw new RunbusError("invalid_argument", message, { path: "filter.execution_id" });
    }
    const subscription = new Subscription(this.context, this.link, filter, options);
    if (!handler) return subscription;
    const done = this.#drive(subscription, handler);
    // An error is said; whoever waits for `done` gets it too.
    done.catch((error) => this.context.warn("a subscription has ended", error));
    return Object.assign(subscription, { done });
  }

  /** One execution: its state now, and after each event. */
  execution(id: string, options?: ExecutionOptions): ExecutionView {
    return new ExecutionView(this.context, this.link, id, options);
  }

  /** One page of stored events. */
  history(filter: Filter = {}, options?: HistoryOptions): Promise<Page> {
    return history(this.context, filter, options);
  }

  /** All pages of stored events, one after the other. */
  pages(
    filter: Filter = {},
    options?: Omit<HistoryOptions, "wait_ms">,
  ): AsyncGenerator<Event | Undecodable | Gap, void> {
    return pages(this.context, filter, options);
  }

  /** Resolves when all events are durable. Repeated under the same ids until it is known that they are. */
  publish(events: EventDraft | readonly EventDraft[], options: Abortable = {}): Promise<Published> {
    const timestamp = new Date().toISOString();
    const list = (Array.isArray(events) ? events : [events]) as readonly EventDraft[];
    const body = { events: list.map((event) => ({ id: crypto.randomUUID(), timestamp, ...event })) };
    check.events(body.events);
    return request(this.context, "POST", ["events"], { body, signal: options.signal });
  }

  /** The monitor of a stream, or of all, after each change. */
  monitor(options?: Abortable & { stream_id?: string }): AsyncGenerator<Monitor, void> {
    return monitor(this.context, this.link, options);
  }

  /** The watchers of an execution, after each change; this one included. */
  watch(execution: string, options?: WatchOptions): AsyncGenerator<Presence, void> {
    return watch(this.context, this.link, execution, options);
  }

  /** Ends all subscriptions and calls. Any later use is the error `closed`. */
  close(): void {
    this.context.close();
  }

  async #drive(subscription: Subscription, handler: Handler): Promise<void> {
    for await (const item of subscription) {
      try {
        await handler(item);
      } catch (error) {
        this.context.warn("a handler failed", error);
      }
    }
  }
}

/** A client of one or several gateways. It connects when something is asked of it. */
export function connect(options: ConnectOptions): Client {
  return new Client(options);
}
