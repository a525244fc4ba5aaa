// Rare things, in a fixed world: huge and broken content, positions that are gone, answers that are lost. And that keys reach everything.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { launch, watch } from "../support/browser.mjs";
import { serve, URL_OF_PAGES } from "./stub.mjs";
import { NOW, council, working } from "./world.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser?.close());

async function open(path, world = {}, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1300, height: 820 }, reducedMotion: "reduce", ...options });
  await serve(context, world);
  const page = watch(await context.newPage());
  await page.clock.setFixedTime(NOW);
  await page.goto(URL_OF_PAGES + path);
  await page.waitForFunction(() => !/Loading…|Reading|Connecting/.test(document.getElementById("main")?.textContent ?? "Loading…"));
  return page;
}

async function close(page) {
  assert.deepEqual(page.faults, []);
  await page.context().close();
}

const [begun] = working.events.slice(1);
let seq = 0;
const event = (type, data, node_id) => ({ ...begun, id: `0195554a-0000-7000-9000-${String(++seq).padStart(12, "0")}`, type, data, seq, cursor: `odd.${seq}`, node_id });

describe("odd content", { timeout: 120_000 }, () => {
  it("is shown folded, with the missing part in bytes, and never as a blank page", async () => {
    seq = 0;
    const events = [
      { type: "gap", requested: "a", first_available: "b", reason: "expired" },
      event("execution_started", { input: "x".repeat(1_000_000) }),
      { type: "undecodable", line: "not json {", reason: "it is no JSON", seq: 2, cursor: "odd.u" },
      event("a_type_of_the_future", { any: { thing: [1, 2, 3] } }),
      event("tool_call_started", { tool_use_id: "t", tool_name: "upload", tool_input: { blob: "y".repeat(1_048_576) } }, "a"),
      event("tool_call_completed", { tool_use_id: "t", tool_name: "upload", result: { truncated: true, bytes: 3_000_000, begins: "z".repeat(5_000) }, is_error: false }, "a"),
      event("llm_turn_completed", { content: 5, tool_calls: "none", usage: [] }, "a"),
      event("execution_failed", { error: { code: "provider_refused", message: "the provider answered with status 500", provider: { status: 500, message: "The server had an error." } } }),
    ];
    const page = await open("/console/executions/run-refund-12", { stored: () => events });
    await page.waitForSelector("text=Events are missing here");
    await page.waitForSelector("text=A line of the log is no event");
    await page.waitForSelector("text=a_type_of_the_future");
    await page.waitForSelector("text=The server had an error.");
    await page.click("[data-call=t] .head");
    await page.waitForSelector("[data-call=t] >> text=/KiB more are here/");
    const shown = await page.evaluate(() => document.querySelector(".conversation").textContent.length);
    assert.ok(shown < 30_000, `${shown} characters are shown unfolded`);
    await page.keyboard.press("3");
    await page.waitForSelector(".raw .event");
    await page.fill("#raw-filter", "upload");
    await page.waitForFunction(() => document.querySelectorAll(".raw .event").length === 2);
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("text=Download NDJSON")]);
    assert.match(download.suggestedFilename(), /run-refund-12\.ndjson$/);
    await close(page);
  });

  it("has the bytes that a gateway cut from a value", async () => {
    const page = await open("/console/inbox");
    await page.waitForSelector("[data-card='run-shell-3@call-9'] >> text=/KiB more are not here/");
    await close(page);
  });

  it("says that retention removed a position, and offers the oldest that is left", async () => {
    const own = ({ path }) => (path.endsWith("/snapshot") ? { status: 400, body: { error: { code: "invalid_argument", message: "this position is not in the log any more", path: "at" } } } : undefined);
    const page = await open("/console/executions/run-council-7?at=long-gone", { own });
    await page.waitForSelector("text=this position is not in the log any more");
    await page.click("text=The oldest position that is left");
    await page.waitForSelector("[data-position='0']");
    assert.equal(new URL(page.url()).search, "");
    await close(page);
  });

  it("asks before a link of a model opens, and loads nothing", async () => {
    seq = 0;
    const page = await open("/console/executions/run-refund-12", { stored: () => [event("execution_started", { input: 1 }), event("llm_turn_completed", { content: "[here](https://example.org/x) ![p](https://example.org/p.png) [no](javascript:alert(1))" }, "a")] });
    await page.click("button.link:has-text('here')");
    await page.waitForSelector("text=Open a link that a model wrote?");
    assert.equal(await page.locator("button.link:has-text('no')").count(), 0);
    await page.keyboard.press("Escape");
    await close(page);
  });

  it("repeats a decision whose answer was lost under the same id, also when it is pressed again", async () => {
    const ids = [];
    const own = ({ method, path, body }) => {
      if (method !== "POST" || !path.endsWith("/decision")) return undefined;
      ids.push(body.decision_id);
      if (ids.length === 1) return "lost";
      if (ids.length === 2) return { status: 400, body: { error: { code: "invalid_argument", message: "not now" } } };
      return { body: { approval_id: "run-refund-12@call-2", status: "approved" } };
    };
    const page = await open("/console/inbox", { own });
    const card = "[data-card='run-refund-12@call-2']";
    await page.click(`${card} >> button:text-is("Approve")`);
    await page.waitForSelector(`${card} >> text=not now`);
    await page.click(`${card} >> button:text-is("Approve")`);
    await page.waitForSelector("text=pay_back is approved");
    assert.deepEqual(ids.length, 3);
    assert.equal(new Set(ids).size, 1);
    await close(page);
  });

  it("keeps filters in the address, and saves them as a view", async () => {
    const page = await open("/console/executions");
    await page.click("[data-status=failed]");
    await page.waitForFunction(() => location.search === "?status=failed");
    await page.waitForFunction(() => document.querySelectorAll("[data-execution]").length === 1);
    await page.click(".filters >> button:has-text('Failed')");
    await page.click("text=Save this view…");
    await page.fill("#confirm-text", "broken ones");
    await page.keyboard.press("Enter");
    await page.click("button:text-is('Clear')");
    await page.waitForFunction(() => document.querySelectorAll("[data-execution]").length === 9);
    await page.click(".filters >> button:has-text('All')");
    await page.click("text=broken ones");
    await page.waitForFunction(() => location.search === "?status=failed");
    await close(page);
  });
});

describe("keys", { timeout: 240_000 }, () => {
  const views = ["/console/executions", "/console/executions/run-council-7", "/console/executions/run-refund-12", "/console/executions/run-council-7?tab=state", "/console/executions/run-refund-12?tab=events", "/console/inbox", "/console/sessions", "/console/sessions/talk-4", "/console/system", "/console/start?definition=refund", "/console/compare?a=run-council-7&b=run-council-8"];
  for (const path of views) {
    it(`reach every control of ${path}, and show where they are`, async () => {
      const page = await open(path);
      await page.waitForTimeout(400);
      // All that can be clicked, but what a group of keys of its own reaches (tabs, radios: tabindex -1).
      const count = await page.evaluate(() => {
        const all = document.querySelectorAll("a[href], button, input, select, textarea, summary, [role=button], [tabindex='0']");
        const wanted = [...all].filter((one) => one.tabIndex >= 0 && !one.disabled && one.checkVisibility({ visibilityProperty: true }) && !one.closest("[inert]"));
        wanted.forEach((one, n) => one.setAttribute("data-wanted", String(n)));
        document.body.focus();
        return wanted.length;
      });
      const reached = new Set();
      const hidden = [];
      for (let n = 0; n < count + 20; n++) {
        await page.keyboard.press("Tab");
        const { id, seen, html } = await page.evaluate(() => {
          const one = document.activeElement;
          const { outlineStyle, outlineWidth, boxShadow, stroke, strokeWidth } = getComputedStyle(one);
          const seen = (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none" || (one instanceof SVGElement && stroke !== "none" && parseFloat(strokeWidth) > 2);
          return { id: one.dataset?.wanted, seen, html: one.outerHTML.slice(0, 120) };
        });
        if (id === undefined) continue;
        reached.add(id);
        if (!seen) hidden.push(html);
      }
      assert.deepEqual(hidden, [], "where the focus is can be seen");
      const missed = await page.evaluate((reached) => [...document.querySelectorAll("[data-wanted]")].filter((one) => !reached.includes(one.dataset.wanted)).map((one) => one.outerHTML.slice(0, 120)), [...reached]);
      assert.deepEqual(missed, []);
      await close(page);
    });
  }
});

describe("positions", { timeout: 120_000 }, () => {
  it("are reached by mouse, by keys and by a link", async () => {
    const { cursor } = council.events.find(({ type }) => type === "node_loop_completed");
    const page = await open(`/console/executions/run-council-7?at=${cursor}`);
    const at = () => page.getAttribute("[data-position]", "data-position").then(Number);
    const linked = await at();
    assert.ok(linked > 0);
    await page.focus("input[type=range]");
    await page.keyboard.press("ArrowLeft");
    assert.equal(await at(), linked - 1);
    const box = await page.locator("input[type=range]").boundingBox();
    await page.mouse.click(box.x + box.width * 0.9, box.y + box.height / 2);
    await page.waitForFunction((linked) => Number(document.querySelector("[data-position]").dataset.position) > linked, linked);
    await close(page);
  });

  it("and the view itself stay when the address gets another tab or filter", async () => {
    const page = await open("/console/executions/run-council-7");
    await page.evaluate(() => (document.querySelector(".execution").dataset.same = "yes"));
    await page.focus("input[type=range]");
    await page.keyboard.press("Home");
    await page.waitForSelector("[data-position='0']");
    await page.click("[role=tab] >> text=State");
    await page.waitForFunction(() => location.search === "?tab=state");
    await page.waitForSelector("dl >> text=Model calls");
    await page.waitForSelector(".execution[data-same=yes] [data-position='0']");
    await close(page);
  });

  it("leave the conversation at its end, and the page as high as the window", async () => {
    const page = await open("/console/executions/run-refund-12");
    await page.waitForFunction(() => {
      const { bottom } = document.querySelector("[data-call=call-3]").getBoundingClientRect();
      return bottom <= document.querySelector(".conversation").getBoundingClientRect().bottom + 1;
    });
    assert.ok((await page.evaluate(() => document.documentElement.scrollHeight)) <= 820);
    await close(page);
  });

  it("mark takeovers and retries, and strike out what became void", async () => {
    const page = await open("/console/executions/run-refund-12");
    await page.waitForSelector("[data-turn=refund][data-void=takeover] s[data-said]");
    await page.waitForSelector("[data-turn=refund][data-void=retry] s[data-said]");
    for (const kind of ["takeover", "retry"]) await page.waitForSelector(`.mark.${kind}`);
    await page.waitForSelector("text=Overloaded");
    await page.click(".mark.takeover");
    const { position } = await page.locator("[data-position]").evaluate((one) => ({ position: Number(one.dataset.position) }));
    await page.waitForFunction((position) => Number(document.querySelector("[data-position]").dataset.position) === position, position);
    await page.waitForSelector("[data-void=retry]", { state: "detached" });
    await close(page);
  });
});
