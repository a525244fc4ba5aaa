/** A subscription that outlives its connections: begun again behind the last message, on whichever gateway answers. */
import type { Context } from "./context.js";
import { isRetryable, RunbusError } from "./errors.js";
import type { Link } from "./link.js";
import type { Message } from "./messages.js";
import { abortable, pause } from "./signals.js";
import { SocketSource } from "./socket_source.js";
import { StreamSource } from "./stream_source.js";
import type { Call } from "./rest.js";

export type Since = "new" | "all" | "snapshot" | { cursor: string };

/** What is asked for, in the words of each transport. */
export interface Request {
  socket(since: Since): object;
  stream(since: Since): { path: readonly string[]; query?: Call["query"] };
}

/** The place of the next message, which the caller moves. */
export interface Place {
  since: Since;
}

/** Messages without end, until the signal, or an error that no further try would change. */
export async function* follow(
  context: Context,
  link: Link,
  request: Request,
  place: Place,
  signal: AbortSignal,
): AsyncGenerator<Message, never> {
  const backoff = context.backoff();
  let refused = false;
  for (;;) {
    const gateway = context.gateways.current();
    const token = await context.credentials.current(signal);
    let source: SocketSource | StreamSource | undefined;
    try {
      source = await open(context, link, gateway, request, place.since, signal);
      for (;;) {
        const message = await abortable(source.next(), signal);
        if (!message) break;
        refused = false;
        backoff.reset();
        yield message;
      }
      // It was stopped because its consumer was behind, and has been consumed: the next part.
    } catch (error) {
      signal.throwIfAborted();
      const unauthenticated = error instanceof RunbusError && error.code === "unauthenticated";
      if (unauthenticated && context.credentials.renewable && !refused) {
        refused = true;
        await context.credentials.fresh(token, signal);
        continue;
      }
      if (!isRetryable(error)) throw error;
      context.gateways.failed(source?.gateway ?? gateway);
      context.warn("the connection is made again", error);
      await pause(backoff.next(), signal);
    } finally {
      source?.stop();
    }
  }
}

async function open(
  context: Context,
  link: Link,
  gateway: string,
  request: Request,
  since: Since,
  signal: AbortSignal,
): Promise<SocketSource | StreamSource> {
  if (context.WebSocket) return new SocketSource(await link.socket(signal), request.socket(since));
  const { path, query } = request.stream(since);
  return StreamSource.open(context, gateway, path, query, signal);
}
