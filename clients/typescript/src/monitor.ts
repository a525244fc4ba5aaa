/** A monitor: one document that says what is to be seen of a stream, or of all. */
import type { Monitor } from "./api.js";
import type { Context } from "./context.js";
import { follow, type Request } from "./follow.js";
import type { Link } from "./link.js";
import type { Abortable } from "./options.js";
import { patch } from "./patch.js";
import * as check from "./check.js";

/** The document after each change; one that is slow to take it skips some. */
export async function* monitor(
  context: Context,
  link: Link,
  { stream_id, signal }: Abortable & { stream_id?: string } = {},
): AsyncGenerator<Monitor, void> {
  if (stream_id !== undefined) check.id(stream_id, "stream_id");
  const scope = context.scope(signal);
  const query = { stream_id };
  const request: Request = {
    socket: () => ({ type: "monitor", ...query }),
    stream: () => ({ path: ["monitor", "stream"], query }),
  };
  let revision = -1;
  let document: unknown;
  try {
    // Each time that the base of a patch is not held, the monitor is asked for again.
    for (;;) {
      for await (const message of follow(context, link, request, { since: "new" }, scope.signal)) {
        if (message.type === "monitor_snapshot") document = message.monitor;
        else if (message.type !== "monitor_patch") continue;
        else document = message.base === revision ? patch(document, message.patch) : undefined;
        if (!document) break;
        revision = message.revision;
        yield document as Monitor;
      }
    }
  } finally {
    scope.abort();
  }
}
