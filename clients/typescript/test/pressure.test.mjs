// A slow consumer slows its connection: what the client holds for it is bounded, and nothing is lost.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { client, transports } from "./support/collect.mjs";
import { proxy } from "./support/proxy.mjs";
import { backends } from "./support/runbus.mjs";

const EVENTS = 240;
const BYTES = 50_000;
/** The client's buffer, what the gateway prepares, and what the kernel holds for two hops. */
const SLACK = 7 * 1024 * 1024;

for (const [name, start] of Object.entries(backends)) {
  describe(`back-pressure on ${name}`, { timeout: 240_000 }, () => {
    let runbus;
    const stream_id = `pressure-${name}-${process.pid}`;
    before(async () => {
      runbus = await start();
      const direct = client(runbus.gateways[0].url);
      const text = "x".repeat(BYTES);
      for (let n = 0; n < EVENTS; n += 8) {
        await direct.publish(Array.from({ length: 8 }, (_, k) => ({ type: "custom", stream_id, data: { n: n + k, text } })));
      }
      direct.close();
    });
    after(() => runbus?.stop());

    for (const transport of transports) {
      it(`a slow consumer takes little over ${transport}, and gets everything in the end`, async (t) => {
        const through = await proxy(runbus.gateways[0].port);
        const gateway = client(through.url, { transport });
        t.after(() => (gateway.close(), through.close()));
        const slow = gateway.subscribe({ stream_id }, { since: "all" });
        const fast = gateway.subscribe({ stream_id }, { since: "all" });
        const got = [(await slow.next()).value.data.n];
        let seen = 0;
        // Another consumer of the same client is not held up; when it has everything, the slow one had its chance, too.
        for await (const _ of fast) if (++seen === EVENTS) break;
        const all = EVENTS * BYTES;
        assert.ok(through.received > all, "the fast one got everything");
        assert.ok(through.received < all + SLACK, `${through.received - all} bytes for the slow one, which has ${all} to come`);
        for await (const { data } of slow) {
          got.push(data.n);
          if (got.length === EVENTS) break;
        }
        assert.deepEqual(got, Array.from({ length: EVENTS }, (_, n) => n));
      });
    }
  });
}
