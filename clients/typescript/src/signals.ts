/** Waiting that an `AbortSignal` ends. */
import { unavailable } from "./errors.js";

/** A signal that follows others until it is released, so that a long-lived signal keeps no listeners. */
export interface Linked {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
  release(): void;
}

export function link(...signals: (AbortSignal | undefined)[]): Linked {
  const controller = new AbortController();
  const released: (() => void)[] = [];
  const release = () => released.splice(0).forEach((undo) => undo());
  for (const signal of signals) {
    if (!signal) continue;
    const follow = () => {
      release();
      controller.abort(signal.reason);
    };
    if (signal.aborted) {
      follow();
      break;
    }
    signal.addEventListener("abort", follow, { once: true });
    released.push(() => signal.removeEventListener("abort", follow));
  }
  const abort = (reason?: unknown) => {
    release();
    controller.abort(reason);
  };
  return { signal: controller.signal, abort, release };
}

/** The promise's outcome, or the signal's reason, whichever is first. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      promise.catch(() => {});
      return reject(signal.reason);
    }
    const aborted = () => reject(signal.reason);
    signal.addEventListener("abort", aborted, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", aborted));
  });
}

export function pause(ms: number, signal: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout>;
  const waited = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  return abortable(waited, signal).finally(() => clearTimeout(timer));
}

/** The result of `run`, within a time, in milliseconds; its own signal aborts at the end of it. */
export async function within<T>(
  ms: number,
  signal: AbortSignal,
  late: string,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = link(signal);
  const timer = setTimeout(() => limit.abort(unavailable(late)), ms);
  try {
    return await run(limit.signal);
  } finally {
    clearTimeout(timer);
    limit.release();
  }
}
