// People and the console, on real gateways: with a key, in the inbox, by keyboard, with commands, with a file.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { after, before, describe, it } from "node:test";
import { backends, binary } from "../../../typescript/test/support/runbus.mjs";
import { close, get, launch, open as openIn, post, shows, start, watch } from "../support/browser.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const SETTINGS = { "worker.definitions": here("../support/definitions.d"), "model.script": here("../support/script.yaml") };
const letters = (text) => text.replace(/[^\p{L}]/gu, "");

let browser;
let files;
before(async () => {
  browser = await launch();
  files = mkdtempSync(join(tmpdir(), "runbus-console-"));
});
after(async () => {
  await browser?.close();
  rmSync(files, { recursive: true, force: true });
});
const open = (url, path, options) => openIn(browser, url, path, options);

/** The item of an execution in the inbox: its approval, its question. */
const cardOf = (id, what = "approval") => `li[data-card]:has(a[href$="/executions/${id}"]):has([data-${what}])`;

/** Runs a command as the console shows it; `runbus` is the program under test. */
function shell(text, env = {}) {
  const { status, stdout, stderr } = spawnSync("bash", ["-c", `runbus() { "$RUNBUS_PROGRAM" "$@"; }\n${text}`], {
    cwd: files,
    encoding: "utf8",
    timeout: 60_000,
    env: { PATH: process.env.PATH, RUNBUS_PROGRAM: binary, ...env },
  });
  assert.equal(status, 0, `${text}\n${stdout}${stderr}`);
  return stdout;
}

const command = async (page, within, name = "runbus") => {
  const fold = page.locator(`${within} summary:text-is("As a command")`);
  if ((await page.locator(`${within} [data-command=${name}]`).count()) === 0) await fold.click();
  return page.locator(`${within} [data-command=${name}]`).first().textContent();
};

const KEYS = { ann: "key-of-ann-0123456789abcdef0123456789abcd", ben: "key-of-ben-0123456789abcdef0123456789abcd", eve: "key-of-eve-0123456789abcdef0123456789abcd" };
const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const { eve, ...rest } = {
  ann: { sha256: sha256(KEYS.ann), scopes: ["*", "admin"] },
  ben: { sha256: sha256(KEYS.ben), scopes: ["*"] },
  eve: { sha256: sha256(KEYS.eve), scopes: ["read"] },
};
const withoutEve = JSON.stringify(rest);
const AUTH = {
  "auth.mode": "required",
  "auth.api_keys": JSON.stringify({ ...rest, eve }),
  "auth.stream_tokens.secret": "a-secret-of-tests-0123456789abcdef0123456789",
};

describe("console, where a key is asked for", { timeout: 280_000 }, () => {
  let runbus;
  let url;
  before(async () => {
    runbus = await backends.embedded({ ...SETTINGS, ...AUTH });
    url = runbus.gateways[0].url;
  });
  after(() => runbus?.stop());

  async function enter(page, key) {
    await page.fill("#credential", key);
    await page.keyboard.press("Enter");
    await page.waitForSelector("#credential", { state: "detached" });
  }

  it("asks for a key, keeps it in memory, and sends tokens made from it", async () => {
    const id = await start(url, "reporter", { token: KEYS.ann });
    const page = await open(url, `/console/executions/${id}`);
    await page.waitForSelector("text=This gateway asks who you are");
    await page.fill("#credential", "no-key-at-all");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.getElementById("credential-wrong")?.textContent);
    const sent = [];
    page.on("request", (request) => sent.push([new URL(request.url()).pathname, request.headers().authorization ?? ""]));
    await enter(page, KEYS.ann);
    await shows(page, "completed");
    assert.equal(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage })), "{}");
    // The key itself makes tokens and asks what only an administrator may; all else goes with a token.
    const withKey = sent.filter(([, said]) => said.includes(KEYS.ann)).map(([path]) => path);
    assert.deepEqual([...new Set(withKey)].filter((path) => !/\/v1\/(auth\/tokens|stats|dead-letters)$/.test(path)), []);
    assert.equal(new URL(page.url()).pathname, `/console/executions/${id}`);
    // A load forgets it; kept for the tab it stays.
    await page.reload();
    await page.waitForSelector("#credential");
    await page.check("text=Keep it for this tab");
    await enter(page, KEYS.ann);
    await page.reload();
    await shows(page, "completed");
    await close(page);
  });

  it("offers nothing that a key may not do, and asks again after 401 without leaving the view", async () => {
    const id = await start(url, "payer", { token: KEYS.ann });
    const page = await open(url, `/console/executions/${id}`);
    await enter(page, KEYS.eve);
    await page.waitForSelector("text=Your key may not decide this.");
    for (const action of ["Approve", "Cancel", "Pause", "Start"]) assert.equal(await page.locator(`button:text-is("${action}"), a:text-is("${action}")`).count(), 0, action);
    await page.click("text=State");
    await page.waitForFunction(() => location.search === "?tab=state");
    await page.evaluate(() => (globalThis.sameLoad = true));
    // The key is taken away.
    const [server] = runbus.gateways;
    await server.kill();
    server.settings["auth.api_keys"] = withoutEve;
    // Tokens that were made from it count no more either.
    server.settings["auth.stream_tokens.secret"] = "another-secret-of-tests-0123456789abcdef01234567";
    await server.start();
    await page.waitForSelector("#credential");
    await enter(page, KEYS.ben);
    await page.waitForSelector("dl >> text=Model calls");
    await page.waitForSelector("header.top >> button:text-is('Cancel')");
    assert.deepEqual([await page.evaluate(() => globalThis.sameLoad), new URL(page.url()).search], [true, "?tab=state"]);
    await close(page);
  });

  it("takes an item from every inbox when it is decided, with the name of the one who did", async () => {
    const id = await start(url, "payer", { token: KEYS.ann });
    const [ann, ben] = await Promise.all([open(url, "/console/inbox"), open(url, "/console/inbox")]);
    await enter(ann, KEYS.ann);
    await enter(ben, KEYS.ben);
    const card = cardOf(id);
    await Promise.all([ann, ben].map((page) => page.waitForSelector(card)));
    await ben.waitForFunction(() => /^\(\d+\)/.test(document.title));
    await ann.fill(`${card} input.note`, "not that much");
    await ann.click(`${card} >> button:text-is("Reject")`);
    await ben.waitForSelector(card, { state: "detached" });
    await ben.waitForSelector("text=calculator was rejected by key/ann: “not that much”");
    await close(ann, ben);
  });

  it("shows the standing decision to the one who comes second", async () => {
    const id = await start(url, "payer", { token: KEYS.ann });
    // This page hears of no change: it is as late as a page can be.
    const ben = await open(url, "/console/inbox", {
      prepare: (context) =>
        context.routeWebSocket(/\/v1\/ws$/, (socket) => {
          const server = socket.connectToServer();
          socket.onMessage((text) => server.send(text));
          server.onMessage((text) => !String(text).includes('"list_changes"') && socket.send(text));
        }),
    });
    await until(async () => (await get(url, `approvals?execution_id=${id}`, KEYS.ann)).approvals?.length === 1);
    await enter(ben, KEYS.ben);
    const card = cardOf(id);
    await ben.waitForSelector(card);
    const approval = await ben.getAttribute(card, "data-card");
    await post(url, `approvals/${encodeURIComponent(approval)}/decision`, { approved: true, note: "go on" }, KEYS.ann);
    await ben.click(`${card} >> button:text-is("Reject")`);
    await ben.waitForSelector("text=Somebody was first: it was approved by key/ann: “go on”.");
    await close(ben);
  });
});

async function until(what) {
  const deadline = Date.now() + 30_000;
  while (!(await what())) {
    assert.ok(Date.now() < deadline, String(what));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe("console, what people do", { timeout: 280_000 }, () => {
  let runbus;
  let url;
  before(async () => {
    runbus = await backends.embedded({ ...SETTINGS, "model.scripted_pace_ms": 5 });
    url = runbus.gateways[0].url;
  });
  after(() => runbus?.stop());

  it("shows commands that do what its buttons do", async () => {
    const page = await open(url, "/console/start?definition=payer");
    await page.fill("#input", "It's 5 o'clock: pay $HOME `now`");
    await page.click("text=Session, stream, labels");
    await page.fill("#labels", "team=a b");
    const [id] = shell(await command(page, "form")).split(" ");
    const started = (await get(url, `executions/${id}/events?types=execution_started`)).events;
    await until(async () => (await get(url, `executions/${id}/events?types=execution_started`)).events.length === 1 || started.length === 1);
    const [{ data }] = (await get(url, `executions/${id}/events?types=execution_started`)).events;
    assert.equal(data.input, "It's 5 o'clock: pay $HOME `now`");
    const curl = JSON.parse(shell(await command(page, "form", "curl")));
    assert.equal(curl.created, true);

    await page.goto(`${url}/console/executions/${id}`);
    await page.waitForSelector("[data-approval]");
    await page.click('[data-approval] >> text=Edit arguments');
    await page.fill("[data-approval] textarea", '{"expression": "7 + 1"}');
    shell(await command(page, "[data-approval]"));
    await page.waitForSelector("text=with other arguments");
    await page.waitForSelector("[data-question] >> text=blue");
    shell(await command(page, ".answer", "curl"));
    await shows(page, "completed");
    const calls = (await get(url, `executions/${id}/events?types=tool_call_completed`)).events;
    assert.ok(calls.some((one) => JSON.stringify(one.data.result).includes("8")), JSON.stringify(calls));

    // The other one: paused, resumed, cancelled.
    await page.goto(`${url}/console/executions/${curl.execution_id}`);
    await page.waitForSelector("[data-approval]");
    for (const [button, sign] of [["Pause", "paused"], ["Go on", "Goes on"], ["Cancel", "cancelled"]]) {
      await page.click(`header.top >> button:text-is("${button}")`);
      await page.waitForSelector("[role=dialog]");
      if (button !== "Go on") await page.fill("#confirm-text", "a reason");
      shell(await command(page, "[role=dialog]", button === "Pause" ? "curl" : "runbus"));
      await page.keyboard.press("Escape");
      await page.waitForFunction((sign) => document.body.textContent.toLowerCase().includes(sign.toLowerCase()), sign, { timeout: 30_000 });
    }
    await shows(page, "cancelled");
    const reasons = (await get(url, `executions/${curl.execution_id}/events`)).events.map((one) => one.data.reason);
    assert.ok(reasons.filter((one) => one === "a reason").length >= 2, JSON.stringify(reasons));
    await close(page);
  });

  it("repeats a start whose answer was lost under the same id: one execution begins", async () => {
    const page = await open(url, "/console/start?definition=reporter");
    const ids = [];
    await page.route("**/v1/executions", async (route) => {
      if (route.request().method() !== "POST") return route.continue();
      ids.push(route.request().postDataJSON().execution_id);
      if (ids.length > 1) return route.continue();
      await route.fetch();
      return route.abort("connectionreset");
    });
    await page.fill("#input", "only once");
    await page.click("button:text-is('Start')");
    await shows(page, "completed");
    assert.deepEqual(new Set(ids).size, 1);
    assert.ok(ids.length > 1);
    const { executions } = await get(url, "executions?text=only%20once");
    assert.deepEqual(executions.map((one) => one.execution_id), [ids[0]]);
    await close(page);
  });

  it("runs an execution again with edited input, and compares both", async () => {
    const id = await start(url, "reporter", { input: "the first one" });
    const page = await open(url, `/console/executions/${id}`);
    await shows(page, "completed");
    await page.click("text=More");
    await page.click("text=Run again with edited input…");
    await page.waitForFunction(() => document.getElementById("input")?.value === "the first one");
    await page.fill("#input", "the second one");
    await page.click("button:text-is('Start')");
    await page.waitForURL((address) => /executions\/(?!.*from)/.test(address.pathname) && !address.pathname.includes(id));
    await shows(page, "completed");
    const second = new URL(page.url()).pathname.split("/").at(-1);
    await page.goto(`${url}/console/compare?a=${id}&b=${second}`);
    await page.waitForSelector("text=Input: different");
    await page.waitForSelector("text=Output: the same");
    await close(page);
  });

  it("shows a call as it is written, and strikes it out when the model is asked again", async () => {
    const id = randomUUID();
    const base = { stream_id: "strangers", execution_id: id, node_id: "writer" };
    const piece = (text) => ({ ...base, type: "tool_call_delta", data: { index: 0, tool_use_id: "t", tool_name: "send_letter", arguments: text } });
    await post(url, "events", { events: [{ ...base, type: "execution_started", data: { input: 1 } }, piece('{"to": "an')] });
    const page = await open(url, `/console/executions/${id}`);
    await page.waitForFunction(() => document.querySelector("[data-written]")?.textContent === '{"to": "an');
    await post(url, "events", { events: [piece('n@exam')] });
    await page.waitForFunction(() => document.querySelector("[data-written]")?.textContent === '{"to": "ann@exam');
    await post(url, "events", { events: [{ ...base, type: "llm_retry", data: { error: { message: "the line broke" }, next_try: 2 } }, piece('{"to": "bob"}')] });
    await page.waitForSelector("[data-call=t][data-void=retry]");
    await page.waitForFunction(() => document.querySelector("[data-call=t]:not([data-void]) [data-written]")?.textContent === '{"to": "bob"}');
    await post(url, "events", { events: [{ ...base, type: "llm_turn_completed", data: { tool_calls: [{ tool_use_id: "t", tool_name: "send_letter", arguments: '{"to": "bob"}' }] } }] });
    await page.waitForSelector("[data-call=t][data-state=requested]");
    await close(page);
  });

  it("checks edited arguments by the tool's schema before it sends them", async () => {
    const id = await start(url, "payer");
    const page = await open(url, "/console/inbox");
    const card = cardOf(id);
    await page.click(`${card} >> text=Edit arguments`);
    await page.fill(`${card} textarea`, '{"expression": 5}');
    await page.waitForSelector(`${card} .wrong li`);
    assert.ok(await page.isDisabled(`${card} >> button:text-is("Approve with these")`));
    await page.fill(`${card} textarea`, '{"expression": "5 + 5"}');
    await page.waitForSelector(`${card} .wrong li`, { state: "detached" });
    await page.click(`${card} >> button:text-is("Approve with these")`);
    await page.waitForSelector(card, { state: "detached" });
    const [decided] = (await get(url, `executions/${id}/events?types=tool_approval_decided`)).events;
    assert.deepEqual(decided.data.arguments, { expression: "5 + 5" });
    await close(page);
  });

  it("decides and answers several at once, and cancels several with their count", async () => {
    const ids = await Promise.all([1, 2, 3].map(() => start(url, "payer")));
    const page = await open(url, "/console/inbox");
    for (const id of ids) await page.check(`${cardOf(id)} input[type=checkbox]`);
    await page.click('button:text-is("Approve 3")');
    await page.waitForSelector("text=Approve 3 calls?");
    await page.click('[role=dialog] >> button:text-is("Approve 3 calls")');
    const asked = (id) => cardOf(id, "question");
    for (const id of ids) await page.waitForSelector(asked(id));
    for (const id of ids.slice(0, 2)) await page.check(`${asked(id)} input[type=checkbox]`);
    await page.click('button:text-is("Answer 2")');
    await page.fill("#confirm-text", "red");
    await page.click('[role=dialog] >> button:text-is("Answer 2 questions")');
    for (const id of ids.slice(0, 2)) await until(async () => (await get(url, `executions/${id}`)).status === "completed");

    const more = await Promise.all([1, 2].map(() => start(url, "payer")));
    await page.goto(`${url}/console/executions?status=waiting_for_approval,waiting_for_input`);
    for (const id of more) await page.check(`[data-execution="${id}"] input[type=checkbox]`);
    await page.click('button:text-is("Cancel 2")');
    await page.waitForSelector("text=Cancel 2 executions?");
    await page.click('[role=dialog] >> button:text-is("Cancel 2 executions")');
    for (const id of more) await until(async () => (await get(url, `executions/${id}`)).status === "cancelled");
    await page.goto(`${url}/console/executions?status=cancelled`);
    for (const id of more) await page.check(`[data-execution="${id}"] input[type=checkbox]`);
    await page.click('button:text-is("Retry 2")');
    await page.click('[role=dialog] >> button:text-is("Retry 2 executions")');
    await page.waitForSelector("text=2 of 2 executions started again");
    await close(page);
  });

  it("exports one file that replays without a server", async () => {
    const id = await start(url, "council");
    const page = await open(url, `/console/executions/${id}`);
    await shows(page, "completed");
    await page.click("text=More");
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("text=Export as one HTML file")]);
    const path = join(files, "council.html");
    await download.saveAs(path);
    assert.ok(!/src=|href="http/.test(readFileSync(path, "utf8").split("</head>")[0]));
    const context = await browser.newContext({ offline: true, reducedMotion: "reduce" });
    const replay = watch(await context.newPage());
    const asked = [];
    replay.on("request", (request) => asked.push(request.url()));
    await replay.goto(pathToFileURL(path).href);
    await replay.waitForSelector("[data-turn=writer_agent]");
    const said = async (one) => letters(await one.textContent("[data-turn=writer_agent] [data-said]"));
    assert.equal(await said(replay), await said(page));
    await replay.focus("input[type=range]");
    await replay.keyboard.press("Home");
    await replay.waitForSelector("[data-turn]", { state: "detached" });
    // It plays from there to the end by itself.
    await replay.selectOption("#speed", "50");
    await replay.click("button[aria-label=Replay]");
    await replay.waitForSelector("[data-turn=writer_agent]", { timeout: 60_000 });
    assert.deepEqual(asked.filter((one) => !one.startsWith("file:")), []);
    await close(page, replay);
  });

  it("is used by keyboard alone", async () => {
    const id = await start(url, "payer");
    const page = await open(url, "/console/");
    const press = async (...keys) => {
      for (const key of keys) await page.keyboard.press(key);
    };
    /** Tab, until what has the focus is this. */
    const reach = async (selector) => {
      for (let n = 0; n < 80; n++) {
        if (await page.evaluate((selector) => document.activeElement?.matches(selector), selector)) return;
        await press("Tab");
      }
      assert.fail(`Tab never reaches ${selector}`);
    };
    await page.waitForSelector(`[data-execution="${id}"]`);
    await press("j", "Enter");
    await page.waitForURL("**/console/executions/*");
    await page.goto(`${url}/console/executions/${id}`);
    await page.waitForSelector("[data-approval]");
    // A node of the graph, a span of the time line, a position, another tab, back.
    await reach("[data-node] .box");
    await press("Enter");
    await page.waitForSelector("text=Only payer is shown");
    await press("Enter");
    await reach(".timeline .scroll");
    await press("ArrowDown", "Enter");
    await page.waitForSelector(".timeline .chosen");
    await page.waitForSelector(".live:not(.on)");
    await press("End", "2");
    await page.waitForSelector("dl >> text=Model calls");
    await press("1");
    await reach("[data-approval] input.note");
    await page.keyboard.type("by hand");
    await reach("[data-approval] .button.primary");
    await press("Enter");
    await page.waitForSelector("text=by hand");
    await page.waitForSelector("[data-question] .choice");
    await page.evaluate(() => document.activeElement.blur());
    await press("g", "i");
    await page.waitForURL("**/console/inbox");
    await reach(`${cardOf(id, "question")} .choice`);
    await press("Enter");
    await until(async () => (await get(url, `executions/${id}`)).status === "completed");
    await page.evaluate(() => document.activeElement.blur());
    await press("g", "n");
    await page.waitForURL("**/console/start");
    await reach("#definition");
    await press("Control+a");
    await page.keyboard.type("reporter");
    await reach("#input");
    await page.keyboard.type("by keyboard");
    await reach("form .button.primary");
    await press("Enter");
    await shows(page, "completed");
    await press("?");
    await page.waitForSelector("[role=dialog] >> text=Keys");
    await press("Escape");
    await close(page);
  });

  it("shows who else watches, and sends words to a session", async () => {
    const id = await start(url, "reporter");
    const [one, other] = await Promise.all([open(url, `/console/executions/${id}`), open(url, `/console/executions/${id}`)]);
    await Promise.all([one, other].map((page) => page.waitForFunction(() => Number(document.querySelector("[data-watchers]")?.textContent) >= 4)));
    await close(other);
    await one.waitForFunction(() => Number(document.querySelector("[data-watchers]")?.textContent) < 4);
    await one.goto(`${url}/console/sessions/${id}`);
    await one.waitForSelector("[data-role=assistant]");
    await one.fill("#say", "And again?");
    shell(await command(one, "form"));
    await one.waitForFunction(() => document.querySelectorAll("[data-role=assistant]").length === 2, undefined, { timeout: 30_000 });
    await one.click("button:text-is('Send')");
    await one.waitForFunction(() => document.querySelectorAll("[data-role=assistant]").length === 3, undefined, { timeout: 30_000 });
    await close(one);
  });
});
