/** A subscription over an event stream (SSE): read as fast as its consumer takes it, so that a slow one slows the connection. */
import type { Context } from "./context.js";
import { ofAnswer, ofClose, RunbusError, unavailable } from "./errors.js";
import { DIAL_MS, FRAME_CHARS } from "./limits.js";
import type { Event } from "./event.js";
import type { Message, Source } from "./messages.js";
import { address, credential, type Call } from "./rest.js";
import { abortable, link, within, type Linked } from "./signals.js";

export class StreamSource implements Source {
  readonly gateway: string;
  readonly #context: Context;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #connection: Linked;
  readonly #decoder = new TextDecoder();
  readonly #ready: Message[] = [];
  #rest = "";

  static async open(
    context: Context,
    gateway: string,
    path: readonly string[],
    query: Call["query"],
    signal: AbortSignal,
  ): Promise<StreamSource> {
    const token = await context.credentials.current(signal);
    const connection = link(signal);
    const timer = setTimeout(() => connection.abort(unavailable("no answer in time")), DIAL_MS);
    try {
      const response = await context.fetch(address(gateway, path, query), {
        headers: credential(token, { accept: "text/event-stream" }),
        cache: "no-store",
        signal: connection.signal,
      });
      if (!response.ok || !response.body) {
        throw ofAnswer(response.status, await response.json().catch(() => undefined));
      }
      return new StreamSource(context, gateway, response.body.getReader(), connection);
    } catch (error) {
      connection.release();
      signal.throwIfAborted();
      if (error instanceof RunbusError) throw error;
      throw unavailable("the gateway cannot be reached", error);
    } finally {
      clearTimeout(timer);
    }
  }

  private constructor(
    context: Context,
    gateway: string,
    reader: ReadableStreamDefaultReader<Uint8Array>,
    connection: Linked,
  ) {
    this.#context = context;
    this.gateway = gateway;
    this.#reader = reader;
    this.#connection = connection;
  }

  async next(): Promise<Message | undefined> {
    for (;;) {
      const ready = this.#ready.shift();
      if (ready) return ready;
      const text = await this.#read();
      if (text === undefined) throw unavailable("the event stream ended");
      this.#take(text);
    }
  }

  stop(): void {
    this.#connection.abort();
    this.#reader.cancel().catch(() => {});
  }

  /** The next piece, within the time in which a heartbeat comes. */
  async #read(): Promise<string | undefined> {
    const { signal } = this.#connection;
    try {
      const { done, value } = await within(this.#context.heartbeatMs * 1.5, signal, "no heartbeat", (signal) =>
        abortable(this.#reader.read(), signal),
      );
      return done ? undefined : this.#decoder.decode(value, { stream: true });
    } catch (error) {
      throw error instanceof RunbusError ? error : unavailable("the event stream ended", error);
    }
  }

  /** Whole frames of what was read; what is left waits for its end. */
  #take(text: string): void {
    this.#rest += text;
    if (this.#rest.length > FRAME_CHARS) throw new RunbusError("too_large", "a frame has no end");
    const end = this.#rest.lastIndexOf("\n\n");
    if (end < 0) return;
    const frames = this.#rest.slice(0, end).split("\n\n");
    this.#rest = this.#rest.slice(end + 2);
    const events: Event[] = [];
    const flush = () => {
      if (events.length > 0) this.#ready.push({ type: "events", events: events.splice(0) });
    };
    for (const frame of frames) {
      const data = /^data: (.*)/m.exec(frame)?.[1];
      const message = data && this.#context.parse<{ type: string; code?: number; reason?: string }>(data);
      if (!message) continue;
      // Events have ids; what gateways say themselves has none.
      if ("id" in message) {
        events.push(message as Event);
        continue;
      }
      flush();
      if (message.type === "closed") throw ofClose(message.code ?? 0, message.reason ?? "");
      this.#ready.push(message as Message);
    }
    flush();
  }
}
