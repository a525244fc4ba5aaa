// The console in Chromium, on real gateways and workers.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { after, before, describe, it } from "node:test";
import { backends } from "../../../typescript/test/support/runbus.mjs";
import { launch, open as openIn, post, shows, start } from "../support/browser.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const axe = readFileSync(here("../../node_modules/axe-core/axe.min.js"), "utf8");
const SETTINGS = {
  "worker.definitions": here("../support/definitions.d"),
  "model.script": here("../support/script.yaml"),
};
const letters = (text) => text.replace(/[^\p{L}]/gu, "");

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());
const open = (url, path, options) => openIn(browser, url, path, options);

/** The texts that the page shows and that are not void, by node, and the states of nodes. */
const shown = (page) =>
  page.evaluate(() => ({
    turns: [...document.querySelectorAll("[data-turn]:not([data-void])")].map((turn) => [turn.dataset.turn, turn.querySelector("[data-said] .markdown") ? turn.querySelector("[data-said]").textContent : ""]),
    nodes: Object.fromEntries([...document.querySelectorAll("[data-node]")].map((node) => [node.dataset.node, node.dataset.state])),
  }));

/** The same as the gateway has it. */
const said = (snapshot) => snapshot.turns.map((turn) => [turn.node_id, letters(`${turn.text?.content ?? ""}${turn.output?.content ?? ""}`)]);

for (const [name, begin] of Object.entries(backends)) {
  describe(`console on ${name}`, { timeout: 280_000 }, () => {
    let runbus;
    let url;
    before(async () => {
      runbus = await begin(name === "embedded" ? { ...SETTINGS, "model.scripted_pace_ms": 12 } : {});
      url = runbus.gateways[0].url;
    });
    after(() => runbus?.stop());

    it("shows the council at work in order, and every position as the gateway has it", async () => {
      const id = await start(url, "council");
      const page = await open(url, `/console/executions/${id}`);
      await shows(page, "completed");

      await page.focus("input[type=range]");
      await page.keyboard.press("Home");
      const last = await page.evaluate(() => Number(document.querySelector("input[type=range]").max));
      await page.waitForSelector("[data-position='0']");
      // Each step is drawn: what works, and in which order, depends on no pace.
      await page.evaluate(() => {
        globalThis.lit = [];
        new MutationObserver(() => {
          const node = document.querySelector("[data-node][data-state=running]")?.dataset.node;
          if (node !== undefined && node !== globalThis.lit.at(-1)) globalThis.lit.push(node);
        }).observe(document.body, { subtree: true, attributeFilter: ["data-state"] });
      });
      let compared = 0;
      for (let position = 0; position <= last; position += 10) {
        await page.waitForSelector(`[data-position='${position}']`);
        await page.evaluate(() => navigator.clipboard.writeText(""));
        await page.click("text=Link");
        const link = await (await page.waitForFunction(async () => (await navigator.clipboard.readText()) || undefined)).jsonValue();
        const at = new URL(link).searchParams.get("at");
        const snapshot = await (await fetch(`${url}/v1/executions/${id}/snapshot?at=${encodeURIComponent(at)}`)).json();
        const { turns, nodes } = await shown(page);
        assert.deepEqual(turns.map(([node, text]) => [node, letters(text)]), said(snapshot), `position ${position}`);
        for (const [node, { state }] of Object.entries(snapshot.nodes)) assert.equal(nodes[node], state, `${node} at ${position}`);
        compared++;
        await page.focus("input[type=range]");
        for (let n = 0; n < 10; n++) await page.keyboard.press("ArrowRight");
      }
      assert.ok(compared > 3);
      assert.deepEqual(await page.evaluate(() => globalThis.lit), ["master_agent", "critic_agent", "master_agent", "critic_agent", "writer_agent"]);
      // The link leads to the same position.
      const at = (await (await fetch(`${url}/v1/executions/${id}/events?limit=20&order=oldest`)).json()).events[5].cursor;
      await page.goto(`${url}/console/executions/${id}?at=${encodeURIComponent(at)}`);
      await page.waitForFunction(() => Number(document.querySelector("[data-position]")?.dataset.position ?? 0) > 0);
      assert.deepEqual(page.faults, []);
      await page.context().close();
    });

    it("takes an approval in one window, and it leaves the other", async () => {
      const id = await start(url, "payer");
      const [one, other] = await Promise.all([open(url, `/console/executions/${id}`), open(url, `/console/executions/${id}`)]);
      await Promise.all([one, other].map((page) => page.waitForSelector("[data-approval]")));
      await one.click("[data-approval] >> text=As a command");
      assert.match(await one.textContent("[data-approval] [data-command=curl]"), /curl -X POST .*\/decision/);
      await one.fill("[data-approval] input", "fine by me");
      await one.click("[data-approval] >> text=Approve");
      await other.waitForSelector("[data-approval]", { state: "detached" });
      await other.waitForSelector("text=fine by me");
      await other.click("[data-question] >> text=blue");
      await Promise.all([one, other].map((page) => shows(page, "completed")));
      assert.deepEqual([...one.faults, ...other.faults], []);
      await Promise.all([one, other].map((page) => page.context().close()));
    });
  });
}

describe("console, when something dies", { timeout: 280_000 }, () => {
  it("strikes out what a killed worker said, and goes on", async () => {
    const runbus = await backends.embedded({ ...SETTINGS, "model.scripted_pace_ms": 300 });
    const [server] = runbus.gateways;
    try {
      const id = await start(server.url, "council");
      const page = await open(server.url, `/console/executions/${id}`);
      await page.waitForFunction(() => document.querySelector("[data-turn=master_agent] [data-said]")?.textContent.includes("database"), undefined, { timeout: 60_000 });
      await server.kill("SIGKILL");
      await page.waitForSelector("text=The gateway does not answer");
      // The shown text stays.
      assert.ok((await page.textContent("[data-turn=master_agent] [data-said]")).includes("database"));
      server.settings["model.scripted_pace_ms"] = 5;
      await server.start();
      await page.waitForSelector("[data-turn=master_agent][data-void=takeover] s[data-said]", { timeout: 60_000 });
      await page.waitForSelector("[data-mark=takeover]");
      await page.waitForSelector(".mark.takeover");
      await shows(page, "completed");
      await page.waitForSelector("text=The gateway does not answer", { state: "detached" });
      assert.deepEqual(page.faults, []);
      await page.context().close();
    } finally {
      await runbus.stop();
    }
  });

  it("goes on with another gateway when its own is killed in mid-stream", async () => {
    // Slow enough to be at work when the page is open, also on a busy machine.
    const runbus = await backends.nats({}, { "model.scripted_pace_ms": 30 });
    const [first, second] = runbus.gateways;
    try {
      // Now each is told of the other.
      await Promise.all([first.kill(), second.kill()]);
      first.settings["gateway.console_gateways"] = second.url;
      second.settings["gateway.allowed_origins"] = first.url;
      await Promise.all([first.start(), second.start()]);
      const id = await start(second.url, "council");
      const page = await open(first.url, `/console/executions/${id}`);
      await page.waitForSelector("[data-turn]");
      await first.kill("SIGKILL");
      await page.waitForSelector("text=goes on with");
      await shows(page, "completed");
      const snapshot = await (await fetch(`${second.url}/v1/executions/${id}/snapshot`)).json();
      const { turns } = await shown(page);
      assert.deepEqual(turns.map(([node, text]) => [node, letters(text)]), said(snapshot));
      await page.context().close();
    } finally {
      await runbus.stop();
    }
  });
});

describe("console, what texts and people may do", { timeout: 280_000 }, () => {
  let runbus;
  let url;
  before(async () => {
    runbus = await backends.embedded(SETTINGS);
    url = runbus.gateways[0].url;
  });
  after(() => runbus?.stop());

  it("draws 20,000 hostile strings inert", async () => {
    const pieces = ["<script>window.hit=1</script>", "<img src=https://e.org/x onerror=window.hit=1>", "[x](javascript:window.hit=1)", "![p](https://e.org/p.png)", "<svg/onload=window.hit=1>", "**", "`", "\n", "> ", "- ", "|a|b|\n|-|-|\n", "</div>", "&lt;b&gt;", "\u202e", "<iframe srcdoc='<script>1</script>'>", "<style>*{display:none}</style>", "text", "_", "[", "]("];
    let state = 7;
    const next = () => (state = (state * 48271) % 2147483647) / 2147483647;
    const text = () => Array.from({ length: 1 + Math.floor(next() * 6) }, () => pieces[Math.floor(next() * pieces.length)]).join("");
    const id = randomUUID();
    for (let n = 0; n < 20; n++) {
      const events = Array.from({ length: 10 }, (_, m) => ({ type: "llm_turn_completed", stream_id: "strangers", node_id: `<b>${m}`, execution_id: id, data: { content: Array.from({ length: 100 }, text).join("\n\n") } }));
      await post(url, "events", { events });
    }
    await post(url, "events", { events: [{ type: "tool_call_completed", stream_id: "strangers", execution_id: id, data: { tool_use_id: text(), tool_name: text(), result: { html: text() }, is_error: true } }, { type: "execution_failed", stream_id: "strangers", execution_id: id, data: { error: { message: text() } } }] });
    const page = await open(url, `/console/executions/${id}`);
    await shows(page, "failed");
    // The latest parts are drawn first.
    await page.waitForFunction(() => document.querySelectorAll("[data-turn]").length >= 200);
    const found = await page.evaluate(() => ({
      hit: window.hit,
      turns: document.querySelectorAll("[data-turn]").length,
      foreign: document.querySelectorAll(".conversation :is(script, img, iframe, style, svg, object, embed, link, form[action])").length,
      links: document.querySelectorAll(".conversation a[href]:not([href^='/console'])").length,
    }));
    assert.deepEqual(found, { hit: undefined, turns: 200, foreign: 0, links: 0 });
    assert.deepEqual(page.faults, []);
    await page.context().close();
  });

  for (const [look, options] of Object.entries({ light: { colorScheme: "light" }, dark: { colorScheme: "dark" }, phone: { colorScheme: "light", viewport: { width: 360, height: 740 } }, wall: { colorScheme: "dark", viewport: { width: 3840, height: 2160 } } })) {
    it(`has views without a serious finding of axe-core: ${look}`, async () => {
      const id = await start(url, "reporter");
      const waits = await start(url, "payer");
      const page = await open(url, "/console/", options);
      for (const [name, path] of Object.entries({
        executions: "/console/executions",
        execution: `/console/executions/${id}`,
        approval: `/console/executions/${waits}`,
        state: `/console/executions/${id}?tab=state`,
        events: `/console/executions/${id}?tab=events`,
        inbox: "/console/inbox",
        sessions: "/console/sessions",
        session: `/console/sessions/${id}`,
        system: "/console/system",
        start: "/console/start",
        compare: `/console/compare?a=${id}&b=${waits}`,
        missing: "/console/nowhere",
      })) {
        await page.goto(url + path);
        if (name === "approval") await page.waitForSelector("[data-approval]");
        else if (path.includes(id)) await page.waitForSelector(`text=${name === "compare" ? "Steps" : "reporter"}`);
        await page.waitForFunction(() => !/Loading…|Reading/.test(document.getElementById("main")?.textContent ?? "Loading…"));
        if (process.env.CONSOLE_TEST_SHOTS) await page.screenshot({ path: `${process.env.CONSOLE_TEST_SHOTS}/real-${name}-${look}.png` });
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
        const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
        assert.deepEqual(serious.map((one) => [one.id, one.nodes[0].html.slice(0, 200), one.nodes[0].failureSummary.slice(0, 300)]), [], name);
        const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(over <= 0, `${name} is ${over} px wider than the screen`);
        assert.deepEqual(page.faults, [], name);
      }
      await page.context().close();
    });
  }
});
