// Faults of callers and gateways, and the client's errors.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createHash, randomUUID } from "node:crypto";
import { connect as tcp } from "node:net";
import { connect, RunbusError } from "@runbus/client";
import { client, log, quiet, transports, untilEnd } from "./support/collect.mjs";
import { proxy, textFrame } from "./support/proxy.mjs";
import { backends, natsPublisher } from "./support/runbus.mjs";

const KEY = "a-key-of-tests-0123456789abcdef0123456789";
const OTHER = "another-key-of-tests-0123456789abcdef0123";
const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const AUTH = {
  "auth.mode": "required",
  "auth.api_keys": JSON.stringify({
    ops: { sha256: sha256(KEY), scopes: ["*", "admin"] },
    reader: { sha256: sha256(OTHER), scopes: ["read:open"] },
  }),
  "auth.stream_tokens.secret": "a-secret-of-tests-0123456789abcdef0123456789",
};

describe("credentials", { concurrency: 4, timeout: 240_000 }, () => {
  let runbus;
  let url;
  let ops;
  before(async () => {
    runbus = await backends.embedded(AUTH);
    url = runbus.gateways[0].url;
    ops = client(url, { token: KEY });
  });
  after(() => (ops?.close(), runbus?.stop()));

  for (const transport of transports) {
    it(`a wrong credential is a typed error without a further try, over ${transport}`, async (t) => {
      const through = await proxy(runbus.gateways[0].port);
      const wrong = client(through.url, { transport, token: "wrong" });
      t.after(() => (wrong.close(), through.close()));
      await assert.rejects(wrong.subscribe().next(), (error) => error instanceof RunbusError && error.code === "unauthenticated");
      assert.equal(through.streams, 1);
      await assert.rejects(wrong.status("x"), { code: "unauthenticated", status: 401 });
      await assert.rejects(wrong.execution("x").done, { code: "unauthenticated" });
    });

    it(`without a credential that is asked for: the same, over ${transport}`, async (t) => {
      const none = client(url, { transport });
      t.after(() => none.close());
      await assert.rejects(none.subscribe().next(), { code: "unauthenticated" });
    });

    it(`what a credential does not allow is forbidden, over ${transport}`, async (t) => {
      const reader = client(url, { transport, token: OTHER });
      t.after(() => reader.close());
      await assert.rejects(reader.subscribe({ stream_id: "closed" }).next(), { code: "forbidden" });
      await assert.rejects(reader.publish({ type: "custom", stream_id: "open", data: {} }), { code: "forbidden", status: 403 });
      await reader.subscribe({ stream_id: "open" }).ready;
    });

    it(`with getToken one fresh token is tried, over ${transport}`, async (t) => {
      let asked = 0;
      const stale = client(url, { transport, getToken: () => (++asked === 1 ? "stale" : KEY) });
      const never = client(url, { transport, getToken: async () => (asked++, "never right") });
      t.after(() => (stale.close(), never.close()));
      await stale.subscribe({ stream_id: "open" }).ready;
      await stale.stats();
      assert.equal(asked, 2);
      await assert.rejects(never.subscribe().next(), { code: "unauthenticated" });
      assert.equal(asked, 4);
      await assert.rejects(never.stats(), { code: "unauthenticated", status: 401 });
    });

    it(`a stream outlives its tokens, over ${transport}`, async (t) => {
      const through = await proxy(runbus.gateways[0].port);
      let minted = 0;
      const getToken = async () => {
        minted++;
        return (await ops.mintToken({ ttl_s: 15, scopes: ["read,publish"] })).token;
      };
      const mine = client(through.url, { transport, getToken });
      t.after(() => (mine.close(), through.close()));
      const stream_id = randomUUID();
      const subscription = mine.subscribe({ stream_id });
      await subscription.ready;
      const begun = Date.now();
      for (let n = 0; minted < 3 || Date.now() - begun < 16_000; n++) {
        await ops.publish({ type: "tick", stream_id, data: { n } });
        assert.equal((await subscription.next()).value.data.n, n);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      // In band on a WebSocket: the same connection goes on.
      if (transport === "websocket") assert.equal(through.streams, 1);
    });
  }

  it("a credential of somebody else on the same connection ends it as forbidden", async (t) => {
    let asked = 0;
    const getToken = async () => (++asked === 1 ? (await ops.mintToken({ ttl_s: 6, scopes: ["read:open"] })).token : OTHER);
    const mixed = client(url, { getToken });
    t.after(() => mixed.close());
    await assert.rejects(mixed.subscribe({ stream_id: "open" }).next(), { code: "forbidden", closeCode: 4403 });
  });
});

describe("what callers get wrong", () => {
  const nobody = client("http://127.0.0.1:9");
  after(() => nobody.close());
  const wrong = {
    "an empty id": () => nobody.start({ definition: "x", execution_id: "" }),
    "an over-long id": () => nobody.cancel("é".repeat(65)),
    "an id with control characters": () => nobody.session("a\nb"),
    "an over-long id in a filter": async () => nobody.subscribe({ stream_id: "x".repeat(129) }),
    "an id of another type": () => nobody.status(7),
    "an event without a stream": () => nobody.publish({ type: "custom", data: {} }),
    "no event": () => nobody.publish([]),
    "a snapshot of no execution": async () => nobody.subscribe({}, { since: "snapshot" }),
  };
  for (const [name, call] of Object.entries(wrong)) {
    it(`${name} is an error before anything is sent`, async () => {
      await assert.rejects(async () => call(), (error) => error.code === "invalid_argument" && error.path !== undefined);
    });
  }

  it("an event over the limit is an error before anything is sent", async () => {
    const large = { type: "custom", stream_id: "s", data: { text: "x".repeat(256 * 1024) } };
    await assert.rejects(async () => nobody.publish(large), { code: "too_large", path: "events[0]" });
    const many = Array.from({ length: 3 }, () => ({ type: "custom", stream_id: "s", data: { text: "x".repeat(200 * 1024) } }));
    await assert.rejects(async () => nobody.publish(many), { code: "too_large", path: "events" });
  });

  it("addresses that are none are refused", () => {
    for (const url of ["", "ftp://x", "not an address", []]) {
      assert.throws(() => connect({ url }), { code: "invalid_argument", path: "url" });
    }
    assert.throws(() => connect({ url: "http://x", token: "a", getToken: () => "b" }), { code: "invalid_argument" });
  });

  it("each use after close is a typed error at once", async () => {
    const closed = client("http://127.0.0.1:9");
    const [subscription, view, call, page] = [closed.subscribe(), closed.execution("x"), closed.start({ definition: "x" }), closed.history()];
    const [monitor, watch] = [closed.monitor(), closed.watch("x")];
    const waiting = [subscription.next(), view.done, call, page, monitor.next(), watch.next()];
    closed.close();
    for (const one of waiting) await assert.rejects(one, { name: "RunbusError", code: "closed" });
    await assert.rejects(async () => closed.subscribe(), { code: "closed" });
    await assert.rejects(async () => closed.execution("x"), { code: "closed" });
    await assert.rejects(closed.status("x"), { code: "closed" });
    await assert.rejects(closed.publish({ type: "custom", stream_id: "s", data: {} }), { code: "closed" });
    await assert.rejects(closed.monitor().next(), { code: "closed" });
    await assert.rejects(closed.watch("x").next(), { code: "closed" });
    await assert.rejects(closed.pages().next(), { code: "closed" });
  });

  for (const transport of transports) {
    it(`a signal ends each call with its reason while no gateway answers, over ${transport}`, async () => {
      const away = client("http://127.0.0.1:9", { transport });
      const abort = new AbortController();
      const { signal } = abort;
      const calls = [
        away.subscribe({}, { signal }).next(),
        away.execution("x", { signal }).done,
        away.start({ definition: "x" }, { signal }),
        away.send("s", { input: 1 }, { signal }),
        away.decide("a", { approved: true }, { signal }),
        away.answer("q", 1, { signal }),
        away.cancel("x", { signal, reason: "r" }),
        away.closeSession("s", { signal }),
        away.publish({ type: "custom", stream_id: "s", data: {} }, { signal }),
        away.history({}, { signal }),
        away.snapshot("x", { signal }),
        away.monitor({ signal }).next(),
        away.watch("x", { signal }).next(),
      ];
      const reason = new Error("enough");
      setImmediate(() => abort.abort(reason));
      for (const one of calls) await assert.rejects(one, reason);
      await assert.rejects(away.status("x", { signal }), reason);
      away.close();
    });
  }
});

for (const [name, start] of Object.entries(backends)) {
  describe(`what gateways say on ${name}`, { timeout: 240_000 }, () => {
    let runbus;
    let direct;
    before(async () => {
      runbus = await start();
      direct = client(runbus.gateways[0].url);
    });
    after(() => (direct?.close(), runbus?.stop()));

    it("messages that are no JSON, and unknown types, are skipped with a warning; the connection stays", async (t) => {
      const noise = [textFrame("no json"), textFrame('{"type":"from_the_future","sub":"s1"}'), textFrame("[1]"), textFrame("null")];
      const through = await proxy(runbus.gateways[0].port, { inject: (n) => (n > 1 && n < 6 ? noise[n - 2] : undefined) });
      const warnings = [];
      const gateway = client(through.url, { ...quiet, onWarning: (message) => warnings.push(message) });
      t.after(() => (gateway.close(), through.close()));
      const execution_id = randomUUID();
      const subscription = gateway.subscribe({ execution_id }, { since: "all" });
      await subscription.ready;
      await gateway.start({ definition: "council", execution_id, input: "?" });
      const got = await untilEnd(subscription);
      assert.ok(got.length > 10);
      assert.equal(warnings.length, 4);
      assert.equal(through.streams, 1);
    });

    it("an unknown event type passes as it is", async () => {
      const stream_id = randomUUID();
      await direct.publish({ type: "made_up_9", stream_id, data: { deep: [1, { "": null }] } });
      const subscription = direct.subscribe({ stream_id }, { since: "all" });
      const { value } = await subscription.next();
      assert.deepEqual([value.type, value.data, value.external], ["made_up_9", { deep: [1, { "": null }] }, true]);
      subscription.close();
      assert.deepEqual(await subscription.next(), { done: true, value: undefined });
    });

    for (const transport of transports) {
      it(`a conflict, a thing that is not there, and a bad filter are typed errors, over ${transport}`, async (t) => {
        const gateway = client(runbus.gateways[0].url, { transport });
        t.after(() => gateway.close());
        await assert.rejects(gateway.status("nobody"), { code: "not_found", status: 404 });
        await assert.rejects(gateway.approval("nobody"), { code: "not_found" });
        await assert.rejects(gateway.subscribe({ types: ["No Type"] }).next(), { code: "invalid_argument" });
        await assert.rejects(gateway.subscribe({}, { since: { cursor: "nonsense" } }).next(), { code: "invalid_argument" });
      });
    }

    it("a handler gets one item after the other, and its error is said and stops nothing", async (t) => {
      const warnings = [];
      const gateway = client(runbus.gateways[0].url, { onWarning: (message) => warnings.push(message) });
      t.after(() => gateway.close());
      const stream_id = randomUUID();
      const got = [];
      let busy = 0;
      const subscription = gateway.subscribe({ stream_id }, { since: "all" }, async (item) => {
        assert.equal(busy++, 0);
        await new Promise((resolve) => setImmediate(resolve));
        busy--;
        got.push(item.data.n);
        if (item.data.n === 1) throw new Error("of the handler");
        if (item.data.n === 4) subscription.close();
      });
      await gateway.publish([0, 1, 2, 3, 4, 5].map((n) => ({ type: "custom", stream_id, data: { n } })));
      await subscription.done;
      assert.deepEqual(got, [0, 1, 2, 3, 4]);
      assert.deepEqual(warnings, ["a handler failed"]);
    });
  });
}

describe("what is missing", { timeout: 240_000 }, () => {
  for (const transport of transports) {
    it(`events that retention removed are a gap among the events, over ${transport}`, async (t) => {
      const runbus = await backends.embedded({ "embedded.max_bytes_mib": 1 });
      const gateway = client(runbus.gateways[0].url, { transport });
      t.after(() => (gateway.close(), runbus.stop()));
      const stream_id = "gone";
      const text = "x".repeat(100_000);
      const publish = (n) => gateway.publish({ type: "custom", stream_id, data: { n, text } });
      await publish(0);
      const [first] = await log(gateway, { stream_id });
      // Until the first is gone.
      for (let n = 1; (await gateway.history({ stream_id }, { order: "oldest", limit: 2 })).events[0]?.data.n < 2; n++) await publish(n);
      const subscription = gateway.subscribe({ stream_id }, { since: { cursor: first.cursor } });
      const { value: gap } = await subscription.next();
      assert.equal(gap.type, "gap");
      assert.equal(gap.reason, "expired");
      assert.ok((await subscription.next()).value.data.n > 1);
    });
  }

  it("a damaged message is an undecodable item with its place, and reading goes on", { timeout: 90_000 }, async (t) => {
    const runbus = await backends.nats();
    t.after(() => runbus.stop());
    const stream_id = randomUUID();
    const gateway = client(runbus.gateways[0].url);
    t.after(() => gateway.close());
    const subscription = gateway.subscribe({ stream_id }, { since: "all" });
    await subscription.ready;
    await plainPublish(t, natsPublisher(), `rb.pub.${stream_id}._._`, "no event");
    const { value: damaged } = await subscription.next();
    await gateway.publish({ type: "custom", stream_id, data: { n: 1 } });
    assert.equal(damaged.type, "undecodable");
    assert.equal(damaged.line, "no event");
    assert.ok(damaged.cursor && damaged.reason);
    assert.equal((await subscription.next()).value.data.n, 1);
    subscription.close();
    const behind = gateway.subscribe({ stream_id }, { since: { cursor: damaged.cursor } });
    assert.equal((await behind.next()).value.data.n, 1);
  });
});

/** The messages of a plain NATS client, one step after the other; the server has taken it when this resolves. */
async function plainPublish(t, { url, user, password }, subject, body) {
  const { hostname, port } = new URL(url);
  const socket = tcp(Number(port), hostname);
  t.after(() => socket.destroy());
  const steps = [
    `CONNECT ${JSON.stringify({ user, pass: password, verbose: false, pedantic: false })}\r\nPING\r\n`,
    `PUB ${subject} ${body.length}\r\n${body}\r\nPING\r\n`,
  ];
  let said = "";
  for await (const bytes of socket) {
    said += bytes;
    if (said.includes("-ERR")) throw new Error(said);
    if (!/INFO|PONG/.test(String(bytes))) continue;
    const step = steps.shift();
    if (!step) return;
    socket.write(step);
  }
}
