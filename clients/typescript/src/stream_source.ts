/** A subscription over an event stream (SSE): read as fast as its consumer takes it, so that a slow one slows the connection. */
import type { Context } from "./context.js";
import { ofAnswer, ofClose, RunbusError } from "./errors.js";
import { DIAL_MS, FRAME_CHARS } from "./limits.js";
import type { Event } from "./event.js";
import { OWN_TYPES, type Message, type Source } from "./messages.js";
import { address, type Call } from "./rest.js";
import { abortable, link, type Linked } from "./signals.js";

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
    const timer = setTimeout(() => connection.abort(new RunbusError("unavailable", "no answer in time")), DIAL_MS);
    try {
      const response = await context.fetch(address(gateway, path, query), {
        headers: {
          accept: "text/event-stream",
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
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
      throw new RunbusError("unavailable", "the gateway cannot be reached", { cause: error });
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
      if (text === undefined) throw new RunbusError("unavailable", "the event stream ended");
      this.#take(text);
    }
  }

  stop(): void {
    this.#connection.abort();
    this.#reader.cancel().catch(() => {});
  }

  /** The next piece, within the time in which a heartbeat comes. */
  async #read(): Promise<string | undefined> {
    const silence = link(this.#connection.signal);
    const timer = setTimeout(() => silence.abort(ofClose(1006, "no heartbeat")), this.#context.heartbeatMs * 1.5);
    try {
      const { done, value } = await abortable(this.#reader.read(), silence.signal);
      return done ? undefined : this.#decoder.decode(value, { stream: true });
    } catch (error) {
      if (error instanceof RunbusError) throw error;
      throw new RunbusError("unavailable", "the event stream broke", { cause: error });
    } finally {
      clearTimeout(timer);
      silence.release();
    }
  }

  /** Whole frames of what was read; what is left waits for its end. */
  #take(text: string): void {
    this.#rest += text;
    if (this.#rest.length > FRAME_CHARS) throw new RunbusError("too_large", "a frame of the event stream has no end");
    const end = this.#rest.lastIndexOf("\n\n");
    if (end < 0) return;
    const frames = this.#rest.slice(0, end).split("\n\n");
    this.#rest = this.#rest.slice(end + 2);
    const events: Event[] = [];
    const flush = () => {
      if (events.length > 0) this.#ready.push({ type: "events", events: events.splice(0) });
    };
    for (const frame of frames) {
      const at = frame.startsWith("data: ") ? 0 : frame.indexOf("\ndata: ") + 1;
      if (at === 0 && !frame.startsWith("data: ")) continue;
      const message = this.#parse(frame.slice(at + 6));
      if (!message) continue;
      if (!OWN_TYPES.has(message.type)) {
        events.push(message as Event);
        continue;
      }
      flush();
      if (message.type === "closed") throw closed(message as unknown as Closed);
      this.#ready.push(message as Message);
    }
    flush();
  }

  #parse(data: string): { type: string } | undefined {
    try {
      const message = JSON.parse(data);
      if (typeof message.type !== "string") throw new Error("it has no type");
      return message;
    } catch (error) {
      this.#context.warn("a frame of the event stream is skipped", error);
      return undefined;
    }
  }
}

type Closed = { code: number; reason?: string };
const closed = ({ code, reason = "" }: Closed): RunbusError => ofClose(code, reason);
