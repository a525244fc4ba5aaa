/** One WebSocket to one gateway: greeted, admitted, shared by many subscriptions. */
import type { Context } from "./context.js";
import { type ErrorFacts, ofAnswer, ofClose, RunbusError, unavailable } from "./errors.js";
import { socketUrl } from "./gateways.js";
import { DIAL_MS, IDLE_SOCKET_MS } from "./limits.js";
import { abortable, within } from "./signals.js";

/** Takes what comes for one subscription. */
export interface Sink {
  message(message: { type: string }, chars: number): void;
  lost(error: RunbusError): void;
}

type Wire = { type: string; sub?: string; id?: string } & Record<string, unknown>;

export class Socket {
  readonly gateway: string;
  readonly #socket: WebSocket;
  readonly #context: Context;
  readonly #sinks = new Map<string, Sink>();
  #nextId = 0;
  #end: RunbusError | undefined;
  #token: string | undefined;
  #heard = Date.now();
  #timer: ReturnType<typeof setInterval> | undefined;
  #renewal: ReturnType<typeof setTimeout> | undefined;
  #idle: ReturnType<typeof setTimeout> | undefined;
  #admitted!: (error?: unknown) => void;

  /** Resolves when the gateway takes subscriptions. */
  static async open(context: Context, gateway: string, signal: AbortSignal): Promise<Socket> {
    const token = await context.credentials.current(signal);
    let socket: Socket | undefined;
    const admitted = new Promise<void>((resolve, reject) => {
      socket = new Socket(context, gateway, token, (error) => (error ? reject(error) : resolve()));
    });
    const opened = socket as unknown as Socket;
    try {
      await within(DIAL_MS, signal, "no answer in time", (signal) => abortable(admitted, signal));
    } catch (error) {
      opened.close();
      signal.throwIfAborted();
      throw error instanceof RunbusError && error.closeCode === 1006
        ? await diagnose(context, gateway, signal, error)
        : error;
    }
    opened.#restIfIdle();
    return opened;
  }

  private constructor(
    context: Context,
    gateway: string,
    token: string | undefined,
    admitted: (error?: unknown) => void,
  ) {
    this.gateway = gateway;
    this.#context = context;
    this.#token = token;
    this.#admitted = admitted;
    this.#socket = new (context.WebSocket as typeof WebSocket)(socketUrl(gateway), ["runbus.v1"]);
    this.#socket.onmessage = (event) => this.#receive(event.data);
    this.#socket.onclose = (event) => this.#ended(ofClose(event.code, event.reason));
    // Not every runtime says `close` behind an error of the handshake.
    this.#socket.onerror = () => void setTimeout(() => this.#ended(ofClose(1006, "")));
    const half = context.heartbeatMs / 2;
    this.#timer = setInterval(() => this.#watch(), half);
  }

  get open(): boolean {
    return this.#end === undefined;
  }

  /** Begins a subscription; the sink hears of its id alone. */
  subscribe(message: object, sink: Sink): string {
    const id = `s${++this.#nextId}`;
    clearTimeout(this.#idle);
    this.#sinks.set(id, sink);
    this.#send({ ...message, id });
    return id;
  }

  /** Ends one. Later messages for it are dropped. */
  unsubscribe(id: string): void {
    if (!this.#sinks.delete(id)) return;
    this.#send({ type: "unsubscribe", id });
    this.#restIfIdle();
  }

  close(): void {
    this.#ended(ofClose(1000, ""));
  }

  #restIfIdle(): void {
    if (this.#sinks.size === 0 && this.open) this.#idle = setTimeout(() => this.close(), IDLE_SOCKET_MS);
  }

  #send(message: object): void {
    if (this.#socket.readyState === 1) this.#socket.send(JSON.stringify(message));
  }

  #ended(error: RunbusError): void {
    if (this.#end) return;
    this.#end = error;
    clearInterval(this.#timer);
    clearTimeout(this.#renewal);
    clearTimeout(this.#idle);
    this.#admitted(error);
    for (const sink of this.#sinks.values()) sink.lost(error);
    this.#sinks.clear();
    // Some runtimes refuse to close a socket that is not open yet, or wait for the other side.
    try {
      this.#socket.close(1000);
    } catch {}
  }

  /** A connection can be dead without a word: it is probed, and then given up. */
  #watch(): void {
    const silent = Date.now() - this.#heard;
    if (silent > this.#context.heartbeatMs * 1.5) return this.#ended(ofClose(1006, "no heartbeat"));
    if (silent > this.#context.heartbeatMs) this.#send({ type: "ping" });
  }

  #receive(data: unknown): void {
    this.#heard = Date.now();
    if (this.#end) return;
    const message = this.#context.parse<Wire>(data as string);
    if (!message) return;
    const sink = this.#sinks.get((message.sub ?? message.id) as string);
    switch (message.type) {
      case "hello":
        return this.#greeted(message["auth"] as string);
      case "auth_ok":
        this.#admitted();
        return this.#renewLater(message["expires_at"] as string | null);
      case "error":
        return this.#refused(message, sink);
      case "unsubscribed":
        this.#sinks.delete(message.sub as string);
        sink?.lost(unavailable("the subscription ended"));
        return this.#restIfIdle();
      case "pong":
        return;
      default:
        if (message.sub === undefined) return this.#context.skip(message.type);
        // Of a subscription that has ended just now: nobody wants it.
        sink?.message(message, (data as string).length);
    }
  }

  #greeted(auth: string): void {
    if (auth !== "required") return this.#admitted();
    if (this.#token === undefined) {
      return this.#ended(new RunbusError("unauthenticated", "the gateway wants token or getToken"));
    }
    this.#send({ type: "auth", token: this.#token });
  }

  #refused(message: Wire, sink: Sink | undefined): void {
    const error = new RunbusError(message["code"] as string, String(message["message"]), message as ErrorFacts);
    if (!sink) return this.#context.warn(error.message, error);
    this.#sinks.delete(message.id as string);
    sink.lost(error);
    this.#restIfIdle();
  }

  /** In band, so that subscriptions go on, at some moment of the third quarter of the credential's life. */
  #renewLater(expiresAt: string | null): void {
    clearTimeout(this.#renewal);
    const { credentials, closing, warn } = this.#context;
    if (!expiresAt || !credentials.renewable) return;
    const left = Math.max(Date.parse(expiresAt) - Date.now(), 2_000);
    const wait = Math.min(left * (0.5 + Math.random() / 4), 2 ** 31 - 1);
    this.#renewal = setTimeout(async () => {
      try {
        const token = await credentials.fresh(this.#token, closing);
        this.#token = token;
        if (this.open) this.#send({ type: "auth", token });
      } catch (error) {
        if (!this.open) return;
        warn("no fresh token", error);
        this.#renewLater(expiresAt);
      }
    }, wait);
  }
}

/** A page cannot see why a handshake failed. A permanent cause is asked for over HTTP. */
async function diagnose(context: Context, gateway: string, signal: AbortSignal, lost: RunbusError): Promise<RunbusError> {
  const answer = await within(DIAL_MS, signal, "", (signal) => context.fetch(`${gateway}/readyz`, { signal })).catch(
    () => undefined,
  );
  const status = answer?.status ?? 0;
  const body = await answer?.json().catch(() => undefined);
  return [401, 403, 421].includes(status) ? ofAnswer(status, body) : lost;
}
