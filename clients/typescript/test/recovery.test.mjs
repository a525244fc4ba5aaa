// Under any fault of connections: the events that a client receives are the log, and a view is the gateway's snapshot.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { randomUUID } from "node:crypto";
import { assertIsLog, client, log, transports, untilEnd } from "./support/collect.mjs";
import { proxy } from "./support/proxy.mjs";
import { backends } from "./support/runbus.mjs";

const networks = {
  "cut behind each message": { plan: (n) => ({ at: n, how: "cut" }) },
  "cut within each message": { plan: (n) => ({ at: n, how: "middle" }) },
  "half-closed behind each message": { plan: (n) => ({ at: n, how: "half" }) },
  "delayed at each message": { delay: () => Math.floor(Math.random() * 4) },
  "cut at once, now and then": { plan: (n) => (n % 2 ? { at: 0, how: "cut" } : { at: 2 + n, how: "half" }) },
};

for (const [name, start] of Object.entries(backends)) {
  describe(`recovery on ${name}`, { concurrency: 4, timeout: 300_000 }, () => {
    let runbus;
    let direct;
    before(async () => {
      runbus = await start();
      direct = client(runbus.gateways.at(-1).url);
    });
    after(() => (direct?.close(), runbus?.stop()));

    for (const transport of transports) {
      for (const [network, behaviour] of Object.entries(networks)) {
        it(`loses and doubles nothing over ${transport}, ${network}`, { timeout: 120_000 }, async (t) => {
          const through = await proxy(runbus.gateways[0].port, behaviour);
          const gateway = client(through.url, { transport });
          t.after(() => (gateway.close(), through.close()));
          const execution_id = randomUUID();
          const filter = { execution_id };
          // Live, from before its start; beside it a view. Deltas are never merged here, so that each has its id.
          const live = untilEnd(gateway.subscribe(filter, { since: "all", coalesce: false }));
          const view = gateway.execution(execution_id);
          await gateway.start({ definition: "council", input: "Why?", execution_id });
          const [got, state] = [await live, await view.done];
          const stored = await log(direct, filter);
          assertIsLog(got, stored);
          assert.deepEqual(got.map(({ id, seq }) => [id, seq]), stored.map(({ id, seq }) => [id, seq]));
          assert.deepEqual(state.snapshot, await direct.snapshot(execution_id, { at: state.snapshot.cursor }));
          if (behaviour.plan) assert.ok(through.streams > 3, `${through.streams} connections`);
          // The same once more, from the log.
          assertIsLog(await untilEnd(gateway.subscribe(filter, { since: "all" })), stored);
          // And from a place in its middle.
          const { cursor } = stored[Math.floor(stored.length / 2)];
          const rest = await untilEnd(gateway.subscribe(filter, { since: { cursor } }));
          assertIsLog(rest, stored.slice(Math.floor(stored.length / 2) + 1));
        });
      }
    }

    for (const transport of transports) {
      it(`notices a connection that is dead without a word, over ${transport}`, async (t) => {
        const through = await proxy(runbus.gateways[0].port, { plan: (n) => (n === 1 ? { at: 3, how: "mute" } : undefined) });
        const gateway = client(through.url, { transport, heartbeatMs: 300 });
        t.after(() => (gateway.close(), through.close()));
        const execution_id = randomUUID();
        await direct.start({ definition: "council", input: "Why?", execution_id });
        const got = await untilEnd(gateway.subscribe({ execution_id }, { since: "all" }));
        assertIsLog(got, await log(direct, { execution_id }));
        assert.ok(through.streams > 1);
      });
    }

    it("drops events that come twice when a connection is made again", async (t) => {
      const through = await proxy(runbus.gateways[0].port, { plan: () => ({ at: 6, how: "cut" }), again: true });
      const gateway = client(through.url);
      t.after(() => (gateway.close(), through.close()));
      const execution_id = randomUUID();
      await direct.start({ definition: "council", input: "Why?", execution_id });
      const got = await untilEnd(gateway.subscribe({ execution_id }, { since: "all", coalesce: false }));
      assert.ok(through.repeated > 2);
      assert.deepEqual(got.map(({ id }) => id), (await log(direct, { execution_id })).map(({ id }) => id));
    });

    it("repeats commands whose answers are lost, and nothing is done twice", async (t) => {
      const through = await proxy(runbus.gateways[0].port, { answers: (n) => n % 3 !== 0 });
      const gateway = client(through.url, { transport: "sse" });
      t.after(() => (gateway.close(), through.close()));
      const stream_id = randomUUID();
      const drafts = [1, 2, 3].map((n) => ({ type: "order_paid", stream_id, data: { n } }));
      const { events } = await gateway.publish(drafts);
      const stored = await log(direct, { stream_id });
      assert.deepEqual(stored.map(({ id, data }) => [id, data.n]), events.map(({ id }, at) => [id, at + 1]));
      const started = await gateway.start({ definition: "payer", input: "5" });
      assert.equal(started.created, false, "a repetition finds what the lost one did");
      assert.ok(through.requests >= 5);

      const { execution_id } = started;
      const view = gateway.execution(execution_id);
      for await (const state of view) if (state.approvals.length > 0) break;
      const [approval] = view.state.approvals;
      assert.equal(view.state.status, "waiting_for_approval");
      assert.equal(view.state.calls[0].state, "awaiting_approval");
      await gateway.decide(approval.approval_id, { approved: true, arguments_digest: approval.arguments_digest });
      for await (const state of view) if (state.questions.length > 0) break;
      const [question] = view.state.questions;
      assert.deepEqual(question.choices, ["blue", "red"]);
      await gateway.answer(question.request_id, "blue");
      const state = await view.done;
      assert.equal(state.status, "completed");
      assert.match(state.text, /Paid five/);
      const decided = (await log(direct, { execution_id })).filter(({ type }) => /decided|input_received/.test(type));
      assert.deepEqual(decided.map(({ type }) => type), ["tool_approval_decided", "client_input_received"]);
      await assert.rejects(gateway.decide(approval.approval_id, { approved: false }), { code: "conflict", status: 409 });
    });

    it("says that the outcome is unknown when a command without an id loses its answer", async (t) => {
      const through = await proxy(runbus.gateways[0].port, { answers: () => true });
      const gateway = client(through.url);
      t.after(() => (gateway.close(), through.close()));
      await assert.rejects(gateway.resume("nobody"), { name: "RunbusError", code: "outcome_unknown" });
    });

    for (const transport of transports) {
      for (const signal of ["SIGKILL", "SIGTERM"]) {
        it(`goes on when gateways get ${signal} in mid-stream, over ${transport}`, async (t) => {
          const own = await start();
          const gateway = client(own.gateways.map(({ url }) => url), { transport });
          t.after(() => (gateway.close(), own.stop()));
          const execution_id = randomUUID();
          const subscription = gateway.subscribe({ execution_id }, { since: "all", coalesce: false });
          const view = gateway.execution(execution_id);
          await gateway.start({ definition: "council", input: "Why?", execution_id });
          const got = [];
          for await (const item of subscription) {
            got.push(item);
            if (got.length === 20 || got.length === 60) {
              // Both, one after the other: so whichever serves this client is killed.
              for (const one of own.gateways) {
                await one.kill(signal);
                await one.start();
              }
            }
            if (item.type === "execution_completed") break;
          }
          const state = await view.done;
          const stored = await log(gateway, { execution_id });
          assertIsLog(got, stored);
          const told = await gateway.snapshot(execution_id, { at: state.snapshot.cursor });
          assert.deepEqual(state.snapshot, told);
          assert.equal(state.status, "completed");
        });
      }
    }
  });
}
