/** Requests with one answer, repeated until there is one that counts. */
import type { Context } from "./context.js";
import { ofAnswer, RunbusError, unavailable } from "./errors.js";
import { REQUEST_MS } from "./limits.js";
import { Retry } from "./retry.js";
import { within } from "./signals.js";

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

/** The address of an endpoint; parts of the path that are ids are given one by one. Each value of a list stands by itself. */
export function address(base: string, path: readonly string[], query: Query = {}): string {
  const url = new URL(`${base}/v1/${path.map(encodeURIComponent).join("/")}`);
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : value === undefined ? [] : [value]) url.searchParams.append(name, String(one));
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
  const retry = new Retry(context);
  const what = `${method} ${path.join("/")}`;
  for (;;) {
    const gateway = context.gateways.current();
    const token = await context.credentials.current(signal);
    let wait = 0;
    try {
      const [response, text] = await ask(context, method, address(gateway, path, call.query), token, call, signal);
      if (response.ok) return JSON.parse(text) as T;
      wait = Number(response.headers.get("retry-after") ?? 0) * 1000 || 0;
      throw ofAnswer(response.status, json(text));
    } catch (error) {
      const lost = !(error instanceof RunbusError && error.status);
      if (lost && call.repeatable === false && !signal.aborted) {
        const message = `the answer to ${what} was lost: it may have been done`;
        throw new RunbusError("outcome_unknown", message, { cause: error });
      }
      await retry.after(lost ? unavailable("no answer", error) : error, what, gateway, token, signal, wait);
    }
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
