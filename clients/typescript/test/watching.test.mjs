// Monitors, presence, and a log that is made again under a client.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { client, transports } from "./support/collect.mjs";
import { proxy } from "./support/proxy.mjs";
import { backends } from "./support/runbus.mjs";

for (const [name, start] of Object.entries(backends)) {
  describe(`watching on ${name}`, { timeout: 240_000 }, () => {
    let runbus;
    let direct;
    before(async () => {
      runbus = await start();
      direct = client(runbus.gateways[0].url);
    });
    after(() => (direct?.close(), runbus?.stop()));

    for (const transport of transports) {
      it(`a monitor follows by patches, over connections that are cut, over ${transport}`, async (t) => {
        const through = await proxy(runbus.gateways[0].port, { plan: (n) => ({ at: 3 + n, how: "cut" }) });
        const gateway = client(through.url, { transport });
        t.after(() => (gateway.close(), through.close()));
        const execution_id = randomUUID();
        let revisions = 0;
        let last;
        const monitor = gateway.monitor({ stream_id: "council" });
        await monitor.next();
        await gateway.start({ definition: "council", input: "Why?", execution_id });
        for await (last of monitor) {
          revisions++;
          if (last.graph?.executions[execution_id]?.status === "completed") break;
        }
        assert.ok(revisions > 1);
        const run = last.graph.executions[execution_id];
        assert.equal(run.nodes["writer_agent"].passes, 1);
      });

      it(`presence shows who comes and goes, over ${transport}`, async (t) => {
        const gateway = client(runbus.gateways[0].url, { transport });
        const other = client(runbus.gateways.at(-1).url);
        t.after(() => (gateway.close(), other.close()));
        const execution_id = randomUUID();
        await direct.start({ definition: "payer", input: "5", execution_id });
        const watch = gateway.watch(execution_id, { label: "ann" });
        const until = async (holds) => {
          for (;;) {
            const { value } = await watch.next();
            if (holds(value)) return value;
          }
        };
        const alone = await until(() => true);
        const joining = other.watch(execution_id, { label: "bob" });
        await joining.next();
        const two = await until(({ watchers }) => watchers.some(({ label }) => label === "bob"));
        assert.ok(two.count > alone.count - 1);
        await joining.return();
        other.close();
        const left = await until(({ watchers }) => !watchers.some(({ label }) => label === "bob"));
        assert.equal(left.execution_id, execution_id);
        await watch.return();
      });
    }
  });
}

describe("a log that was made again", { timeout: 240_000 }, () => {
  for (const transport of transports) {
    it(`is a gap among the events, and a view shows the new one, over ${transport}`, async (t) => {
      const runbus = await backends.embedded();
      const [gateway] = runbus.gateways;
      const reader = client(gateway.url, { transport });
      t.after(() => (reader.close(), runbus.stop()));
      const filter = { stream_id: "again", execution_id: "run" };
      const publish = (n) => reader.publish({ type: "client_output_delta", ...filter, data: { content: `${n} ` } });
      for (const n of [1, 2, 3]) await publish(n);
      const subscription = reader.subscribe(filter, { since: "all" });
      for (const _ of [1, 2, 3]) await subscription.next();
      const view = reader.execution("run", { stream_id: "again" });
      assert.equal((await view.ready).text, "1 2 3 ");
      await gateway.kill();
      rmSync(gateway.settings["embedded.data_dir"], { recursive: true });
      await gateway.start();
      await publish(4);
      const { value: gap } = await subscription.next();
      assert.deepEqual([gap.type, gap.reason], ["gap", "recreated"]);
      assert.equal((await subscription.next()).value.data.content, "4 ");
      for await (const state of view) if (state.text === "4 ") break;
    });
  }
});
