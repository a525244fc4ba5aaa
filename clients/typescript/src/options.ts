/** How a client is made. */
import type { GetToken } from "./credentials.js";
import type { BackoffOptions } from "./retry.js";

export interface ConnectOptions {
  /** Addresses of one or several gateways: `http(s)` or `ws(s)`. The client uses one, and another one when that fails. */
  url: string | URL | readonly (string | URL)[];
  /** A token or key. */
  token?: string;
  /** Gives a token, and a fresh one before it expires or when it is refused. */
  getToken?: GetToken;
  /** `auto` (default): a WebSocket where the runtime has one, else event streams (SSE). */
  transport?: "auto" | "websocket" | "sse";
  /** The WebSocket class, where it is not the global one. */
  WebSocket?: typeof WebSocket;
  /** In place of the global `fetch`. */
  fetch?: typeof fetch;
  /** Ends the client, as `close()` does. */
  signal?: AbortSignal;
  backoff?: BackoffOptions;
  /** Silence on a connection before it is probed, in milliseconds; after half as long again it counts as lost. */
  heartbeatMs?: number;
  /** Hears what the client skips or tries again. Default: `console.warn`. */
  onWarning?: (message: string, cause?: unknown) => void;
}

/** Ends a call; it rejects with the signal's reason. */
export interface Abortable {
  signal?: AbortSignal | undefined;
}
