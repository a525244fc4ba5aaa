/** Requests with one answer, repeated until there is one that counts. */
import type { Context } from "./context.js";
import { isRetryable, ofAnswer, RunbusError } from "./errors.js";
import { REQUEST_MS } from "./limits.js";
import { pause, within } from "./signals.js";

export interface Call {
  query?: Record<string, string | number | boolean | readonly string[] | undefined>;
  body?: unknown;
  signal?: AbortSignal | undefined;
  /** Time for the answer, in milliseconds. */
  timeoutMs?: number;
  /** `false`: the same request twice may do a thing twice, so a lost answer is an error. */
  repeatable?: boolean;
}

type Query = NonNullable<Call["query"]>;

/** The address of an endpoint; parts of the path that are ids are given one by one. */
export function address(base: string, path: readonly string[], query: Query = {}): string {
  const url = new URL(`${base}/v1/${path.map(encodeURIComponent).join("/")}`);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url.href;
}


/** Headers, with the credential when there is one. */
export const credential = (token: string | undefined, more: Record<string, string>): Record<string, string> =>
  token === undefined ? more : { ...more, authorization: `Bearer ${token}` };

export async function request<T>(context: Context, method: string, path: readonly string[], call: Call = {}): Promise<T> {
  const scope = context.scope(call.signal);
  try {
    return await repeat(context, method, path, call, scope.signal);
  } finally {
    scope.release();
  }
}

async function repeat<T>(
  context: Context,
  method: string,
  path: readonly string[],
  call: Call,
  signal: AbortSignal,
): Promise<T> {
  const backoff = context.backoff();
  let refused = false;
  for (;;) {
    const gateway = context.gateways.current();
    const token = await context.credentials.current(signal);
    let wait = 0;
    try {
      const [response, text] = await ask(context, method, address(gateway, path, call.query), token, call, signal);
      if (response.ok) return JSON.parse(text) as T;
      const error = ofAnswer(response.status, json(text));
      if (response.status === 401 && context.credentials.renewable && !refused) {
        refused = true;
        await context.credentials.fresh(token, signal);
        continue;
      }
      if (!isRetryable(error)) throw error;
      wait = Number(response.headers.get("retry-after") ?? 0) * 1000 || 0;
      // What is busy for this caller is so on each gateway; what is away may be there on another one.
      if (response.status !== 429) context.gateways.failed(gateway);
      context.warn(`${method} ${path.join("/")} is tried again: ${error.message}`);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof RunbusError && error.status) throw error;
      if (call.repeatable === false) {
        const message = `the answer to ${method} ${path.join("/")} was lost: it may have been done`;
        throw new RunbusError("outcome_unknown", message, { cause: error });
      }
      context.gateways.failed(gateway);
      context.warn(`${method} ${path.join("/")} is tried again`, error);
    }
    await pause(backoff.next(wait), signal);
  }
}

/** The answer and its whole body, within the time: a connection may break in its middle. */
function ask(
  context: Context,
  method: string,
  url: string,
  token: string | undefined,
  call: Call,
  signal: AbortSignal,
): Promise<[Response, string]> {
  const post = method !== "GET";
  return within(call.timeoutMs ?? REQUEST_MS, signal, "no answer in time", async (signal) => {
    const response = await context.fetch(url, {
      method,
      headers: credential(token, post ? { "content-type": "application/json" } : {}),
      body: post ? JSON.stringify(call.body ?? {}) : null,
      signal,
    });
    return [response, await response.text()];
  });
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
