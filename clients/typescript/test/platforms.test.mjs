// The core test in each runtime: Node, Deno, Bun, workerd, Chromium. The hooks in a page.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { after, before, describe, it } from "node:test";
import { build } from "esbuild";
import { client, log } from "./support/collect.mjs";
import { proxy } from "./support/proxy.mjs";
import { backends, folder } from "./support/runbus.mjs";

const here = fileURLToPath(new URL("../", import.meta.url));
const run = promisify(execFile);
const bin = (name) => join(here, "node_modules/.bin", name);
const both = ["websocket", "sse"];

async function bundle(contents, platform = "neutral", more = {}) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: join(here, "test/support"), loader: "js" },
    bundle: true,
    format: "esm",
    target: "es2022",
    platform,
    write: false,
    define: { "process.env.NODE_ENV": '"production"' },
    ...more,
  });
  return outputFiles[0].text;
}

for (const [name, start] of Object.entries(backends)) {
  describe(`platforms on ${name}`, { timeout: 240_000 }, () => {
    let runbus;
    let through;
    let program;
    let pages;
    let origin;
    before(async () => {
      const script = await bundle('import * as page from "./page.mjs"; globalThis.tested = page;', "browser");
      pages = createServer((request, response) => {
        const isScript = request.url === "/page.js";
        response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
        response.end(isScript ? script : '<!doctype html><div id="root"></div><script type="module" src="/page.js"></script>');
      });
      await new Promise((resolve) => pages.listen(0, "127.0.0.1", resolve));
      origin = `http://127.0.0.1:${pages.address().port}`;
      // A page of another origin reads answers only where its origin is allowed.
      runbus = await start({ "gateway.allowed_origins": origin });
      through = await proxy(runbus.gateways[0].port, { plan: (n) => (n % 3 ? { at: 1 + (n % 5), how: "cut" } : undefined) });
      program = join(folder(), "program.mjs");
      const contents = `
        import { scenario } from "./scenario.mjs";
        const args = globalThis.Deno?.args ?? process.argv.slice(2);
        console.log("RESULT " + JSON.stringify(await scenario(args[0], args[1].split(","))));
        globalThis.Deno?.exit?.(0) ?? process.exit(0);`;
      writeFileSync(program, await bundle(contents));
    });
    after(() => (pages?.close(), pages?.closeAllConnections(), through?.close(), runbus?.stop()));

    const check = (results, transports) => {
      assert.deepEqual(results.map(({ transport, status }) => [transport, status]), transports.map((one) => [one, "completed"]));
      for (const { events } of results) assert.ok(events > 20);
    };
    const programs = {
      "Node without a WebSocket": [process.execPath, ["--no-experimental-websocket", "--no-warnings"], ["auto"]],
      Node: [process.execPath, ["--experimental-websocket", "--no-warnings"], both],
      Deno: [bin("deno"), ["run", "--quiet", "--no-config", "--allow-net=127.0.0.1"], both],
      Bun: [bin("bun"), ["run"], both],
    };
    for (const [runtime, [command, args, transports]] of Object.entries(programs)) {
      it(`runs in ${runtime}`, async () => {
        const { stdout } = await run(command, [...args, program, through.url, transports.join(",")], { cwd: folder(), timeout: 60_000 });
        check(JSON.parse(/RESULT (.*)/.exec(stdout)[1]), transports);
      });
    }

    it("runs in workerd", async (t) => {
      const { Miniflare } = await import("miniflare");
      const script = await bundle(`
        import { scenario } from "./scenario.mjs";
        export default {
          async fetch(request) {
            const { url, transports } = await request.json();
            return scenario(url, transports).then(Response.json, (error) => new Response(String(error.stack), { status: 500 }));
          },
        };`);
      const worker = new Miniflare({ modules: true, script, compatibilityDate: "2025-06-01", host: "127.0.0.1" });
      t.after(() => worker.dispose());
      const body = JSON.stringify({ url: through.url, transports: both });
      const answer = await worker.dispatchFetch("http://127.0.0.1/", { method: "POST", body });
      const text = await answer.text();
      assert.equal(answer.status, 200, text);
      check(JSON.parse(text), both);
    });

    it("runs in Chromium, and the hooks show and approve", async (t) => {
      const { chromium } = await import("playwright-core");
      const browser = await chromium.launch({ executablePath: process.env.CLIENT_TEST_CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage"] });
      t.after(() => browser.close());
      const page = await browser.newPage();
      await page.goto(origin);
      await page.waitForFunction(() => globalThis.tested);
      check(await page.evaluate(([url, transports]) => globalThis.tested.runScenario(url, transports), [through.url, both]), both);

      const direct = client(runbus.gateways[0].url);
      t.after(() => direct.close());
      const [first, other] = [randomUUID(), randomUUID()];
      await direct.start({ definition: "payer", input: "5", execution_id: first });
      await page.evaluate(([url, id, other]) => globalThis.tested.showExecution(url, id, other), [through.url, first, other]);
      await page.waitForFunction(() => document.querySelector("#status")?.textContent === "first waiting_for_approval waiting_for_approval");
      await page.click(".approve");
      await page.click(".answer");
      await page.waitForFunction(() => document.querySelector("#status").textContent === "first completed completed");
      assert.match(await page.textContent("#text"), /Paid five/);
      const decided = (await log(direct, { execution_id: first })).find(({ type }) => type === "tool_approval_decided");
      assert.equal(decided.data.note, "from the page");
      // Another id is another execution, which does not exist yet.
      await page.click("#next");
      await page.waitForFunction(() => document.querySelector("#status").textContent.startsWith("other unknown"));
      await direct.start({ definition: "payer", input: "5", execution_id: other });
      await page.waitForFunction(() => document.querySelector("#status").textContent.startsWith("other waiting_for_approval"));
      assert.equal(await page.textContent("#error"), "none");
      await page.evaluate(() => globalThis.tested.unmount());
    });
  });
}
