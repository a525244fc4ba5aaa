/** A subscription that outlives its connections: begun again behind the last message, on whichever gateway answers. */
import type { Context } from "./context.js";
import type { Link } from "./link.js";
import type { Message } from "./messages.js";
import { Retry } from "./retry.js";
import { abortable } from "./signals.js";
import { SocketSource } from "./socket_source.js";
import { StreamSource } from "./stream_source.js";
import type { Call } from "./rest.js";

export type Since = "new" | "all" | "snapshot" | { cursor: string };

/** The request, in the form of each transport. */
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
  const retry = new Retry(context);
  for (;;) {
    const gateway = context.gateways.current();
    const token = await context.credentials.current(signal);
    let source: SocketSource | StreamSource | undefined;
    try {
      source = await open(context, link, gateway, request, place.since, signal);
      for (;;) {
        const message = await abortable(source.next(), signal);
        if (!message) break;
        retry.reset();
        yield message;
      }
      // It was stopped because its consumer was behind, and has been consumed: the next part.
    } catch (error) {
      await retry.after(error, "a subscription", source?.gateway ?? gateway, token, signal);
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
