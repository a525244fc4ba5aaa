/** The step after a failed try: a fresh token, another try on another gateway after a wait, or the end. */
import type { Context } from "./context.js";
import { isRetryable, RunbusError } from "./errors.js";
import { BACKOFF_MAX_MS, BACKOFF_MIN_MS } from "./limits.js";
import { pause } from "./signals.js";

export interface BackoffOptions {
  /** Longest wait before the first repetition, in milliseconds. 0: none. */
  minMs?: number;
  /** Longest wait at all, in milliseconds. */
  maxMs?: number;
}

export class Retry {
  readonly #context: Context;
  #tries = 0;
  #refused = false;

  constructor(context: Context) {
    this.#context = context;
  }

  /** It works: the next failure is a first one again. */
  reset(): void {
    this.#refused = false;
    this.#tries = 0;
  }

  /** Returns when the next try may begin. Throws what no further try would change. */
  async after(error: unknown, what: string, gateway: string, token: string | undefined, signal: AbortSignal, waitMs = 0) {
    signal.throwIfAborted();
    const { credentials, gateways, warn, backoff } = this.#context;
    const { code, status } = error as RunbusError;
    if (code === "unauthenticated" && credentials.renewable && !this.#refused) {
      this.#refused = true;
      await credentials.fresh(token, signal);
      return;
    }
    if (!isRetryable(error)) throw error;
    // A caller's limit holds on each gateway; an absent resource may be there on another one.
    if (status !== 429) gateways.failed(gateway);
    warn(`${what} is tried again`, error);
    // Doubling, all of it at random: clients of a gateway that died do not come back together.
    const { minMs = BACKOFF_MIN_MS, maxMs = BACKOFF_MAX_MS } = backoff;
    const most = Math.min(maxMs, minMs * 2 ** this.#tries++);
    await pause(waitMs + Math.random() * most, signal);
  }
}
