// The core test as every runtime runs it: bundled, against a gateway whose connections are cut.
import { connect, RunbusError } from "@runbus/client";

const canonical = (value) =>
  JSON.stringify(value, (_, one) =>
    one && typeof one === "object" && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );

function same(a, b, what) {
  if (canonical(a) !== canonical(b)) throw new Error(`${what} differs:\n${canonical(a)}\n${canonical(b)}`);
}

async function rejects(call, code) {
  try {
    await call();
  } catch (error) {
    if (error instanceof RunbusError ? error.code === code : error === code) return;
    throw error;
  }
  throw new Error(`${code} was expected`);
}

async function over(transport, url) {
  const client = connect({ url, transport, backoff: { minMs: 5, maxMs: 50 }, onWarning: () => {} });
  const execution_id = crypto.randomUUID();
  const subscription = client.subscribe({ execution_id }, { since: "all", coalesce: false });
  const view = client.execution(execution_id);
  await client.start({ definition: "council", input: "Why?", execution_id });
  const got = [];
  for await (const item of subscription) {
    got.push(item);
    if (item.type === "execution_completed") break;
  }
  const state = await view.done;
  const stored = [];
  for await (const item of client.pages({ execution_id }, { order: "oldest" })) stored.push(item);
  same(got.map(({ cursor: _, ...event }) => event), stored.map(({ cursor: _, ...event }) => event), "the log");
  same(state.snapshot, await client.snapshot(execution_id, { at: state.snapshot.cursor }), "the snapshot");
  if (!state.text) throw new Error("there is no text");

  const stream_id = crypto.randomUUID();
  await client.publish([1, 2, 3].map((n) => ({ type: "custom", stream_id, data: { n } })));
  const page = await client.history({ stream_id }, { order: "oldest" });
  same(page.events.map(({ data }) => data.n), [1, 2, 3], "what was published");
  for await (const monitor of client.monitor({ stream_id: "council" })) {
    if (monitor.graph) break;
  }
  for await (const { count } of client.watch(execution_id, { label: "runtime" })) {
    if (count >= 0) break;
  }
  const abort = new AbortController();
  const reason = new Error("enough");
  const waiting = client.subscribe({ stream_id: "nobody" }, { signal: abort.signal }).next();
  abort.abort(reason);
  await rejects(() => waiting, reason);
  await rejects(() => client.status("nobody"), "not_found");
  client.close();
  await rejects(() => client.status("nobody"), "closed");
  return { transport, events: got.length, status: state.status };
}

export async function scenario(url, transports) {
  const results = [];
  for (const transport of transports) results.push(await over(transport, url));
  return results;
}
