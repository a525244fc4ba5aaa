/** The watchers of an execution, as they change. */
import type { Presence } from "./api.js";
import * as check from "./check.js";
import type { Context } from "./context.js";
import { follow, type Request } from "./follow.js";
import { PRESENCE_POLL_MS } from "./limits.js";
import type { Link } from "./link.js";
import type { Message, Watcher } from "./messages.js";
import type { Abortable } from "./options.js";
import { request } from "./rest.js";
import { pause } from "./signals.js";

export interface WatchOptions extends Abortable {
  /** Under which others see this watcher, 1 to 128 bytes. */
  label?: string;
}

export async function* watch(
  context: Context,
  link: Link,
  execution: string,
  { signal, label }: WatchOptions = {},
): AsyncGenerator<Presence, void> {
  check.id(execution, "execution_id");
  if (label !== undefined) check.id(label, "label");
  const scope = context.scope(signal);
  try {
    if (context.WebSocket) yield* told(context, link, execution, label, scope.signal);
    else yield* asked(context, execution, scope.signal);
  } finally {
    scope.abort();
  }
}

async function* told(
  context: Context,
  link: Link,
  execution_id: string,
  label: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<Presence, void> {
  const types = ["runbus_presence_only"];
  const ask: Request = {
    socket: () => ({
      type: "subscribe",
      filter: { execution_id, types },
      presence: true,
      label,
    }),
    stream: () => ({ path: [] }),
  };
  let now: Presence | undefined;
  for await (const message of follow(context, link, ask, { since: "new" }, signal)) {
    now = apply(now, message);
    if (now && message.type.startsWith("presence")) yield now;
  }
}

function apply(now: Presence | undefined, message: Message): Presence | undefined {
  if (message.type === "presence") {
    const { execution_id, count, watchers } = message;
    return { execution_id, count, watchers: watchers as Presence["watchers"] };
  }
  if (message.type !== "presence_changed" || !now) return now;
  const gone = new Set([...message.left, ...message.joined].map(who));
  const watchers = [...now.watchers.filter((one) => !gone.has(who(one as Watcher))), ...message.joined];
  return { ...now, count: message.count, watchers: watchers as Presence["watchers"] };
}

const who = ({ subject, label }: Watcher): string => JSON.stringify([subject, label]);

/** An event stream does not tell who watches: it is asked for. */
async function* asked(context: Context, execution: string, signal: AbortSignal): AsyncGenerator<Presence, void> {
  let last = "";
  for (;;) {
    const now = await request<Presence>(context, "GET", ["executions", execution, "presence"], { signal });
    const text = JSON.stringify(now);
    if (text !== last) yield now;
    last = text;
    await pause(PRESENCE_POLL_MS, signal);
  }
}
