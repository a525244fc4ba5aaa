// The console's figures in Chromium, on a real gateway. `make bench-console`; each figure beside its target.
//
// Environment: CONSOLE_BENCH_ONLY (load, list, events, stream, scrub), CONSOLE_BENCH_ROWS (100000), CONSOLE_BENCH_EVENTS (10000),
// CONSOLE_BENCH_MINUTES (10), CLIENT_TEST_RUNBUS (the program), CLIENT_TEST_CHROMIUM (the browser).
import { randomUUID } from "node:crypto";
import { cpus } from "node:os";
import { chromium } from "playwright-core";
import { backends } from "../../typescript/test/support/runbus.mjs";
import { FOLDER_ARGS, fromFolder, hasConsole, packed } from "../test/support/bundle.mjs";

const ROWS = Number(process.env.CONSOLE_BENCH_ROWS ?? 100_000);
const EVENTS = Number(process.env.CONSOLE_BENCH_EVENTS ?? 10_000);
const MINUTES = Number(process.env.CONSOLE_BENCH_MINUTES ?? 10);
const ONLY = (process.env.CONSOLE_BENCH_ONLY ?? "load,list,events,scrub,stream").split(",");
const TOKENS = 500;
const KIB = 1024;
const wants = (what) => ONLY.includes(what);

const say = (text) => process.stderr.write(`bench-console: ${text}\n`);
const at = (list, share) => list.toSorted((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * share))];
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const lines = [];
/** A line of the table. */
function figure(name, value, target, met) {
  lines.push(`| ${name} | ${value} | ${target} | ${met ? "yes" : "**no**"} |`);
  say(`${name}: ${value} (target: ${target})`);
}

const runbus = await backends.embedded({ "gateway.directory.max_entries": 2_000_000 });
const [{ url }] = runbus.gateways;
const inside = await hasConsole(url);
if (!inside) say("the program has no console inside: pages get it from gateway/console-dist");
const browser = await chromium.launch({ executablePath: process.env.CLIENT_TEST_CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage", ...(inside ? [] : FOLDER_ARGS)] });

async function open(path) {
  const context = await browser.newContext({ viewport: { width: 1300, height: 820 } });
  if (!inside) await fromFolder(context);
  await context.addInitScript(() => {
    // Tasks of more than 50 ms, as the browser counts them.
    globalThis.long = [];
    new PerformanceObserver((list) => globalThis.long.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: "longtask" });
  });
  const page = await context.newPage();
  page.asked = [];
  page.on("request", (request) => page.asked.push(new URL(request.url()).pathname));
  await page.goto(url + path);
  return page;
}

const longTasks = (page) => page.evaluate(() => globalThis.long.splice(0));
const worst = (tasks) => (tasks.length === 0 ? "none over 50 ms" : `${tasks.length} over 50 ms, the longest ${Math.max(...tasks).toFixed(0)} ms`);

async function publish(events) {
  const body = JSON.stringify({ events });
  for (;;) {
    const answer = await fetch(`${url}/v1/events`, { method: "POST", headers: { "content-type": "application/json" }, body });
    const text = await answer.text();
    if (answer.ok) return;
    if (answer.status !== 429 && answer.status !== 503) throw new Error(`${answer.status} ${text}`);
    await pause(1000 * Number(answer.headers.get("retry-after") ?? 1));
  }
}

/** Some at a time: one after the other would measure round trips. */
async function publishAll(events, size = 250, atOnce = 8) {
  const batches = [];
  for (let from = 0; from < events.length; from += size) batches.push(events.slice(from, from + size));
  const worker = async () => {
    for (let batch = batches.shift(); batch; batch = batches.shift()) await publish(batch);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** Waits until the index of the lists has so many. */
async function indexed(count) {
  for (;;) {
    const { counts, counts_exact, complete } = await (await fetch(`${url}/v1/executions?limit=1`)).json();
    const total = Object.values(counts ?? {}).reduce((sum, one) => sum + one, 0);
    if (complete && (total >= count || !counts_exact)) return;
    await pause(500);
  }
}

const WORDS = "a write ahead log is a file to which a database appends every change before it touches its tables ".split(" ");

/** One execution of about `count` events: rounds of text, reasoning and calls. */
function longExecution(count) {
  const execution_id = randomUUID();
  const base = { stream_id: "bench", execution_id };
  const events = [{ ...base, type: "execution_started", data: { input: "x" } }];
  for (let round = 0; events.length < count - 1; round++) {
    const node_id = `node_${round % 4}`;
    const add = (type, data) => events.push({ ...base, node_id, type, data });
    add("node_loop_iteration", { iteration: round + 1 });
    for (let n = 0; n < 12; n++) add(n < 3 ? "llm_reasoning_delta" : "llm_text_delta", { content: `${WORDS.slice(n, n + 6).join(" ")}\n` });
    const call = { tool_use_id: `call-${round}`, tool_name: "look_up" };
    for (let n = 0; n < 4; n++) add("tool_call_delta", { ...call, index: 0, arguments: `"part ${n}",` });
    add("llm_turn_completed", { model: "m", finish_reason: "tool_calls", tool_calls: [{ ...call, arguments: '{"of": "everything"}' }], usage: { prompt_tokens: 900, completion_tokens: 80, total_tokens: 980 } });
    add("tool_call_started", { ...call, tool_input: { of: "everything" } });
    add("tool_call_completed", { ...call, result: { rows: Array.from({ length: 20 }, (_, n) => `row ${n} of ${round}`) }, is_error: false });
  }
  events.push({ ...base, type: "execution_completed", data: { output: "done" } });
  return { execution_id, events };
}

/** Scrolls a box of the page to its end and back, a third of a screen at each frame, and says how smooth that was. */
const scroll = (page, selector, most) =>
  page.evaluate(
    async ([selector, most]) => {
      const box = document.querySelector(selector);
      const until = performance.now() + most;
      let [frames, turns, by] = [0, 0, box.clientHeight / 3];
      // Far jumps, too: half of the frames are spent on them when the box is very high.
      while (performance.now() < until && turns < 2) {
        const before = box.scrollTop;
        const far = box.scrollHeight > box.clientHeight * 600 && frames % 2 === 0;
        box.scrollTop += far ? by * 40 : by;
        if (box.scrollTop === before) {
          by = -by;
          turns++;
        }
        frames++;
        await new Promise(requestAnimationFrame);
      }
      return frames;
    },
    [selector, most],
  );

if (wants("load")) {
  say("the first load");
  await publishAll(Array.from({ length: 1000 }, (_, n) => ({ type: "execution_started", stream_id: "loads", execution_id: randomUUID(), data: { input: `number ${n}` } })));
  await indexed(1000);
  const times = [];
  let first = new Set();
  for (let n = 0; n < 12; n++) {
    const page = await open("/console/executions");
    const shown = await page.waitForFunction(() => document.querySelector("[data-execution]") && performance.now());
    const drawn = await shown.jsonValue();
    // Interactive: a key has an effect.
    await page.keyboard.press("j");
    await page.waitForSelector(".line.at");
    const keyed = await page.evaluate(() => performance.now());
    times.push(Math.max(drawn, keyed));
    if (n === 0) first = new Set(page.asked.filter((path) => path === "/console/executions" || path.startsWith("/console/")));
    await page.context().close();
  }
  const bytes = [...first].reduce((sum, path) => sum + packed(path === "/console/executions" ? "index.html" : path), 0);
  figure("first load, gzip (the files that the browser asked for)", `${(bytes / KIB).toFixed(1)} KiB`, "at most 150 KB", bytes <= 150_000);
  figure("interactive: from the address to a key that works (median, most of 12)", `${at(times, 0.5).toFixed(0)} ms, ${Math.max(...times).toFixed(0)} ms`, "under 1 s", Math.max(...times) < 1000);
}

if (wants("list")) {
  say(`${ROWS} executions into the log`);
  for (let from = 0; from < ROWS; from += 10_000) {
    await publishAll(Array.from({ length: Math.min(10_000, ROWS - from) }, (_, n) => ({ type: "execution_started", stream_id: `stream-${n % 10}`, execution_id: randomUUID(), data: { input: `number ${from + n}` } })));
  }
  await indexed(ROWS);
  const pages = [];
  for (let n = 0; n < 200; n++) {
    const from = performance.now();
    await (await fetch(`${url}/v1/executions?limit=100&counts=true`)).arrayBuffer();
    pages.push(performance.now() - from);
  }
  figure(`first page of the list over HTTP, ${ROWS} executions stored (p99 of 200)`, `${at(pages, 0.99).toFixed(1)} ms`, "p99 under 100 ms", at(pages, 0.99) < 100);
  const page = await open("/console/executions");
  await page.waitForSelector("[data-execution]");
  await longTasks(page);
  say("the list is scrolled to its end, which loads it");
  const count = () => page.evaluate(() => Number(document.querySelector("[aria-rowcount]").getAttribute("aria-rowcount")));
  const until = Date.now() + 300_000;
  while ((await count()) < ROWS && Date.now() < until) {
    await page.evaluate(() => (document.querySelector(".virtual").scrollTop = 1e9));
    await pause(30);
  }
  const loading = await longTasks(page);
  const rows = await count();
  figure(`loading ${rows} rows by scrolling: tasks`, worst(loading), "no task over 50 ms", loading.length === 0 && rows >= ROWS);
  await scroll(page, ".virtual", 20_000);
  const scrolling = await longTasks(page);
  figure(`scrolling a list of ${rows} executions: tasks`, worst(scrolling), "no task over 50 ms", scrolling.length === 0 && rows >= ROWS);
  say("the list changes while it is scrolled");
  const writing = (async () => {
    for (let n = 0; n < 20; n++) {
      await publish([{ type: "execution_started", stream_id: "new", execution_id: randomUUID(), data: { input: `new ${n}` } }]);
      await pause(300);
    }
  })();
  await scroll(page, ".virtual", 6_000);
  await writing;
  const live = await longTasks(page);
  figure(`the same while executions begin: tasks`, worst(live), "no task over 50 ms", live.length === 0);
  await page.context().close();
}

if (wants("events") || wants("scrub")) {
  const { execution_id, events } = longExecution(EVENTS);
  say(`an execution of ${events.length} events`);
  // In order: they are one execution.
  await publishAll(events, 250, 1);
  const page = await open(`/console/executions/${execution_id}`);
  await page.waitForFunction(() => document.title.includes("completed"), undefined, { timeout: 60_000 });
  const opened = await page.evaluate(() => performance.now());
  await pause(500);
  const opening = await longTasks(page);
  if (wants("events")) {
    figure(`opening an execution of ${events.length} events (no target)`, `${opened.toFixed(0)} ms; tasks: ${worst(opening)}`, "", true);
    await scroll(page, ".conversation", 15_000);
    const conversation = await longTasks(page);
    await page.keyboard.press("3");
    await page.waitForSelector(".raw .virtual .event");
    await longTasks(page);
    await scroll(page, ".raw .virtual", 15_000);
    const raw = await longTasks(page);
    const all = [...conversation, ...raw];
    figure(`scrolling one execution with ${events.length} events, conversation and events: tasks`, worst(all), "no task over 50 ms", all.length === 0);
    await page.keyboard.press("1");
  }
  if (wants("scrub")) {
    await page.waitForSelector(".conversation");
    const steps = await page.evaluate(async () => {
      const range = document.querySelector("input[type=range]");
      const times = [];
      const painted = () => new Promise((resolve) => requestAnimationFrame(() => { const { port1, port2 } = new MessageChannel(); port1.onmessage = resolve; port2.postMessage(0); }));
      let state = 7;
      const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
      for (let n = 0; n < 300; n++) {
        // Steps of one, as keys make them, and jumps anywhere, as a mouse does.
        const to = n % 3 === 0 ? Math.floor(random() * Number(range.max)) : Number(range.value) - 1;
        range.value = String(Math.max(0, to));
        const from = performance.now();
        range.dispatchEvent(new Event("input", { bubbles: true }));
        await painted();
        times.push(performance.now() - from);
      }
      return times;
    });
    figure(`scrub step in ${events.length} events, to the painted frame (p50, p95 of ${steps.length})`, `${at(steps, 0.5).toFixed(1)} ms, ${at(steps, 0.95).toFixed(1)} ms`, "p95 under 50 ms", at(steps, 0.95) < 50);
  }
  await page.context().close();
}

if (wants("stream")) {
  const execution_id = randomUUID();
  const base = { stream_id: "bench", execution_id, node_id: "writer" };
  say(`${TOKENS} tokens/s for ${MINUTES} minutes`);
  await publish([{ ...base, node_id: undefined, type: "execution_started", data: { input: "write" } }]);
  const page = await open(`/console/executions/${execution_id}`);
  await page.waitForSelector("[data-mark=started]");
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("Performance.enable");
  const read = async () => Object.fromEntries((await cdp.send("Performance.getMetrics")).metrics.map(({ name, value }) => [name, value]));
  const heap = async () => {
    await cdp.send("HeapProfiler.collectGarbage");
    return (await read()).JSHeapUsedSize / KIB / KIB;
  };
  const begun = performance.now();
  const before = await read();
  const heaps = [];
  let [written, inTurn, busy, since] = [0, 0, before.TaskDuration, begun];
  const shares = [];
  for (let tick = 1; performance.now() - begun < MINUTES * 60_000; tick++) {
    const due = Math.floor(((performance.now() - begun) / 1000) * TOKENS) - written;
    const events = Array.from({ length: due }, (_, n) => ({ ...base, type: "llm_text_delta", data: { content: `${WORDS[(written + n) % WORDS.length]}${(written + n) % 60 === 59 ? ".\n\n" : " "}` } }));
    written += due;
    inTurn += due;
    // A turn of 15,000 tokens: longer than nearly all that models write.
    if (inTurn >= 15_000) {
      events.push({ ...base, type: "llm_turn_completed", data: { model: "m", finish_reason: "stop", usage: { prompt_tokens: 100, completion_tokens: inTurn, total_tokens: 100 + inTurn } } });
      inTurn = 0;
    }
    if (events.length > 0) await publish(events);
    if (tick % 600 === 0) {
      const now = await read();
      shares.push((now.TaskDuration - busy) / ((performance.now() - since) / 1000));
      heaps.push(await heap());
      say(`${(written / TOKENS / 60).toFixed(1)} min: main thread ${(shares.at(-1) * 100).toFixed(1)} %, heap ${heaps.at(-1).toFixed(1)} MiB`);
      // The collection itself is no work of the page.
      [busy, since] = [(await read()).TaskDuration, performance.now()];
    }
    await pause(Math.max(0, begun + tick * 50 - performance.now()));
  }
  await pause(1000);
  heaps.push(await heap());
  const rate = written / ((performance.now() - begun) / 1000);
  const share = shares.length > 0 ? shares.reduce((sum, one) => sum + one, 0) / shares.length : ((await read()).TaskDuration - before.TaskDuration) / ((performance.now() - begun) / 1000);
  const shown = await page.evaluate(() => document.querySelector(".conversation").textContent.length);
  figure(`${rate.toFixed(0)} tokens/s for ${MINUTES} min: main thread (mean, most of a half minute)`, `${(share * 100).toFixed(1)} %, ${(Math.max(share, ...shares) * 100).toFixed(1)} %`, "under 40 % of a core", Math.max(share, ...shares) < 0.4);
  const [early, late] = [heaps[Math.min(1, heaps.length - 1)], heaps.at(-1)];
  figure(`the same: heap behind a collection, early and late (${shown} characters shown)`, `${early.toFixed(1)} MiB, ${late.toFixed(1)} MiB`, "flat", late < early + 12);
  figure("the same: tasks", worst(await longTasks(page)), "", true);
  await page.context().close();
}

console.log(`\n## Console, Chromium ${browser.version()}, Node ${process.versions.node}, ${cpus().length} cores\n`);
console.log(`| figure | measured | target | met |\n|---|---|---|---|\n${lines.join("\n")}`);
console.log("\nAll assets: `make console` prints their sum and fails beyond 350 KiB. First page of the list with 1,000,000 executions stored: `make bench ARGS=lists`.");
await browser.close();
await runbus.stop();
process.exit(0);
