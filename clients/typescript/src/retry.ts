/** What follows a failed try: a fresh token, another try on another gateway after a wait, or the end. */
import type { Context } from "./context.js";
import { isRetryable, RunbusError } from "./errors.js";
import { pause } from "./signals.js";

export class Retry {
  readonly #context: Context;
  readonly #backoff;
  #refused = false;

  constructor(context: Context) {
    this.#context = context;
    this.#backoff = context.backoff();
  }

  /** It works: the next failure is a first one again. */
  reset(): void {
    this.#refused = false;
    this.#backoff.reset();
  }

  /** Returns when the next try may begin. Throws what no further try would change. */
  async after(error: unknown, what: string, gateway: string, token: string | undefined, signal: AbortSignal, waitMs = 0) {
    signal.throwIfAborted();
    const { credentials, gateways, warn } = this.#context;
    const { code, status } = error as RunbusError;
    if (code === "unauthenticated" && credentials.renewable && !this.#refused) {
      this.#refused = true;
      await credentials.fresh(token, signal);
      return;
    }
    if (!isRetryable(error)) throw error;
    // What is too much for this caller is so on each gateway; what is away may be there on another one.
    if (status !== 429) gateways.failed(gateway);
    warn(`${what} is tried again`, error);
    await pause(this.#backoff.next(waitMs), signal);
  }
}
