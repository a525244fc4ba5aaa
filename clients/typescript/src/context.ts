/** The shared context of a client's parts. */
import { Credentials } from "./credentials.js";
import { RunbusError } from "./errors.js";
import { Gateways } from "./gateways.js";
import { HEARTBEAT_MS } from "./limits.js";
import type { ConnectOptions } from "./options.js";
import type { BackoffOptions } from "./retry.js";
import { link, type Linked } from "./signals.js";

export class Context {
  readonly gateways: Gateways;
  readonly credentials: Credentials;
  readonly fetch: typeof fetch;
  readonly WebSocket: typeof WebSocket | undefined;
  readonly heartbeatMs: number;
  readonly warn: (message: string, cause?: unknown) => void;
  readonly backoff: BackoffOptions;
  readonly #closing = new AbortController();

  constructor(options: ConnectOptions) {
    this.gateways = new Gateways(options.url);
    if (options.token !== undefined && options.getToken) {
      throw new RunbusError("invalid_argument", "give token or getToken, not both", { path: "token" });
    }
    this.credentials = new Credentials(options.token, options.getToken);
    this.fetch = options.fetch ?? ((...args) => fetch(...args));
    this.WebSocket = options.transport === "sse" ? undefined : (options.WebSocket ?? globalThis.WebSocket);
    if (options.transport === "websocket" && !this.WebSocket) {
      throw new RunbusError("invalid_argument", "this runtime has no WebSocket: use transport sse", {
        path: "transport",
      });
    }
    this.heartbeatMs = options.heartbeatMs ?? HEARTBEAT_MS;
    this.warn = options.onWarning ?? ((message, cause) => console.warn(`runbus: ${message}`, cause ?? ""));
    this.backoff = options.backoff ?? {};
    const { signal } = options;
    if (signal?.aborted) this.close();
    else signal?.addEventListener("abort", () => this.close(), { once: true, signal: this.closing });
  }

  /** A gateway of a later version says more than this one knows. */
  skip(type: string): void {
    this.warn(`a message is skipped: unknown type ${type}`);
  }

  /** A message; `undefined`: it is none, and is skipped with a warning. */
  parse<T extends { type: string }>(text: string): T | undefined {
    try {
      const message = JSON.parse(text);
      if (typeof message.type === "string") return message;
      this.skip(message.type);
    } catch (error) {
      this.warn("a message is skipped", error);
    }
    return undefined;
  }

  /** Aborted by `close()`. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  close(): void {
    this.#closing.abort(new RunbusError("closed", "the client is closed"));
  }

  /** A call's signal: the caller's, and the client's end. Throws when either has come. */
  scope(signal?: AbortSignal): Linked {
    const linked = link(this.closing, signal);
    linked.signal.throwIfAborted();
    return linked;
  }
}
