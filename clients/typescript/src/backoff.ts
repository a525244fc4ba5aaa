/** Waits between tries: doubling, all of it at random, so that clients of a gateway that died do not come back together. */
import { BACKOFF_MAX_MS, BACKOFF_MIN_MS } from "./limits.js";

export interface BackoffOptions {
  /** Longest wait before the first repetition, in milliseconds. 0: none. */
  minMs?: number;
  /** Longest wait at all, in milliseconds. */
  maxMs?: number;
}

export class Backoff {
  #tries = 0;
  readonly #min: number;
  readonly #max: number;

  constructor({ minMs = BACKOFF_MIN_MS, maxMs = BACKOFF_MAX_MS }: BackoffOptions = {}) {
    this.#min = minMs;
    this.#max = maxMs;
  }

  next(atLeastMs = 0): number {
    const most = Math.min(this.#max, this.#min * 2 ** Math.min(this.#tries++, 30));
    return atLeastMs + Math.random() * most;
  }

  reset(): void {
    this.#tries = 0;
  }
}
