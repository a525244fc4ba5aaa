// Chromium, pages that note what they must never do, and the requests of tests themselves.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { chromium } from "playwright-core";
import { FOLDER_ARGS, fromFolder } from "./bundle.mjs";

export const launch = (args = []) =>
  chromium.launch({ executablePath: process.env.CLIENT_TEST_CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage", ...(process.env.CONSOLE_TEST_DIST ? FOLDER_ARGS : []), ...args] });

/** Notes errors of a page, breaches of its policy, dialogs, requests to others. */
export function watch(page) {
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(String(error.stack)));
  page.on("console", (message) => /Content Security Policy/.test(message.text()) && page.faults.push(message.text()));
  page.on("dialog", (dialog) => (page.faults.push(`a dialog: ${dialog.message()}`), dialog.dismiss()));
  page.on("request", (request) => /^https?:\/\/(?!127\.0\.0\.1)/.test(request.url()) && page.faults.push(`asks ${request.url()}`));
  return page;
}

/** A page of a gateway, in a context of its own. `prepare` gets the context before anything is loaded. */
export async function open(browser, url, path, { prepare, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1300, height: 820 }, reducedMotion: "reduce", permissions: ["clipboard-read", "clipboard-write"], ...options });
  if (process.env.CONSOLE_TEST_DIST) await fromFolder(context);
  await prepare?.(context);
  const page = watch(await context.newPage());
  await page.goto(url + path);
  return page;
}

export async function close(...pages) {
  for (const page of pages) assert.deepEqual(page.faults, []);
  await Promise.all(pages.map((page) => page.context().close()));
}

export async function post(url, path, body, token) {
  const headers = { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) };
  const answer = await fetch(`${url}/v1/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  const text = await answer.text();
  assert.ok(answer.ok, `${path}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

export async function get(url, path, token) {
  const answer = await fetch(`${url}/v1/${path}`, { headers: token ? { authorization: `Bearer ${token}` } : {} });
  return answer.json();
}

/** Starts an execution; gives its id. */
export const start = (url, definition, { token, ...more } = {}) => {
  const execution_id = randomUUID();
  return post(url, "executions", { definition, input: "Explain write-ahead logging.", execution_id, ...more }, token).then(() => execution_id);
};

export const shows = (page, status) => page.waitForFunction((status) => document.title.includes(status), status, { timeout: 60_000 });
